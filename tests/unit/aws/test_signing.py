"""Signatures are those that botocore makes, by its own encoding of the same keys; and what is signed is what is sent.

botocore's own signers are taken by name: where awscrt is installed, its clients would sign by that instead.
"""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import httpcore
import httpx
import msgspec
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from tests.unit.aws.wire import NOW, REGION, SETTINGS

from stillmotion.aws.buckets import place
from stillmotion.aws.client import AwsClient
from stillmotion.aws.objects import S3ObjectStore
from stillmotion.aws.settings import AwsSettings
from stillmotion.aws.signing import Message, Signer, target

NASTY_KEYS = [
    "inbox/photo.jpg",
    "inbox/my holiday photo.jpg",
    "a+b=c&d.jpg",
    "100%.jpg",
    "already%20encoded%2Fkey.jpg",
    "what?is#this.jpg",
    "😀/猫 und Hündchen.jpg",
    "a//b///c.jpg",
    "a/../b/./c.jpg",
    "~tilde-_.!*'();:@$,[]{}|\\^`\"<>.jpg",
    "tab\tand\nnewline.jpg",
    "/leading/slash.jpg",
    "trailing/slash/",
    "é" * 500,
]
KEYS = pytest.mark.parametrize("key", NASTY_KEYS, ids=[ascii(key)[:24] for key in NASTY_KEYS])
ENDPOINTS = pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566"], ids=["aws", "endpoint"])


@pytest.fixture(autouse=True)
def botocores_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: NOW)


def settings_at(endpoint: str | None) -> AwsSettings:
    return msgspec.structs.replace(SETTINGS, endpoint_url=endpoint)


def botocores_url(endpoint: str | None, key: str) -> str:
    """Where botocore finds an object, and how it encodes the key; without a query."""
    s3 = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=SETTINGS.access_key_id,
        aws_secret_access_key=SETTINGS.secret_access_key,
        aws_session_token=SETTINGS.session_token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path" if endpoint else "virtual"}),
    )
    url: str = s3.generate_presigned_url("get_object", Params={"Bucket": "photos", "Key": key})
    return url.partition("?")[0]


def store_at(endpoint: str | None) -> S3ObjectStore:
    return S3ObjectStore(AwsClient(settings_at(endpoint), now=lambda: NOW))


def parted(url: str | None) -> tuple[str, str, str, dict[str, str]]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.netloc, parts.path, dict(parse_qsl(parts.query, strict_parsing=True))


@KEYS
@ENDPOINTS
@pytest.mark.parametrize("version_id", [None, "3/L4kqtJ+lcpXro="])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_signed_get_or_head_is_botocores(key: str, endpoint: str | None, version_id: str | None, method: str) -> None:
    params = {} if version_id is None else {"versionId": version_id}
    expected = AWSRequest(method, botocores_url(endpoint, key), params=params)
    S3SigV4QueryAuth(botocores_credentials(), "s3", REGION, expires=3600).add_auth(expected)

    store = store_at(endpoint)
    sign = store.signed_get if method == "GET" else store.signed_head
    url = sign("photos", key, seconds=3600, version_id=version_id)

    assert parted(url) == parted(expected.url)


@KEYS
@ENDPOINTS
def test_a_signed_put_is_botocores(key: str, endpoint: str | None) -> None:
    headers = {"content-type": "image/jpeg", "content-length": "12345"}
    expected = AWSRequest("PUT", botocores_url(endpoint, key), headers=headers)
    S3SigV4QueryAuth(botocores_credentials(), "s3", REGION, expires=900).add_auth(expected)

    url = store_at(endpoint).signed_put("photos", key, seconds=900, content_type="image/jpeg", content_length=12345)

    assert parted(url) == parted(expected.url)
    assert parted(url)[3]["X-Amz-SignedHeaders"] == "content-length;content-type;host"


@KEYS
@ENDPOINTS
@pytest.mark.parametrize("query", [{}, {"prefix": "a b/+%~é", "list-type": "2"}, {"uploads": ""}], ids=str)
def test_a_signed_header_of_s3_is_botocores(key: str, endpoint: str | None, query: dict[str, str]) -> None:
    settings = settings_at(endpoint)
    origin, root = place(settings, "photos")
    headers = {"content-type": "video/mp4", "if-none-match": "*", "x-amz-meta-note": "two  spaces"}
    message = Message(
        service="s3", method="PUT", origin=origin, target=target(root + key, query), headers=headers, body=b"bytes"
    )
    request = AWSRequest("PUT", botocores_url(endpoint, key), data=b"bytes", headers=dict(headers), params=dict(query))
    S3SigV4Auth(botocores_credentials(), "s3", REGION).add_auth(request)

    signed = Signer(settings).headers(message, NOW)

    assert signed["authorization"] == request.headers["Authorization"]
    assert signed["x-amz-content-sha256"] == request.headers["X-Amz-Content-SHA256"]


@pytest.mark.parametrize("service", ["dynamodb", "states", "events", "secretsmanager"])
@ENDPOINTS
def test_a_signed_header_of_a_json_service_is_botocores(service: str, endpoint: str | None) -> None:
    settings = settings_at(endpoint)
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "Some.Operation"}
    message = Message(
        service=service, method="POST", origin=settings.origin(service), headers=headers, body=b'{"a":"\xc3\xa9"}'
    )

    signed = Signer(settings).headers(message, NOW)

    ours = {"X-Amz-Content-SHA256": signed["x-amz-content-sha256"]}
    request = AWSRequest("POST", message.url, data=message.body, headers=headers | ours)
    SigV4Auth(botocores_credentials(), service, REGION).add_auth(request)
    assert signed["authorization"] == request.headers["Authorization"]


def test_credentials_without_a_session_sign_without_a_token() -> None:
    settings = msgspec.structs.replace(SETTINGS, session_token=None)

    signed = Signer(settings).headers(Message(service="s3", method="GET", origin="https://a.example"), NOW)

    assert "x-amz-security-token" not in signed


def test_a_body_guarded_by_a_checksum_is_not_hashed_again() -> None:
    message = Message(service="s3", method="PUT", origin="https://a.example", body=b"much", unsigned_body=True)

    assert Signer(SETTINGS).headers(message, NOW)["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


class Line(httpcore.NetworkStream):
    """A connection to nowhere that keeps what is written, and answers each request with an empty 200."""

    def __init__(self) -> None:
        self.written = b""
        self._answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"])

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - httpcore's signature
        return next(self._answers, b"")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self.written += buffer

    def close(self) -> None: ...

    def start_tls(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        return self

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002
        return None


class Exchange(httpcore.NetworkBackend):
    def __init__(self, line: Line) -> None:
        self.line = line

    def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        return self.line


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """All that httpx writes to the network, through the whole of httpx and httpcore."""
    line = Line()
    original = httpcore.ConnectionPool.__init__

    def over_this_line(pool: httpcore.ConnectionPool, *args: Any, **kwargs: Any) -> None:
        original(pool, *args, **kwargs | {"network_backend": Exchange(line)})

    monkeypatch.setattr(httpcore.ConnectionPool, "__init__", over_this_line)
    return line


@KEYS
def test_the_path_on_the_wire_is_the_path_that_was_signed(key: str, line: Line) -> None:
    settings = settings_at("http://127.0.0.1:4566")
    client = AwsClient(settings, httpx.Client(trust_env=False), now=lambda: NOW)

    S3ObjectStore(client).read("photos", key, length=10, version_id="3/L4kqtJ+lcpXro=")

    expected = target(f"/photos/{key}", {"versionId": "3/L4kqtJ+lcpXro="})
    head, _, _ = line.written.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert lines[0] == f"GET {expected} HTTP/1.1"
    assert "host: 127.0.0.1:4566" in lines
    assert "accept-encoding: identity" in lines


@KEYS
def test_a_key_comes_back_from_its_path(key: str) -> None:
    encoded = target(f"/{key}")

    assert encoded.isascii()
    assert not set(encoded) & set(" ?#+&=[]")
    assert urlsplit(encoded).query == ""


def botocores_credentials() -> Credentials:
    return Credentials(SETTINGS.access_key_id, SETTINGS.secret_access_key, SETTINGS.session_token)
