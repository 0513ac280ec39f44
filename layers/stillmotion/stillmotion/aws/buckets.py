"""S3 over HTTP: where a bucket answers, how a key is written, what a refusal means."""

from collections.abc import Callable, Mapping

from stillmotion.aws.client import Answer, AwsClient, AwsError, is_transient
from stillmotion.aws.settings import AwsSettings
from stillmotion.aws.signing import Message, target
from stillmotion.ports import ObjectMissing

_MISSING_CODES = frozenset({"NoSuchKey", "NoSuchVersion"})
# A HEAD's refusal has no body to name its reason: 404 is no such key, 405 a version that is a delete marker.
_MISSING_STATUSES_OF_HEAD = frozenset({404, 405})


class Buckets:
    """Sends S3's calls."""

    def __init__(self, client: AwsClient) -> None:
        self._client = client

    def send(
        self,
        method: str,
        bucket: str,
        key: str = "",
        *,
        query: Mapping[str, str | None] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        has_checksum: bool = False,
        transient: Callable[[AwsError], bool] = is_transient,
    ) -> Answer:
        """One call. `has_checksum` says that a header guards the body, so that over https it need not be hashed again.

        Raises ObjectMissing, AwsError.
        """
        message = self._message(method, bucket, key, query=query, headers=headers, body=body, has_checksum=has_checksum)
        try:
            return self._client.send(message, transient=transient)
        except AwsError as error:
            without_reason = method == "HEAD" and error.status in _MISSING_STATUSES_OF_HEAD
            if error.code in _MISSING_CODES or without_reason:
                raise ObjectMissing(f"s3://{bucket}/{key}") from error
            raise

    def signed_url(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        seconds: int,
        query: Mapping[str, str | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """A URL for one call that needs no credentials for `seconds` seconds."""
        return self._client.signed_url(
            self._message(method, bucket, key, query=query, headers=headers), seconds=seconds
        )

    def _message(
        self,
        method: str,
        bucket: str,
        key: str,
        *,
        query: Mapping[str, str | None] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        has_checksum: bool = False,
    ) -> Message:
        origin, root = place(self._client.settings, bucket)
        return Message(
            service="s3",
            method=method,
            origin=origin,
            target=target(root + key, query),
            headers=headers or {},
            body=body,
            unsigned_body=has_checksum and origin.startswith("https:"),
        )


def place(settings: AwsSettings, bucket: str) -> tuple[str, str]:
    """The origin and the root path of a bucket: on AWS a host of its own, else a path.

    A dot in a bucket's name would make its host one that the wildcard certificate does not cover.
    """
    if settings.endpoint_url is not None or "." in bucket:
        return settings.origin("s3"), f"/{bucket}/"
    return f"https://{bucket}.s3.{settings.region}.{settings.domain}", "/"
