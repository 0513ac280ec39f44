"""The steps of an attempt, the latest of its job: each gives the next value of the job, or raises WrongStep."""

from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.lifecycle import WrongStep, moved
from stillmotion.domain.job.records import Attempt, Generation, Job, Outcome, Reason, Status, Substitution, Verdict
from stillmotion.domain.request import VendorName


def attempt_begun(
    job: Job,
    now: datetime,
    *,
    vendor: VendorName,
    quote: Decimal,
    path: str,
    body: str,
    idempotency_key: str,
    webhook_token: str | None = None,
    substitutions: tuple[Substitution, ...] = (),
) -> Job:
    """The job with a new attempt that is `sending`: to be stored before the POST."""
    if not job.is_sendable:
        raise WrongStep(f"a job that is {job.status} sends nothing")
    if job.cancel_requested_at is not None:
        raise WrongStep("a job that is to be cancelled sends nothing more")
    if job.attempt is not None and not job.attempt.is_settled:
        raise WrongStep(f"attempt {job.attempt.number} is {job.attempt.outcome}: no other may start")
    attempt = Attempt(
        number=len(job.attempts) + 1,
        vendor=vendor,
        outcome=Outcome.SENDING,
        started_at=now,
        sent_at=now,
        path=path,
        body=body,
        idempotency_key=idempotency_key,
        quote=quote,
        webhook_token=webhook_token,
        substitutions=substitutions,
    )
    attempts = (*job.attempts, attempt)
    sending = replace(job, attempts=attempts, line=None, failure=None, overdue=False, updated_at=now)
    return moved(sending, Status.DISPATCHING, now)


def with_attempt(job: Job, attempt: Attempt, now: datetime) -> Job:
    """The job with its latest attempt replaced by a later state of the same."""
    if job.attempt is None or job.attempt.number != attempt.number:
        raise WrongStep(f"attempt {attempt.number} is not the latest")
    return replace(job, attempts=(*job.attempts[:-1], attempt), updated_at=now)


def attempt_sent_again(job: Job, now: datetime) -> Job:
    """The latest attempt about to be POSTed once more, with the same key and body. Only where the vendor knows keys."""
    attempt = job.attempt
    if attempt is None or attempt.outcome not in (Outcome.SENDING, Outcome.UNKNOWN):
        raise WrongStep("only an attempt without an answer is sent again")
    again = replace(attempt, outcome=Outcome.SENDING, sent_at=now, sends=attempt.sends + 1)
    return with_attempt(job, again, now)


def attempt_accepted(job: Job, number: int, generation_id: str, now: datetime, vendor_status: str | None) -> Job:
    """The vendor took the attempt. Written over `sending` and over `unknown`; twice with the same id is once."""
    attempt = job.attempt
    if attempt is None or attempt.number != number:
        raise WrongStep(f"attempt {number} is not the latest")
    if attempt.outcome is Outcome.ACCEPTED and attempt.generation and attempt.generation.id == generation_id:
        return job
    if attempt.outcome not in (Outcome.SENDING, Outcome.UNKNOWN):
        raise WrongStep(f"attempt {number} is {attempt.outcome} and cannot be accepted")
    generation = Generation(id=generation_id, accepted_at=now, vendor_status=vendor_status)
    accepted = replace(attempt, outcome=Outcome.ACCEPTED, answered_at=now, failure=None, generation=generation)
    return moved(with_attempt(job, accepted, now), Status.GENERATING, now)


def attempt_ended(
    job: Job, number: int, outcome: Outcome, failure: Failure, now: datetime, *, retry_after: int | None = None
) -> Job:
    """The attempt came to nothing (`not_sent`, `refused`) or to nobody knows (`unknown`).

    What a repetition is told says nothing of the first POST, which may have been taken: the attempt stays `unknown`.
    A settled attempt's body is let go: a job that is throttled for hours has many.
    """
    attempt = job.attempt
    if attempt is None or attempt.number != number or attempt.outcome not in (Outcome.SENDING, Outcome.UNKNOWN):
        raise WrongStep(f"attempt {number} has its outcome already")
    if attempt.sends > 1 and outcome is not Outcome.UNKNOWN:
        failure = Failure(FailureKind.UNAVAILABLE, f"Sent again, it was answered: {failure.message}")
        return with_attempt(job, replace(attempt, outcome=Outcome.UNKNOWN, answered_at=now, failure=failure), now)
    ended = replace(attempt, outcome=outcome, answered_at=now, failure=failure, retry_after=retry_after)
    if not ended.is_settled:
        return with_attempt(job, ended, now)
    known = with_attempt(job, replace(ended, path="", body=""), now)
    # Its sender was slower than whoever handed the job to a person: it can go on by itself.
    late = job.status is Status.NEEDS_ATTENTION and job.reason is Reason.OUTCOME_UNKNOWN
    return moved(replace(known, failure=None), Status.DISPATCHING, now) if late else known


def generation_read(job: Job, generation: Generation, now: datetime) -> Job:
    """What a status read told. A final verdict is never taken back."""
    attempt = job.attempt
    if attempt is None or attempt.generation is None or attempt.generation.id != generation.id:
        raise WrongStep(f"generation {generation.id} is not the latest")
    if attempt.generation.verdict is not Verdict.RUNNING and generation.verdict is not attempt.generation.verdict:
        raise WrongStep(f"generation {generation.id} has {attempt.generation.verdict} already")
    read = with_attempt(job, replace(attempt, generation=generation), now)
    return moved(read, Status.FINALIZING, now) if generation.verdict is Verdict.SUCCEEDED else read


def expired(job: Job, now: datetime) -> Job:
    """The vendor no longer has what it made: the end of a generation that nobody could bring home."""
    attempt = job.attempt
    if job.is_final or attempt is None or attempt.generation is None:
        raise WrongStep("only a generation that was accepted and not brought home expires")
    failure = Failure(FailureKind.EXPIRED, f"{attempt.vendor} keeps a video only so long, and that is over.")
    lost = replace(attempt.generation, verdict=Verdict.FAILED, failure=failure, ended_at=now)
    ended = with_attempt(job, replace(attempt, generation=lost), now)
    return moved(replace(ended, failure=failure, overdue=False), Status.FAILED, now)
