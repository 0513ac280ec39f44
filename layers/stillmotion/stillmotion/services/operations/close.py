"""Ends a job whose execution can go no further. The ledger decides how: what may be paid for never just fails."""

from typing import Literal

import msgspec

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.interventions import cancelled
from stillmotion.domain.job.lifecycle import WrongStep, closing, failed, marked_overdue, needs_attention
from stillmotion.domain.job.records import Job, Status
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.records import JobStore
from stillmotion.services.jobs import find, until_saved
from stillmotion.services.webhooks import announcements

MESSAGE_LENGTH = 500


def workflow_failure(error: str, message: str) -> Failure:
    """What the workflow says of its own fault, bounded: the ledger's reason goes before it where there is one."""
    return Failure(FailureKind.UNAVAILABLE, f"The workflow could not go on: {error}: {message}"[:MESSAGE_LENGTH])


class Closed(msgspec.Struct, frozen=True):
    """How the job was left."""

    outcome: Literal["failed", "cancelled", "needs_attention", "accepted", "ended"]


class Close:
    """Marks a job failed, cancelled, or in need of a person, and says so on the event bus."""

    def __init__(self, *, jobs: JobStore, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock

    def __call__(
        self, job_id: str, cause: Failure, *, run: int | None = None, overdue: bool = False, unknown: bool = False
    ) -> Closed:
        """`cause` is what the workflow says; the ledger's own failure goes before it. Raises UnknownJob.

        `run` is whose execution speaks: a later one is not ended by what became of an earlier. `unknown`: it was the
        submission's outcome; a webhook may have told it since, and then the job goes on.
        """
        return until_saved(
            lambda: self._close(find(self._jobs, job_id), cause, run, overdue=overdue, unknown=unknown),
            f"job {job_id} is written by too many at once",
            (Conflict, WrongStep),
        )

    def _close(self, job: Job, cause: Failure, run: int | None, *, overdue: bool, unknown: bool) -> Closed:
        if job.is_final or job.status is Status.NEEDS_ATTENTION or (run is not None and run != job.run):
            return Closed("ended")
        if unknown and job.status in (Status.GENERATING, Status.FINALIZING):
            return Closed("accepted")
        now = self._clock.now()
        if overdue and job.overdue:
            return Closed("needs_attention")
        reason, failure = closing(job, cause)
        if reason is None and job.cancel_requested_at is not None:
            ended = cancelled(job, now)
            self._jobs.save(ended, event=announcements.video_cancelled(ended, now))
            return Closed("cancelled")
        if reason is None:
            ended = failed(job, failure, now)
            self._jobs.save(ended, event=announcements.video_failed(ended, now))
            return Closed("failed")
        late = overdue and job.status is Status.GENERATING
        flagged = marked_overdue(job, now) if late else needs_attention(job, reason, failure, now)
        self._jobs.save(flagged, event=announcements.video_needs_attention(flagged, now))
        return Closed("needs_attention")
