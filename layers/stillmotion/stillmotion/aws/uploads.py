"""Writing objects that must not be there yet: If-None-Match on each, in parts where they are large.

boto3's `upload_fileobj` cannot do it: it takes no IfNoneMatch. Every object carries a random word of its writer in its
metadata. When an answer is lost and the repeated write finds the key taken, that word tells whether this very write
took it.
"""

import base64
import contextlib
import functools
import random
import uuid
import zlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from stillmotion.aws.clients import AwsClients, AwsError, aws_errors

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 8 * 1024 * 1024
"""S3 takes 10,000 parts at most: 80 GB in parts of this size."""
MIN_PIECE_BYTES = 64 * 1024
MAX_PARTS_AT_ONCE = 3
"""How many parts are on their way while the next one is filled; each is held in memory."""
MAX_PUT_TRIES = 4
MAX_PAUSE_SECONDS = 0.2

_WRITER = "writer"
_PRECONDITION_FAILED = "PreconditionFailed"
# Of two conditional writes at once, S3 tells one to try again; only then is it known which was first.
_MET_ANOTHER = "ConditionalRequestConflict"
_NOT_THERE = 404


def put_unless_taken(clients: AwsClients, bucket: str, key: str, body: bytes, content_type: str) -> bool:
    """One PUT; False when the key is taken. Raises AwsError."""
    writer = uuid.uuid4().hex
    tries = 0
    while True:
        tries += 1
        try:
            with aws_errors():
                clients.s3.put_object(
                    Bucket=bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    ChecksumCRC32=_crc32(body),
                    Metadata={_WRITER: writer},
                    IfNoneMatch="*",
                )
        except AwsError as error:
            if error.code == _PRECONDITION_FAILED:
                return _is_our_own(writer, error, clients, bucket, key)
            if error.code != _MET_ANOTHER or tries == MAX_PUT_TRIES:
                raise
        else:
            return True
        sleep(random.random() * MAX_PAUSE_SECONDS)  # noqa: S311 - no secret


class S3Upload:
    """A streamed write as a `ports.objects.Upload`: one PUT for what fits into a part, else a multipart upload.

    MAX_PARTS_AT_ONCE parts are sent beside each other while the next one is filled. Each carries a CRC32 (S3 refuses
    a damaged one) and the object gets the full CRC32. Leaving it without `finish` aborts it.
    """

    def __init__(self, clients: AwsClients, bucket: str, key: str, content_type: str) -> None:
        self._clients = clients
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._writer = uuid.uuid4().hex
        self._part = _Part()
        self._upload_id: str | None = None
        self._pool = ThreadPoolExecutor(MAX_PARTS_AT_ONCE, thread_name_prefix="upload")
        self._under_way: deque[Future[CompletedPartTypeDef]] = deque()
        self._parts: list[CompletedPartTypeDef] = []
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # A part that arrives after the abort would stay: the abort waits for those on their way.
        self._pool.shutdown(cancel_futures=True)
        # A failed abort must not hide why it was needed; the bucket's lifecycle rule sweeps what it leaves.
        with contextlib.suppress(AwsError):
            self._abort()

    def write(self, chunk: bytes) -> None:
        """Takes the next bytes; waits while MAX_PARTS_AT_ONCE parts are on their way. Raises AwsError."""
        while chunk:
            # A full part waits for the next byte: an object of just one part is one PUT.
            if len(self._part) == PART_BYTES:
                self._send_part()
            taken = chunk[: PART_BYTES - len(self._part)]
            self._part.append(taken)
            chunk = chunk[len(taken) :]

    def finish(self) -> bool:
        """Makes the object appear; False when the key is taken. Raises AwsError."""
        if self._upload_id is None:
            return put_unless_taken(self._clients, self._bucket, self._key, self._part.joined(), self._content_type)
        self._send_part()
        while self._under_way:
            self._await_part()
        written = self._complete(self._upload_id)
        if written:
            self._upload_id = None
        return written

    def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._begin()
        while len(self._under_way) >= MAX_PARTS_AT_ONCE:
            self._await_part()
        part, self._part = self._part, _Part()
        number = len(self._parts) + len(self._under_way) + 1
        self._under_way.append(self._pool.submit(self._upload_part, self._upload_id, number, part))
        self._sent += len(part)

    def _await_part(self) -> None:
        self._parts.append(self._under_way.popleft().result())

    def _upload_part(self, upload_id: str, number: int, part: "_Part") -> "CompletedPartTypeDef":
        checksum = part.crc32()
        body: Any = part
        with aws_errors():
            answer = self._clients.s3.upload_part(
                Bucket=self._bucket,
                Key=self._key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ChecksumCRC32=checksum,
            )
        return {"ETag": answer["ETag"], "ChecksumCRC32": checksum, "PartNumber": number}

    def _begin(self) -> str:
        with aws_errors():
            begun = self._clients.s3.create_multipart_upload(
                Bucket=self._bucket,
                Key=self._key,
                ContentType=self._content_type,
                ChecksumAlgorithm="CRC32",
                ChecksumType="FULL_OBJECT",
                Metadata={_WRITER: self._writer},
            )
        return begun["UploadId"]

    def _complete(self, upload_id: str) -> bool:
        try:
            with aws_errors():
                self._clients.s3.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=self._key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": self._parts},
                    ChecksumType="FULL_OBJECT",
                    MpuObjectSize=self._sent,
                    IfNoneMatch="*",
                )
        except AwsError as error:
            # The key is taken, another write is under way, or this completion was carried out and its answer lost.
            if error.code in (_PRECONDITION_FAILED, _MET_ANOTHER, "NoSuchUpload"):
                return _is_our_own(self._writer, error, self._clients, self._bucket, self._key)
            raise
        return True

    def _abort(self) -> None:
        if self._upload_id is not None:
            with aws_errors():
                self._clients.s3.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._upload_id)
            self._upload_id = None


def _is_our_own(writer: str, refusal: AwsError, clients: AwsClients, bucket: str, key: str) -> bool:
    """Whether this very writer wrote the object that caused a refusal. Raises the refusal if none is there."""
    try:
        with aws_errors():
            found = clients.s3.head_object(Bucket=bucket, Key=key)
    except AwsError as error:
        raise refusal if error.status == _NOT_THERE else error from None
    return found["Metadata"].get(_WRITER) == writer


class _Part:
    """A part of an upload as a file: botocore reads it, and rewinds it to send it again.

    It is kept in the pieces that came: joined, it would be copied once more, and urllib3 would pass it on by 16 KB.
    Small pieces are joined, so that a server that drips costs no more memory than another.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._small = bytearray()
        self._bytes = 0
        self._next = 0

    def __len__(self) -> int:
        return self._bytes

    def append(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        if not self._small and len(chunk) >= MIN_PIECE_BYTES:
            self._pieces.append(chunk)
            return
        self._small += chunk
        if len(self._small) >= MIN_PIECE_BYTES:
            self._pieces.append(bytes(self._small))
            self._small.clear()

    def pieces(self) -> Sequence[bytes]:
        if self._small:
            self._pieces.append(bytes(self._small))
            self._small.clear()
        return self._pieces

    def joined(self) -> bytes:
        return b"".join(self.pieces())

    def crc32(self) -> str:
        return _in_base64(functools.reduce(lambda value, piece: zlib.crc32(piece, value), self.pieces(), 0))

    # --- as a file

    def read(self, size: int = -1) -> bytes:
        """The next piece, whatever `size` is, or all the rest if it is negative; nothing at the end."""
        rest = self.pieces()[self._next :]
        read = rest if size < 0 else rest[:1]
        self._next += len(read)
        return b"".join(read)

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """To the beginning: botocore goes nowhere else."""
        self._next = 0
        return 0

    def tell(self) -> int:
        return sum(map(len, self.pieces()[: self._next]))


def _crc32(body: bytes) -> str:
    return _in_base64(zlib.crc32(body))


def _in_base64(crc32: int) -> str:
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()
