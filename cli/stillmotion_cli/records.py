"""What the API answers, read tolerantly: fields that this version does not know are left aside, words are plain text.

`Answer` keeps the JSON as it came beside its typed reading, for `--json`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

COMPLETED = "completed"
NEEDS_ATTENTION = "needs_attention"
FINAL = frozenset({COMPLETED, "failed", "cancelled"})

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """One answer: typed, and as it came."""

    value: Value
    raw: dict[str, Any]


class Failure(msgspec.Struct, frozen=True):
    """Why something failed, and what to do about it."""

    kind: str
    message: str
    advice: str = ""


class Transition(msgspec.Struct, frozen=True):
    """One change of status."""

    at: datetime
    status: str
    reason: str | None = None


class Note(msgspec.Struct, frozen=True):
    """A remark on the record."""

    at: datetime
    text: str


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The request."""

    prompt: str
    image: str | None = None
    end_image: str | None = None
    duration: int = 5
    aspect_ratio: str | None = None
    loop: bool = False
    concepts: tuple[str, ...] = ()
    vendor: str = "auto"
    allow_substitution: bool = False
    failover: str = "normal"
    priority: str = "normal"
    max_dollars: Decimal | None = None
    when_over_budget: str = "wait"
    metadata: dict[str, str] = {}


class Still(msgspec.Struct, frozen=True, kw_only=True):
    """An input image as the stack read it."""

    address: str
    version_id: str | None = None
    etag: str | None = None
    checksum: str | None = None
    media_type: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's own job. `charged` is in US dollars, `credits` in the vendor's unit."""

    id: str
    accepted_at: datetime
    verdict: str
    vendor_status: str | None = None
    undocumented: tuple[str, ...] = ()
    progress: int | None = None
    reads: int = 0
    failed_reads: int = 0
    last_read_at: datetime | None = None
    ended_at: datetime | None = None
    failure: Failure | None = None
    credits: int | None = None
    charged: Decimal | None = None
    nsfw: bool | None = None
    inference_milliseconds: int | None = None


class Substitution(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent in place of what a field of the request asked for."""

    field: str
    asked: str
    given: str


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A generation in the vendor's history that an unanswered attempt may have made."""

    generation_id: str
    created_at: datetime
    vendor_status: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One paid submission to one vendor. `quote` is in US dollars."""

    number: int
    vendor: str
    outcome: str
    started_at: datetime
    quote: Decimal
    substitutions: tuple[Substitution, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    sends: int = 1
    answered_at: datetime | None = None
    failure: Failure | None = None
    generation: Generation | None = None


class StoredVideo(msgspec.Struct, frozen=True, kw_only=True):
    """The copy in the user's bucket."""

    bucket: str
    key: str
    bytes: int
    sha256: str
    width: int
    height: int
    duration_milliseconds: int
    stored_at: datetime
    version_id: str | None = None

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The whole record."""

    id: str
    tenant: str
    status: str
    created_at: datetime
    updated_at: datetime
    run: int = 1
    reason: str | None = None
    overdue: bool = False
    cancel_requested_at: datetime | None = None
    request: Wish | None = None
    still: Still | None = None
    end_still: Still | None = None
    aspect_ratio: str | None = None
    attempts: tuple[Attempt, ...] = ()
    video: StoredVideo | None = None
    failure: Failure | None = None
    ended_at: datetime | None = None
    history: tuple[Transition, ...] = ()
    notes: tuple[Note, ...] = ()
    vendor: str | None = None
    generation_id: str | None = None

    @property
    def generation(self) -> Generation | None:
        """The latest attempt's generation."""
        return self.attempts[-1].generation if self.attempts else None

    @property
    def needs_person(self) -> bool:
        """Whether nothing more happens by itself to something that may be paid for."""
        return self.status == NEEDS_ATTENTION or (self.overdue and self.status not in FINAL)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.status in FINAL or self.needs_person


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """The video object. `seconds` is a decimal number as text, `size` is `WIDTHxHEIGHT`."""

    id: str
    created_at: int
    job: Job
    seconds: str | None = None
    size: str | None = None
    prompt: str | None = None


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another vendor that an order could go to. Prices are US dollars."""

    vendor: str
    price_dollars: Decimal
    substitutions: tuple[Substitution, ...] = ()


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What an order would come to, and what its vendor would be sent."""

    vendor: str
    price_dollars: Decimal
    method: str
    path: str
    body: dict[str, Any]
    duration: int
    aspect_ratio: str
    substitutions: tuple[Substitution, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    notes: tuple[str, ...] = ()


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Videos, newest first, and where the next page starts."""

    data: tuple[Video, ...]
    next: str | None = None


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """Where to put an image."""

    url: str
    headers: dict[str, str]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A place for an image, and the address to name it by in a request."""

    image: str
    upload: Upload
