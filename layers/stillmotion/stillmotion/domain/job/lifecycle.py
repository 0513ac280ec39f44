"""The steps of a job: each gives its next value, or raises WrongStep."""

from datetime import datetime

from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import (
    FINAL_STATUSES,
    Job,
    Note,
    Outcome,
    Reason,
    Status,
    Transition,
    Verdict,
    Video,
)
from stillmotion.domain.request import Request, VendorName


class WrongStep(Exception):
    """The ledger does not allow this step; somebody else was here first."""


def moved(job: Job, status: Status, now: datetime, *, reason: Reason | None = None) -> Job:
    """The job in another status, with the change in its history. One that goes on after its end is there again."""
    if job.status is status and job.reason is reason:
        return replace(job, updated_at=now)
    ended, deleted_at = (now, job.deleted_at) if status in FINAL_STATUSES else (None, None)
    line = job.line if status in (Status.DISPATCHING, Status.WAITING) else None
    history = (*job.history, Transition(at=now, status=status, reason=reason))
    going = replace(job, status=status, reason=reason, line=line, updated_at=now, ended_at=ended, history=history)
    return replace(going, deleted_at=deleted_at)


def deleted(job: Job, now: datetime) -> Job:
    """A job that its tenant wants to see no more. What it cost stays in the record. Twice is once."""
    if job.deleted_at is not None:
        return job
    if not job.is_final:
        raise WrongStep(f"a job that is {job.status} is not deleted")
    return replace(job, deleted_at=now, updated_at=now)


def noted(job: Job, text: str, now: datetime) -> Job:
    """The job with a remark; the same remark is kept once."""
    if any(note.text == text for note in job.notes):
        return job
    return replace(job, notes=(*job.notes, Note(now, text)), updated_at=now)


def started(job: Job, request: Request, aspect_ratio: str, now: datetime, line: VendorName | None = None) -> Job:
    """A waiting or new job given its request, ready to be dispatched, in line for a vendor's slot."""
    ready = replace(job, request=request, aspect_ratio=aspect_ratio, failure=None, line=line)
    return moved(ready, Status.DISPATCHING, now)


def lined_up(job: Job, vendor: VendorName, now: datetime) -> Job:
    """The job in line for a slot of a vendor; from here it is sendable, also where its last generation failed."""
    failed_there = job.status is Status.GENERATING and job.attempt is not None and job.attempt.is_settled
    if not job.is_sendable and not failed_there:
        raise WrongStep(f"a job that is {job.status} stands in no line")
    status = Status.DISPATCHING if failed_there else job.status
    return moved(replace(job, line=vendor), status, now, reason=job.reason if status is job.status else None)


def waiting(job: Job, reason: Reason, now: datetime, failure: Failure | None = None) -> Job:
    """A job that cannot be sent yet: for want of a slot, in whose line it stands, or of budget, which has no line."""
    if not job.is_sendable:
        raise WrongStep(f"a job that is {job.status} waits for no {reason}")
    line = job.line if reason is Reason.SLOT else None
    return moved(replace(job, line=line, failure=failure), Status.WAITING, now, reason=reason)


def run_again(job: Job, now: datetime) -> Job:
    """A new run of a job that failed, or was cancelled, without ever costing money."""
    if job.status not in (Status.FAILED, Status.CANCELLED) or job.was_ever_accepted:
        raise WrongStep(f"a job that is {job.status} and may have cost money is not run again")
    again = replace(job, run=job.run + 1, failure=None, cancel_requested_at=None, earlier_attempts=len(job.attempts))
    return moved(again, Status.DISPATCHING, now)


def resumed(job: Job, now: datetime) -> Job:
    """A new run of a job that lost its execution, or was left by it, from where the ledger is."""
    if job.is_final:
        raise WrongStep(f"the job is {job.status} already")
    verdict = job.generation.verdict if job.generation else None
    status, reason = job.status, job.reason
    if verdict is Verdict.SUCCEEDED:
        status, reason = Status.FINALIZING, None
    elif verdict is Verdict.RUNNING:
        status, reason = Status.GENERATING, None
    elif status is Status.NEEDS_ATTENTION:
        status, reason = Status.DISPATCHING, None
    again = replace(job, run=job.run + 1, sweeps=job.sweeps + 1, failure=None)
    return moved(again, status, now, reason=reason)


def completed(job: Job, video: Video, now: datetime) -> Job:
    """The video is in the user's bucket."""
    if job.generation is None:
        raise WrongStep("a job with no generation has no video")
    done = replace(job, video=video, failure=None, overdue=False)
    return moved(done, Status.COMPLETED, now)


def failed(job: Job, failure: Failure, now: datetime) -> Job:
    """The job ends without a video. Refused while an attempt may still bring one: that is paid for."""
    if job.is_final:
        raise WrongStep(f"the job is {job.status} already")
    if job.attempt is not None and not job.attempt.is_settled:
        raise WrongStep(f"attempt {job.attempt.number} may still bring a video")
    return moved(replace(job, failure=failure, overdue=False), Status.FAILED, now)


def needs_attention(job: Job, reason: Reason, failure: Failure | None, now: datetime) -> Job:
    """A person has to look; what was paid for stays visible."""
    if job.is_final:
        raise WrongStep(f"the job is {job.status} already")
    return moved(replace(job, failure=failure), Status.NEEDS_ATTENTION, now, reason=reason)


def marked_overdue(job: Job, now: datetime) -> Job:
    """The deadline passed and the generation has no verdict: it is paid, so it is not ended, only flagged."""
    if job.status is not Status.GENERATING:
        raise WrongStep(f"a job that is {job.status} is not overdue")
    return replace(noted(job, "The deadline passed before the vendor was done.", now), overdue=True)


def closing(job: Job, cause: Failure) -> tuple[Reason | None, Failure]:
    """How an execution that can go no further leaves the job: a reason to look at it, or None for plain failure."""
    attempt = job.attempt
    if attempt is None:
        return None, job.failure or cause
    if attempt.is_settled:
        if job.failure is not None:
            return None, job.failure
        if attempt.generation is not None and attempt.generation.failure is not None:
            return None, attempt.generation.failure
        return None, attempt.failure or cause
    if attempt.outcome is not Outcome.ACCEPTED:
        known = attempt.failure or cause
        return Reason.OUTCOME_UNKNOWN, Failure(FailureKind.OUTCOME_UNKNOWN, known.message)
    return Reason.WORKFLOW_FAILED, cause
