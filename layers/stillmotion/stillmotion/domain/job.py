"""A job: one request being carried out, with the ledger of its attempts.

A job is a value. Each step of its life is a function that gives the next value and refuses, with `WrongStep`, a step
that the ledger does not allow; whoever stores it compares the version it read (see `ports.records.JobStore`).
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.request import Request, VendorName


class Status(StrEnum):
    """Where a job is. `waiting` and `needs_attention` carry a reason beside them."""

    WAITING = "waiting"
    DISPATCHING = "dispatching"
    GENERATING = "generating"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"


FINAL_STATUSES = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})


class Reason(StrEnum):
    """Why a job waits or needs a person."""

    PROMPT = "prompt"
    SLOT = "slot"
    BUDGET = "budget"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CORRUPT_VIDEO = "corrupt_video"
    VIDEO_UNREACHABLE = "video_unreachable"
    WORKFLOW_FAILED = "workflow_failed"


class Outcome(StrEnum):
    """What became of an attempt's POST. `sending` that outlives its sender reads as unknown."""

    SENDING = "sending"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Verdict(StrEnum):
    """What a generation came to."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class WrongStep(Exception):
    """The ledger does not allow this step; somebody else was here first."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One change of status."""

    at: datetime
    status: Status
    reason: Reason | None = None


class Note(msgspec.Struct, frozen=True):
    """Something worth telling a person that changed nothing."""

    at: datetime
    text: str


class Still(msgspec.Struct, frozen=True, kw_only=True):
    """An input image as it was read: its place, its exact version, and upright pixel dimensions where known.

    `repeated_as` are later versions with the same bytes and the same request, which made no other job.
    """

    address: str
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None
    etag: str | None = None
    checksum: str | None = None
    repeated_as: tuple[str, ...] = ()
    media_type: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's own job, as last read. `charged` is in US dollars, `credits` in the vendor's unit.

    `is_redriven`: a person has its video taken in again. Whatever comes of that, nothing is bought in its place.
    """

    id: str
    accepted_at: datetime
    verdict: Verdict = Verdict.RUNNING
    vendor_status: str | None = None
    undocumented: tuple[str, ...] = ()
    progress: int | None = None
    reads: int = 0
    failed_reads: int = 0
    last_read_at: datetime | None = None
    ended_at: datetime | None = None
    video_url: str | None = None
    fetches: int = 0
    is_redriven: bool = False
    failure: Failure | None = None
    credits: int | None = None
    charged: Decimal | None = None
    nsfw: bool | None = None
    inference_milliseconds: int | None = None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A generation in the vendor's history that an unanswered attempt may have made."""

    generation_id: str
    created_at: datetime
    vendor_status: str | None = None


class Substitution(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent in place of what a field of the request asked for; both in words."""

    field: str
    asked: str
    given: str


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """What the books of its day hold for an attempt, in US dollars. `wasted` is what of `charged` brought nothing."""

    reserved: Decimal = Decimal(0)
    charged: Decimal = Decimal(0)
    wasted: Decimal = Decimal(0)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One paid submission to one vendor. `path` and `body` are frozen: every POST of it carries just these.

    `webhook_token` stands in the URL that the vendor was given; without one, no webhook is expected. `candidates` are
    what its vendor's history shows where nobody knows the outcome. `retry_after` is for how many seconds a vendor that
    refused it asked to be left alone. `counted` says that the books have it among a day's attempts, also when they hold
    nothing for it.
    """

    number: int
    vendor: VendorName
    outcome: Outcome
    started_at: datetime
    sent_at: datetime
    path: str
    body: str
    idempotency_key: str
    quote: Decimal
    webhook_token: str | None = None
    substitutions: tuple[Substitution, ...] = ()
    booked: Booking = Booking()
    counted: bool = False
    candidates: tuple[Candidate, ...] = ()
    sends: int = 1
    answered_at: datetime | None = None
    retry_after: int | None = None
    failure: Failure | None = None
    generation: Generation | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more can come of it: a new attempt may start."""
        match self.outcome:
            case Outcome.NOT_SENT | Outcome.REFUSED:
                return True
            case Outcome.SENDING | Outcome.UNKNOWN:
                return False
            case Outcome.ACCEPTED:
                return self.generation is not None and self.generation.verdict is Verdict.FAILED


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """The copy in the user's bucket. `duration_milliseconds` and the dimensions are read from its boxes."""

    bucket: str
    key: str
    bytes: int
    sha256: str
    width: int
    height: int
    duration_milliseconds: int
    stored_at: datetime
    etag: str | None = None
    version_id: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a person asks about one request later. `version` counts the record's writes, `run` its
    executions, `sweeps` those that it was given after it had gone quiet. `line` is the vendor whose slot it stands in
    line for. A cancellation that came after the POST is noted in `cancel_requested_at`: the result is paid for.
    `ordered_with` is the SHA-256 (hex) of the API key that ordered it."""

    id: str
    tenant: str
    status: Status
    created_at: datetime
    updated_at: datetime
    version: int = 0
    run: int = 1
    sweeps: int = 0
    reason: Reason | None = None
    overdue: bool = False
    line: VendorName | None = None
    cancel_requested_at: datetime | None = None
    request: Request | None = None
    ordered_with: str | None = None
    fingerprint: str | None = None
    source: str | None = None
    still: Still | None = None
    end_still: Still | None = None
    aspect_ratio: str | None = None
    attempts: tuple[Attempt, ...] = ()
    earlier_attempts: int = 0
    video: Video | None = None
    failure: Failure | None = None
    ended_at: datetime | None = None
    deleted_at: datetime | None = None
    history: tuple[Transition, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def attempt(self) -> Attempt | None:
        """The latest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def tries(self) -> tuple[Attempt, ...]:
        """The attempts since the job was last started by its user: those before have had their say."""
        return self.attempts[self.earlier_attempts :]

    @property
    def generation(self) -> Generation | None:
        """The latest attempt's generation."""
        return self.attempt.generation if self.attempt else None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    def is_seen_by(self, tenant: str) -> bool:
        """Whether it is there for a tenant: it is his, and he has not deleted it."""
        return self.tenant == tenant and self.deleted_at is None

    @property
    def waits_for_prompt(self) -> bool:
        """Whether nobody has said yet what is wanted."""
        return self.status is Status.WAITING and self.request is None

    @property
    def is_sendable(self) -> bool:
        """Whether the next step is to send it to a vendor."""
        return self.status is Status.DISPATCHING or (self.status is Status.WAITING and self.request is not None)

    @property
    def was_ever_accepted(self) -> bool:
        """Whether some attempt cost money, or may have."""
        return any(attempt.outcome not in (Outcome.NOT_SENT, Outcome.REFUSED) for attempt in self.attempts)

    @property
    def execution_name(self) -> str:
        return f"{self.id}-{self.run}"


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


def expired(job: Job, now: datetime) -> Job:
    """The vendor no longer has what it made: the end of a generation that nobody could bring home."""
    attempt = job.attempt
    if job.is_final or attempt is None or attempt.generation is None:
        raise WrongStep("only a generation that was accepted and not brought home expires")
    failure = Failure(FailureKind.EXPIRED, f"{attempt.vendor} keeps a video only so long, and that is over.")
    lost = replace(attempt.generation, verdict=Verdict.FAILED, failure=failure, ended_at=now)
    ended = with_attempt(job, replace(attempt, generation=lost), now)
    return moved(replace(ended, failure=failure, overdue=False), Status.FAILED, now)


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
        told = attempt.failure or cause
        return Reason.OUTCOME_UNKNOWN, Failure(FailureKind.OUTCOME_UNKNOWN, told.message)
    return Reason.WORKFLOW_FAILED, cause


def waited_seconds(job: Job, since: datetime, now: datetime, reasons: frozenset[Reason]) -> int:
    """For how long, since then, the job waited for these reasons."""
    ends = [change.at for change in job.history[1:]] + [now]
    return sum(
        seconds_between(max(change.at, since), end)
        for change, end in zip(job.history, ends, strict=False)
        if change.status is Status.WAITING and change.reason in reasons and end > since
    )


def seconds_between(earlier: datetime, later: datetime) -> int:
    """Whole seconds, never negative: two machines' clocks may disagree."""
    return max(0, int((later - earlier) / timedelta(seconds=1)))
