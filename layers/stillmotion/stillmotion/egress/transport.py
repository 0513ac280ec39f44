"""httpx's requests and answers, carried by httpcore over a connection of their own.

httpx's own transport does the same, but has no place to put a network under it.
"""

import ssl
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager

import httpcore
import httpx

# What an error proves hangs on its type: connecting, or later. One that is not listed counts as later.
_ERRORS: Mapping[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
}


class NetworkTransport(httpx.BaseTransport):
    """One exchange: one connection, no proxy, no repetition. Raises httpx's errors."""

    def __init__(self, context: ssl.SSLContext, network: httpcore.NetworkBackend) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=context, max_connections=1, network_backend=network)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _translated():
            response = self._pool.handle_request(sent)
        assert isinstance(response.stream, Iterable)  # noqa: S101 - it is not an asynchronous one
        return httpx.Response(status_code=response.status, headers=response.headers, stream=_Body(response.stream))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """A body under way; the pool that it comes through closes its connection."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._stream


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise _ERRORS.get(type(error), httpx.ReadError)(str(error)) from error
