"""The buckets."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from stillmotion.ports import StoreError


class ObjectMissing(StoreError):
    """No such object or version."""


class ObjectHead(msgspec.Struct, frozen=True, kw_only=True):
    """What S3 says of one object version. `checksum` covers the full object and names its algorithm, else None."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    bytes: int
    metadata: Mapping[str, str]
    checksum: str | None = None
    content_type: str | None = None


class ObjectPlace(msgspec.Struct, frozen=True):
    """Where an object is: its latest version where none is named."""

    bucket: str
    key: str
    version_id: str | None = None

    @classmethod
    def at(cls, address: str) -> "ObjectPlace":
        """Where an `s3://` address leads to."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class ObjectStore(Protocol):
    """S3. Keys are plain text, never percent-encoded by the caller."""

    def head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectHead:
        """Raises ObjectMissing."""

    def read(self, bucket: str, key: str, *, start: int = 0, length: int, version_id: str | None = None) -> bytes:
        """At most `length` bytes from `start`. Raises ObjectMissing."""

    def chunks(self, bucket: str, key: str, version_id: str | None = None) -> Iterator[bytes]:
        """The whole object in pieces of bounded size. Raises ObjectMissing."""

    def keys(self, bucket: str, prefix: str, limit: int) -> Sequence[str]:
        """At most `limit` (1000 or fewer) keys that start with `prefix`, in key order."""

    def signed_get(
        self, bucket: str, key: str, *, seconds: int, version_id: str | None = None, content_type: str | None = None
    ) -> str:
        """A GET URL that needs no credentials for `seconds` seconds; `content_type` is told in place of the stored."""

    def signed_head(self, bucket: str, key: str, *, seconds: int, version_id: str | None = None) -> str:
        """The same for HEAD."""

    def signed_put(self, bucket: str, key: str, *, seconds: int, content_type: str, content_length: int) -> str:
        """A PUT URL that takes just this type and length."""

    def put_if_absent(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        """Writes a small object unless the key is taken; False when it is."""

    def delete(self, bucket: str, key: str) -> None:
        """Takes an object away; its versions stay where the bucket keeps them. One that is not there is as good."""

    def upload(self, bucket: str, key: str, content_type: str) -> AbstractContextManager["Upload"]:
        """A streamed write in bounded memory; leaving it without `finish` aborts it and leaves no parts behind."""


class Upload(Protocol):
    """A multipart write under way."""

    def write(self, chunk: bytes) -> None: ...

    def finish(self) -> bool:
        """Makes the object appear, If-None-Match: False when the key was taken already."""
