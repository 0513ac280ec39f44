"""Every answer that the vendors' documents show is read for what it means."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.ports.vendor import (
    Accepted,
    Declared,
    Envelope,
    ReadFailed,
    Reading,
    Refused,
    Running,
    SubmissionAnswer,
    Succeeded,
    Unanswered,
    Vendor,
)
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor

Shape = Callable[[str], httpx.Response]
JOB = "7d0e0f4e-3c55-4c3e-9d0a-5f1f6a3f2b10"
TASK = "a1c9b7d6e5f44a3b8c2d1e0f9a8b7c6d"
APIFRAME_VIDEO = Succeeded(
    vendor_status="COMPLETED", video_url="https://cdn2.apiframe.ai/videos/7d0e0f4e.mp4", credits=51
)


def refused(kind: FailureKind, message: str, retry_after: int | None = None) -> Refused:
    return Refused(failure=Failure(kind, message), retry_after=retry_after)


SUBMISSIONS: dict[str, SubmissionAnswer] = {
    "apiframe-submit-accepted": Accepted(generation_id=JOB, vendor_status="QUEUED"),
    "apiframe-submit-replayed": Accepted(generation_id=JOB, vendor_status="COMPLETED"),
    "apiframe-submit-invalid": refused(
        FailureKind.INVALID_INPUT, "HTTP 400: Validation failed (lumaParams.duration: Invalid input)"
    ),
    "apiframe-submit-unauthorized": refused(FailureKind.UNAUTHORIZED, "HTTP 401: Invalid API key"),
    "apiframe-submit-out-of-credits": refused(
        FailureKind.OUT_OF_CREDITS, "HTTP 402: Insufficient credits: needs 51 credits, has 7"
    ),
    "apiframe-submit-forbidden": refused(FailureKind.UNAUTHORIZED, "HTTP 403: API key is inactive"),
    "apiframe-submit-throttled": refused(FailureKind.THROTTLED, "HTTP 429: Rate limit exceeded", 12),
    "apiframe-submit-unavailable": Unanswered(detail="HTTP 503: Service temporarily unavailable", resendable=True),
    "apiframe-submit-key-reused": Unanswered(
        detail="HTTP 409: Idempotency-Key was used with a different body", resendable=False
    ),
    "wavespeed-submit-accepted": Accepted(generation_id=TASK, vendor_status="created"),
    "wavespeed-submit-failed-at-once": Accepted(generation_id=TASK, vendor_status="failed"),
    "wavespeed-submit-moderated": refused(FailureKind.MODERATED, "HTTP 200: code 1200: Content policy violation"),
    "wavespeed-submit-invalid": refused(FailureKind.INVALID_INPUT, 'HTTP 400: code 1400: property "image" is missing'),
    "wavespeed-submit-unauthorized": refused(FailureKind.UNAUTHORIZED, "HTTP 401: code 401: Invalid API key"),
    "wavespeed-submit-throttled": refused(FailureKind.THROTTLED, "HTTP 429: code 429: Too many requests"),
    "wavespeed-submit-internal": Unanswered(detail="HTTP 500: code 5000: Internal error", resendable=False),
}

READINGS: dict[str, Reading] = {
    "apiframe-job-queued": Running(vendor_status="QUEUED"),
    "apiframe-job-processing": Running(vendor_status="PROCESSING", progress=40),
    "apiframe-job-completed": APIFRAME_VIDEO,
    "apiframe-job-completed-bare": APIFRAME_VIDEO,
    "apiframe-job-completed-list": APIFRAME_VIDEO,
    "apiframe-job-expired": Declared(
        vendor_status="COMPLETED",
        failure=Failure(FailureKind.EXPIRED, "Apiframe made the video and has deleted it since."),
        credits=51,
    ),
    "apiframe-job-failed": Declared(
        vendor_status="FAILED",
        failure=Failure(FailureKind.GENERATION_FAILED, "Generation failed upstream"),
        credits=0,
    ),
    "apiframe-job-cancelled": Declared(
        vendor_status="CANCELLED", failure=Failure(FailureKind.CANCELLED, "The job was cancelled at Apiframe.")
    ),
    "wavespeed-task-created": Running(vendor_status="created"),
    "wavespeed-task-processing": Running(vendor_status="processing"),
    "wavespeed-task-completed": Succeeded(
        vendor_status="completed",
        video_url="https://d2g64w682n9w0w.cloudfront.net/predictions/a1c9/1.mp4",
        nsfw=False,
        inference_milliseconds=41_250,
    ),
    "wavespeed-task-failed": Declared(
        vendor_status="failed",
        failure=Failure(FailureKind.INPUT_UNREACHABLE, "code 1402: Media URL is not accessible"),
    ),
    "wavespeed-task-wait-over": Running(vendor_status="failed"),
    "wavespeed-task-cancelled": Declared(
        vendor_status="cancelled",
        failure=Failure(FailureKind.CANCELLED, "WaveSpeed says cancelled and gives no reason."),
    ),
    "wavespeed-task-timeout": Declared(
        vendor_status="timeout", failure=Failure(FailureKind.TIMED_OUT, "Task timed out")
    ),
}

UNREADABLE = {"apiframe-job-not-found": JOB, "wavespeed-task-not-found": TASK}
UPLOADS = {
    "apiframe-upload": "https://cdn2.apiframe.ai/uploads/a.jpg",
    "wavespeed-upload-ticket": "https://static.wavespeed.ai/media/a.jpg",
}


def vendor(name: str, answer: httpx.Response) -> Vendor:
    """The vendor of a shape's name, which gives that answer; a PUT is taken."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200) if request.method == "PUT" else answer)
    if name.startswith("apiframe"):
        return ApiframeVendor("https://api.apiframe.ai", lambda: "afk_contract", transport=transport)
    return WaveSpeedVendor("https://api.wavespeed.ai", lambda: "contract", transport=transport)


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_a_recorded_answer_to_a_submission_is_understood(name: str, shape: Shape) -> None:
    assert vendor(name, shape(name)).submit(Envelope("/generate", "{}"), "key") == SUBMISSIONS[name]


@pytest.mark.parametrize("name", READINGS)
def test_a_recorded_state_is_understood(name: str, shape: Shape) -> None:
    generation_id = JOB if name.startswith("apiframe") else TASK
    assert vendor(name, shape(name)).read(generation_id) == READINGS[name]


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_generation_that_is_not_found_is_no_verdict(name: str, shape: Shape) -> None:
    with pytest.raises(ReadFailed, match="HTTP 404") as failed:
        vendor(name, shape(name)).read(UNREADABLE[name])
    assert failed.value.kind is FailureKind.UNAVAILABLE


@pytest.mark.parametrize("name", UPLOADS)
def test_a_recorded_upload_gives_its_url(name: str, shape: Shape) -> None:
    assert vendor(name, shape(name)).upload(b"image", "image/jpeg", "a.jpg") == UPLOADS[name]


def test_no_recorded_shape_is_left_untested() -> None:
    recorded = {path.stem for path in (Path(__file__).parent / "shapes").glob("*.json")}
    assert recorded == {*SUBMISSIONS, *READINGS, *UNREADABLE, *UPLOADS}
