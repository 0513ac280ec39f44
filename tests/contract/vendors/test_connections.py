"""What real sockets do, and what that proves: the ledger rests on it.

the port is closed, or no TLS comes about        NotSent
accepted, and closed before or after reading     Unanswered
answered, and kept alive                         a new connection for the next exchange all the same
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from stillmotion.ports.vendor import Accepted, Envelope, NotSent, ReadFailed, Running, Unanswered
from stillmotion.vendors.wavespeed import WaveSpeedVendor
from stillmotion.vendors.wire import Wire

pytestmark = pytest.mark.enable_socket

ENVELOPE = Envelope("/api/v3/luma/ray-2-flash-i2v?webhook=https%3A%2F%2Fa.test%2Fh", '{"prompt":"Löwe"}')
TASK = b'{"code":200,"data":{"id":"t1","status":"created"}}'
ACCEPTED = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n%s" % (len(TASK), TASK)
Peer = Callable[[socket.socket], None]


class Server:
    """Listens on a port of this machine and treats each connection as `peer` does; counts them."""

    def __init__(self, peer: Peer) -> None:
        self.connections = 0
        self.received: list[bytes] = []
        self._peer = peer
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
            with connection:
                connection.settimeout(5)
                self._peer(connection)

    def close(self) -> None:
        # A listener that is only closed goes on blocking its accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)


@pytest.fixture
def serving() -> Iterator[Callable[[Peer], Server]]:
    """Starts servers, and stops them after the test."""
    servers: list[Server] = []

    def serve(peer: Peer) -> Server:
        servers.append(Server(peer))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def vendor(port: int, scheme: str = "http") -> WaveSpeedVendor:
    return WaveSpeedVendor(f"{scheme}://127.0.0.1:{port}", lambda: "ws_0123456789abcdef")


def received(connection: socket.socket) -> bytes:
    """One whole request, head and body."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(65_536)
    head, _, body = request.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def closing_at_once(connection: socket.socket) -> None:
    del connection


def resetting(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closing_after_reading(connection: socket.socket) -> None:
    received(connection)


def resetting_after_reading(connection: socket.socket) -> None:
    received(connection)
    resetting(connection)


def closing_within_the_head(connection: socket.socket) -> None:
    received(connection)
    connection.sendall(ACCEPTED[:40])


def closing_within_the_body(connection: socket.socket) -> None:
    received(connection)
    connection.sendall(ACCEPTED[:-5])


def speaking_another_protocol(connection: socket.socket) -> None:
    received(connection)
    connection.sendall(b"220 mail.test ESMTP\r\n")


def answering(connection: socket.socket) -> None:
    """Answers, and keeps the connection open until the other side closes it."""
    received(connection)
    connection.sendall(ACCEPTED)
    connection.recv(1)


def redirecting(connection: socket.socket) -> None:
    received(connection)
    port = connection.getsockname()[1]
    connection.sendall(
        f"HTTP/1.1 307 Temporary\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n".encode()
    )


def test_a_closed_port_proves_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    submission = vendor(port).submit(ENVELOPE, "key")
    assert isinstance(submission, NotSent)
    assert "ConnectError" in submission.detail


def test_a_handshake_that_fails_proves_that_nothing_was_sent(serving: Callable[[Peer], Server]) -> None:
    def no_tls(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serving(no_tls)
    assert isinstance(vendor(server.port, "https").submit(ENVELOPE, "key"), NotSent)
    assert server.connections == 1


@pytest.mark.parametrize(
    "peer",
    [
        closing_at_once,
        closing_after_reading,
        resetting_after_reading,
        closing_within_the_head,
        closing_within_the_body,
        speaking_another_protocol,
    ],
)
def test_a_connection_that_ends_without_an_answer_is_unanswered_and_not_tried_again(
    peer: Peer, serving: Callable[[Peer], Server]
) -> None:
    server = serving(peer)
    submission = vendor(server.port).submit(ENVELOPE, "key")
    assert isinstance(submission, Unanswered)
    assert submission.resendable is False
    assert server.connections == 1


def test_a_reset_proves_that_nothing_was_sent_only_while_connecting(serving: Callable[[Peer], Server]) -> None:
    # Which of the two it is depends on when the reset arrives: before the connection is made, or after.
    server = serving(resetting)
    submission = vendor(server.port).submit(ENVELOPE, "key")
    assert isinstance(submission, NotSent if "ConnectError" in str(submission) else Unanswered)
    assert server.connections == 1


def test_every_exchange_has_a_connection_of_its_own(serving: Callable[[Peer], Server]) -> None:
    server = serving(answering)
    wavespeed = vendor(server.port)
    assert wavespeed.submit(ENVELOPE, "key") == Accepted(generation_id="t1", vendor_status="created")
    assert wavespeed.submit(ENVELOPE, "key") == Accepted(generation_id="t1", vendor_status="created")
    assert wavespeed.read("t1") == Running(vendor_status="created")
    assert server.connections == 3


def dripping(answer: bytes, end: threading.Event) -> Peer:
    """Sends a byte each 20 ms, which is well within any time-out for a single read."""

    def drip(connection: socket.socket) -> None:
        received(connection)
        try:
            for index in range(len(answer)):
                connection.sendall(answer[index : index + 1])
                if end.wait(0.02):
                    return
        except OSError:
            # The other side has given up, as it should.
            return

    return drip


def reading_nothing(end: threading.Event) -> Peer:
    def wait(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        end.wait(5)

    return wait


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """Lets every peer go when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def hasty(port: int, seconds: float) -> Wire:
    return Wire(
        f"http://127.0.0.1:{port}",
        lambda: "ws_0123456789abcdef",
        key_header="Authorization",
        exchange_seconds=seconds,
        status_seconds=seconds,
    )


SLOW_HEAD = b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 1000
SLOW_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000


@pytest.mark.parametrize("answer", [SLOW_HEAD, SLOW_BODY], ids=["head", "body"])
def test_an_answer_that_drips_is_unanswered_when_the_time_for_the_whole_is_over(
    answer: bytes, serving: Callable[[Peer], Server], end: threading.Event
) -> None:
    server = serving(dripping(answer, end))
    begun = time.monotonic()
    submission = hasty(server.port, 0.2).submit(ENVELOPE, {}, resendable=False)
    assert time.monotonic() - begun < 2
    assert isinstance(submission, Unanswered)
    assert "ReadTimeout" in submission.detail
    assert server.connections == 1


def test_a_status_that_drips_is_a_failed_read(serving: Callable[[Peer], Server], end: threading.Event) -> None:
    with pytest.raises(ReadFailed, match="ReadTimeout"):
        hasty(serving(dripping(SLOW_BODY, end)).port, 0.2).get("/status")


def test_an_image_that_is_not_read_is_given_up_when_the_time_for_the_whole_is_over(
    serving: Callable[[Peer], Server], end: threading.Event
) -> None:
    port = serving(reading_nothing(end)).port
    begun = time.monotonic()
    with pytest.raises(ReadFailed, match="WriteTimeout"):
        hasty(port, 0.2).put(f"http://127.0.0.1:{port}/image", {}, bytes(20_000_000))
    assert time.monotonic() - begun < 2


def test_an_image_is_put_where_the_vendor_itself_is_though_that_is_this_machine(
    serving: Callable[[Peer], Server],
) -> None:
    server = serving(answering)
    assert hasty(server.port, 5).put(f"http://127.0.0.1:{server.port}/image", {}, b"image").is_success
    assert server.connections == 1


def test_an_image_is_put_to_no_name_that_leads_to_this_machine() -> None:
    with pytest.raises(ReadFailed, match="localhost is not on the public internet"):
        hasty(4000, 5).put("https://localhost/image", {}, b"image")


def test_when_no_time_is_left_to_connect_nothing_was_sent(serving: Callable[[Peer], Server]) -> None:
    server = serving(answering)
    submission = hasty(server.port, 0).submit(ENVELOPE, {}, resendable=False)
    assert isinstance(submission, NotSent)
    assert server.connections == 0


def test_a_redirect_is_not_followed(serving: Callable[[Peer], Server]) -> None:
    server = serving(redirecting)
    submission = vendor(server.port).submit(ENVELOPE, "key")
    assert submission == Unanswered(detail="HTTP 307", resendable=False)
    with pytest.raises(ReadFailed, match="HTTP 307"):
        vendor(server.port).read("t1")
    assert server.connections == 2


def test_the_envelope_arrives_byte_for_byte(serving: Callable[[Peer], Server]) -> None:
    requests: list[bytes] = []

    def recording(connection: socket.socket) -> None:
        requests.append(received(connection))
        connection.sendall(ACCEPTED)

    vendor(serving(recording).port).submit(ENVELOPE, "key")
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == f"POST {ENVELOPE.path} HTTP/1.1".encode()
    assert b"connection: close" in head.lower()
    assert body == ENVELOPE.body.encode()


def test_a_proxy_of_the_environment_is_not_used(
    serving: Callable[[Peer], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serving(answering), serving(answering)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    vendor(server.port).submit(ENVELOPE, "key")
    assert (proxy.connections, server.connections) == (0, 1)
