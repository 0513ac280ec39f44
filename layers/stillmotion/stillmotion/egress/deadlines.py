"""One deadline over everything that an exchange does.

A time-out of a socket begins anew with each byte that comes: a server that drips outlasts it. Here each step gets the
shorter of its own time-out and what is left of the whole, down at the connection, where also a head that drips is seen.
The one thing left out is the look-up of a name, which cannot be interrupted.
"""

import ssl
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import httpcore

# A backend writes a piece until all of it has gone, with its time-out for each step.
PIECE_BYTES = 64 * 1024
READ_BYTES = 256 * 1024
"""How much a read takes at most: four times what httpcore asks for costs a large video a tenth less CPU."""


class Deadline:
    """When an exchange has to be over."""

    def __init__(self, overall_seconds: float, seconds: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._overall_seconds = overall_seconds
        self._end = seconds() + overall_seconds

    def within(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
        """The shorter of a time-out and what is left, in seconds. Raises `late` when nothing is."""
        left = self._end - self._seconds()
        if left <= 0:
            raise late(f"it was not over within {self._overall_seconds:g} seconds")
        return left if timeout is None else min(left, timeout)


class TimedNetwork(httpcore.NetworkBackend):
    """Connects, and stays connected, until the deadline."""

    def __init__(self, deadline: Deadline, network: httpcore.NetworkBackend | None = None) -> None:
        self._deadline = deadline
        self._network = network or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        within = self._deadline.within(timeout, httpcore.ConnectTimeout)
        stream = self._network.connect_tcp(host, port, within, local_address, socket_options)
        return TimedStream(stream, self._deadline)


class TimedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends by the deadline, so that no drip of bytes outlasts it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max(max_bytes, READ_BYTES), self._deadline.within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE_BYTES):
            within = self._deadline.within(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + PIECE_BYTES], within)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, within), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        return self._stream.get_extra_info(info)
