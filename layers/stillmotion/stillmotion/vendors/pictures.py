"""Pictures, fetched from the addresses that callers name.

A caller may name any address, so the rules are those of videos (`addresses`, `downloads`), and the answer tells less:
whether a name is unknown, forbidden or private reads the same. Nothing of the caller's goes along: no key, no cookie.
"""

import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

import httpcore

from stillmotion.domain.hosts import IpAddress
from stillmotion.domain.images import MAX_BYTES
from stillmotion.ports.egress import FetchFailed, PictureUnreachable
from stillmotion.vendors.addresses import AddressRules, ForbiddenAddress, Target
from stillmotion.vendors.deadlines import Deadline
from stillmotion.vendors.downloads import GuardedNetwork, Resolve, resolve

# A server that is there at all connects within a second or two, and begins to answer soon after.
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
MAX_REDIRECTS = 3

NOT_PUBLIC = "must be an https:// address (port 443, no user info) that the public internet knows and can reach"

_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = (
    ("User-Agent", "stillmotion"),
    ("Accept", "image/jpeg, image/png, image/webp"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)


class HttpPictures:
    """A `ports.egress.Pictures` over https; over http for `local_origins` alone, as in `AddressRules`.

    `trust` gives the TLS context, when a first https connection needs it.
    """

    def __init__(
        self,
        *,
        local_origins: Sequence[str] = (),
        max_bytes: int = MAX_BYTES,
        trust: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context,
        resolve: Resolve = resolve,
        seconds: Callable[[], float] = monotonic,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._rules = AddressRules(local_origins=local_origins)
        self._max_bytes = max_bytes
        self._trust = trust
        self._resolve = resolve
        self._seconds = seconds
        self._network = network

    def check(self, url: str) -> None:
        """Raises PictureUnreachable."""
        self._target(url, None)

    def fetch(self, url: str, seconds: float) -> bytes:
        """Raises PictureUnreachable."""
        deadline = Deadline(seconds, self._seconds)
        target: Target | None = None
        for _ in range(MAX_REDIRECTS + 1):
            target = self._target(url, target)
            try:
                found = self._get(target, deadline)
            except FetchFailed as error:
                raise PictureUnreachable(NOT_PUBLIC) from error
            except httpcore.TimeoutException as error:
                raise PictureUnreachable("could not be fetched: its server is too slow") from error
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                raise PictureUnreachable("could not be fetched: its server does not answer as it should") from error
            if isinstance(found, bytes):
                return found
            url = found
        raise PictureUnreachable(f"could not be fetched: it hides behind more than {MAX_REDIRECTS} redirects")

    def _target(self, url: str, base: Target | None) -> Target:
        try:
            return self._rules.target(url, base)
        except ForbiddenAddress as error:
            raise PictureUnreachable(NOT_PUBLIC) from error

    def _get(self, target: Target, deadline: Deadline) -> bytes | str:
        """The picture, or the URL that it is said to have moved to."""

        def resolve_in_time(host: str) -> Sequence[IpAddress]:
            return within(deadline.within(None, httpcore.ConnectTimeout), lambda: self._resolve(host))

        network = GuardedNetwork(target, resolve_in_time, deadline, self._network or httpcore.SyncBackend())
        address = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        timeout = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
        context = self._trust() if target.scheme == "https" else None
        pool = httpcore.ConnectionPool(ssl_context=context, max_connections=1, network_backend=network)
        with closing(pool), pool.stream("GET", address, headers=_HEADERS, extensions={"timeout": timeout}) as response:
            if response.status in _REDIRECTS:
                return _header(response, b"location")
            if response.status != _OK:
                raise PictureUnreachable(f"could not be fetched: its server answers with status {response.status}")
            if (_header(response, b"content-encoding") or "identity").lower() != "identity":
                raise PictureUnreachable("could not be fetched: its server compresses it, though asked not to")
            return self._body(response)

    def _body(self, response: httpcore.Response) -> bytes:
        announced = _header(response, b"content-length")
        self._refuse_beyond(int(announced) if announced.isdecimal() else 0)
        body = bytearray()
        assert isinstance(response.stream, Iterable)  # noqa: S101 - it is not an asynchronous one
        for chunk in response.stream:
            self._refuse_beyond(len(body) + len(chunk))
            body += chunk
        return bytes(body)

    def _refuse_beyond(self, length: int) -> None:
        if length > self._max_bytes:
            raise PictureUnreachable(f"must be at most {self._max_bytes} bytes")


def within(seconds: float, look_up: Callable[[], Sequence[IpAddress]]) -> Sequence[IpAddress]:
    """What a look-up gives, if it does so in time. Raises TimeoutError, and whatever OSError it raises.

    The look-up of a name cannot be interrupted, only be left alone: whoever answers for a name may be slow on purpose.
    """
    answers: SimpleQueue[Sequence[IpAddress] | OSError | ValueError] = SimpleQueue()

    def look() -> None:
        try:
            answers.put(look_up())
        except (OSError, ValueError) as error:
            answers.put(error)

    Thread(target=look, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty as error:
        raise TimeoutError("the name was not looked up in time") from error
    if isinstance(answer, (OSError, ValueError)):
        raise answer
    return answer


def _header(response: httpcore.Response, name: bytes) -> str:
    """A header's first value, empty where there is none."""
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")
