"""S3 as the store of input images and videos. Keys are plain text here and percent-encoded on the wire alone.

Checksums of an object whose encryption uses a KMS key are given only to callers who may use that key (kms:Decrypt).
"""

import binascii
from collections.abc import Iterator, Mapping, Sequence
from email.errors import HeaderParseError
from email.header import decode_header
from urllib.parse import unquote_plus

from stillmotion.aws.buckets import Buckets
from stillmotion.aws.client import Answer, AwsClient, AwsError
from stillmotion.aws.markup import texts
from stillmotion.aws.uploads import S3Upload, put_unless_taken
from stillmotion.ports import ObjectHead, ObjectMissing

PIECE_BYTES = 4 * 1024 * 1024
"""How much of an object `chunks` holds at a time."""

_METADATA_PREFIX = "x-amz-meta-"
# The strongest first. S3 gives those that were sent with the object, or its own CRC64NVME.
_CHECKSUMS = ("SHA256", "CRC64NVME", "SHA1", "CRC32C", "CRC32")


class S3ObjectStore:
    """S3 as a `ports.ObjectStore`."""

    def __init__(self, client: AwsClient) -> None:
        self._buckets = Buckets(client)

    def head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectHead:
        """Raises ObjectMissing."""
        answer = self._buckets.send(
            "HEAD", bucket, key, query={"versionId": version_id}, headers={"x-amz-checksum-mode": "ENABLED"}
        )
        headers = answer.headers
        return ObjectHead(
            bucket=bucket,
            key=key,
            version_id=headers.get("x-amz-version-id"),
            etag=headers.get("etag", "").strip('"'),
            bytes=int(headers.get("content-length", 0)),
            metadata=metadata_of(headers),
            checksum=checksum_of(headers),
            content_type=headers.get("content-type"),
        )

    def read(self, bucket: str, key: str, *, start: int = 0, length: int, version_id: str | None = None) -> bytes:
        """At most `length` bytes from `start`; none from beyond the end. Raises ObjectMissing."""
        answer = self._range(bucket, key, start, length, version_id=version_id)
        return b"" if answer is None else answer.body

    def chunks(self, bucket: str, key: str, version_id: str | None = None) -> Iterator[bytes]:
        """The whole object, in ranges of PIECE_BYTES that are each tried again by themselves.

        Raises ObjectMissing, also when the object is replaced while it is being read.
        """
        start, etag = 0, None
        while True:
            answer = self._range(bucket, key, start, PIECE_BYTES, version_id=version_id, etag=etag)
            if answer is None:
                return
            yield answer.body
            start, etag = start + len(answer.body), answer.headers.get("etag")
            if start >= _whole_length(answer):
                return

    def keys(self, bucket: str, prefix: str, limit: int) -> Sequence[str]:
        """At most `limit` (1000 or fewer) keys that start with `prefix`, in key order."""
        query = {"list-type": "2", "encoding-type": "url", "max-keys": str(limit), "prefix": prefix}
        answer = self._buckets.send("GET", bucket, query=query)
        return [unquote_plus(key) for key in texts(answer.body).get("Key", ())]

    def signed_get(
        self, bucket: str, key: str, *, seconds: int, version_id: str | None = None, content_type: str | None = None
    ) -> str:
        """A GET URL that needs no credentials for `seconds` seconds, or until those of this function end."""
        query = {"versionId": version_id, "response-content-type": content_type}
        return self._buckets.signed_url("GET", bucket, key, seconds=seconds, query=query)

    def signed_head(self, bucket: str, key: str, *, seconds: int, version_id: str | None = None) -> str:
        """The same for HEAD."""
        return self._buckets.signed_url("HEAD", bucket, key, seconds=seconds, query={"versionId": version_id})

    def signed_put(self, bucket: str, key: str, *, seconds: int, content_type: str, content_length: int) -> str:
        """A PUT URL that takes just this type and length (bytes)."""
        headers = {"content-type": content_type, "content-length": str(content_length)}
        return self._buckets.signed_url("PUT", bucket, key, seconds=seconds, headers=headers)

    def put_if_absent(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        """Writes a small object unless the key is taken; False when it is."""
        return put_unless_taken(self._buckets, bucket, key, body, content_type)

    def delete(self, bucket: str, key: str) -> None:
        """Puts a delete marker on an object of a versioned bucket; one more does no harm."""
        self._buckets.send("DELETE", bucket, key)

    def upload(self, bucket: str, key: str, content_type: str) -> S3Upload:
        """A streamed write that holds one part at a time."""
        return S3Upload(self._buckets, bucket, key, content_type)

    def _range(
        self, bucket: str, key: str, start: int, length: int, *, version_id: str | None, etag: str | None = None
    ) -> Answer | None:
        """A range of an object, None from beyond its end; with `etag`, of that state of it only."""
        headers = {"range": f"bytes={start}-{start + length - 1}"}
        if etag is not None:
            headers["if-match"] = etag
        try:
            return self._buckets.send("GET", bucket, key, query={"versionId": version_id}, headers=headers)
        except AwsError as error:
            if error.code == "InvalidRange":
                return None
            if error.code == "PreconditionFailed":
                raise ObjectMissing(f"s3://{bucket}/{key} was replaced while it was read") from error
            raise


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The user's metadata by lower-case name, its values as they were before S3 put them into RFC 2047 words."""
    return {
        name.lower().removeprefix(_METADATA_PREFIX): decoded_words(value)
        for name, value in headers.items()
        if name.lower().startswith(_METADATA_PREFIX)
    }


def decoded_words(value: str) -> str:
    """RFC 2047 words (`=?UTF-8?B?…?=`) as the text that they stand for; anything else as it is."""
    if "=?" not in value:
        return value
    try:
        parts = decode_header(value)
        return "".join(
            part if isinstance(part, str) else part.decode(charset or "ascii", "strict") for part, charset in parts
        )
    except (HeaderParseError, LookupError, UnicodeError, binascii.Error):
        return value


def checksum_of(headers: Mapping[str, str]) -> str | None:
    """`ALGORITHM:base64` of the full object's checksum; None where S3 knows only a checksum of checksums."""
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    for algorithm in _CHECKSUMS:
        value = headers.get(f"x-amz-checksum-{algorithm.lower()}")
        # A checksum of the parts' checksums ends with their number; base64 knows no hyphen.
        if value and "-" not in value:
            return f"{algorithm}:{value}"
    return None


def _whole_length(answer: Answer) -> int:
    """The object's length, from `Content-Range: bytes 0-9/100`; the answer's own where the range was not heeded."""
    whole = answer.headers.get("content-range", "").rpartition("/")[2]
    return int(whole) if whole.isdecimal() else 0
