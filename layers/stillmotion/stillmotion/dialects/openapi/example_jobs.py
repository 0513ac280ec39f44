"""One job in its states, made by the steps that lead there: what the examples of answers show."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from stillmotion.dialects.native.paths import JOB_ID, KEY_ID
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.identity import content_id, idempotency_key
from stillmotion.domain.interventions import cancelled
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, attempt_ended, generation_read
from stillmotion.domain.job.lifecycle import completed, failed, needs_attention, started
from stillmotion.domain.job.records import Job, Outcome, Reason, Status, Still, Verdict, Video
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import book
from stillmotion.edge.request import parse_request

ORDERED_AT = datetime(2026, 1, 31, 9, 15, 40, tzinfo=UTC)
ENDED_AT = ORDERED_AT + timedelta(seconds=101)
IMAGE_URL = "https://images.example/lake.jpg"
REQUEST = parse_request({"prompt": "The boats begin to sway", "image": IMAGE_URL, "metadata": {"order": "81"}})
KEY_HASH = KEY_ID.ljust(64, "0")
PRICE = Decimal("0.20")
INPUT_BUCKET = "stillmotion-inputbucket"
OUTPUT_BUCKET = "stillmotion-outputbucket"
_GENERATION_ID = content_id("generation", JOB_ID).replace("-", "")
VIDEO_KEY = f"videos/default/{JOB_ID}/{_GENERATION_ID}.mp4"
_SHA256 = "13cc9f3a69224f678f0df1320393c91ae32732554f1aa2197befbb481e7e55e2"


def queued() -> Job:
    """Ordered a moment ago."""
    key = f"uploads/default/{content_id('picture', IMAGE_URL)}"
    still = Still(
        address=f"s3://{INPUT_BUCKET}/{key}",
        bucket=INPUT_BUCKET,
        key=key,
        media_type="image/jpeg",
        bytes=2_500_000,
        width=1920,
        height=1080,
    )
    new = Job(
        id=JOB_ID,
        tenant="default",
        status=Status.WAITING,
        ordered_with=KEY_HASH,
        created_at=ORDERED_AT,
        updated_at=ORDERED_AT,
        still=still,
    )
    return started(new, REQUEST, "16:9", ORDERED_AT, VendorName.WAVESPEED)


def generating() -> Job:
    """Taken by its vendor."""
    return _booked(attempt_accepted(_sending(), 1, _GENERATION_ID, ORDERED_AT + timedelta(seconds=1), "created"))


def done() -> Job:
    """With a video in the bucket."""
    video = Video(
        bucket=OUTPUT_BUCKET,
        key=VIDEO_KEY,
        bytes=4_193_280,
        sha256=_SHA256,
        width=1280,
        height=720,
        duration_milliseconds=5041,
        stored_at=ENDED_AT,
    )
    return _booked(completed(_read(Verdict.SUCCEEDED, "completed"), video, ENDED_AT))


def declined() -> Job:
    """Ended without a video."""
    failure = Failure(FailureKind.MODERATED, "The content was flagged as potentially sensitive.")
    return _booked(failed(_read(Verdict.FAILED, "failed", failure), failure, ENDED_AT))


def called_off() -> Job:
    """Wanted no more before it was sent."""
    return cancelled(queued(), ORDERED_AT + timedelta(seconds=2))


def doubtful() -> Job:
    """For a person to look at: nobody knows whether its vendor took it."""
    lost = Failure(FailureKind.OUTCOME_UNKNOWN, "The connection broke before an answer came.")
    unknown = attempt_ended(_sending(), 1, Outcome.UNKNOWN, lost, ENDED_AT)
    return _booked(needs_attention(unknown, Reason.OUTCOME_UNKNOWN, lost, ENDED_AT))


def _sending() -> Job:
    return attempt_begun(
        queued(),
        ORDERED_AT,
        vendor=VendorName.WAVESPEED,
        quote=PRICE,
        path="/api/v3/luma/ray-2-flash-i2v",
        body="{}",
        idempotency_key=idempotency_key(JOB_ID, 1),
    )


def _read(verdict: Verdict, vendor_status: str, failure: Failure | None = None) -> Job:
    job = generating()
    assert job.generation is not None  # noqa: S101 - its vendor took it
    generation = replace(job.generation, verdict=verdict, vendor_status=vendor_status, failure=failure)
    return generation_read(job, replace(generation, reads=9, last_read_at=ENDED_AT, ended_at=ENDED_AT), ENDED_AT)


def _booked(job: Job) -> Job:
    booked, _ = book(job)
    return booked
