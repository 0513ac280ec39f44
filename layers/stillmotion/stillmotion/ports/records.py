"""The jobs table: jobs, the pointers that lead to them, the events stored with them, and the books of each day."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from stillmotion.domain.job.records import Job
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import Tally
from stillmotion.ports import StoreError
from stillmotion.ports.keys import Taking


class OverBudget(StoreError):
    """Nothing was written: a day's budget would be passed. `whose` says which: a tenant's name, or "stack"."""

    def __init__(self, whose: str) -> None:
        super().__init__(f"The budget of {whose} for this day is spent.")
        self.whose = whose


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
