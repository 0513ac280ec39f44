"""An internet in memory: names, servers, and a book of everybody who was connected to."""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore

from stillmotion.domain.hosts import IpAddress
from stillmotion.egress.pictures import HttpPictures

PUBLIC = "93.184.216.34"
PIECE = 1000


def answer(status: int, body: bytes = b"", **headers: object) -> bytes:
    """An answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} -", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "content_length" not in headers and "transfer_encoding" not in headers:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Connection(httpcore.MockStream):
    """Serves an answer in pieces, each of which takes `seconds_a_piece`."""

    def __init__(self, web: "Web", pieces: Iterable[bytes]) -> None:
        super().__init__(list(pieces))
        self._web = web

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._web.now += self._web.seconds_a_piece
        piece = super().read(max_bytes, timeout)
        self._web.received += len(piece)
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._web.sent += buffer

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del ssl_context, timeout
        self._web.server_names.append(server_hostname)
        return self


class Web(httpcore.NetworkBackend):
    """An answer for each connection, in order, and what each name resolves to: the first time, the second, and on.

    A name that is not in `names` is somewhere public.
    """

    def __init__(
        self,
        *answers: bytes,
        names: Mapping[str, Sequence[Sequence[str]]] | None = None,
        unreachable: Sequence[str] = (),
        seconds_a_piece: float = 0,
    ) -> None:
        self.answers = list(answers)
        self.names = {name: list(addresses) for name, addresses in (names or {}).items()}
        self.unreachable = unreachable
        self.seconds_a_piece = seconds_a_piece
        self.now = 0.0
        self.asked: list[str] = []
        self.connections: list[tuple[str, int]] = []
        self.server_names: list[str | None] = []
        self.sent = b""
        self.received = 0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        del timeout, local_address, socket_options
        self.connections.append((host, port))
        if host in self.unreachable:
            raise httpcore.ConnectError("unreachable")
        served = self.answers.pop(0)
        return Connection(self, [served[start : start + PIECE] for start in range(0, len(served), PIECE)])

    def resolve(self, host: str) -> list[IpAddress]:
        self.asked.append(host)
        found = self.names.get(host, [[PUBLIC]])
        addresses = found.pop(0) if len(found) > 1 else found[0]
        if not addresses:
            raise OSError("no such name")
        return [ip_address(address) for address in addresses]

    def pictures(self, **settings: Any) -> HttpPictures:
        """What fetches from here."""
        return HttpPictures(
            trust=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            network=self,
            **{"resolve": self.resolve, "seconds": lambda: self.now, **settings},
        )
