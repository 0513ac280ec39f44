"""Which jobs have gone quiet, and what is done about each: nothing that was paid for is left lying.

A job that is under way writes its record every few minutes. One that has not for longer has lost its execution, or was
left by it: overdue, or with a video that could not be fetched. It is given a new one, which goes on from where the
ledger is; the gaps grow, until the vendor no longer has the video.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from stillmotion.domain.job import Job, Outcome, Reason, Status, Verdict
from stillmotion.domain.request import VendorName

# Apiframe's OpenAPI: CDN assets are purged after 24 h by default. WaveSpeed's predictions page: outputs live 7 days.
RETENTION: Mapping[VendorName, timedelta] = {
    VendorName.APIFRAME: timedelta(hours=24),
    VendorName.WAVESPEED: timedelta(days=7),
}
LONGEST_GAP = timedelta(hours=6)
_UNDER_WAY = frozenset({Status.DISPATCHING, Status.GENERATING, Status.FINALIZING})
_MENDABLE = frozenset({Reason.WORKFLOW_FAILED, Reason.VIDEO_UNREACHABLE, Reason.CORRUPT_VIDEO})


class Remedy(StrEnum):
    """What is done about a quiet job."""

    RESUME = "resume"
    EXPIRE = "expire"


def is_swept(job: Job) -> bool:
    """Whether something may still have to be done about the job without a person."""
    return job.status in _UNDER_WAY or (job.status is Status.NEEDS_ATTENTION and job.reason in _MENDABLE)


def is_due(job: Job, quiet: timedelta, now: datetime) -> bool:
    """Whether the job has been quiet for `quiet`, doubled for each time that it was swept."""
    return now - job.updated_at >= min(LONGEST_GAP, quiet * (1 << min(job.sweeps, 16)))


def remedy(job: Job, now: datetime) -> Remedy:
    """What to do about a due job whose execution is not running."""
    attempt = job.attempt
    if attempt is None or attempt.outcome is not Outcome.ACCEPTED or attempt.generation is None:
        return Remedy.RESUME
    kept = now - attempt.generation.accepted_at < RETENTION[attempt.vendor]
    return Remedy.RESUME if kept or attempt.generation.verdict is Verdict.FAILED else Remedy.EXPIRE
