"""A body that breaks off on the network is fetched again, whichever layer below boto3 notices it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.objects import S3ObjectStore

BODY = bytes(range(100))


class Breaking(BaseHTTPRequestHandler):
    """Closes the connection in the midst of the first body."""

    protocol_version = "HTTP/1.1"
    calls: list[str]

    def do_GET(self) -> None:
        self.calls.append(self.path)
        self.send_response(206)
        self.send_header("Content-Length", str(len(BODY)))
        self.send_header("Content-Range", f"bytes 0-99/{len(BODY)}")
        self.send_header("ETag", '"e"')
        self.end_headers()
        if len(self.calls) == 1:
            self.wfile.write(BODY[:40])
            self.close_connection = True
        else:
            self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Says nothing."""


@pytest.fixture
def breaking() -> Iterator[tuple[str, list[str]]]:
    calls: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Server", (Breaking,), {"calls": calls}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", calls
    server.shutdown()
    server.server_close()


def test_a_body_that_breaks_off_on_the_network_is_fetched_again(breaking: tuple[str, list[str]]) -> None:
    origin, calls = breaking
    clients = AwsClients(boto3.Session("key", "secret", region_name="eu-central-1"), endpoint_url=origin)

    assert S3ObjectStore(clients).read("photos", "a", length=100) == BODY
    assert len(calls) == 2
