"""AWS inside this process: moto answers what boto3 is about to send, and no socket opens.

What moto does not do as AWS does, the tests answer themselves (`answering`): a conditional completion, full-object
checksums of multipart uploads, RFC 2047 metadata, lost answers, throttling.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from stillmotion.aws.clients import AwsClients

REGION: Final = "eu-central-1"
ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TABLE = "jobs"
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
NOW = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)


@dataclass
class Sent:
    """A request as botocore sends it, and the name of its operation, such as `PutItem`."""

    operation: str
    request: AWSPreparedRequest

    @property
    def url(self) -> str:
        return str(self.request.url)

    @property
    def query(self) -> Mapping[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name."""
        given: Iterable[tuple[str, Any]] = self.request.headers.items()
        return {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in given}

    @property
    def body(self) -> bytes:
        body: Any = self.request.body or b""
        if hasattr(body, "read"):
            body.seek(0)
            read = body.read()
            body.seek(0)
            return bytes(read)
        return body.encode() if isinstance(body, str) else bytes(body)

    @property
    def members(self) -> dict[str, Any]:
        """What a call in the JSON protocol says."""
        members: dict[str, Any] = json.loads(self.body)
        return members


Answers = Callable[[Sent], AWSResponse | None]


def moto_alone(_sent: Sent) -> None:
    """Neither answers nor fails."""


@dataclass
class Wire:
    """Passes requests on to moto and remembers them; `before` and `after` moto, a test may answer or fail."""

    requests: list[Sent] = field(default_factory=list)
    before: Answers = moto_alone
    after: Answers = moto_alone
    _one_by_one: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: AWSPreparedRequest, event_name: str, **_others: object) -> AWSResponse:
        """Handles botocore's event `before-send`."""
        sent = Sent(event_name.rpartition(".")[2], request)
        self.requests.append(sent)
        instead = self.before(sent)
        if instead is not None:
            return instead
        with self._one_by_one:
            processed = botocore_stubber.process_request(request)
        assert processed is not None
        status, headers, body = processed
        return self.after(sent) or answer(status, body, headers)

    def reset(self) -> None:
        self.requests.clear()
        self.before = self.after = moto_alone

    def operations(self) -> list[str]:
        """The operations that were called, in order."""
        return [sent.operation for sent in self.requests]


def _session(wire: Wire) -> boto3.Session:
    session = boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
    answers: Any = wire
    session.events.register("before-send", answers)
    return session


WIRE = Wire()
CLIENTS = AwsClients(_session(WIRE))
"""One for all tests: making clients takes longer than most tests."""


@contextmanager
def empty_aws() -> Iterator[Wire]:
    """Moto behind the clients, with nothing in it."""
    WIRE.reset()
    with mock_aws():
        # botocore would ask moto by itself as well, and carry everything out twice.
        botocore_stubber.enabled = False
        yield WIRE


def lose_once(operation: str) -> Answers:
    """Loses the first answer to an operation: AWS has carried it out."""
    lost: list[Sent] = []

    def after(sent: Sent) -> None:
        if sent.operation == operation and not lost:
            lost.append(sent)
            raise silence()

    return after


def silence() -> ReadTimeoutError:
    """What botocore raises when no answer comes."""
    return ReadTimeoutError(endpoint_url="https://aws.example")


def answer(status: int, body: bytes | str = b"", headers: Mapping[str, Any] | None = None) -> AWSResponse:
    """A response as it comes from the network: its body not yet read."""
    return AWSResponse("https://aws.example", status, HTTPHeaders.from_dict(headers or {}), MockRawResponse(body))


def refusal(code: str, status: int = 400, **members: Any) -> AWSResponse:
    """A refusal in the JSON protocol."""
    return answer(status, json.dumps({"__type": f"com.amazonaws#{code}", **members}).encode())


def markup(code: str, status: int) -> AWSResponse:
    """A refusal in S3's XML."""
    return answer(status, f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


def answering(handle: Answers) -> AwsClients:
    """Clients whose every request this function answers."""
    WIRE.before = handle
    return CLIENTS


@dataclass
class StoppedClock:
    """A clock that a test moves."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **time: float) -> None:
        self.at += timedelta(**time)
