"""A write happens once, whole, and only where nothing was: also when answers are lost."""

import base64
import gc
import hashlib
import tracemalloc
import zlib
from collections.abc import Callable

import httpx
import pytest
from tests.unit.aws.wire import Wire, answer, answering, client_over, lose_once, markup

from stillmotion.aws.client import AwsClient, AwsError, AwsUnreachable
from stillmotion.aws.markup import texts
from stillmotion.aws.objects import S3ObjectStore
from stillmotion.aws.uploads import PART_BYTES

BUCKET = "videos"
KEY = "videos/ada/job 1/gen.mp4"


@pytest.fixture
def objects(client: AwsClient, wire: Wire) -> S3ObjectStore:
    store = S3ObjectStore(client)
    region = client.settings.region
    body = f"<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    store._buckets.send("PUT", BUCKET, body=body.encode())
    wire.requests.clear()
    return store


def open_uploads(objects: S3ObjectStore) -> list[str]:
    return texts(objects._buckets.send("GET", BUCKET, query={"uploads": ""}).body).get("UploadId", [])


class Bucket:
    """S3 for one key, as far as conditional multipart writes go; moto knows no conditional completion."""

    def __init__(self, on_complete: Callable[["Bucket"], httpx.Response] | None = None) -> None:
        self.calls: list[str] = []
        self.requests: list[httpx.Request] = []
        self.writer: str | None = None
        self.offered: str | None = None
        self._on_complete = on_complete

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.requests.append(request)
        if request.method == "HEAD":
            self.calls.append("head")
            return answer(404) if self.writer is None else answer(200, headers={"x-amz-meta-writer": self.writer})
        if request.method == "POST" and "uploads" in query:
            self.calls.append("begin")
            self.offered = request.headers["x-amz-meta-writer"]
            return answer(200, b"<R><Bucket>b</Bucket><UploadId>up-1</UploadId></R>")
        if request.method == "PUT":
            self.calls.append(f"part {query.get('partNumber', 'whole')}")
            return answer(200, headers={"etag": f'"{len(self.calls)}"'})
        if request.method == "DELETE":
            self.calls.append("abort")
            return answer(204)
        self.calls.append("complete")
        if self._on_complete is not None:
            return self._on_complete(self)
        self.writer = self.offered
        return answer(200, b"<CompleteMultipartUploadResult/>")


def upload(bucket: Bucket, size: int = PART_BYTES + 1) -> bool:
    with S3ObjectStore(answering(bucket)).upload(BUCKET, KEY, "video/mp4") as under_way:
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
    wire.after = lose_once("PUT")

    assert objects.put_if_absent(BUCKET, "a.json", b"{}", "application/json")


def test_a_write_that_met_another_is_tried_again() -> None:
    turns = [markup("ConditionalRequestConflict", 409), answer(200)]
    store = S3ObjectStore(answering(lambda _request: turns.pop(0)))

    assert store.put_if_absent(BUCKET, "a.json", b"{}", "application/json")


def test_a_key_that_was_taken_and_is_free_again_is_an_error() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return answer(404) if request.method == "HEAD" else markup("PreconditionFailed", 412)

    with pytest.raises(AwsError) as caught:
        S3ObjectStore(answering(handle)).put_if_absent(BUCKET, "a.json", b"{}", "application/json")

    assert caught.value.code == "PreconditionFailed"


def test_a_write_is_guarded_by_its_checksum() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(200)

    S3ObjectStore(answering(handle)).put_if_absent(BUCKET, "a.json", b"{}", "application/json")

    assert seen[0].headers["x-amz-checksum-crc32"] == base64.b64encode(zlib.crc32(b"{}").to_bytes(4, "big")).decode()
    assert seen[0].headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert seen[0].headers["if-none-match"] == "*"


# --- uploads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, PART_BYTES], ids=["empty", "one byte", "one part"])
def test_what_fits_into_a_part_is_one_put(objects: S3ObjectStore, wire: Wire, size: int) -> None:
    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(b"v" * size)
        assert under_way.finish()

    assert [request.method for request in wire.requests] == ["PUT"]
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

    parts = [len(request.content) for request in wire.requests if request.method == "PUT"]
    assert parts == [PART_BYTES, PART_BYTES, 12345]
    assert b"".join(objects.chunks(BUCKET, KEY)) == body
    assert objects.head(BUCKET, KEY).content_type == "video/mp4"
    assert open_uploads(objects) == []


def test_leaving_an_upload_by_an_exception_leaves_no_parts(objects: S3ObjectStore) -> None:
    with pytest.raises(Truncated):
        break_off(objects)

    assert open_uploads(objects) == []
    assert objects.keys(BUCKET, "", 10) == []


def test_leaving_an_upload_without_finishing_leaves_no_parts(objects: S3ObjectStore) -> None:
    with objects.upload(BUCKET, KEY, "video/mp4") as under_way:
        under_way.write(b"v" * (PART_BYTES + 1))

    assert open_uploads(objects) == []


def test_a_failed_abort_does_not_hide_why_it_was_needed() -> None:
    bucket = Bucket()

    def handle(request: httpx.Request) -> httpx.Response:
        return answer(500) if request.method == "DELETE" else bucket(request)

    with pytest.raises(Truncated):
        break_off(S3ObjectStore(answering(handle)))


def test_an_upload_holds_no_part_that_was_sent() -> None:
    bucket = Bucket()

    class Drain(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            assert isinstance(request.stream, httpx.SyncByteStream)
            for _ in request.stream:
                pass
            return bucket(httpx.Request(request.method, request.url, headers=request.headers))

    gc.disable()
    tracemalloc.start()
    try:
        with S3ObjectStore(client_over(Drain())).upload(BUCKET, KEY, "video/mp4") as under_way:
            for _ in range(8 * 64):
                under_way.write(bytes(PART_BYTES // 64))
            assert under_way.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()

    assert peak < 3 * PART_BYTES


def test_parts_and_completion_carry_what_s3_checks_them_by() -> None:
    bucket = Bucket()

    assert upload(bucket)

    begin, part, _, complete = bucket.requests
    assert begin.headers["x-amz-checksum-algorithm"] == "CRC32"
    assert begin.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert (
        part.headers["x-amz-checksum-crc32"]
        == base64.b64encode(zlib.crc32(b"x" * PART_BYTES).to_bytes(4, "big")).decode()
    )
    assert complete.headers["if-none-match"] == "*"
    assert complete.headers["x-amz-mp-object-size"] == str(PART_BYTES + 1)
    listed = texts(complete.content)
    assert listed["PartNumber"] == ["1", "2"]
    assert listed["ETag"] == ['"2"', '"3"']


def test_a_completed_upload_is_not_aborted() -> None:
    bucket = Bucket()

    assert upload(bucket)

    assert bucket.calls == ["begin", "part 1", "part 2", "complete"]


def test_a_completion_on_a_taken_key_is_false_and_aborts() -> None:
    def taken(bucket: Bucket) -> httpx.Response:
        bucket.writer = "somebody else"
        return markup("PreconditionFailed", 412)

    bucket = Bucket(taken)

    assert not upload(bucket)
    assert bucket.calls[-3:] == ["complete", "head", "abort"]


@pytest.mark.parametrize(
    "second", [markup("PreconditionFailed", 412), markup("NoSuchUpload", 404)], ids=["taken", "gone"]
)
def test_a_completion_whose_answer_was_lost_is_known_for_its_own(second: httpx.Response) -> None:
    def lost_first(bucket: Bucket) -> httpx.Response:
        if bucket.writer is None:
            bucket.writer = bucket.offered
            raise httpx.ReadTimeout("lost")
        return second

    assert upload(Bucket(lost_first))


def test_a_completion_that_met_anothers_is_false_when_that_one_won() -> None:
    def met(bucket: Bucket) -> httpx.Response:
        bucket.writer = "somebody else"
        return markup("ConditionalRequestConflict", 409)

    assert not upload(Bucket(met))


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "NoSuchUpload"])
def test_a_completion_that_failed_with_nothing_there_is_an_error_and_aborts(code: str) -> None:
    bucket = Bucket(lambda _bucket: markup(code, 409))

    with pytest.raises(AwsError) as caught:
        upload(bucket)

    assert caught.value.code == code
    assert bucket.calls[-1] == "abort"


def test_a_completion_that_fails_with_status_200_is_an_error() -> None:
    bucket = Bucket(lambda _bucket: markup("InternalError", 200))

    with pytest.raises(AwsError) as caught:
        upload(bucket)

    assert caught.value.code == "InternalError"
    assert bucket.calls[-1] == "abort"


def test_a_completion_that_nobody_answers_is_unreachable() -> None:
    def silent(_bucket: Bucket) -> httpx.Response:
        raise httpx.ReadTimeout("silence")

    with pytest.raises(AwsUnreachable):
        upload(Bucket(silent))
