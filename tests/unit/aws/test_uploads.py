"""A write happens once, whole, and only where nothing was: also when answers are lost."""

import base64
import gc
import hashlib
import threading
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from botocore.awsrequest import AWSResponse
from tests.unit.aws.wire import REGION, WIRE, Sent, Wire, answer, answering, lose_once, markup, silence

from stillmotion.aws.clients import AwsClients, AwsError, AwsUnreachable
from stillmotion.aws.objects import S3ObjectStore
from stillmotion.aws.uploads import MAX_PARTS_AT_ONCE, MIN_PIECE_BYTES, PART_BYTES, _Part

BUCKET = "videos"
KEY = "videos/ada/job 1/gen.mp4"


@pytest.fixture
def objects(clients: AwsClients, wire: Wire) -> S3ObjectStore:
    clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    wire.requests.clear()
    return S3ObjectStore(clients)


def open_uploads(clients: AwsClients) -> list[str]:
    listed = clients.s3.list_multipart_uploads(Bucket=BUCKET)
    return [upload["UploadId"] for upload in listed.get("Uploads", ())]


class Bucket:
    """S3 for one key, as far as conditional multipart writes go; moto knows no conditional completion."""

    def __init__(self, on_complete: Callable[["Bucket"], AWSResponse] | None = None) -> None:
        self.calls: list[str] = []
        self.requests: list[Sent] = []
        self.writer: str | None = None
        self.offered: str | None = None
        self._on_complete = on_complete

    def __call__(self, sent: Sent) -> AWSResponse:
        self.requests.append(sent)
        match sent.operation:
            case "HeadObject":
                self.calls.append("head")
                return answer(404) if self.writer is None else answer(200, headers={"x-amz-meta-writer": self.writer})
            case "CreateMultipartUpload":
                self.calls.append("begin")
                self.offered = sent.headers["x-amz-meta-writer"]
                return answer(200, b"<R><Bucket>b</Bucket><UploadId>up-1</UploadId></R>")
            case "UploadPart":
                self.calls.append(f"part {sent.query['partNumber']}")
                return answer(200, headers={"etag": f'"of part {sent.query["partNumber"]}"'})
            case "AbortMultipartUpload":
                self.calls.append("abort")
                return answer(204)
        self.calls.append("complete")
        if self._on_complete is not None:
            return self._on_complete(self)
        self.writer = self.offered
        return answer(200, b"<CompleteMultipartUploadResult/>")


def upload(clients: AwsClients, size: int = PART_BYTES + 1) -> bool:
    with S3ObjectStore(clients).upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(b"x" * size)
        return under_way.finish()


class Truncated(Exception):
    """The source of an upload broke off."""


def break_off(objects: S3ObjectStore) -> None:
    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(b"v" * (PART_BYTES + 1))
        raise Truncated


# --- small writes ----------------------------------------------------------------------------------------------------


def test_a_small_object_is_written_once(objects: S3ObjectStore) -> None:
    assert objects.put_if_absent(BUCKET, "a.json", b"{}", "application/json")
    assert not objects.put_if_absent(BUCKET, "a.json", b"[]", "application/json")

    assert objects.read(BUCKET, "a.json", length=9) == b"{}"
    assert objects.head(BUCKET, "a.json").content_type == "application/json"


def test_a_write_whose_answer_was_lost_is_known_for_its_own(objects: S3ObjectStore, wire: Wire) -> None:
    wire.after = lose_once("PutObject")

    assert objects.put_if_absent(BUCKET, "a.json", b"{}", "application/json")


def test_a_write_that_met_another_is_tried_again() -> None:
    turns = [markup("ConditionalRequestConflict", 409), answer(200)]
    store = S3ObjectStore(answering(lambda _sent: turns.pop(0)))

    assert store.put_if_absent(BUCKET, "a.json", b"{}", "application/json")


def test_a_key_that_was_taken_and_is_free_again_is_an_error() -> None:
    def handle(sent: Sent) -> AWSResponse:
        return answer(404) if sent.operation == "HeadObject" else markup("PreconditionFailed", 412)

    with pytest.raises(AwsError) as caught:
        S3ObjectStore(answering(handle)).put_if_absent(BUCKET, "a.json", b"{}", "application/json")

    assert caught.value.code == "PreconditionFailed"


def test_a_write_is_guarded_by_its_checksum() -> None:
    seen: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        seen.append(sent)
        return answer(200)

    S3ObjectStore(answering(handle)).put_if_absent(BUCKET, "a.json", b"{}", "application/json")

    assert seen[0].headers["x-amz-checksum-crc32"] == base64.b64encode(zlib.crc32(b"{}").to_bytes(4, "big")).decode()
    assert seen[0].headers["if-none-match"] == "*"


# --- uploads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, PART_BYTES], ids=["empty", "one byte", "one part"])
def test_what_fits_into_a_part_is_one_put(objects: S3ObjectStore, wire: Wire, size: int) -> None:
    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(b"v" * size)
        assert under_way.finish()

    assert wire.operations() == ["PutObject"]
    assert objects.head(BUCKET, KEY).bytes == size


def test_a_small_upload_leaves_what_is_there(objects: S3ObjectStore) -> None:
    objects.put_if_absent(BUCKET, KEY, b"first", "video/mp4")

    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(b"second")
        assert not under_way.finish()

    assert objects.read(BUCKET, KEY, length=9) == b"first"


@pytest.mark.parametrize("chunk", [PART_BYTES * 3, 1_000_003, 64 * 1024], ids=["large", "odd", "small"])
def test_a_large_upload_arrives_whole_in_parts(objects: S3ObjectStore, wire: Wire, chunk: int) -> None:
    body = hashlib.shake_256(b"video").digest(2 * PART_BYTES + 12345)

    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        for start in range(0, len(body), chunk):
            under_way.write(body[start : start + chunk])
        assert under_way.finish()

    parts = [len(sent.body) for sent in wire.requests if sent.operation == "UploadPart"]
    assert sorted(parts) == [12345, PART_BYTES, PART_BYTES]
    assert b"".join(objects.chunks(BUCKET, KEY)) == body
    assert objects.head(BUCKET, KEY).content_type == "video/mp4"
    assert open_uploads(objects._clients) == []


def test_leaving_an_upload_by_an_exception_leaves_no_parts(objects: S3ObjectStore) -> None:
    with pytest.raises(Truncated):
        break_off(objects)

    assert open_uploads(objects._clients) == []
    assert objects.keys(BUCKET, "", 10) == []


def test_leaving_an_upload_without_finishing_leaves_no_parts(objects: S3ObjectStore) -> None:
    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(b"v" * (PART_BYTES + 1))

    assert open_uploads(objects._clients) == []


def test_a_failed_abort_does_not_hide_why_it_was_needed() -> None:
    bucket = Bucket()

    def handle(sent: Sent) -> AWSResponse:
        return answer(500) if sent.operation == "AbortMultipartUpload" else bucket(sent)

    with pytest.raises(Truncated):
        break_off(S3ObjectStore(answering(handle)))


def test_an_upload_holds_no_part_that_was_sent() -> None:
    calls: list[str] = []

    def handle(sent: Sent) -> AWSResponse:
        calls.append(sent.operation)
        WIRE.requests.clear()
        return Bucket()(sent)

    gc.disable()
    tracemalloc.start()
    try:
        with S3ObjectStore(answering(handle)).upload(BUCKET, KEY, "video/mp4") as under_way:
            for _ in range(16 * 64):
                under_way.write(bytes(PART_BYTES // 64))
            assert under_way.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()

    assert calls.count("UploadPart") == 16
    assert peak < (MAX_PARTS_AT_ONCE + 3) * PART_BYTES


def test_parts_go_out_beside_each_other_and_no_more_than_a_few() -> None:
    bucket, counted = Bucket(), threading.Lock()
    all_there = threading.Barrier(MAX_PARTS_AT_ONCE, timeout=5)
    at_once: list[int] = [0, 0]

    def handle(sent: Sent) -> AWSResponse:
        if sent.operation != "UploadPart":
            return bucket(sent)
        with counted:
            at_once[0] += 1
            at_once[1] = max(at_once)
        # Passes only when so many parts are on their way.
        all_there.wait()
        with counted:
            at_once[0] -= 1
            return bucket(sent)

    assert upload(answering(handle), size=2 * MAX_PARTS_AT_ONCE * PART_BYTES)

    assert at_once[1] == MAX_PARTS_AT_ONCE
    numbers = [f"part {number}" for number in range(1, 2 * MAX_PARTS_AT_ONCE + 1)]
    assert sorted(bucket.calls[1:-1]) == numbers


def test_a_part_that_is_refused_ends_the_upload_and_aborts_it_after_the_others() -> None:
    bucket = Bucket()

    def handle(sent: Sent) -> AWSResponse:
        if sent.operation == "UploadPart" and sent.query["partNumber"] == "2":
            return markup("AccessDenied", 403)
        return bucket(sent)

    with pytest.raises(AwsError) as caught:
        upload(answering(handle), size=8 * PART_BYTES)

    assert caught.value.code == "AccessDenied"
    assert bucket.calls[-1] == "abort"
    assert "complete" not in bucket.calls


def test_parts_and_completion_carry_what_s3_checks_them_by() -> None:
    bucket = Bucket()

    assert upload(answering(bucket))

    begin, *parts, complete = bucket.requests
    first = next(part for part in parts if part.query["partNumber"] == "1")
    checksum = base64.b64encode(zlib.crc32(b"x" * PART_BYTES).to_bytes(4, "big")).decode()
    assert begin.headers["x-amz-checksum-algorithm"] == "CRC32"
    assert begin.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert first.headers["x-amz-checksum-crc32"] == checksum
    assert complete.headers["if-none-match"] == "*"
    assert complete.headers["x-amz-mp-object-size"] == str(PART_BYTES + 1)
    listed = complete.body.decode()
    assert listed.index("<PartNumber>1</PartNumber>") < listed.index("<PartNumber>2</PartNumber>")
    assert listed.index("of part 1") < listed.index("of part 2")
    assert f"<ChecksumCRC32>{checksum}</ChecksumCRC32>" in listed


def test_a_completed_upload_is_not_aborted() -> None:
    bucket = Bucket()

    assert upload(answering(bucket))

    assert (bucket.calls[0], sorted(bucket.calls[1:3]), bucket.calls[3:]) == (
        "begin",
        ["part 1", "part 2"],
        ["complete"],
    )


def test_a_completion_on_a_taken_key_is_false_and_aborts() -> None:
    def taken(bucket: Bucket) -> AWSResponse:
        bucket.writer = "somebody else"
        return markup("PreconditionFailed", 412)

    bucket = Bucket(taken)

    assert not upload(answering(bucket))
    assert bucket.calls[-3:] == ["complete", "head", "abort"]


@pytest.mark.parametrize(
    "second", [markup("PreconditionFailed", 412), markup("NoSuchUpload", 404)], ids=["taken", "gone"]
)
def test_a_completion_whose_answer_was_lost_is_known_for_its_own(second: AWSResponse) -> None:
    def lost_first(bucket: Bucket) -> AWSResponse:
        if bucket.writer is None:
            bucket.writer = bucket.offered
            raise silence()
        return second

    assert upload(answering(Bucket(lost_first)))


def test_a_completion_that_met_anothers_is_false_when_that_one_won() -> None:
    def met(bucket: Bucket) -> AWSResponse:
        bucket.writer = "somebody else"
        return markup("ConditionalRequestConflict", 409)

    assert not upload(answering(Bucket(met)))


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "NoSuchUpload"])
def test_a_completion_that_failed_with_nothing_there_is_an_error_and_aborts(code: str) -> None:
    bucket = Bucket(lambda _bucket: markup(code, 409))

    with pytest.raises(AwsError) as caught:
        upload(answering(bucket))

    assert caught.value.code == code
    assert bucket.calls[-1] == "abort"


def test_a_completion_that_fails_with_status_200_is_an_error() -> None:
    bucket = Bucket(lambda _bucket: markup("InternalError", 200))

    with pytest.raises(AwsError) as caught:
        upload(answering(bucket))

    assert caught.value.code == "InternalError"
    assert bucket.calls[-1] == "abort"


def test_a_completion_that_nobody_answers_is_unreachable() -> None:
    def silent(_bucket: Bucket) -> AWSResponse:
        raise silence()

    with pytest.raises(AwsUnreachable):
        upload(answering(Bucket(silent)))


def test_a_part_whose_answer_was_lost_is_sent_again_whole(objects: S3ObjectStore, wire: Wire) -> None:
    wire.after = lose_once("UploadPart")
    body = hashlib.shake_256(b"video").digest(PART_BYTES + 12345)

    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(body)
        assert under_way.finish()

    assert wire.operations().count("UploadPart") == 3
    assert b"".join(objects.chunks(BUCKET, KEY)) == body


def test_a_server_that_drips_costs_no_more_memory_than_another() -> None:
    part, drips = _Part(), PART_BYTES // 64
    for _ in range(drips):
        part.append(b"drip")

    assert len(part) == 4 * drips
    assert max(map(len, part.pieces())) <= MIN_PIECE_BYTES
    assert len(part.pieces()) <= 4 * drips // MIN_PIECE_BYTES + 1
    assert part.read() == b"drip" * drips


def test_a_part_is_read_by_its_pieces_and_from_its_beginning_again() -> None:
    part = _Part()
    for chunk in (b"a" * MIN_PIECE_BYTES, b"b", b"c" * MIN_PIECE_BYTES):
        part.append(chunk)

    first = [part.read(16), part.read(16), part.read(16)]
    assert part.tell() == len(part)
    part.seek(0)

    assert b"".join(first) == part.read() == part.joined()
    assert first[2] == b""
