"""What a person may do to a job, and when. Each step gives the next value, or raises WrongStep with a sentence for that
person: why not, and what to do instead.

    withdrawn      before the POST the job ends at once; after it, the wish is noted and the result taken in
    retried        a new run that sends, and pays for, a new attempt
    redriven       a new run that takes in what is paid for already, and sends nothing
    never_sent     an unanswered attempt made nothing: the job goes on
    abandoned      nobody will find out: the job ends, its attempt stays unknown and its money booked
    reopened       somebody found out after all (`services.adopt` goes on from there)
"""

from datetime import datetime

from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import with_attempt
from stillmotion.domain.job.lifecycle import WrongStep, moved, noted
from stillmotion.domain.job.records import Attempt, Generation, Job, Outcome, Reason, Status, Verdict, seconds_between
from stillmotion.domain.request import VendorName

MARGIN_SECONDS = 60
"""How long after a sender's time-out nobody can still be writing what came back."""
CANCELLED = Failure(FailureKind.CANCELLED, "It was cancelled.")
NEVER_SENT = Failure(FailureKind.UNAVAILABLE, "A person settled that it was never sent.")
_UNANSWERED = frozenset({Outcome.SENDING, Outcome.UNKNOWN})
_RESOLVABLE = frozenset({Status.DISPATCHING, Status.NEEDS_ATTENTION, Status.FAILED})


class TooSoon(WrongStep):
    """The same step may be taken in `wait_seconds` seconds, if nothing happens until then."""

    def __init__(self, sentence: str, wait_seconds: int) -> None:
        super().__init__(sentence)
        self.wait_seconds = wait_seconds


# --- cancelling


def withdrawn(job: Job, now: datetime) -> Job:
    """A person wants the job no more. Twice is once."""
    if job.status is Status.CANCELLED:
        return job
    if job.status is Status.COMPLETED:
        raise WrongStep("The video is completed, and paid for: there is nothing left to cancel.")
    if job.is_final:
        raise WrongStep("The job has failed already: there is nothing left to cancel.")
    if _is_settled(job):
        return cancelled(job, now)
    return job if job.cancel_requested_at is not None else replace(job, cancel_requested_at=now, updated_at=now)


def cancelled(job: Job, now: datetime) -> Job:
    """The end of a job that nobody wants any more and that brings no video.

    Refused while an attempt may still bring one: that is paid for.
    """
    if job.is_final:
        raise WrongStep(f"The job is {job.status} already.")
    if not _is_settled(job):
        raise WrongStep("An attempt may still bring a video, which is paid for.")
    return moved(replace(job, failure=CANCELLED, overdue=False), Status.CANCELLED, now)


# --- new runs


def retried(job: Job, now: datetime, line: VendorName | None = None) -> Job:
    """A new run with a new attempt, in line for a vendor's slot. It costs again what a video costs."""
    if job.status is Status.COMPLETED:
        raise WrongStep("The video is completed. For another one, order it anew.")
    if not job.is_final:
        raise WrongStep(f"The job is {_words(job.status)}: only one that failed or was cancelled is retried.")
    if job.request is None:
        raise WrongStep("Nobody has said what is wanted: correct the upload, and drop it again.")
    if not _is_settled(job):
        raise WrongStep(
            "An attempt of it has no known outcome and may be paid for: another one might be paid for twice."
            " Resolve it first: adopt its generation, or settle that it was never sent."
        )
    return _again(replace(job, cancel_requested_at=None), Status.DISPATCHING, now, line=line)


def redriven(job: Job, now: datetime, *, is_gone: bool = False) -> Job:
    """A new run that reads the generation's vendor anew and takes the video in. Sends nothing.

    `is_gone` says that a completed job's object is no longer in the bucket.
    """
    attempt, generation = _taken(job)
    match job.status:
        case Status.COMPLETED if not is_gone:
            raise WrongStep("The video is there: it needs not be taken in again.")
        case Status.COMPLETED | Status.NEEDS_ATTENTION | Status.FAILED | Status.CANCELLED:
            pass
        case Status.GENERATING if job.overdue:
            pass
        case _:
            raise WrongStep(f"The job is {_words(job.status)}: it takes its video in by itself.")
    unread = replace(generation, verdict=Verdict.RUNNING, video_url=None, fetches=0, failure=None, is_redriven=True)
    current = job
    if job.video is not None:
        lost = f"s3://{job.video.bucket}/{job.video.key} (SHA-256 {job.video.sha256})"
        current = replace(noted(job, f"{lost} was gone, and is taken in again.", now), video=None)
    return _again(with_attempt(current, replace(attempt, generation=unread), now), Status.GENERATING, now)


def _taken(job: Job) -> tuple[Attempt, Generation]:
    attempt = job.attempt
    if attempt is not None and attempt.outcome in _UNANSWERED:
        raise WrongStep("Nobody knows whether a vendor has taken the job: resolve it first.")
    if attempt is None or attempt.generation is None:
        raise WrongStep("No vendor has taken the job: there is no video to take in.")
    generation = attempt.generation
    if generation.verdict is Verdict.FAILED and _failure_kind(generation) is not FailureKind.EXPIRED:
        raise WrongStep("The vendor declared that the generation failed: there is no video. Retry makes another.")
    return attempt, generation


def _again(job: Job, status: Status, now: datetime, *, line: VendorName | None = None) -> Job:
    """The next run. With a new one to be sent, the attempts so far have had their say."""
    earlier = len(job.attempts) if status is Status.DISPATCHING else job.earlier_attempts
    again = replace(job, run=job.run + 1, sweeps=0, failure=None, earlier_attempts=earlier, line=line)
    return moved(again, status, now)


# --- settling an attempt without an answer


def unanswered(job: Job, now: datetime, timeout_seconds: int) -> Attempt:
    """The latest attempt, if nobody knows what became of it and nobody is about to know.

    `timeout_seconds` is how long a sender lives. Raises TooSoon for one that may still be alive.
    """
    attempt = job.attempt
    if attempt is None or job.status not in _RESOLVABLE or attempt.outcome not in _UNANSWERED:
        raise WrongStep("The outcome of every attempt is known: there is nothing to resolve.")
    if attempt.outcome is Outcome.SENDING:
        _refuse_while_alive(attempt, now, timeout_seconds)
    return attempt


def reopened(job: Job, now: datetime) -> Job:
    """A job with an unanswered attempt that was given up, before somebody who knows better settles it."""
    if job.status is not Status.FAILED:
        return job
    return moved(job, Status.NEEDS_ATTENTION, now, reason=Reason.OUTCOME_UNKNOWN)


def never_sent(job: Job, now: datetime, timeout_seconds: int) -> Job:
    """The attempt made nothing, so the job goes on with another; or ends, if it was to be cancelled.

    Raises TooSoon while an invocation may be alive that could still write that it was accepted. The webhook's token
    stays, so that a vendor that knows better is heard.
    """
    attempt = unanswered(job, now, timeout_seconds)
    _refuse_while_alive(attempt, now, timeout_seconds)
    settled = replace(
        attempt, outcome=Outcome.NOT_SENT, answered_at=now, failure=NEVER_SENT, path="", body="", candidates=()
    )
    known = with_attempt(job, settled, now)
    if job.cancel_requested_at is not None and not job.is_final:
        return cancelled(known, now)
    return _again(replace(known, cancel_requested_at=None), Status.DISPATCHING, now)


def abandoned(job: Job, now: datetime, timeout_seconds: int) -> Job:
    """The end of a job whose attempt nobody will find out about: it may be paid for. Twice is once."""
    attempt = unanswered(job, now, timeout_seconds)
    if job.status is Status.FAILED:
        return job
    message = f"A person gave up finding out what became of attempt {attempt.number} at {attempt.vendor}."
    given_up = with_attempt(job, replace(attempt, outcome=Outcome.UNKNOWN), now)
    failure = Failure(FailureKind.OUTCOME_UNKNOWN, message)
    return moved(replace(given_up, failure=failure), Status.FAILED, now)


def _refuse_while_alive(attempt: Attempt, now: datetime, timeout_seconds: int) -> None:
    left = timeout_seconds + MARGIN_SECONDS - seconds_between(attempt.sent_at, now)
    if left > 0:
        raise TooSoon(f"Whoever sent it may still write down what came back. Try again in {left} seconds.", left)


def _is_settled(job: Job) -> bool:
    return all(attempt.is_settled for attempt in job.attempts)


def _failure_kind(generation: Generation) -> FailureKind | None:
    return generation.failure.kind if generation.failure is not None else None


def _words(status: Status) -> str:
    return status.replace("_", " ")
