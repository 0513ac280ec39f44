"""What is stored of a job. Every name and word here stands in records of the table: none changes."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from stillmotion.domain.failures import Failure
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
