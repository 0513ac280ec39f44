"""Pictures, fetched from the addresses that callers name.

A caller may name any address, so the rules are those of videos (`addresses`, `client`), and the answer tells less:
whether a name is unknown, forbidden or private reads the same. Nothing of the caller's goes along: no key, no cookie.
"""

import ssl
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

import httpcore

from stillmotion.domain.images import MAX_BYTES
from stillmotion.egress.addresses import NOT_PUBLIC, AddressRules, ForbiddenAddress, Target
from stillmotion.egress.client import REDIRECTS, GuardedClient, Resolve, header, resolve
from stillmotion.egress.deadlines import Deadline
from stillmotion.ports.egress import FetchFailed, PictureUnreachable

# A server that is there at all connects within a second or two, and begins to answer soon after.
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
MAX_REDIRECTS = 3


_OK = 200
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
        self._seconds = seconds
        self._client = GuardedClient(trust, resolve, network)

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
        timeout = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
        with self._client.exchange("GET", target, deadline, headers=_HEADERS, timeout=timeout) as response:
            if response.status in REDIRECTS:
                return header(response, b"location") or ""
            if response.status != _OK:
                raise PictureUnreachable(f"could not be fetched: its server answers with status {response.status}")
            if (header(response, b"content-encoding") or "identity").lower() != "identity":
                raise PictureUnreachable("could not be fetched: its server compresses it, though asked not to")
            return self._body(response)

    def _body(self, response: httpcore.Response) -> bytes:
        announced = header(response, b"content-length") or ""
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
