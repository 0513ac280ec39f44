"""Which jobs have gone quiet, and what is done about each: nothing that was paid for is left lying.

A job that is under way writes its record every few minutes. One that has not for longer has lost its execution, or was
left by it: overdue, or with a video that could not be fetched. It is given a new one, which goes on from where the
ledger is; the gaps grow, until the vendor no longer has the video.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.job.records import Attempt, Job, Outcome, Reason, Status, Verdict
from stillmotion.domain.request import VendorName

# Apiframe's OpenAPI: CDN assets are purged after 24 h by default. WaveSpeed's predictions page: outputs live 7 days.
RETENTION: Mapping[VendorName, timedelta] = {
    VendorName.APIFRAME: timedelta(hours=24),
    VendorName.WAVESPEED: timedelta(days=7),
}
# Apiframe recognises an Idempotency-Key for 24 h; a repetition stops well before, as clocks are not exact.
KEYS_REMEMBERED: Mapping[VendorName, timedelta] = {VendorName.APIFRAME: timedelta(hours=20)}
MAX_GAP = timedelta(hours=6)
# The retention counts from the end of a generation; one whose end nobody saw may have taken as long as this.
MAX_GENERATION = timedelta(hours=24)
_UNDER_WAY = frozenset({Status.DISPATCHING, Status.GENERATING, Status.FINALIZING})
_MENDABLE = frozenset({Reason.WORKFLOW_FAILED, Reason.VIDEO_UNREACHABLE, Reason.CORRUPT_VIDEO})


class Remedy(StrEnum):
    """What is done about a quiet job."""

    RESUME = "resume"
    EXPIRE = "expire"
    LEAVE = "leave"


def is_swept(job: Job) -> bool:
    """Whether something may still be done about the job without a person."""
    if job.status is not Status.NEEDS_ATTENTION:
        return job.status in _UNDER_WAY or job.is_sendable
    return job.reason in _MENDABLE or (job.attempt is not None and may_be_sent_again(job.attempt))


def may_be_sent_again(attempt: Attempt) -> bool:
    """Whether the vendor, for as long as it remembers, would recognise a repetition of this unanswered attempt."""
    told_otherwise = attempt.failure is not None and attempt.failure.kind is FailureKind.OUTCOME_UNKNOWN
    unanswered = attempt.outcome in (Outcome.SENDING, Outcome.UNKNOWN)
    return unanswered and attempt.vendor in KEYS_REMEMBERED and not told_otherwise


def is_remembered(attempt: Attempt, now: datetime) -> bool:
    """Whether the vendor still knows the attempt's key."""
    return now - attempt.started_at < KEYS_REMEMBERED.get(attempt.vendor, timedelta())


def is_due(job: Job, quiet: timedelta, now: datetime) -> bool:
    """Whether the job has been quiet for `quiet`, doubled for each time that it was swept."""
    return now - job.updated_at >= min(MAX_GAP, quiet * (1 << min(job.sweeps, 16)))


def remedy(job: Job, now: datetime) -> Remedy:
    """What to do about a due job whose execution is not running.

    Once the retention is over there is one more try; what has not come home after that has expired.
    """
    attempt = job.attempt
    if attempt is None or attempt.outcome is not Outcome.ACCEPTED or attempt.generation is None:
        hopeless = job.status is Status.NEEDS_ATTENTION and attempt is not None and not is_remembered(attempt, now)
        return Remedy.LEAVE if hopeless else Remedy.RESUME
    generation = attempt.generation
    ended_at = generation.ended_at or generation.accepted_at + MAX_GENERATION
    over_at = ended_at + RETENTION[attempt.vendor]
    tried_since = now >= over_at and job.updated_at >= over_at
    return Remedy.EXPIRE if tried_since and generation.verdict is not Verdict.FAILED else Remedy.RESUME
