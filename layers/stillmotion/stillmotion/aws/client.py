"""A small client for AWS's HTTP APIs: signed, with time-outs, and repeated where that is safe.

Exceptions:

    AwsError              the service said no: `code` is its word, `status` the HTTP status, `body` its JSON
    └── AwsUnreachable    no whole answer came, after every try: the call may have been carried out

Every call made here is one that AWS documents as safe to repeat, or that its adapter makes so (by a condition, a
client token, an execution's name). So throttling, 5xx and connection faults are tried again, with full jitter, a
bounded number of times.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from stillmotion.aws.markup import NotMarkup, texts
from stillmotion.aws.settings import AwsSettings
from stillmotion.aws.signing import Message, Signer
from stillmotion.aws.tls import trust_for
from stillmotion.ports import StoreError

# Within a region a connection is made in milliseconds: after 2 s the packet is lost, and another try is quicker.
# DynamoDB and its like answer in tens of milliseconds; 5 s leaves a function of 10 s time for a second try.
JSON_TIMEOUT = httpx.Timeout(5, connect=2)
# Between two reads or writes of a body, not for the whole of it; S3 may take this long to begin its answer.
OBJECT_TIMEOUT = httpx.Timeout(20, connect=2)

TRIES = 4
# Another's transaction on the same item is over within tens of milliseconds, and ten writers at once are common.
CONTENDED_TRIES = 10
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
# Idle connections are worth keeping between the invocations of a warm function; one that AWS closed meanwhile is
# noticed before it is used, or costs one more try.
KEEPALIVE_SECONDS = 20

TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
# What AWS's SDKs try again (docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
TRANSIENT_CODES = frozenset({
    "BandwidthLimitExceeded", "PriorRequestNotComplete", "ProvisionedThroughputExceededException",
    "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "RequestTimeout",
    "RequestTimeoutException", "SlowDown", "ThrottledException", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "TransactionInProgressException",
})  # fmt: skip


class AwsError(StoreError):
    """A service refused a call. Decide by `code` or `status`, never by the message."""

    def __init__(self, code: str, message: str, status: int, body: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.code = code
        self.message = message
        self.status = status
        self.body = body or {}


class AwsUnreachable(AwsError):
    """The connection failed or timed out: nobody knows whether the call was carried out."""

    def __init__(self, message: str) -> None:
        super().__init__("Unreachable", message, 0)


class Answer(msgspec.Struct, frozen=True):
    """A whole answer. The body is as it came: an object stored with a Content-Encoding is not decoded."""

    status: int
    headers: httpx.Headers
    body: bytes


def is_transient(error: AwsError) -> bool:
    """Whether the same call may do better in a moment."""
    unreachable = isinstance(error, AwsUnreachable)
    return unreachable or error.status in TRANSIENT_STATUSES or error.code in TRANSIENT_CODES


def is_never(_error: AwsError) -> bool:
    return False


def utc_now() -> datetime:
    return datetime.now(UTC)


class AwsClient:
    """Calls AWS. Its connections are made on first use and kept; share one client between all adapters.

    `pause` takes seconds; `draw` gives a number from 0 to 1; both are there for tests.
    """

    def __init__(
        self,
        settings: AwsSettings,
        http: httpx.Client | None = None,
        *,
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.settings = settings
        self._http = http
        self._signer = Signer(settings)
        self._now = now
        self._pause = pause
        self._draw = draw

    def call(
        self,
        service: str,
        operation: str,
        payload: Mapping[str, object],
        *,
        json_version: str = "1.0",
        transient: Callable[[AwsError], bool] = is_transient,
        contended: Callable[[AwsError], bool] = is_never,
    ) -> dict[str, Any]:
        """One call in AWS's JSON protocol; `operation` as in X-Amz-Target. Raises AwsError."""
        message = Message(
            service=service,
            method="POST",
            origin=self.settings.origin(service),
            headers={"content-type": f"application/x-amz-json-{json_version}", "x-amz-target": operation},
            body=msgspec.json.encode(payload),
        )
        answer = self.send(message, timeout=JSON_TIMEOUT, transient=transient, contended=contended)
        return msgspec.json.decode(answer.body, type=dict[str, Any]) if answer.body else {}

    def send(
        self,
        message: Message,
        *,
        timeout: httpx.Timeout = OBJECT_TIMEOUT,
        transient: Callable[[AwsError], bool] = is_transient,
        contended: Callable[[AwsError], bool] = is_never,
    ) -> Answer:
        """Sends a message until it has an answer worth giving back. Raises AwsError for any status but 2xx.

        More often where it only was in another's way (`contended`).
        """
        tries = 0
        while True:
            tries += 1
            try:
                return self._exchange(message, timeout)
            except AwsError as error:
                most = CONTENDED_TRIES if contended(error) else TRIES
                if tries >= most or not transient(error):
                    raise
            self._pause(self._draw() * min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**tries))

    def signed_url(self, message: Message, *, seconds: int) -> str:
        """A URL for this message that needs no credentials for `seconds` seconds."""
        return self._signer.url(message, self._now(), seconds=seconds)

    def _exchange(self, message: Message, timeout: httpx.Timeout) -> Answer:
        if self._http is None:
            limits = httpx.Limits(keepalive_expiry=KEEPALIVE_SECONDS)
            self._http = httpx.Client(verify=trust_for(message.origin), limits=limits)
        length = {"content-length": str(len(message.body))} if message.body else {}
        request = self._http.build_request(
            message.method,
            message.url,
            headers={"accept-encoding": "identity", **length, **self._signer.headers(message, self._now())},
            # As an iterator it is let go when it is sent: httpx's requests and responses hold each other, with their
            # content, until the garbage collector comes by, and that may be dozens of parts of 8 MiB later.
            content=iter((message.body,)) if message.body else None,
            timeout=timeout,
            # httpx would tidy a path with dots in it: what is sent must be what was signed.
            extensions={"target": message.target.encode("ascii")},
        )
        try:
            response = self._http.send(request, stream=True)
            try:
                body = b"".join(response.iter_raw())
            finally:
                response.close()
        except httpx.TransportError as error:
            raise AwsUnreachable(f"{message.service}: {type(error).__name__}: {error}") from error
        if not response.is_success:
            raise error_of(response.status_code, response.headers, body)
        return Answer(response.status_code, response.headers, body)


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> AwsError:
    """The error that an answer carries, in the JSON protocol or in S3's XML; by its status where it says no more."""
    stripped = body.lstrip()
    if stripped.startswith(b"<"):
        try:
            found = texts(stripped)
        except NotMarkup:
            found = {}
        code = next(iter(found.get("Code", ())), str(status))
        return AwsError(code, next(iter(found.get("Message", ())), ""), status)
    try:
        fields = msgspec.json.decode(stripped, type=dict[str, Any]) if stripped else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = {}
    kind = str(headers.get("x-amzn-errortype") or fields.get("__type") or status)
    code = kind.rpartition("#")[2].partition(":")[0]
    return AwsError(code, str(fields.get("message") or fields.get("Message") or ""), status, fields)
