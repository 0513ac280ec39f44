"""S3 as the store of input images and videos. Keys are plain text here and percent-encoded on the wire alone.

Checksums of an object whose encryption uses a KMS key are given only to callers who may use that key (kms:Decrypt).
"""

import binascii
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Any, Literal

import msgspec
from botocore.exceptions import HTTPClientError, IncompleteReadError
from urllib3.exceptions import HTTPError

from stillmotion.aws.clients import AwsClients, AwsError, AwsUnreachable, aws_errors
from stillmotion.aws.uploads import S3Upload, put_unless_taken
from stillmotion.ports.objects import ObjectHead, ObjectMissing

PIECE_BYTES = 4 * 1024 * 1024
"""How much of an object `chunks` holds at a time."""
MAX_BODY_TRIES = 4
"""botocore sends a request again and not the rest of a body that broke off."""

# A HEAD's refusal has no body to name its reason: 404 is no such key, 405 a version that is a delete marker.
_MISSING_CODES = frozenset({"NoSuchKey", "NoSuchVersion", "404", "405"})
# The strongest first. S3 gives those that were sent with the object, or its own CRC64NVME.
_CHECKSUMS = ("SHA256", "CRC64NVME", "SHA1", "CRC32C", "CRC32")

Presigned = Literal["get_object", "head_object", "put_object"]


class Piece(msgspec.Struct, frozen=True):
    """A range of an object: its bytes, the ETag of the whole, and how long the whole is."""

    body: bytes
    etag: str
    whole_length: int


class S3ObjectStore:
    """S3 as a `ports.objects.ObjectStore`."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectHead:
        """Raises ObjectMissing."""
        try:
            with aws_errors():
                found = self._clients.s3.head_object(
                    Bucket=bucket, Key=key, ChecksumMode="ENABLED", **_version(version_id)
                )
        except AwsError as error:
            if error.code in _MISSING_CODES:
                raise ObjectMissing(f"s3://{bucket}/{key}") from error
            raise
        return ObjectHead(
            bucket=bucket,
            key=key,
            version_id=found.get("VersionId"),
            etag=found.get("ETag", "").strip('"'),
            bytes=found.get("ContentLength", 0),
            metadata=metadata_of(found.get("Metadata", {})),
            checksum=checksum_of(found),
            content_type=found.get("ContentType"),
        )

    def read(self, bucket: str, key: str, *, start: int = 0, length: int, version_id: str | None = None) -> bytes:
        """At most `length` bytes from `start`; none from beyond the end. Raises ObjectMissing."""
        piece = self._piece(bucket, key, start, length, version_id=version_id)
        return b"" if piece is None else piece.body

    def chunks(self, bucket: str, key: str, version_id: str | None = None) -> Iterator[bytes]:
        """The whole object, in ranges of PIECE_BYTES that are each tried again by themselves.

        Raises ObjectMissing, also when the object is replaced while it is being read.
        """
        start, etag = 0, None
        while True:
            piece = self._piece(bucket, key, start, PIECE_BYTES, version_id=version_id, etag=etag)
            if piece is None:
                return
            yield piece.body
            start, etag = start + len(piece.body), piece.etag
            if start >= piece.whole_length:
                return

    def keys(self, bucket: str, prefix: str, limit: int) -> Sequence[str]:
        """At most `limit` (1000 or fewer) keys that start with `prefix`, in key order."""
        with aws_errors():
            listed = self._clients.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=limit)
        return [each["Key"] for each in listed.get("Contents", ())]

    def signed_get(
        self, bucket: str, key: str, *, seconds: int, version_id: str | None = None, content_type: str | None = None
    ) -> str:
        """A GET URL that needs no credentials for `seconds` seconds, or until those of this function end."""
        called = {} if content_type is None else {"ResponseContentType": content_type}
        return self._signed("get_object", bucket, key, seconds, **_version(version_id), **called)

    def signed_head(self, bucket: str, key: str, *, seconds: int, version_id: str | None = None) -> str:
        """The same for HEAD."""
        return self._signed("head_object", bucket, key, seconds, **_version(version_id))

    def signed_put(self, bucket: str, key: str, *, seconds: int, content_type: str, content_length: int) -> str:
        """A PUT URL that takes just this type and length (bytes)."""
        pinned = {"ContentType": content_type, "ContentLength": content_length}
        return self._signed("put_object", bucket, key, seconds, **pinned)

    def put_if_absent(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        """Writes a small object unless the key is taken; False when it is."""
        return put_unless_taken(self._clients, bucket, key, body, content_type)

    def delete(self, bucket: str, key: str) -> None:
        """Puts a delete marker on an object of a versioned bucket; one more does no harm."""
        with aws_errors():
            self._clients.s3.delete_object(Bucket=bucket, Key=key)

    def upload(self, bucket: str, key: str, content_type: str) -> S3Upload:
        """A streamed write that holds a few parts at a time."""
        return S3Upload(self._clients, bucket, key, content_type)

    def _signed(self, operation: Presigned, bucket: str, key: str, seconds: int, **parameters: object) -> str:
        with aws_errors():
            return self._clients.s3.generate_presigned_url(
                operation, Params={"Bucket": bucket, "Key": key, **parameters}, ExpiresIn=seconds
            )

    def _piece(
        self, bucket: str, key: str, start: int, length: int, *, version_id: str | None, etag: str | None = None
    ) -> Piece | None:
        """A range of an object, None from beyond its end; with `etag`, of that state of it only."""
        wanted = {"Bucket": bucket, "Key": key, "Range": f"bytes={start}-{start + length - 1}", **_version(version_id)}
        if etag is not None:
            wanted["IfMatch"] = etag
        try:
            with aws_errors():
                return self._fetched(wanted)
        except AwsError as error:
            if error.code == "InvalidRange":
                return None
            if error.code == "PreconditionFailed":
                raise ObjectMissing(f"s3://{bucket}/{key} was replaced while it was read") from error
            if error.code in _MISSING_CODES:
                raise ObjectMissing(f"s3://{bucket}/{key}") from error
            raise

    def _fetched(self, wanted: Mapping[str, Any]) -> Piece:
        tries = 0
        while True:
            tries += 1
            found = self._clients.s3.get_object(**wanted)
            try:
                # As a context manager, a StreamingBody gives its raw stream, whose errors are urllib3's alone.
                with closing(found["Body"]) as stream:
                    body = stream.read()
            except (HTTPClientError, IncompleteReadError, HTTPError) as error:
                if tries == MAX_BODY_TRIES:
                    raise AwsUnreachable(f"{type(error).__name__}: {error}") from error
                continue
            # Content-Range: bytes 0-9/100
            whole = found.get("ContentRange", "").rpartition("/")[2]
            return Piece(body, found["ETag"], int(whole) if whole.isdecimal() else 0)


def _version(version_id: str | None) -> Any:  # noqa: ANN401 - what of every call's parameters names a version
    return {} if version_id is None else {"VersionId": version_id}


def metadata_of(metadata: Mapping[str, str]) -> dict[str, str]:
    """The user's metadata by lower-case name, its values as they were before S3 put them into RFC 2047 words."""
    return {name.lower(): decoded_words(_utf8(value)) for name, value in metadata.items()}


def _utf8(value: str) -> str:
    """A header that came as UTF-8, which botocore reads as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


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


def checksum_of(found: Mapping[str, Any]) -> str | None:
    """`ALGORITHM:base64` of the full object's checksum; None where S3 knows only a checksum of checksums.

    `found` is HeadObject's answer.
    """
    if found.get("ChecksumType", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    for algorithm in _CHECKSUMS:
        value = found.get(f"Checksum{algorithm}")
        # A checksum of the parts' checksums ends with their number; base64 knows no hyphen.
        if value and "-" not in value:
            return f"{algorithm}:{value}"
    return None
