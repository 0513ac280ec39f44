"""Every state and code of a WaveSpeed task, and every way of not learning it."""

from collections.abc import Callable

import httpx
import pytest

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.ports.vendor import Declared, ReadFailed, Reading, Running, Succeeded
from stillmotion.vendors.wavespeed import WaveSpeedVendor

WaveSpeed = Callable[..., WaveSpeedVendor]
Read = Callable[..., Reading]
VIDEO = "https://d2g64w682n9w0w.cloudfront.net/a.mp4"


@pytest.fixture
def read(wavespeed: WaveSpeed) -> Read:
    """What a task with these members reads as."""

    def reading(**task: object) -> Reading:
        envelope = {"code": 200, "message": "success", "data": {"id": "t1", **task}}
        return wavespeed(httpx.Response(200, json=envelope)).read("t1")

    return reading


def test_a_read_asks_for_the_result_of_the_task(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    wavespeed(httpx.Response(200, json={"data": {"status": "created"}})).read("a/b")
    assert sent[0].method == "GET"
    assert sent[0].url.raw_path == b"/api/v3/predictions/a%2Fb/result"


@pytest.mark.parametrize("word", ["created", "processing"])
def test_a_task_under_way_is_running(word: str, read: Read) -> None:
    assert read(status=word, outputs=[], has_nsfw_contents=[]) == Running(vendor_status=word)


def test_an_undocumented_word_is_recorded_and_running(read: Read) -> None:
    assert read(status="resting", outputs=[VIDEO]) == Running(vendor_status="resting", undocumented=True)


@pytest.mark.parametrize("outputs", [[VIDEO], [{"url": VIDEO}], [{"video_url": VIDEO}], [None, VIDEO]])
def test_a_completed_task_gives_its_video(outputs: object, read: Read) -> None:
    reading = read(status="completed", outputs=outputs, has_nsfw_contents=[False], timings={"inference": 41_250})
    assert reading == Succeeded(vendor_status="completed", video_url=VIDEO, nsfw=False, inference_milliseconds=41_250)


@pytest.mark.parametrize("outputs", [None, [], [None], [""], ["data:video/mp4;base64,AA"], [{}], 7])
def test_a_completed_task_without_outputs_is_not_done(outputs: object, read: Read) -> None:
    with pytest.raises(ReadFailed) as failed:
        read(status="completed", outputs=outputs)
    assert failed.value.kind is FailureKind.UNAVAILABLE


@pytest.mark.parametrize(
    ("flags", "nsfw"),
    [([False, True], True), ([True], True), ([False], False), ([], None), (None, None), (True, True), (["yes"], None)],
)
def test_any_flag_makes_a_video_nsfw(flags: object, nsfw: bool | None, read: Read) -> None:  # noqa: FBT001
    reading = read(status="completed", outputs=[VIDEO], has_nsfw_contents=flags)
    assert isinstance(reading, Succeeded)
    assert reading.nsfw is nsfw


@pytest.mark.parametrize("timings", [None, {}, {"inference": None}, {"inference": -1}, {"inference": "41"}, 7])
def test_timings_that_are_none_are_left_out(timings: object, read: Read) -> None:
    reading = read(status="completed", outputs=[VIDEO], timings=timings)
    assert isinstance(reading, Succeeded)
    assert reading.inference_milliseconds is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1200, FailureKind.MODERATED),
        (1400, FailureKind.INVALID_INPUT),
        (1401, FailureKind.INVALID_INPUT),
        (1402, FailureKind.INPUT_UNREACHABLE),
        (1403, FailureKind.GENERATION_FAILED),
        (1405, FailureKind.GENERATION_FAILED),
        (5000, FailureKind.GENERATION_FAILED),
        (5003, FailureKind.UNAVAILABLE),
        (7777, FailureKind.GENERATION_FAILED),
    ],
)
def test_a_failed_task_is_of_the_kind_of_its_code(code: int, kind: FailureKind, read: Read) -> None:
    reading = read(status="failed", code=code, error="No.", has_nsfw_contents=[True])
    assert reading == Declared(vendor_status="failed", failure=Failure(kind, f"code {code}: No."), nsfw=True)


def test_a_failed_task_without_a_code_tells_its_error(read: Read) -> None:
    reading = read(status="failed", error="Out of memory")
    assert reading == Declared(vendor_status="failed", failure=Failure(FailureKind.GENERATION_FAILED, "Out of memory"))


def test_a_failed_task_that_says_nothing_does_not_quote_the_envelopes_success(read: Read) -> None:
    reading = read(status="failed", error="")
    assert isinstance(reading, Declared)
    assert reading.failure.message == "WaveSpeed says failed and gives no reason."


@pytest.mark.parametrize("word", ["failed", "timeout"])
def test_the_end_of_the_synchronous_wait_is_not_the_end_of_the_task(word: str, read: Read) -> None:
    assert read(status=word, code=5004, error="sync wait timed out") == Running(vendor_status=word)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("cancelled", FailureKind.CANCELLED),
        ("timeout", FailureKind.TIMED_OUT),
        ("deleted", FailureKind.EXPIRED),
    ],
)
def test_the_other_final_words_are_declared_failures(word: str, kind: FailureKind, read: Read) -> None:
    reading = read(status=word)
    assert isinstance(reading, Declared)
    assert reading.vendor_status == word
    assert reading.failure.kind is kind


def test_a_code_beside_the_tasks_own_id_is_a_verdict_without_a_status(read: Read) -> None:
    assert read(code=1200, error="Moderated.") == Declared(
        vendor_status="code 1200", failure=Failure(FailureKind.MODERATED, "code 1200: Moderated.")
    )


def test_the_end_of_the_synchronous_wait_without_a_status_is_running(read: Read) -> None:
    assert read(code=5004) == Running(vendor_status="code 5004")


@pytest.mark.parametrize("code", [1200, 1403, 5000, 5003, 5004, 401, 9999])
def test_an_error_envelope_that_names_no_task_is_no_verdict(code: int, wavespeed: WaveSpeed) -> None:
    answer = httpx.Response(200, json={"code": code, "message": "No.", "data": None})
    with pytest.raises(ReadFailed, match=f"HTTP 200: code {code}: No.") as failed:
        wavespeed(answer).read("t1")
    assert failed.value.kind is FailureKind.UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, FailureKind.UNAVAILABLE),
        (400, FailureKind.UNAVAILABLE),
        (401, FailureKind.UNAUTHORIZED),
        (403, FailureKind.UNAUTHORIZED),
        (404, FailureKind.UNAVAILABLE),
        (429, FailureKind.THROTTLED),
        (502, FailureKind.UNAVAILABLE),
    ],
)
def test_an_error_says_nothing_about_the_task(status: int, kind: FailureKind, wavespeed: WaveSpeed) -> None:
    answer = httpx.Response(status, headers={"Retry-After": "4"}, json={"code": status, "message": "No."})
    with pytest.raises(ReadFailed) as failed:
        wavespeed(answer).read("t1")
    assert failed.value.kind is kind
    assert failed.value.retry_after == 4


def test_the_answer_about_another_task_is_not_believed(wavespeed: WaveSpeed) -> None:
    answer = httpx.Response(200, json={"code": 200, "data": {"id": "t2", "status": "failed"}})
    with pytest.raises(ReadFailed):
        wavespeed(answer).read("t1")
