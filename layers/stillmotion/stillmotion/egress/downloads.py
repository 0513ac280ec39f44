"""Videos, streamed from where a vendor serves them."""

import ssl
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import monotonic

import httpcore

from stillmotion.domain.failures import FailureKind
from stillmotion.egress.addresses import AddressRules, ForbiddenAddress, Target
from stillmotion.egress.client import REDIRECTS, GuardedClient, Resolve, header, resolve
from stillmotion.egress.deadlines import Deadline
from stillmotion.ports.egress import FetchFailed

# A CDN that is there at all connects within milliseconds; a second address is tried after this.
CONNECT_SECONDS = 5.0
# A CDN that fetches the file from its own origin first may be silent for a while.
READ_SECONDS = 30.0
# For the whole download, below the 900 s that a function can run, with time left for what follows it.
OVERALL_SECONDS = 720.0
MAX_BYTES = 5_000_000_000
MAX_REDIRECTS = 5

_OK = 200
_GONE = frozenset({403, 404, 410})
_HEADERS = (
    ("User-Agent", "stillmotion"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "identity"),
    ("Connection", "close"),
)


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
        self._seconds = seconds
        self._client = GuardedClient(trust, resolve, network)

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
            if response.status not in REDIRECTS:
                return HttpDownload(response, target.host, deadline, self._max_bytes)
            url = header(response, b"location") or ""
            hop.close()
            if not url:
                raise FetchFailed(FailureKind.UNAVAILABLE, f"{target.host} redirects to nowhere")
        raise FetchFailed(FailureKind.UNAVAILABLE, f"the video hides behind more than {MAX_REDIRECTS} redirects")

    def _get(self, target: Target, deadline: Deadline, opened: ExitStack) -> httpcore.Response:
        timeout = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
        exchange = self._client.exchange(
            "GET", target, deadline, headers=_HEADERS, timeout=timeout, resolve_in_time=False
        )
        with _translated(target.host):
            return opened.enter_context(exchange)


class HttpDownload:
    """A body under way, as a `ports.egress.Download`. Raises FetchFailed for an answer that has none."""

    def __init__(self, response: httpcore.Response, host: str, deadline: "Deadline", max_bytes: int) -> None:
        if response.status in _GONE:
            raise FetchFailed(FailureKind.EXPIRED, f"{host} no longer has the video: status {response.status}")
        if response.status != _OK:
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} answered with status {response.status}")
        if (header(response, b"content-encoding") or "identity").lower() != "identity":
            raise FetchFailed(FailureKind.UNAVAILABLE, f"{host} compressed the video, though asked not to")
        length = header(response, b"content-length")
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


@contextmanager
def _translated(host: str) -> Generator[None]:
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise FetchFailed(FailureKind.UNAVAILABLE, f"{host}: {type(error).__name__}: {error}"[:300]) from error
