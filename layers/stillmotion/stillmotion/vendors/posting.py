"""POSTs to the addresses that callers name for their webhooks.

The rules are those of pictures and videos (`addresses`, `downloads`): the public internet by https, connected to the
very address that was checked. Redirects are not followed, and no more of an answer is read than its status.
"""

import ssl
from collections.abc import Callable, Sequence
from contextlib import closing
from time import monotonic

import httpcore

from stillmotion.domain.hosts import IpAddress
from stillmotion.ports.egress import FetchFailed, Undelivered, WebhookMessage
from stillmotion.vendors.addresses import AddressRules, ForbiddenAddress, Target
from stillmotion.vendors.deadlines import Deadline
from stillmotion.vendors.downloads import GuardedNetwork, Resolve, resolve
from stillmotion.vendors.pictures import NOT_PUBLIC, within

# A receiver has to say that it has it, not to have worked on it.
OVERALL_SECONDS = 10.0
CONNECT_SECONDS = 3.0

_HEADERS = (
    ("User-Agent", "stillmotion"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("Content-Type", "application/json"),
    ("Connection", "close"),
)


class HttpPoster:
    """A `ports.egress.Poster` over https; over http for `local_origins` alone, as in `AddressRules`.

    `trust` gives the TLS context, when a first https connection needs it.
    """

    def __init__(
        self,
        *,
        local_origins: Sequence[str] = (),
        trust: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context,
        resolve: Resolve = resolve,
        seconds: Callable[[], float] = monotonic,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._rules = AddressRules(local_origins=local_origins)
        self._trust = trust
        self._resolve = resolve
        self._seconds = seconds
        self._network = network

    def post(self, url: str, message: WebhookMessage) -> int:
        """The status of the answer. Raises Undelivered; within 10 seconds in all."""
        try:
            target = self._rules.target(url)
        except ForbiddenAddress as error:
            raise Undelivered(f"The address {NOT_PUBLIC}.", for_good=True) from error
        try:
            return self._post(target, message, Deadline(OVERALL_SECONDS, self._seconds))
        except FetchFailed as error:
            # A name that is unknown, or that leads to a private address, may be mended; it reads the same.
            raise Undelivered(f"The address {NOT_PUBLIC}.") from error
        except httpcore.TimeoutException as error:
            raise Undelivered(f"No answer came within {OVERALL_SECONDS:g} seconds.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Undelivered("The connection failed.") from error

    def _post(self, target: Target, message: WebhookMessage, deadline: Deadline) -> int:
        def resolve_in_time(host: str) -> Sequence[IpAddress]:
            return within(deadline.within(None, httpcore.ConnectTimeout), lambda: self._resolve(host))

        network = GuardedNetwork(target, resolve_in_time, deadline, self._network or httpcore.SyncBackend())
        pool = httpcore.ConnectionPool(
            ssl_context=self._trust() if target.scheme == "https" else None, max_connections=1, network_backend=network
        )
        address = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        timeout = {"connect": CONNECT_SECONDS, "read": OVERALL_SECONDS, "write": OVERALL_SECONDS}
        headers = [*_HEADERS, *message.headers.items()]
        sending = pool.stream("POST", address, headers=headers, content=message.body, extensions={"timeout": timeout})
        with closing(pool), sending as response:
            return response.status
