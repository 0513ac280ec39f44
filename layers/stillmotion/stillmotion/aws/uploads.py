"""Writing objects that must not be there yet: If-None-Match on each, in parts where they are large.

Every object carries a random word of its writer in its metadata. When an answer is lost and the repeated write finds
the key taken, that word tells whether the taker was this very write.
"""

import base64
import contextlib
import uuid
import zlib
from types import TracebackType
from typing import Self

from stillmotion.aws.buckets import Buckets
from stillmotion.aws.client import AwsError, error_of, is_transient
from stillmotion.aws.markup import texts
from stillmotion.ports import ObjectMissing

PART_BYTES = 8 * 1024 * 1024
"""S3 takes 10,000 parts at most: 80 GB in parts of this size, with one of them in memory."""

_WRITER = "x-amz-meta-writer"


def put_unless_taken(buckets: Buckets, bucket: str, key: str, body: bytes, content_type: str) -> bool:
    """One PUT; False when the key is taken. Raises AwsError."""
    writer = uuid.uuid4().hex
    headers = {
        "content-type": content_type,
        "if-none-match": "*",
        "x-amz-checksum-crc32": _crc32(body),
        _WRITER: writer,
    }
    try:
        buckets.send("PUT", bucket, key, headers=headers, body=body, has_checksum=True, transient=_is_transient_for_put)
    except AwsError as error:
        if error.status != 412:  # noqa: PLR2004 - Precondition Failed
            raise
        return _is_our_own(writer, error, buckets, bucket, key)
    return True


class S3Upload:
    """A streamed write as a `ports.Upload`: one PUT for what fits into a part, else a multipart upload.

    Parts carry a CRC32 each (S3 refuses a damaged one) and the object gets the full CRC32. Leaving it without `finish`
    aborts it.
    """

    def __init__(self, buckets: Buckets, bucket: str, key: str, content_type: str) -> None:
        self._buckets = buckets
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._writer = uuid.uuid4().hex
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[str] = []
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A failed abort must not hide why it was needed; the bucket's lifecycle rule sweeps what it leaves.
        with contextlib.suppress(AwsError, ObjectMissing):
            self._abort()

    def write(self, chunk: bytes) -> None:
        """Takes the next bytes. Raises AwsError."""
        view = memoryview(chunk)
        while view:
            # A full buffer waits for the next byte: an object of just one part is one PUT.
            if len(self._buffer) == PART_BYTES:
                self._send_part()
            taken = view[: PART_BYTES - len(self._buffer)]
            self._buffer += taken
            view = view[len(taken) :]

    def finish(self) -> bool:
        """Makes the object appear; False when the key is taken. Raises AwsError."""
        if self._upload_id is None:
            return put_unless_taken(self._buckets, self._bucket, self._key, bytes(self._buffer), self._content_type)
        self._send_part()
        written = self._complete(self._upload_id)
        if written:
            self._upload_id = None
        return written

    def _send_part(self) -> None:
        body = bytes(self._buffer)
        self._buffer.clear()
        if self._upload_id is None:
            self._upload_id = self._begin()
        number = len(self._parts) + 1
        checksum = _crc32(body)
        answer = self._buckets.send(
            "PUT",
            self._bucket,
            self._key,
            query={"partNumber": str(number), "uploadId": self._upload_id},
            headers={"x-amz-checksum-crc32": checksum},
            body=body,
            has_checksum=True,
        )
        self._sent += len(body)
        self._parts.append(
            f"<Part><ETag>{answer.headers['etag']}</ETag><ChecksumCRC32>{checksum}</ChecksumCRC32>"
            f"<PartNumber>{number}</PartNumber></Part>"
        )

    def _begin(self) -> str:
        headers = {
            "content-type": self._content_type,
            "x-amz-checksum-algorithm": "CRC32",
            "x-amz-checksum-type": "FULL_OBJECT",
            _WRITER: self._writer,
        }
        answer = self._buckets.send("POST", self._bucket, self._key, query={"uploads": ""}, headers=headers)
        return texts(answer.body)["UploadId"][0]

    def _complete(self, upload_id: str) -> bool:
        headers = {
            "content-type": "application/xml",
            "if-none-match": "*",
            "x-amz-checksum-type": "FULL_OBJECT",
            "x-amz-mp-object-size": str(self._sent),
        }
        namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
        body = f'<CompleteMultipartUpload xmlns="{namespace}">{"".join(self._parts)}</CompleteMultipartUpload>'
        try:
            answer = self._buckets.send(
                "POST", self._bucket, self._key, query={"uploadId": upload_id}, headers=headers, body=body.encode()
            )
            # S3 begins its answer before it knows how the work ends: a failure can come with status 200.
            if b"<Error>" in answer.body:
                raise error_of(answer.status, answer.headers, answer.body)
        except AwsError as error:
            return self._outcome_of(error)
        return True

    def _outcome_of(self, error: AwsError) -> bool:
        """What a refused completion means. Raises it where the object is not there for a reason that may pass."""
        # The key is taken, somebody writes it just now, or this completion was carried out and its answer lost.
        if error.code in ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload"):
            return _is_our_own(self._writer, error, self._buckets, self._bucket, self._key)
        raise error

    def _abort(self) -> None:
        if self._upload_id is not None:
            self._buckets.send("DELETE", self._bucket, self._key, query={"uploadId": self._upload_id})
            self._upload_id = None


def _is_our_own(writer: str, refusal: AwsError, buckets: Buckets, bucket: str, key: str) -> bool:
    """Whether the object that caused a refusal is what this very writer wrote. Raises the refusal if none is there."""
    try:
        answer = buckets.send("HEAD", bucket, key)
    except ObjectMissing:
        raise refusal from None
    return bool(answer.headers.get(_WRITER) == writer)


def _is_transient_for_put(error: AwsError) -> bool:
    """Of two conditional PUTs at once, S3 tells one to try again (409); only then is it known who was first."""
    return error.code == "ConditionalRequestConflict" or is_transient(error)


def _crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
