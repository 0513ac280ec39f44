"""POSTs to the addresses that callers name for their webhooks.

The rules are those of pictures and videos (`addresses`, `client`): the public internet by https, connected to the
very address that was checked. Redirects are not followed, and no more of an answer is read than its status.
"""

import ssl
from collections.abc import Callable, Sequence
from time import monotonic

import httpcore

from stillmotion.egress.addresses import NOT_PUBLIC, AddressRules, ForbiddenAddress, Target
from stillmotion.egress.client import GuardedClient, Resolve, resolve
from stillmotion.egress.deadlines import Deadline
from stillmotion.ports.egress import FetchFailed, Undelivered, WebhookMessage

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
        self._seconds = seconds
        self._client = GuardedClient(trust, resolve, network)

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
        timeout = {"connect": CONNECT_SECONDS, "read": OVERALL_SECONDS, "write": OVERALL_SECONDS}
        headers = [*_HEADERS, *message.headers.items()]
        with self._client.exchange(
            "POST", target, deadline, headers=headers, timeout=timeout, content=message.body
        ) as response:
            return response.status
