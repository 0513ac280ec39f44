"""The downloader over real sockets of this machine: streaming, breaking, dripping, and whom TLS trusts."""

import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stillmotion.domain.failures import FailureKind
from stillmotion.egress.client import resolve
from stillmotion.egress.downloads import HttpDownloader
from stillmotion.ports.egress import FetchFailed

pytestmark = pytest.mark.enable_socket

HOST = "cdn.example"
PUBLIC = ip_address("93.184.216.34")
FILM = bytes(range(256)) * 4096
Peer = Callable[[socket.socket, threading.Event], None]


class Server:
    """Treats each connection to a port of this machine as `peer` does; `context` makes it speak TLS."""

    def __init__(self, peer: Peer, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._peer = peer
        self._context = context
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(5)
            # Clients hang up in the middle here: that is what is tested.
            try:
                with self._spoken(connection) as spoken:
                    spoken.recv(65_536)
                    self._peer(spoken, self._stop)
            except OSError:
                connection.close()

    def _spoken(self, connection: socket.socket) -> socket.socket:
        return connection if self._context is None else self._context.wrap_socket(connection, server_side=True)

    def close(self) -> None:
        self._stop.set()
        # A listener that is only closed goes on blocking its accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)


class Loopback(httpcore.SyncBackend):
    """Takes every connection to a server of this machine instead; whom it was meant for is kept."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.meant_for: list[tuple[str, int]] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.meant_for.append((host, port))
        return super().connect_tcp("127.0.0.1", self.port, timeout, local_address, socket_options)


def serving_film(connection: socket.socket, _stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(FILM) + FILM)


def breaking_off(connection: socket.socket, _stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(FILM) + FILM[:1000])


def hanging_up(connection: socket.socket, _stop: threading.Event) -> None:
    connection.close()


def dripping_body(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(FILM))
    while not stop.wait(0.01):
        connection.sendall(b"x")


def dripping_headers(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        if stop.wait(0.01):
            return
        connection.sendall(b"X-%d: x\r\n" % number)


def silent(_connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(10)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers, and stops them after the test."""
    servers: list[Server] = []

    def started(peer: Peer, context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(peer, context))
        return servers[-1]

    yield started
    for server in servers:
        server.close()


def local(server: Server, **settings: Any) -> HttpDownloader:
    return HttpDownloader(local_origins=[f"http://127.0.0.1:{server.port}"], **settings)


def fetch(downloads: HttpDownloader, url: str) -> bytes:
    with downloads.open(url) as download:
        return b"".join(download.chunks())


def failure(downloads: HttpDownloader, url: str) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        fetch(downloads, url)
    return caught.value


def test_a_local_vendor_serves_a_video(serve: Callable[..., Server]) -> None:
    server = serve(serving_film)
    assert fetch(local(server), f"http://127.0.0.1:{server.port}/v.mp4") == FILM


def test_a_local_vendor_that_was_not_named_is_not_connected_to(serve: Callable[..., Server]) -> None:
    server, other = serve(serving_film), serve(serving_film)
    assert failure(local(server), f"http://127.0.0.1:{other.port}/v.mp4").kind is FailureKind.UNAVAILABLE
    assert failure(local(server), f"http://localhost:{server.port}/v.mp4").kind is FailureKind.UNAVAILABLE
    assert (server.connections, other.connections) == (0, 0)


def test_a_local_vendor_may_not_send_elsewhere_on_this_machine(serve: Callable[..., Server]) -> None:
    other = serve(serving_film)
    redirect = b"HTTP/1.1 302 -\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:%d/v.mp4\r\n\r\n" % other.port
    server = serve(lambda connection, _stop: connection.sendall(redirect))
    assert failure(local(server), f"http://127.0.0.1:{server.port}/v.mp4").kind is FailureKind.UNAVAILABLE
    assert (server.connections, other.connections) == (1, 0)


@pytest.mark.parametrize("peer", [breaking_off, hanging_up])
def test_a_connection_that_ends_too_early_is_unavailable(serve: Callable[..., Server], peer: Peer) -> None:
    server = serve(peer)
    assert failure(local(server), f"http://127.0.0.1:{server.port}/v.mp4").kind is FailureKind.UNAVAILABLE


@pytest.mark.parametrize("peer", [dripping_body, dripping_headers, silent])
def test_no_drip_outlasts_the_time_for_the_whole(serve: Callable[..., Server], peer: Peer) -> None:
    server = serve(peer)
    found = failure(local(server, overall_seconds=0.2), f"http://127.0.0.1:{server.port}/v.mp4")
    assert found.kind is FailureKind.UNAVAILABLE


def test_a_closed_port_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert failure(HttpDownloader(local_origins=[origin]), f"{origin}/v.mp4").kind is FailureKind.UNAVAILABLE


def test_localhost_resolves_to_this_machine() -> None:
    assert {address.is_loopback for address in resolve("localhost")} == {True}


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for HOST, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "cdn.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def asked_names() -> list[str | None]:
    """The names that clients asked the TLS server for."""
    return []


@pytest.fixture
def tls_server(serve: Callable[..., Server], certificate: Path, asked_names: list[str | None]) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _connection, name, _context: asked_names.append(name)
    return serve(serving_film, context)


def over_tls(network: Loopback, trusted: Path | None) -> HttpDownloader:
    return HttpDownloader(
        trust=lambda: ssl.create_default_context(cafile=trusted),
        resolve=lambda _host: [PUBLIC],
        network=network,
    )


def test_tls_verifies_the_name_while_the_checked_address_is_connected_to(
    tls_server: Server, certificate: Path, asked_names: list[str | None]
) -> None:
    network = Loopback(tls_server.port)
    assert fetch(over_tls(network, certificate), f"https://{HOST}/v.mp4") == FILM
    assert network.meant_for == [(str(PUBLIC), 443)]
    assert asked_names == [HOST]


def test_tls_refuses_a_certificate_for_another_name(tls_server: Server, certificate: Path) -> None:
    found = failure(over_tls(Loopback(tls_server.port), certificate), "https://other.example/v.mp4")
    assert "CERTIFICATE_VERIFY_FAILED" in str(found)


def test_tls_refuses_a_certificate_that_nobody_vouches_for(tls_server: Server) -> None:
    found = failure(over_tls(Loopback(tls_server.port), None), f"https://{HOST}/v.mp4")
    assert "CERTIFICATE_VERIFY_FAILED" in str(found)


def test_tls_is_verified_unless_another_context_is_given(tls_server: Server) -> None:
    downloads = HttpDownloader(resolve=lambda _host: [PUBLIC], network=Loopback(tls_server.port))
    assert "CERTIFICATE_VERIFY_FAILED" in str(failure(downloads, f"https://{HOST}/v.mp4"))
