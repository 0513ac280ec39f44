"""What the services need from the world, as Protocols. Adapters in `vendors`, `aws` and tests implement them.

Exceptions an adapter may raise:

    StoreError
    ├── Conflict          somebody wrote the record since it was read: read it again
    ├── AlreadyExists     a unique item has an owner already: `pointer` tells whose
    ├── OverBudget        a day's budget does not allow what the record would reserve
    ├── AllowanceSpent    a key's daily allowance has no room for what the record would take of it
    ├── ObjectMissing     no such object or version
    └── UnknownPage       where a page should start was never given out by this store
    ReadFailed            the vendor's status could not be read; says nothing about the generation
    FetchFailed           the video could not be fetched, or is not what a video must be
    PictureUnreachable    a picture could not be fetched, or may not be
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from stillmotion.domain.access import Scope
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.governing import GovernorState
from stillmotion.domain.job import Job
from stillmotion.domain.request import Request, VendorName
from stillmotion.domain.spend import Tally


class StoreError(Exception):
    """Storage refused, in a way that the caller is meant to handle."""


class Conflict(StoreError):
    """The record is not at the version that was read."""


class OverBudget(StoreError):
    """Nothing was written: a day's budget would be passed. `whose` says which: a tenant's name, or "stack"."""

    def __init__(self, whose: str) -> None:
        super().__init__(f"The budget of {whose} for this day is spent.")
        self.whose = whose


class AllowanceSpent(StoreError):
    """Nothing was written: the key may not order for that much today."""

    def __init__(self, daily_dollars: Decimal) -> None:
        super().__init__(f"this key may order for ${daily_dollars} a day")
        self.daily_dollars = daily_dollars


class ObjectMissing(StoreError):
    """No such object or version."""


class UnknownPage(StoreError):
    """The text that should say where a page starts was not given out by this store."""


class Clock(Protocol):
    """Time, in UTC."""

    def now(self) -> datetime: ...


# --- records ---------------------------------------------------------------------------------------------------------


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """A small item that leads to a job: an upload's source, a generation's owner, a call seen a moment ago.

    `by_retry` marks a call that said of itself that it is a repetition.
    """

    key: str
    job_id: str
    created_at: datetime
    attempt: int | None = None
    by_retry: bool = False
    expires_at: datetime | None = None


def source_key(source: str) -> str:
    return f"source#{source}"


def generation_key(vendor: VendorName, generation_id: str) -> str:
    return f"generation#{vendor}#{generation_id}"


def recent_key(tenant: str, fingerprint: str) -> str:
    return f"recent#{tenant}#{fingerprint}"


def alias_key(job_id: str) -> str:
    """Shares the key of the job record of that id, so that only one of the two can exist."""
    return f"job#{job_id}"


class AlreadyExists(StoreError):
    """A unique item has an owner; `pointer` is that item, or None where the job record itself was there."""

    def __init__(self, key: str, pointer: Pointer | None = None) -> None:
        super().__init__(f"{key} exists already")
        self.pointer = pointer


class Claim(msgspec.Struct, frozen=True):
    """A pointer to be written in the same transaction as a job.

    Not unless it can be: with `unique`, the key must be free (an item of the same job and attempt counts as free);
    with `unless_retried_since`, an item written by a retry at or after that time wins; with `unless_written_since`, one
    written by whomever at or after that time; with none of these it overwrites.
    """

    pointer: Pointer
    unique: bool = False
    unless_retried_since: datetime | None = None
    unless_written_since: datetime | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be told to the event bus: stored with the job in one transaction, sent after it.

    `id` is stable over repetitions; `detail` is JSON-ready.
    """

    id: str
    job_id: str
    detail_type: str
    detail: Mapping[str, object]
    created_at: datetime


class Page(msgspec.Struct, frozen=True):
    """Jobs in the order that was asked for, and where the next page starts; None when this is the last."""

    jobs: tuple[Job, ...]
    next: str | None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent on one day (UTC), in US dollars; None for as much as is wanted."""

    tenant_dollars: Decimal | None = None
    stack_dollars: Decimal | None = None


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """What an order takes of a key's allowance of a day (UTC): `dollars` (US) of `daily_dollars`."""

    counter: str
    day: date
    dollars: Decimal
    daily_dollars: Decimal

    @property
    def room(self) -> Decimal:
        """The most that may have been taken before."""
        return self.daily_dollars - self.dollars


class Books(Protocol):
    """What is spent on which day. Written by JobStore, with the jobs that it is spent on."""

    def read(self, wanted: Sequence[tuple[date, str | None]]) -> Sequence[Tally]:
        """The books that there are of these days (UTC) and tenants, in this order; None is for all tenants together.
        Strongly consistent."""


class JobStore(Protocol):
    """The jobs table, and the day's books: whatever a stored job newly reserves or charges is booked with it."""

    def get(self, job_id: str) -> Job | None:
        """The job, following an alias; strongly consistent."""

    def create(
        self, job: Job, claims: Sequence[Claim] = (), event: Event | None = None, taking: Taking | None = None
    ) -> Job:
        """Stores a job that must not exist, as version 1, and takes of an allowance what it costs. All or nothing.

        Raises AlreadyExists naming what was there, or else AllowanceSpent.
        """

    def save(
        self, job: Job, claims: Sequence[Claim] = (), event: Event | None = None, budget: Budget | None = None
    ) -> Job:
        """Stores the next version of a job that was read; gives it with its new version. All or nothing.

        Raises Conflict when the record moved on, AlreadyExists when a unique claim has another owner, and OverBudget
        when a `budget` is given that what the job newly reserves would pass.
        """

    def pointer(self, key: str) -> Pointer | None:
        """The pointer at a key; strongly consistent."""

    def remember(self, pointer: Pointer) -> None:
        """Writes a pointer by itself, over an older one."""

    def of_tenant(self, tenant: str, limit: int, after: str | None = None, *, oldest_first: bool = False) -> Page:
        """A tenant's jobs, newest first unless told otherwise, without those that were deleted; `after` is an earlier
        page's `next`, or the id of a job of the tenant's. Raises UnknownPage."""

    def needing_attention(self, limit: int, after: str | None = None) -> Page:
        """Jobs of all tenants that a person should look at; `after` as above. Raises UnknownPage."""

    def quiet_since(self, before: datetime) -> Iterator[Job]:
        """Jobs that may have to be swept (`domain.sweeping`) and were last written before then, oldest first."""

    def in_line(self, vendor: VendorName) -> Iterator[Job]:
        """Jobs in line for a slot of a vendor, the first in line first; one that has just changed may be old."""


def delivery_key(vendor: VendorName, delivery_id: str) -> str:
    """Of the pointer that a webhook leaves behind once everything was done about it."""
    return f"delivery#{vendor}#{delivery_id}"


class Parking(Protocol):
    """Where executions wait for their vendor's webhook."""

    def nudges(self, job_id: str) -> int:
        """How often the job was nudged; strongly consistent."""

    def nudge(self, job_id: str, now: datetime) -> str | None:
        """Counts one more; gives the token of the execution that parked last, if one has."""


class GovernorStore(Protocol):
    """What is known of each vendor, to keep within its account's limits."""

    def read(self, vendor: VendorName) -> GovernorState:
        """Strongly consistent; of a vendor that nothing is known of, an empty one of version 0."""

    def write(self, vendor: VendorName, state: GovernorState) -> None:
        """Stores the next version of a state that was read, changed. Raises Conflict when somebody else wrote."""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and what he may do. Only the SHA-256 of the key is stored; `prefix` is for finding it by eye.

    A record that says nothing of scopes, or of anything below, was written before there was such a thing.
    `rate_per_minute` 0 is no limit. `daily_dollars` is what the jobs that the key orders on one day (UTC) may be quoted
    at together, in US dollars; None for no limit. A key that was rotated ends at `expires_at`; its successor is counted
    as the first key of their line, whose id is `counted_as`.
    """

    hash: str
    prefix: str
    tenant: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked: bool = False
    name: str = ""
    scopes: tuple[Scope, ...] = tuple(Scope)
    rate_per_minute: int = 0
    daily_dollars: Decimal | None = None
    revoked_at: datetime | None = None
    rotated_to: str | None = None
    rotated_from: str | None = None
    counted_as: str | None = None
    version: int = 0

    @property
    def id(self) -> str:
        """Short and public; tells nothing of the key, which is 256 random bits."""
        return self.hash[:12]

    @property
    def counter(self) -> str:
        """What its calls and orders are counted under: the same for all keys of its line."""
        return self.counted_as or self.id

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return not self.revoked and (self.expires_at is None or now < self.expires_at)


class KeyPage(msgspec.Struct, frozen=True):
    """Keys, newest first, and where the next page starts; None when this is the last."""

    keys: tuple[ApiKey, ...]
    next: str | None


class KeyStore(Protocol):
    """API keys by hash."""

    def find(self, key_hash: str) -> ApiKey | None:
        """The key of this hash, revoked or expired as it may be; strongly consistent."""

    def put(self, key: ApiKey) -> None:
        """Writes a key, over whatever was there."""

    def save(self, key: ApiKey, successor: ApiKey | None = None) -> ApiKey:
        """Stores the next version of a key that was read, and a new one with it. Raises Conflict; all or nothing."""

    def listed(self, limit: int, after: str | None = None, tenant: str | None = None) -> KeyPage:
        """Keys of a tenant, or of all; one that has just been made may be missing. `after` is an earlier page's `next`.

        A page may have fewer than `limit`, or none, and yet a next. Raises UnknownPage.
        """

    def starting(self, start: str) -> Iterator[ApiKey]:
        """Every key whose hash starts so, in any order; one that has just been made may be missing."""


class RateStore(Protocol):
    """How often each key called, by the key's counter."""

    def count(self, counter: str, minute: int) -> int:
        """Counts one more call in a minute, in minutes since 1970; gives how many there were in it."""


class AllowanceStore(Protocol):
    """What the keys of each counter ordered for on each day (UTC). Written by JobStore, with the jobs ordered."""

    def ordered(self, counter: str, day: date) -> Decimal:
        """In US dollars; strongly consistent."""


# --- objects ---------------------------------------------------------------------------------------------------------


class ObjectHead(msgspec.Struct, frozen=True, kw_only=True):
    """What S3 says of one object version. `checksum` covers the full object and names its algorithm, else None."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    bytes: int
    metadata: Mapping[str, str]
    checksum: str | None = None
    content_type: str | None = None


class ObjectPlace(msgspec.Struct, frozen=True):
    """Where an object is: its latest version where none is named."""

    bucket: str
    key: str
    version_id: str | None = None

    @classmethod
    def at(cls, address: str) -> "ObjectPlace":
        """Where an `s3://` address leads to."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


class ObjectStore(Protocol):
    """S3. Keys are plain text, never percent-encoded by the caller."""

    def head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectHead:
        """Raises ObjectMissing."""

    def read(self, bucket: str, key: str, *, start: int = 0, length: int, version_id: str | None = None) -> bytes:
        """At most `length` bytes from `start`. Raises ObjectMissing."""

    def chunks(self, bucket: str, key: str, version_id: str | None = None) -> Iterator[bytes]:
        """The whole object in pieces of bounded size. Raises ObjectMissing."""

    def keys(self, bucket: str, prefix: str, limit: int) -> Sequence[str]:
        """At most `limit` (1000 or fewer) keys that start with `prefix`, in key order."""

    def signed_get(
        self, bucket: str, key: str, *, seconds: int, version_id: str | None = None, content_type: str | None = None
    ) -> str:
        """A GET URL that needs no credentials for `seconds` seconds; `content_type` is told in place of the stored."""

    def signed_head(self, bucket: str, key: str, *, seconds: int, version_id: str | None = None) -> str:
        """The same for HEAD."""

    def signed_put(self, bucket: str, key: str, *, seconds: int, content_type: str, content_length: int) -> str:
        """A PUT URL that takes just this type and length."""

    def put_if_absent(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        """Writes a small object unless the key is taken; False when it is."""

    def delete(self, bucket: str, key: str) -> None:
        """Takes an object away; its versions stay where the bucket keeps them. One that is not there is as good."""

    def upload(self, bucket: str, key: str, content_type: str) -> AbstractContextManager["Upload"]:
        """A streamed write in bounded memory; leaving it without `finish` aborts it and leaves no parts behind."""


class Upload(Protocol):
    """A multipart write under way."""

    def write(self, chunk: bytes) -> None: ...

    def finish(self) -> bool:
        """Makes the object appear, If-None-Match: False when the key was taken already."""


# --- vendors ---------------------------------------------------------------------------------------------------------


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A request made ready for one vendor: its images as URLs that the vendor can fetch, its shape decided."""

    request: Request
    aspect_ratio: str
    image_url: str | None = None
    end_image_url: str | None = None
    webhook_url: str | None = None


class Envelope(msgspec.Struct, frozen=True):
    """What is POSTed: path with query, and the JSON body as it goes over the wire."""

    path: str
    body: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor took it: from here it costs money."""

    generation_id: str
    vendor_status: str | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor said no and made nothing. `retry_after` is in seconds, where it named one."""

    failure: Failure
    retry_after: int | None = None


class NotSent(msgspec.Struct, frozen=True):
    """Proven: the connection was never made."""

    detail: str


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """It may have been received. `resendable` is False where a repetition could make a second generation."""

    detail: str
    resendable: bool


Submission = Accepted | Refused | NotSent | Unanswered


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Not done. `undocumented` marks a status word that no document of the vendor knows."""

    vendor_status: str
    progress: int | None = None
    undocumented: bool = False


class Succeeded(msgspec.Struct, frozen=True, kw_only=True):
    """Done, with a video to fetch."""

    vendor_status: str
    video_url: str
    credits: int | None = None
    nsfw: bool | None = None
    inference_milliseconds: int | None = None


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor declares that the generation failed."""

    vendor_status: str
    failure: Failure
    credits: int | None = None
    nsfw: bool | None = None


Reading = Running | Succeeded | Declared


class ReadFailed(Exception):
    """The vendor's status could not be read. `retry_after` is in seconds, where the vendor named one."""

    def __init__(self, kind: FailureKind, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.retry_after = retry_after


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A generation in a vendor's history. `model` is the vendor's own name of what made it."""

    generation_id: str
    model: str
    created_at: datetime
    vendor_status: str | None = None


class Vendor(Protocol):
    """One seller of Luma Ray 2 Flash."""

    name: VendorName
    knows_keys: bool
    """Whether a POST repeated with the same Idempotency-Key is recognised."""

    def compose(self, order: Order) -> Envelope:
        """The exact POST for an order. Pure."""

    def submit(self, envelope: Envelope, idempotency_key: str) -> Submission:
        """POSTs once, on a fresh connection, and never repeats by itself. This is what costs money."""

    def read(self, generation_id: str) -> Reading:
        """One read of the generation. Raises ReadFailed."""

    def history(self, since: datetime) -> Sequence[Listed] | None:
        """Every generation of this model that was created at or after `since`, newest first; None where the vendor
        tells none, or more than can be read. Raises ReadFailed."""

    def upload(self, image: bytes, media_type: str, name: str) -> str:
        """Hands an image to the vendor's own short-lived storage; gives its URL. Raises ReadFailed."""


class PictureUnreachable(Exception):
    """A picture could not be fetched. The message is the rule that its address breaks, to be shown to the caller: it
    tells nothing of a network that only the function can see."""


class Pictures(Protocol):
    """Fetches pictures that callers name, from the public internet and from nowhere else."""

    def check(self, url: str) -> None:
        """Looks at the text of an address alone. Raises PictureUnreachable for one that is never fetched."""

    def fetch(self, url: str, seconds: float) -> bytes:
        """The whole of it, at most `domain.images.MAX_BYTES`, within so many seconds. Raises PictureUnreachable."""


class FetchFailed(Exception):
    """The video could not be had. `kind`: corrupt_video, expired, or unavailable."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Download(Protocol):
    """A video being streamed. `content_length` in bytes, where the server named it."""

    content_length: int | None

    def chunks(self) -> Iterator[bytes]:
        """Raises FetchFailed."""


class Downloader(Protocol):
    """Fetches videos from where a vendor may serve them, and from nowhere else."""

    def open(self, url: str) -> AbstractContextManager[Download]:
        """Raises FetchFailed, also for an address that it may not fetch."""


# --- workflow --------------------------------------------------------------------------------------------------------


class Workflow(Protocol):
    """Step Functions."""

    def start(self, job: Job) -> None:
        """Starts the execution of the job's run; one that exists already is as good."""

    def is_running(self, job: Job) -> bool:
        """Whether the execution of the job's run is under way."""

    def wake(self, token: str) -> bool:
        """Ends the wait of a parked execution; False when it has gone on already."""


class EventBus(Protocol):
    """EventBridge."""

    def send(self, events: Sequence[Event]) -> None: ...
