"""AWS inside this process: moto's server is handed each request as the WSGI application that it is; no socket opens.

What moto does not do as S3 does, the tests answer themselves (`answering`): a conditional completion, full-object
checksums of multipart uploads, RFC 2047 metadata, lost answers, throttling.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from stillmotion.aws.client import AwsClient
from stillmotion.aws.settings import AwsSettings

REGION = "eu-central-1"
TABLE = "jobs"
NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)

SETTINGS = AwsSettings(
    region=REGION,
    access_key_id="AKIDEXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token="session/token+==",
)


@dataclass
class Wire(httpx.BaseTransport):
    """Passes requests on and remembers them; `before` and `after` the server, a test may answer or fail."""

    server: httpx.BaseTransport
    requests: list[httpx.Request] = field(default_factory=list)
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _request: None
    after: Callable[[httpx.Request], httpx.Response | None] = lambda _request: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        instead = self.before(request)
        if instead is not None:
            return instead
        response = self.server.handle_request(request)
        return self.after(request) or response

    def operations(self) -> list[str]:
        """The JSON operations that were called, in order."""
        return [request.headers.get("x-amz-target", "").rpartition(".")[2] for request in self.requests]


def lose_once(operation: str) -> Callable[[httpx.Request], httpx.Response | None]:
    """Loses the first answer to an operation: the server has carried it out."""
    lost: list[httpx.Request] = []

    def after(request: httpx.Request) -> httpx.Response | None:
        if operation in (request.method, request.headers.get("x-amz-target", "").rpartition(".")[2]) and not lost:
            lost.append(request)
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return None

    return after


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> httpx.Response:
    """A response as it comes from the network: its body not yet read."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


def refusal(code: str, status: int = 400, **members: Any) -> httpx.Response:
    """A refusal in the JSON protocol."""
    return answer(status, httpx.Response(status, json={"__type": f"com.amazonaws#{code}", **members}).content)


def markup(code: str, status: int) -> httpx.Response:
    """A refusal in S3's XML."""
    return answer(status, f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


def answering(handle: Callable[[httpx.Request], httpx.Response], pauses: list[float] | None = None) -> AwsClient:
    """A client whose every request this function answers."""
    kept = pauses if pauses is not None else []
    return client_over(httpx.MockTransport(handle), pause=kept.append)


def client_over(
    transport: httpx.BaseTransport, *, settings: AwsSettings = SETTINGS, pause: Callable[[float], None] | None = None
) -> AwsClient:
    http = httpx.Client(transport=transport)
    return AwsClient(settings, http, now=lambda: NOW, pause=pause or (lambda _seconds: None), draw=lambda: 1.0)


@dataclass
class StoppedClock:
    """A clock that a test moves."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **time: float) -> None:
        self.at += timedelta(**time)


class Moto(httpx.BaseTransport):
    """Moto's server as a transport. It is told the path as it was sent, as it would be over a socket."""

    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        sent: bytes = request.extensions.get("target", request.url.raw_path)

        def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            # PEP 3333 wants the path's bytes as latin-1; httpx gives its characters.
            path = {"PATH_INFO": environ["PATH_INFO"].encode().decode("latin-1"), "RAW_URI": sent.decode("ascii")}
            answered: Iterable[bytes] = self._application(environ | path, start_response)
            return answered

        return httpx.WSGITransport(application).handle_request(request)
