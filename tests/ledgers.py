"""Jobs in each of their states, made by the steps that lead there; at WaveSpeed, at NOW."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.interventions import (
    abandoned,
    cancelled,
)
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, attempt_ended, expired, generation_read
from stillmotion.domain.job.lifecycle import (
    completed,
    failed,
    lined_up,
    marked_overdue,
    needs_attention,
    started,
    waiting,
)
from stillmotion.domain.job.records import Job, Outcome, Reason, Status, Verdict, Video
from stillmotion.domain.request import VendorName
from stillmotion.edge.request import parse_request

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TIMEOUT = 60
LOST = Failure(FailureKind.OUTCOME_UNKNOWN, "the connection broke")
DECLARED = Failure(FailureKind.GENERATION_FAILED, "no")
THROTTLED = Failure(FailureKind.THROTTLED, "slow down")
VIDEO = Video(
    bucket="output", key="v.mp4", bytes=1, sha256="ab", width=1, height=1, duration_milliseconds=5000, stored_at=NOW
)


def unprompted() -> Job:
    return Job(
        id="job-1", tenant="default", status=Status.WAITING, reason=Reason.PROMPT, created_at=NOW, updated_at=NOW
    )


def dispatching() -> Job:
    wanted = parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg"})
    return started(unprompted(), wanted, "16:9", NOW)


def in_line() -> Job:
    return waiting(lined_up(dispatching(), VendorName.WAVESPEED, NOW), Reason.SLOT, NOW)


def sending(job: Job | None = None) -> Job:
    return attempt_begun(
        job or dispatching(),
        NOW,
        vendor=VendorName.WAVESPEED,
        quote=Decimal("0.20"),
        path="/p",
        body="{}",
        idempotency_key="k",
        webhook_token="token",
    )


def throttled() -> Job:
    return attempt_ended(sending(), 1, Outcome.REFUSED, THROTTLED, NOW)


def unknown() -> Job:
    lost = attempt_ended(sending(), 1, Outcome.UNKNOWN, LOST, NOW)
    return needs_attention(lost, Reason.OUTCOME_UNKNOWN, LOST, NOW)


def generating() -> Job:
    return attempt_accepted(sending(), 1, "generation-1", NOW, None)


def read(job: Job, verdict: Verdict, failure: Failure | None = None) -> Job:
    assert job.generation is not None
    ended = replace(job.generation, verdict=verdict, failure=failure, video_url="https://v.example", ended_at=NOW)
    return generation_read(job, ended, NOW)


def finalizing() -> Job:
    return read(generating(), Verdict.SUCCEEDED)


def overdue() -> Job:
    return marked_overdue(generating(), NOW)


def unreachable() -> Job:
    return needs_attention(finalizing(), Reason.VIDEO_UNREACHABLE, None, NOW)


def done() -> Job:
    return completed(finalizing(), VIDEO, NOW)


def refused() -> Job:
    refusal = Failure(FailureKind.OUT_OF_CREDITS, "no credits")
    return failed(attempt_ended(sending(), 1, Outcome.REFUSED, refusal, NOW), refusal, NOW)


def declared() -> Job:
    return read(generating(), Verdict.FAILED, DECLARED)


def declared_failed() -> Job:
    return failed(declared(), DECLARED, NOW)


def given_up() -> Job:
    return abandoned(unknown(), LATER, TIMEOUT)


def never_begun() -> Job:
    return failed(dispatching(), Failure(FailureKind.UNAUTHORIZED, "no key"), NOW)


def called_off() -> Job:
    return cancelled(dispatching(), NOW)


def gone() -> Job:
    return expired(unreachable(), NOW)
