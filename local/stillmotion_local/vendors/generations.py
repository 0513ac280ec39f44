"""A generation: one accepted, billed submission at one vendor, and everything that happened to it."""

from enum import IntEnum, StrEnum
from http import HTTPStatus
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from stillmotion_local.vendors.faults import ActiveFault, Fault


class Vendor(StrEnum):
    """Who is being played."""

    APIFRAME = "apiframe"
    WAVESPEED = "wavespeed"


class State(StrEnum):
    """How far a generation has come; each vendor has its own words for these."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def is_final(self) -> bool:
        """True when nothing more will happen."""
        return self not in {State.QUEUED, State.PROCESSING}


class WebhookEvent(StrEnum):
    """Events that Apiframe tells about; WaveSpeed only tells the end."""

    PROGRESS = "progress"
    COMPLETED = "completed"
    FAILED = "failed"


class WebhookKind(StrEnum):
    """Why a webhook was sent: in earnest, or as a fault."""

    GENUINE = "genuine"
    DOUBLED = "doubled"
    REPLAYED = "replayed"
    EARLY = "early"
    FORGED = "forged"


class FailureCode(IntEnum):
    """WaveSpeed's `data.code` of a failed task (its error-codes page); Apiframe only has words."""

    MODERATED = 1200
    INVALID_PARAMETER = 1401
    MEDIA_INACCESSIBLE = 1402
    TASK_FAILED = 1403


class Failure(BaseModel):
    """Why a generation failed, and whether it was charged all the same."""

    code: int
    message: str
    billed: bool = False


class PictureFetch(BaseModel):
    """One picture that a generation names, and what fetching it gave."""

    role: Literal["start", "end"]
    url: str
    status: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    error: str | None = None


class WebhookDelivery(BaseModel):
    """One webhook sent: `status` is the receiver's answer, None when there was none."""

    kind: WebhookKind
    event: WebhookEvent
    at: float
    status: int | None = None
    error: str | None = None

    @property
    def was_taken(self) -> bool:
        """True when the receiver answered with success."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


class Order(BaseModel):
    """What was asked for, in words that both vendors share."""

    model_config = ConfigDict(frozen=True)

    prompt: str
    start_image: str | None = None
    end_image: str | None = None
    width: int
    height: int
    duration_seconds: int
    loop: bool = False
    concepts: tuple[str, ...] = ()


class Generation(BaseModel):
    """One accepted submission. Times are seconds since 1970; `billed` is in `currency`."""

    id: str
    vendor: Vendor
    order: Order
    request_body: dict[str, JsonValue]
    headers: dict[str, str] = Field(default_factory=dict)
    idempotency_key: str | None = None
    body_sha256: str
    base_url: str
    billed: float
    currency: Literal["credits", "dollars"]
    refunded: bool = False
    accepted_at: float
    started_at: float | None = None
    completed_at: float | None = None
    state: State = State.QUEUED
    failure: Failure | None = None
    faults: list[ActiveFault] = Field(default_factory=list)
    pictures: list[PictureFetch] = Field(default_factory=list)
    video: str | None = None
    video_bytes: int | None = None
    video_sha256: str | None = None
    webhook_url: str | None = None
    webhook_events: list[WebhookEvent] = Field(default_factory=list)
    webhooks: list[WebhookDelivery] = Field(default_factory=list)
    webhook_settled: bool = False
    status_reads: int = 0
    downloads: int = 0

    @property
    def video_url(self) -> str:
        """Where the vendor's CDN serves the video."""
        return f"{self.base_url}/cdn/{self.vendor}/{self.id}.mp4"

    def fault(self, name: Fault) -> ActiveFault | None:
        """The fault of that name which this generation was given, if any."""
        return next((fault for fault in self.faults if fault.name is name), None)

    def is_expired(self, now: float, retention_seconds: float) -> bool:
        """True when the vendor has deleted what it made."""
        return self.completed_at is not None and now >= self.completed_at + retention_seconds
