"""Every state of an Apiframe job, and every way of not learning it."""

from collections.abc import Callable

import httpx
import pytest

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.ports.vendor import Declared, ReadFailed, Reading, Running, Succeeded
from stillmotion.vendors.apiframe import ApiframeVendor

Apiframe = Callable[..., ApiframeVendor]
VIDEO = "https://cdn2.apiframe.ai/videos/a.mp4"


@pytest.fixture
def read(apiframe: Apiframe) -> Callable[..., Reading]:
    """What a job with these members reads as."""

    def reading(**job: object) -> Reading:
        return apiframe(httpx.Response(200, json={"id": "j1", **job})).read("j1")

    return reading


Read = Callable[..., Reading]


def test_a_read_asks_for_the_job_by_its_id(apiframe: Apiframe, sent: list[httpx.Request]) -> None:
    apiframe(httpx.Response(200, json={"status": "QUEUED"})).read("a b/../c?d")
    assert sent[0].method == "GET"
    assert sent[0].url.raw_path == b"/v2/jobs/a%20b%2F..%2Fc%3Fd"


@pytest.mark.parametrize("word", ["QUEUED", "PROCESSING"])
@pytest.mark.parametrize(
    ("told", "progress"), [(None, None), (0, 0), (41, 41), (250, 100), ("41", None), (-1, None), (True, None)]
)
def test_a_job_under_way_is_running(word: str, told: object, progress: int | None, read: Read) -> None:
    assert read(status=word, progress=told) == Running(vendor_status=word, progress=progress)


@pytest.mark.parametrize("word", ["PAUSED", "completed", "?" * 80])
def test_an_undocumented_word_is_recorded_and_running(word: str, read: Read) -> None:
    assert read(status=word, result=VIDEO) == Running(vendor_status=word[:64], undocumented=True)


@pytest.mark.parametrize(
    "result",
    [
        {"videoUrl": VIDEO},
        VIDEO,
        {"videos": [VIDEO]},
        {"videos": [{"url": VIDEO}]},
        {"videos": [{"videoUrl": VIDEO}, {"videoUrl": "https://cdn2.apiframe.ai/videos/b.mp4"}]},
        [VIDEO],
        {"url": VIDEO},
    ],
)
def test_a_completed_job_gives_its_video_and_its_credits(result: object, read: Read) -> None:
    reading = read(status="COMPLETED", result=result, creditCost=51, expired=False)
    assert reading == Succeeded(vendor_status="COMPLETED", video_url=VIDEO, credits=51)


@pytest.mark.parametrize(
    "result", [None, {}, [], "", "done", {"videos": []}, {"videoUrl": None}, {"videoUrl": "ftp://a/b"}, 7]
)
def test_a_completed_job_without_a_video_is_not_done(result: object, read: Read) -> None:
    with pytest.raises(ReadFailed) as failed:
        read(status="COMPLETED", result=result)
    assert failed.value.kind is FailureKind.UNAVAILABLE


def test_a_completed_job_whose_video_was_deleted_has_expired(read: Read) -> None:
    reading = read(status="COMPLETED", result={"videoUrl": VIDEO}, expired=True, creditCost=51)
    assert isinstance(reading, Declared)
    assert reading.failure.kind is FailureKind.EXPIRED
    assert reading.credits == 51


def test_a_failed_job_tells_why(read: Read) -> None:
    assert read(status="FAILED", error="The model failed.", creditCost=0) == Declared(
        vendor_status="FAILED", failure=Failure(FailureKind.GENERATION_FAILED, "The model failed."), credits=0
    )


def test_a_failed_job_without_a_reason_says_so(read: Read) -> None:
    reading = read(status="FAILED", error=None)
    assert isinstance(reading, Declared)
    assert reading.failure.message == "Apiframe gave no reason."


def test_a_cancelled_job_is_declared_cancelled(read: Read) -> None:
    reading = read(status="CANCELLED")
    assert isinstance(reading, Declared)
    assert reading.failure.kind is FailureKind.CANCELLED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, FailureKind.UNAVAILABLE),
        (400, FailureKind.UNAVAILABLE),
        (401, FailureKind.UNAUTHORIZED),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.UNAVAILABLE),
        (429, FailureKind.THROTTLED),
        (500, FailureKind.UNAVAILABLE),
        (503, FailureKind.UNAVAILABLE),
    ],
)
def test_an_error_says_nothing_about_the_job(status: int, kind: FailureKind, apiframe: Apiframe) -> None:
    answer = httpx.Response(status, headers={"Retry-After": "9"}, json={"error": "No.", "status": "FAILED"})
    with pytest.raises(ReadFailed, match=f"HTTP {status}: No.") as failed:
        apiframe(answer).read("j1")
    assert failed.value.kind is kind
    assert failed.value.retry_after == 9


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"status":null}', b'{"status":3}', b"[" * 100_000])
def test_an_answer_without_a_status_says_nothing_about_the_job(body: bytes, apiframe: Apiframe) -> None:
    with pytest.raises(ReadFailed) as failed:
        apiframe(httpx.Response(200, content=body)).read("j1")
    assert failed.value.kind is FailureKind.UNAVAILABLE


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_broken_connection_says_nothing_about_the_job(error: type[httpx.TransportError], apiframe: Apiframe) -> None:
    with pytest.raises(ReadFailed) as failed:
        apiframe(error("broken")).read("j1")
    assert failed.value.kind is FailureKind.UNAVAILABLE


def test_the_answer_about_another_job_is_not_believed(apiframe: Apiframe) -> None:
    answer = httpx.Response(200, json={"id": "j2", "status": "COMPLETED", "result": VIDEO})
    with pytest.raises(ReadFailed):
        apiframe(answer).read("j1")
