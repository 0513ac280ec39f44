"""boto3's clients, each made when it is first used and then kept, and their errors as the ports know them.

Exceptions:

    AwsError              AWS refused a call: `code` is its error code, `status` the HTTP status, `response` the rest
    └── AwsUnreachable    no whole answer came, after every try: AWS may have carried the call out

Every call made here is one that AWS documents as safe to repeat, or that its adapter makes so (by a condition, a
client token, an execution's name). So botocore may send each again after throttling, a 5xx or a lost connection.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

from stillmotion.ports import StoreError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

# Within a region a connection is made in milliseconds: after 2 s the packet is lost, and another try is quicker.
CONNECT_TIMEOUT_SECONDS = 2
# DynamoDB and its like answer in tens of milliseconds; 5 s leaves a function of 10 s time for a second try.
READ_TIMEOUT_SECONDS = 5
# Between two reads or writes of a body, not for the whole of it; S3 may take this long to begin its answer.
OBJECT_READ_TIMEOUT_SECONDS = 20

# Between two tries botocore waits for a random part of 50 ms (of 25 ms at DynamoDB), then of twice as long each time,
# and of 1 s, then 2 s, where it was throttled: a third such pause would outlast what dispatch keeps for its records.
_CALLS = Config(
    connect_timeout=CONNECT_TIMEOUT_SECONDS,
    read_timeout=READ_TIMEOUT_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 3},
)
# No SHA-256 of a body is signed: over TLS, the checksum that the adapters give with each object and part guards it too.
_OBJECTS = _CALLS.merge(
    Config(
        read_timeout=OBJECT_READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 4},
        signature_version="s3v4",
        # With a bucket's own host, a signed URL names the region; by default it would name the global host, which
        # redirects for hours after a bucket is made, and a signature is good for one host.
        s3={"addressing_style": "virtual", "payload_signing_enabled": False},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
)


class AwsError(StoreError):
    """A service refused a call. Decide by `code` or `status`, never by the message."""

    def __init__(self, code: str, message: str, status: int = 0, response: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.code = code
        self.status = status
        self.response = response or {}


class AwsUnreachable(AwsError):
    """The connection failed or timed out: AWS may have carried the call out."""

    def __init__(self, message: str) -> None:
        super().__init__("Unreachable", message)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raises botocore's errors as AwsError and AwsUnreachable."""
    try:
        yield
    except ClientError as error:
        found = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code, message = str(found.get("Code", status)), str(found.get("Message", ""))
        raise AwsError(code, message, status, dict(error.response)) from error
    except (ConnectionError, HTTPClientError) as error:
        raise AwsUnreachable(f"{type(error).__name__}: {error}") from error
    except BotoCoreError as error:
        # Nothing was sent: there are no credentials, or botocore knows that AWS would not take the call.
        raise AwsError(type(error).__name__, str(error)) from error


@contextmanager
def _without_collections() -> Iterator[None]:
    """Reads a service's model without garbage collection: it would find nothing, and costs the first client 20 ms."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class AwsClients:
    """The clients of one session, shared by all adapters; the session is boto3's default unless one is given.

    `endpoint_url` replaces every service's own address, as the variable AWS_ENDPOINT_URL does.
    """

    def __init__(self, session: boto3.Session | None = None, *, endpoint_url: str | None = None) -> None:
        self._make = boto3.client if session is None else session.client
        self._endpoint_url = endpoint_url

    @cached_property
    @_without_collections()
    def dynamodb(self) -> "DynamoDBClient":
        return self._make("dynamodb", endpoint_url=self._endpoint_url, config=_CALLS)

    @cached_property
    @_without_collections()
    def events(self) -> "EventBridgeClient":
        return self._make("events", endpoint_url=self._endpoint_url, config=_CALLS)

    @cached_property
    @_without_collections()
    def s3(self) -> "S3Client":
        return self._make("s3", endpoint_url=self._endpoint_url, config=_OBJECTS)

    @cached_property
    @_without_collections()
    def secretsmanager(self) -> "SecretsManagerClient":
        return self._make("secretsmanager", endpoint_url=self._endpoint_url, config=_CALLS)

    @cached_property
    @_without_collections()
    def sqs(self) -> "SQSClient":
        return self._make("sqs", endpoint_url=self._endpoint_url, config=_CALLS)

    @cached_property
    @_without_collections()
    def stepfunctions(self) -> "SFNClient":
        return self._make("stepfunctions", endpoint_url=self._endpoint_url, config=_CALLS)
