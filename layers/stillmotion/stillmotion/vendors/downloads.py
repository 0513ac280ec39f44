"""Videos, streamed from where a vendor serves them.

httpcore is used below httpx, for its network backend is the one place where an address can be checked and connected to
in one step: the name is resolved once, and what was checked is what is connected to, so a name that resolves to
something else a moment later gains nothing. TLS still verifies the name. No proxy of the environment comes between.
"""

import socket
import ssl
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from time import monotonic
from typing import Any

import httpcore

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.hosts import IpAddress, is_public, literal
from stillmotion.ports.egress import FetchFailed
from stillmotion.vendors.addresses import AddressRules, ForbiddenAddress, Target
from stillmotion.vendors.deadlines import Deadline, TimedStream

Resolve = Callable[[str], Sequence[IpAddress]]

# A CDN that is there at all connects within milliseconds; a second address is tried after this.
CONNECT_SECONDS = 5.0
# A CDN that fetches the file from its own origin first may be silent for a while.
READ_SECONDS = 30.0
# For the whole download, below the 900 s that a function can run, with time left for what follows it.
OVERALL_SECONDS = 720.0
MAX_BYTES = 5_000_000_000
MAX_REDIRECTS = 5
MAX_ADDRESSES = 4

_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({403, 404, 410})
_HEADERS = (
    ("User-Agent", "stillmotion"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)


def resolve(host: str) -> list[IpAddress]:
    """The addresses of a name, of the families that this machine has. Raises OSError."""
    found = socket.getaddrinfo(
        host, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_ADDRCONFIG
    )
    return [ip_address(address[0]) for *_, address in found]


class HttpDownloader:
    """A `ports.egress.Downloader` over https; over http for `local_origins` alone.

    `allowed_hosts` and `local_origins` are those of `AddressRules`. `overall_seconds` bounds a download as a whole,
    redirects included, and `max_bytes` its size. `trust` gives the TLS context, when a first https connection needs it.
    """

    def __init__(
        self,
        *,
        allowed_hosts: Sequence[str] = (),
        local_origins: Sequence[str] = (),
        overall_seconds: float = OVERALL_SECONDS,
        max_bytes: int = MAX_BYTES,
        trust: Callable[[], ssl.SSLContext] = httpcore.default_ssl_context,
        resolve: Resolve = resolve,
        seconds: Callable[[], float] = monotonic,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._rules = AddressRules(allowed_hosts, local_origins)
        self._overall_seconds = overall_seconds
        self._max_bytes = max_bytes
        self._trust = trust
        self._resolve = resolve
        self._seconds = seconds
        self._network = network

    @contextmanager
    def open(self, url: str) -> Iterator["HttpDownload"]:
        """Raises FetchFailed, also for an address that it may not fetch."""
        deadline = Deadline(self._overall_seconds, self._seconds)
        with ExitStack() as opened:
            yield self._follow(url, deadline, opened)

    def _follow(self, url: str, deadline: Deadline, opened: ExitStack) -> "HttpDownload":
        target: Target | None = None
        for _ in range(MAX_REDIRECTS + 1):
            try:
                target = self._rules.target(url, target)
            except ForbiddenAddress as error:
                raise FetchFailed(FailureKind.UNAVAILABLE, str(error)) from error
            hop = opened.enter_context(ExitStack())
            response = self._get(target, deadline, hop)
            if response.status not in _REDIRECTS:
                return HttpDownload(response, target.host, deadline, self._max_bytes)
            url = _header(response, b"location") or ""
            hop.close()
            if not url:
                raise FetchFailed(FailureKind.UNAVAILABLE, f"{target.host} redirects to nowhere")
        raise FetchFailed(FailureKind.UNAVAILABLE, f"the video hides behind more than {MAX_REDIRECTS} redirects")

    def _get(self, target: Target, deadline: Deadline, opened: ExitStack) -> httpcore.Response:
        pool = httpcore.ConnectionPool(
            ssl_context=self._trust() if target.scheme == "https" else None,
            max_connections=1,
            network_backend=GuardedNetwork(target, self._resolve, deadline, self._network or httpcore.SyncBackend()),
        )
        opened.callback(pool.close)
        timeout = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
        address = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        with _translated(target.host):
            return opened.enter_context(pool.stream("GET", address, headers=_HEADERS, extensions={"timeout": timeout}))


class HttpDownload:
    """A body under way, as a `ports.egress.Download`. Raises FetchFailed for an answer that has none."""

    def __init__(self, response: httpcore.Response, host: str, deadline: "Deadline", max_bytes: int) -> None:
        if response.status in _GONE:
            raise FetchFailed(FailureKind.EXPIRED, f"{host} no longer has the video: status {response.status}")
        if response.status != _OK:
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} answered with status {response.status}")
        if (_header(response, b"content-encoding") or "identity").lower() != "identity":
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} compressed the video, though asked not to")
        length = _header(response, b"content-length")
        self.content_length = int(length) if length is not None and length.isdecimal() else None
        self._response = response
        self._host = host
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._refuse_beyond(self.content_length or 0)

    def chunks(self) -> Iterator[bytes]:
        """Pieces of at most `deadlines.READ_BYTES`. Raises FetchFailed."""
        received = 0
        body = self._response.stream
        assert isinstance(body, Iterable)  # noqa: S101 - it is not an asynchronous one
        with _translated(self._host):
            for chunk in body:
                received += len(chunk)
                self._refuse_beyond(received)
                yield chunk

    def _refuse_beyond(self, length: int) -> None:
        if length > self._max_bytes:
            raise FetchFailed(FailureKind.CORRUPT_VIDEO, f"{self._host} sends more than {self._max_bytes} bytes")


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to one target: to an address that it has checked itself, and until the deadline."""

    def __init__(self, target: Target, resolve: Resolve, deadline: Deadline, network: httpcore.NetworkBackend) -> None:
        self._target = target
        self._resolve = resolve
        self._deadline = deadline
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host):
            within = self._deadline.within(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._network.connect_tcp(address, port, within, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str) -> list[str]:
        """Every address of the host, the same way for a name as for an address that is written as one."""
        address = literal(host)
        try:
            addresses = self._resolve(host) if address is None else [address]
        except (OSError, ValueError) as error:
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} has no address") from error
        if not self._target.local and not all(is_public(address) for address in addresses):
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} is not on the public internet")
        return [str(address) for address in addresses[:MAX_ADDRESSES]]


def _header(response: httpcore.Response, name: bytes) -> str | None:
    values = [value for key, value in response.headers if key.lower() == name]
    return values[0].decode("latin-1") if values else None


@contextmanager
def _translated(host: str) -> Generator[None]:
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise FetchFailed(FailureKind.UNAVAILABLE, f"{host}: {type(error).__name__}: {error}"[:300]) from error
