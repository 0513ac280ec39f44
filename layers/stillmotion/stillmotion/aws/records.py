"""The jobs in the table (`items` shows its shape)."""

import base64
import binascii
import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from stillmotion.aws.allowances import taken
from stillmotion.aws.attributes import Item, stamp
from stillmotion.aws.books import bookings
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import (
    ACTIVITY_INDEX,
    ATTENTION_INDEX,
    LINE_INDEX,
    TENANT_INDEX,
    Unreadable,
    event_item,
    job_item,
    job_of,
    kind_of,
    pointer_item,
    pointer_of,
)
from stillmotion.aws.table import Condition, ConditionFailed, Put, Table, Write
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import book
from stillmotion.keyspace import job_key, whose_book
from stillmotion.ports import Conflict, StoreError, UnknownPage
from stillmotion.ports.keys import AllowanceSpent, Taking
from stillmotion.ports.records import AlreadyExists, Budget, Claim, Event, OverBudget, Page, Pointer

_ABSENT = Condition("attribute_not_exists(pk)")
# Far more than a moment and an id take, and far less than a key of DynamoDB may be long.
_MAX_PAGE_LENGTH = 500
# As many as may have a slot already and have not begun, and the few that are wanted.
_LINE_PAGE = 10


class DynamoJobStore:
    """The jobs table as a `ports.records.JobStore`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def get(self, job_id: str) -> Job | None:
        """The job, following one alias; strongly consistent. Raises Unreadable."""
        item = self._table.get(job_key(job_id))
        if item is not None and kind_of(item) == "pointer":
            item = self._table.get(job_key(pointer_of(item).job_id))
        return None if item is None else job_of(item)

    def create(
        self, job: Job, claims: Sequence[Claim] = (), event: Event | None = None, taking: Taking | None = None
    ) -> Job:
        """Stores a job that must not exist, as version 1, and takes of an allowance what it costs. All or nothing.

        Raises AlreadyExists naming what was there, or else AllowanceSpent.
        """
        return self._write(replace(job, version=1), _ABSENT, claims, event, taking=taking)

    def save(
        self, job: Job, claims: Sequence[Claim] = (), event: Event | None = None, budget: Budget | None = None
    ) -> Job:
        """Stores the next version of a job that was read, and books what it spends.

        Raises Conflict, AlreadyExists for a unique claim, or OverBudget.
        """
        unmoved = Condition("#version = :read", ("version",), {"read": job.version})
        return self._write(replace(job, version=job.version + 1), unmoved, claims, event, budget=budget)

    def pointer(self, key: str) -> Pointer | None:
        """The pointer at a key; strongly consistent."""
        item = self._table.get(key)
        return pointer_of(item) if item is not None and kind_of(item) == "pointer" else None

    def remember(self, pointer: Pointer) -> None:
        """Writes a pointer by itself, over an older one."""
        self._table.write([Put(pointer_item(pointer))], token=uuid.uuid4().hex)

    def of_tenant(self, tenant: str, limit: int, after: str | None = None, *, oldest_first: bool = False) -> Page:
        """A tenant's jobs, newest first unless told otherwise; a job's id as `after` costs one more read.

        Raises UnknownPage.
        """
        start = None
        if after is not None:
            moment, job_id = self._place_of(after, tenant) if is_job_id(after) else _place(after)
            start = {"pk": job_key(job_id), "tenant": tenant, "newest": f"{moment}#{job_id}"}
        items, more = self._table.newest_first(TENANT_INDEX, ("tenant", tenant), limit, start, reverse=oldest_first)
        jobs = tuple(map(job_of, items))
        return Page(jobs, _token(stamp(jobs[-1].created_at), jobs[-1]) if more and jobs else None)

    def _place_of(self, job_id: str, tenant: str) -> tuple[str, str]:
        job = self.get(job_id)
        if job is None or job.tenant != tenant:
            raise UnknownPage(f"{job_id} is no job of {tenant}")
        return stamp(job.created_at), job.id

    def needing_attention(self, limit: int, after: str | None = None) -> Page:
        """Jobs of all tenants that a person should look at, latest change first. Raises UnknownPage."""
        start = None
        if after is not None:
            moment, job_id = _place(after)
            start = {"pk": job_key(job_id), "attention_flag": "yes", "updated_at": moment}
        items, more = self._table.newest_first(ATTENTION_INDEX, ("attention_flag", "yes"), limit, start)
        jobs = tuple(map(job_of, items))
        return Page(jobs, _token(stamp(jobs[-1].updated_at), jobs[-1]) if more and jobs else None)

    def quiet_since(self, before: datetime) -> Iterator[Job]:
        """Jobs that may have to be swept and were last written before then, oldest first; page by page."""
        yield from _readable(
            self._table.oldest_first(ACTIVITY_INDEX, ("sweep_flag", "yes"), ("updated_at", stamp(before)))
        )

    def in_line(self, vendor: VendorName) -> Iterator[Job]:
        """Jobs in line for a slot of a vendor, the first in line first; a moment old, as the index may be."""
        yield from _readable(self._table.lowest_first(LINE_INDEX, ("line", vendor), _LINE_PAGE))

    def _write(
        self,
        job: Job,
        condition: Condition,
        claims: Sequence[Claim],
        event: Event | None,
        *,
        budget: Budget | None = None,
        taking: Taking | None = None,
    ) -> Job:
        writer = uuid.uuid4().hex
        job, changes = book(job)
        writes: list[Write] = [Put(job_item(job, writer), condition), *map(_claimed, claims)]
        if event is not None:
            writes.append(Put(event_item(event)))
        writes += bookings(changes, budget)
        if taking is not None:
            # The last: where a claim is taken as well, that is what the caller hears.
            writes.append(taken(taking))
        try:
            self._table.write(writes, token=writer)
        except ConditionFailed as failed:
            there = self._table.get(job_key(job.id))
            # A put whose answer was lost is repeated, and then fails the condition that it made false itself.
            if there is None or there.get("writer") != {"S": writer}:
                raise self._refusal(job, writes, failed, there, taking) from failed
        return job

    def _refusal(
        self,
        job: Job,
        writes: Sequence[Write],
        failed: ConditionFailed,
        there: Item | None,
        taking: Taking | None,
    ) -> StoreError:
        """Why a write was refused, as the caller is to hear it."""
        if 0 in failed.indexes:
            if job.version == 1 and there is not None:
                return AlreadyExists(job_key(job.id), _pointer_in(there))
            return Conflict(f"job {job.id} is not at version {job.version - 1}")
        if taking is not None and failed.indexes[0] == len(writes) - 1:
            # Whoever made the job since may have spent what was left.
            return (
                AllowanceSpent(taking.daily_dollars)
                if there is None
                else AlreadyExists(job_key(job.id), _pointer_in(there))
            )
        key = writes[failed.indexes[0]].key
        over = whose_book(key)
        if over is not None:
            return OverBudget(over)
        owner = self._table.get(key)
        if owner is None:
            return Conflict(f"{key} was taken, and is free now")
        return AlreadyExists(key, _pointer_in(owner))


def _claimed(claim: Claim) -> Put:
    item = pointer_item(claim.pointer)
    if claim.unique:
        return Put(item, _free_or_owned_by(claim.pointer))
    if claim.unless_written_since is not None:
        since = {"since": claim.unless_written_since}
        return Put(item, Condition("attribute_not_exists(pk) OR created_at < :since", (), since))
    if claim.unless_retried_since is not None:
        values = {"no": False, "since": claim.unless_retried_since}
        return Put(item, Condition("attribute_not_exists(pk) OR by_retry = :no OR created_at < :since", (), values))
    return Put(item)


def _free_or_owned_by(pointer: Pointer) -> Condition:
    values: dict[str, object] = {"job_id": pointer.job_id, "pointer": "pointer"}
    same_attempt = "attribute_not_exists(#attempt)"
    if pointer.attempt is not None:
        same_attempt = "#attempt = :attempt"
        values["attempt"] = pointer.attempt
    expression = f"attribute_not_exists(pk) OR (#kind = :pointer AND job_id = :job_id AND {same_attempt})"
    return Condition(expression, ("kind", "attempt"), values)


def _readable(items: Iterable[Item]) -> Iterator[Job]:
    """The jobs of a list that serves many, without those that another release wrote in words of its own."""
    for item in items:
        try:
            yield job_of(item)
        except Unreadable as unreadable:
            logging.getLogger(__name__).warning("a record is passed over: %s", unreadable)


def _pointer_in(item: Item) -> Pointer | None:
    return pointer_of(item) if kind_of(item) == "pointer" else None


def _token(moment: str, job: Job) -> str:
    return base64.urlsafe_b64encode(f"{moment}#{job.id}".encode()).decode().rstrip("=")


def _place(token: str) -> tuple[str, str]:
    if len(token) > _MAX_PAGE_LENGTH:
        raise UnknownPage(f"{len(token)} characters name no page")
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise UnknownPage(f"{token!r} names no page") from error
    moment, _, job_id = text.partition("#")
    if not moment or not job_id:
        raise UnknownPage(f"{token!r} names no page")
    return moment, job_id
