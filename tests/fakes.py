"""The ports, in memory. They keep the promises of `stillmotion.ports`, so that a service cannot tell.

Every value passes through JSON on its way into a store and out of it, as it does on the way to AWS: a service that
relies on an object's identity, or stores what cannot be stored, fails here too.

`FaultPlan` kills a caller at a numbered call to any of the fakes that share it, for "dies at any line" tests.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.governing import GovernorState, stands_in_line, turn
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import Tally, added, book, for_all, room
from stillmotion.domain.sweeping import is_swept
from stillmotion.keyspace import job_key
from stillmotion.ports import Conflict, UnknownPage
from stillmotion.ports.egress import FetchFailed, PictureUnreachable
from stillmotion.ports.keys import AllowanceSpent, KeyPage, Taking
from stillmotion.ports.objects import ObjectHead, ObjectMissing
from stillmotion.ports.records import AlreadyExists, Budget, Claim, Event, OverBudget, Page, Pointer
from stillmotion.ports.vendor import (
    Accepted,
    Envelope,
    Listed,
    ReadFailed,
    Reading,
    Running,
    SubmissionAnswer,
    VendorOrder,
)

DAWN = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
CHUNK = 64 * 1024


class Died(BaseException):
    """The process ended here. Not an Exception: nothing may catch it, as nothing catches a SIGKILL."""


@dataclass
class FaultPlan:
    """Ends the process at call number `dies_at` (1 is the first); `after` ends it when that call has taken effect."""

    dies_at: int | None = None
    after: bool = False
    calls: list[str] = field(default_factory=list)

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        fatal = len(self.calls) == self.dies_at
        if fatal and not self.after:
            raise Died(name)
        try:
            yield
        finally:
            if fatal:
                raise Died(name)


class FakeClock:
    """Time that passes only when it is told to."""

    def __init__(self, start: datetime = DAWN) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


# --- records ---------------------------------------------------------------------------------------------------------


class InMemoryJobStore:
    """The jobs table. `events` is the outbox: every event that was stored, in order, by repetition too. `books` holds
    what was spent, by day and tenant, with None for all tenants together; `ordered` what was taken of allowances, by
    counter and day.

    `before_save` is called with each job that is about to be stored: the place for another writer to come between.
    """

    def __init__(self, *, faults: FaultPlan | None = None) -> None:
        self.faults = faults or FaultPlan()
        self.events: list[Event] = []
        self.pointers: dict[str, Pointer] = {}
        self.books: dict[tuple[date, str | None], Tally] = {}
        self.ordered: dict[tuple[str, date], Decimal] = {}
        self.before_save: Callable[[Job], None] | None = None
        self._jobs: dict[str, bytes] = {}

    def get(self, job_id: str) -> Job | None:
        with self.faults.call("jobs.get"):
            if job_id in self._jobs:
                return self._read(job_id)
            alias = self.pointers.get(job_key(job_id))
            return self._read(alias.job_id) if alias is not None and alias.job_id in self._jobs else None

    def create(
        self, job: Job, claims: Sequence[Claim] = (), event: Event | None = None, taking: Taking | None = None
    ) -> Job:
        with self.faults.call("jobs.create"):
            if job.id in self._jobs:
                raise AlreadyExists(job_key(job.id))
            if job_key(job.id) in self.pointers:
                raise AlreadyExists(job_key(job.id), self.pointers[job_key(job.id)])
            return self._write(replace(job, version=1), claims, event, taking=taking)

    def save(
        self, job: Job, claims: Sequence[Claim] = (), event: Event | None = None, budget: Budget | None = None
    ) -> Job:
        if self.before_save is not None:
            self.before_save(job)
        with self.faults.call("jobs.save"):
            if job.id not in self._jobs or self._read(job.id).version != job.version:
                raise Conflict(f"{job.id} is not at version {job.version}")
            return self._write(replace(job, version=job.version + 1), claims, event, budget=budget)

    def pointer(self, key: str) -> Pointer | None:
        with self.faults.call("jobs.pointer"):
            return self.pointers.get(key)

    def remember(self, pointer: Pointer) -> None:
        with self.faults.call("jobs.remember"):
            self.pointers[pointer.key] = pointer

    def of_tenant(self, tenant: str, limit: int, after: str | None = None, *, oldest_first: bool = False) -> Page:
        with self.faults.call("jobs.of_tenant"):
            own = [job for job in self.all() if job.tenant == tenant]
            return self._page(own, limit, after, oldest_first=oldest_first)

    def needing_attention(self, limit: int, after: str | None = None) -> Page:
        with self.faults.call("jobs.needing_attention"):
            waiting = [job for job in self.all() if job.overdue or job.status is Status.NEEDS_ATTENTION]
            return self._page(waiting, limit, after, lambda job: job.updated_at)

    def quiet_since(self, before: datetime) -> Iterator[Job]:
        with self.faults.call("jobs.quiet_since"):
            quiet = [job for job in self.all() if is_swept(job) and job.updated_at < before]
        yield from sorted(quiet, key=lambda job: job.updated_at)

    def in_line(self, vendor: VendorName) -> Iterator[Job]:
        with self.faults.call("jobs.in_line"):
            line = [job for job in self.all() if stands_in_line(job, vendor)]
        yield from sorted(line, key=turn)

    def all(self) -> list[Job]:
        """Every job, for assertions."""
        return [self._read(job_id) for job_id in self._jobs]

    def only(self) -> Job:
        """The one job there is, for assertions."""
        (job,) = self.all()
        return job

    def put(self, job: Job) -> Job:
        """Puts a job there as it is, whatever was there: the given of a test."""
        self._jobs[job.id] = msgspec.json.encode(replace(job, version=job.version or 1))
        return self._read(job.id)

    def _read(self, job_id: str) -> Job:
        return msgspec.json.decode(self._jobs[job_id], type=Job)

    def _write(
        self,
        job: Job,
        claims: Sequence[Claim],
        event: Event | None,
        *,
        budget: Budget | None = None,
        taking: Taking | None = None,
    ) -> Job:
        for claim in claims:
            self._refuse_taken(claim)
        if taking is not None:
            self._take(taking)
        if event is not None:
            event = msgspec.json.decode(msgspec.json.encode(event), type=Event)
        job, changes = book(job)
        self.books |= self._booked(changes, budget or Budget())
        self._jobs[job.id] = msgspec.json.encode(job)
        for claim in claims:
            self.pointers[claim.pointer.key] = claim.pointer
        if event is not None:
            self.events.append(event)
        return self._read(job.id)

    def _take(self, taking: Taking) -> None:
        place = taking.counter, taking.day
        before = self.ordered.get(place, Decimal(0))
        if before > taking.room:
            raise AllowanceSpent(taking.daily_dollars)
        self.ordered[place] = before + taking.dollars

    def _booked(self, changes: Sequence[Tally], budget: Budget) -> Mapping[tuple[date, str | None], Tally]:
        """The books that these changes lead to. Raises OverBudget."""
        after: dict[tuple[date, str | None], Tally] = {}
        for change in changes:
            for own, cap in ((change, budget.tenant_dollars), (for_all(change), budget.stack_dollars)):
                held = self.books.get((own.day, own.tenant), Tally(day=own.day, tenant=own.tenant))
                most = room(own, cap)
                if most is not None and held.committed > most:
                    raise OverBudget(own.tenant or "stack")
                after[own.day, own.tenant] = added(held, own)
        return after

    def _refuse_taken(self, claim: Claim) -> None:
        key, wanted = claim.pointer.key, claim.pointer
        if key.startswith(job_key("")) and key.removeprefix(job_key("")) in self._jobs:
            raise AlreadyExists(key)
        found = self.pointers.get(key)
        if found is None or (found.job_id, found.attempt) == (wanted.job_id, wanted.attempt):
            return
        retried, written = claim.unless_retried_since, claim.unless_written_since
        wins = (retried is not None and found.by_retry and found.created_at >= retried) or (
            written is not None and found.created_at >= written
        )
        if claim.unique or wins:
            raise AlreadyExists(key, found)

    @staticmethod
    def _page(
        jobs: list[Job],
        limit: int,
        after: str | None,
        moment: Callable[[Job], datetime] = lambda job: job.created_at,
        *,
        oldest_first: bool = False,
    ) -> Page:
        in_order = sorted(jobs, key=lambda job: (moment(job), job.id), reverse=not oldest_first)
        given_out = {job.id: index + 1 for index, job in enumerate(in_order)}
        if after is not None and after not in given_out:
            raise UnknownPage(f"{after!r} names no page")
        left = [job for job in in_order[given_out[after] if after is not None else 0 :] if job.deleted_at is None]
        shown, more = left[:limit], len(left) > limit
        return Page(jobs=tuple(shown), next=shown[-1].id if more and shown else None)


class InMemoryBooks:
    """What a store has booked."""

    def __init__(self, jobs: InMemoryJobStore) -> None:
        self._jobs = jobs

    def read(self, wanted: Sequence[tuple[date, str | None]]) -> Sequence[Tally]:
        return [self._jobs.books[place] for place in wanted if place in self._jobs.books]


class InMemoryParking:
    """Where executions wait. `park` is what the state machine does by itself."""

    def __init__(self, *, faults: FaultPlan | None = None) -> None:
        self.faults = faults or FaultPlan()
        self.counts: dict[str, int] = {}
        self.tokens: dict[str, str] = {}

    def nudges(self, job_id: str) -> int:
        with self.faults.call("parking.nudges"):
            return self.counts.get(job_id, 0)

    def nudge(self, job_id: str, now: datetime) -> str | None:  # noqa: ARG002 - items here do not expire
        with self.faults.call("parking.nudge"):
            self.counts[job_id] = self.counts.get(job_id, 0) + 1
            return self.tokens.get(job_id)

    def park(self, job_id: str, token: str, seen: int) -> bool:
        """Whether the execution may sleep: nobody nudged since it looked."""
        if self.counts.get(job_id, seen) != seen:
            return False
        self.tokens[job_id] = token
        return True


class InMemoryGovernorStore:
    """What the governor knows of each vendor. `reads` and `writes` count its work; `before_write` is called with each
    state that is about to be stored: the place for another writer to come between."""

    def __init__(self, *, faults: FaultPlan | None = None) -> None:
        self.faults = faults or FaultPlan()
        self.reads = 0
        self.writes = 0
        self.before_write: Callable[[GovernorState], None] | None = None
        self._states: dict[VendorName, bytes] = {}

    def read(self, vendor: VendorName) -> GovernorState:
        with self.faults.call("governor.read"):
            self.reads += 1
            return self.state(vendor)

    def write(self, vendor: VendorName, state: GovernorState) -> None:
        if self.before_write is not None:
            self.before_write(state)
        with self.faults.call("governor.write"):
            if self.state(vendor).version != state.version:
                raise Conflict(f"{vendor} is not at version {state.version}")
            self.writes += 1
            self._states[vendor] = msgspec.json.encode(replace(state, version=state.version + 1))

    def state(self, vendor: VendorName) -> GovernorState:
        """What is stored, for assertions."""
        return msgspec.json.decode(self._states.get(vendor, b"{}"), type=GovernorState)


class InMemoryKeyStore:
    """API keys by hash. `reads` counts the look-ups of one; `before_save` is the place for another writer."""

    def __init__(self, *keys: ApiKey) -> None:
        self.stored = {key.hash: key for key in keys}
        self.reads = 0
        self.before_save: Callable[[], object] | None = None

    def find(self, key_hash: str) -> ApiKey | None:
        self.reads += 1
        return self.stored.get(key_hash)

    def put(self, key: ApiKey) -> None:
        self.stored[key.hash] = key

    def save(self, key: ApiKey, successor: ApiKey | None = None) -> ApiKey:
        if self.before_save is not None:
            between, self.before_save = self.before_save, None
            between()
        if key.hash not in self.stored or self.stored[key.hash].version != key.version:
            raise Conflict(f"key {key.id} is not at version {key.version}")
        saved = replace(key, version=key.version + 1)
        for stored in (saved, *([successor] if successor else [])):
            self.put(stored)
        return saved

    def listed(self, limit: int, after: str | None = None, tenant: str | None = None) -> KeyPage:
        own = [key for key in self.stored.values() if tenant in (None, key.tenant)]
        in_order = sorted(own, key=lambda key: (key.created_at, key.hash), reverse=True)
        given_out = {key.id: index + 1 for index, key in enumerate(in_order)}
        if after is not None and after not in given_out:
            raise UnknownPage(f"{after!r} names no page")
        left = in_order[given_out[after] if after is not None else 0 :]
        return KeyPage(tuple(left[:limit]), left[limit - 1].id if len(left) > limit else None)

    def starting(self, start: str) -> Iterator[ApiKey]:
        yield from [key for key in self.stored.values() if key.hash.startswith(start)]


class InMemoryAllowanceStore:
    """What was ordered for, as a store has it."""

    def __init__(self, jobs: InMemoryJobStore) -> None:
        self._jobs = jobs

    def ordered(self, counter: str, day: date) -> Decimal:
        return self._jobs.ordered.get((counter, day), Decimal(0))


class InMemoryRateStore:
    """How often each key called, by its counter and minute. `writes` counts the counting."""

    def __init__(self) -> None:
        self.calls: dict[tuple[str, int], int] = {}
        self.writes = 0

    def count(self, counter: str, minute: int) -> int:
        self.writes += 1
        self.calls[counter, minute] = self.calls.get((counter, minute), 0) + 1
        return self.calls[counter, minute]


# --- objects ---------------------------------------------------------------------------------------------------------


@dataclass
class StoredObject:
    """One version of an object in the fake bucket."""

    body: bytes
    content_type: str
    version_id: str
    metadata: Mapping[str, str] = field(default_factory=dict)


class InMemoryObjectStore:
    """S3 with versions. `uploads_open` counts multipart uploads that were neither finished nor aborted."""

    def __init__(self, *, faults: FaultPlan | None = None, chunk_size: int = CHUNK) -> None:
        self.faults = faults or FaultPlan()
        self.chunk_size = chunk_size
        self.versions: dict[tuple[str, str], list[StoredObject]] = {}
        self.uploads_open = 0
        self.aborted = 0

    def put(
        self,
        bucket: str,
        key: str,
        body: bytes,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectHead:
        """Puts a new version there: the given of a test."""
        stored = self.versions.setdefault((bucket, key), [])
        stored.append(StoredObject(body, content_type, f"v{len(stored) + 1}", metadata or {}))
        return self._head(bucket, key)

    def body(self, bucket: str, key: str) -> bytes:
        """The latest bytes, for assertions."""
        return self._find(bucket, key).body

    def all_keys(self, bucket: str) -> list[str]:
        """Every key, for assertions."""
        return sorted(key for where, key in self.versions if where == bucket)

    def head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectHead:
        with self.faults.call("objects.head"):
            return self._head(bucket, key, version_id)

    def read(self, bucket: str, key: str, *, start: int = 0, length: int, version_id: str | None = None) -> bytes:
        with self.faults.call("objects.read"):
            return self._find(bucket, key, version_id).body[start : start + length]

    def chunks(self, bucket: str, key: str, version_id: str | None = None) -> Iterator[bytes]:
        with self.faults.call("objects.chunks"):
            body = self._find(bucket, key, version_id).body
        for start in range(0, len(body), self.chunk_size):
            yield body[start : start + self.chunk_size]

    def keys(self, bucket: str, prefix: str, limit: int) -> Sequence[str]:
        with self.faults.call("objects.keys"):
            return [key for key in self.all_keys(bucket) if key.startswith(prefix)][:limit]

    def signed_get(
        self, bucket: str, key: str, *, seconds: int, version_id: str | None = None, content_type: str | None = None
    ) -> str:
        version = f"&versionId={version_id}" if version_id else ""
        kind = f"&response-content-type={content_type}" if content_type else ""
        return f"https://{bucket}.s3.test/{key}?X-Amz-Expires={seconds}{version}{kind}&X-Amz-Signature=get"

    def signed_head(self, bucket: str, key: str, *, seconds: int, version_id: str | None = None) -> str:
        return self.signed_get(bucket, key, seconds=seconds, version_id=version_id).removesuffix("get") + "head"

    def signed_put(self, bucket: str, key: str, *, seconds: int, content_type: str, content_length: int) -> str:
        signed = f"X-Amz-Expires={seconds}&type={content_type}&length={content_length}&X-Amz-Signature=put"
        return f"https://{bucket}.s3.test/{key}?{signed}"

    def put_if_absent(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        with self.faults.call("objects.put_if_absent"):
            if (bucket, key) in self.versions:
                return False
            self.put(bucket, key, body, content_type)
            return True

    def delete(self, bucket: str, key: str) -> None:
        with self.faults.call("objects.delete"):
            self.versions.pop((bucket, key), None)

    @contextmanager
    def upload(self, bucket: str, key: str, content_type: str) -> Iterator["InMemoryUpload"]:
        with self.faults.call("objects.upload"):
            upload = InMemoryUpload(self, bucket, key, content_type)
        self.uploads_open += 1
        try:
            yield upload
        finally:
            self.uploads_open -= 1
            if not upload.finished:
                self.aborted += 1

    def _find(self, bucket: str, key: str, version_id: str | None = None) -> StoredObject:
        for stored in reversed(self.versions.get((bucket, key), [])):
            if version_id in (None, stored.version_id):
                return stored
        raise ObjectMissing(f"s3://{bucket}/{key}")

    def _head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectHead:
        stored = self._find(bucket, key, version_id)
        return ObjectHead(
            bucket=bucket,
            key=key,
            version_id=stored.version_id,
            etag=f'"{hashlib.md5(stored.body, usedforsecurity=False).hexdigest()}"',
            bytes=len(stored.body),
            metadata=stored.metadata,
            checksum=f"sha256:{hashlib.sha256(stored.body).hexdigest()}",
            content_type=stored.content_type,
        )


class InMemoryUpload:
    """A multipart write: the object appears at `finish`, or never."""

    def __init__(self, store: InMemoryObjectStore, bucket: str, key: str, content_type: str) -> None:
        self.finished = False
        self._store, self._place, self._content_type = store, (bucket, key), content_type
        self._parts: list[bytes] = []

    def write(self, chunk: bytes) -> None:
        with self._store.faults.call("upload.write"):
            self._parts.append(chunk)

    def finish(self) -> bool:
        with self._store.faults.call("upload.finish"):
            if self._place in self._store.versions:
                return False
            self._store.put(*self._place, b"".join(self._parts), self._content_type)
            self.finished = True
            return True


# --- vendors ---------------------------------------------------------------------------------------------------------


class ScriptedVendor:
    """A vendor that answers what it is told, in order; the last reading repeats.

    `posts` is every POST it got, as (envelope, idempotency key): what it would have charged for. An answer may be an
    exception, which is raised; `while_posting` runs inside the POST. `listed` is its history; None: it tells none.
    """

    def __init__(
        self,
        name: VendorName = VendorName.APIFRAME,
        *,
        submissions: Sequence[SubmissionAnswer | BaseException] = (),
        readings: Sequence[Reading | BaseException] = (),
        supports_idempotency: bool | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        self.name = name
        self.supports_idempotency = (
            name is VendorName.APIFRAME if supports_idempotency is None else supports_idempotency
        )
        self.faults = faults or FaultPlan()
        self.submissions = list(submissions)
        self.readings = list(readings)
        self.posts: list[tuple[Envelope, str]] = []
        self.reads: list[str] = []
        self.listed: Sequence[Listed] | BaseException | None = ()
        self.asked_since: list[datetime] = []
        self.uploads: list[tuple[bytes, str, str]] = []
        self.while_posting: Callable[[], None] | None = None

    def compose(self, order: VendorOrder) -> Envelope:
        return Envelope(path=f"/{self.name}/generate", body=msgspec.json.encode(order).decode())

    def submit(self, envelope: Envelope, idempotency_key: str) -> SubmissionAnswer:
        with self.faults.call("vendor.submit"):
            self.posts.append((envelope, idempotency_key))
            if self.while_posting is not None:
                self.while_posting()
            if not self.submissions:
                return Accepted(generation_id=f"generation-{len(self.posts)}")
            answer = self.submissions.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            return answer

    def read(self, generation_id: str) -> Reading:
        with self.faults.call("vendor.read"):
            self.reads.append(generation_id)
            if not self.readings:
                return Running(vendor_status="processing")
            answer = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

    def history(self, since: datetime) -> Sequence[Listed] | None:
        with self.faults.call("vendor.history"):
            self.asked_since.append(since)
            if isinstance(self.listed, BaseException):
                raise self.listed
            if self.listed is None:
                return None
            return [one for one in self.listed if one.created_at >= since]

    def upload(self, image: bytes, media_type: str, name: str) -> str:
        with self.faults.call("vendor.upload"):
            self.uploads.append((image, media_type, name))
            return f"https://uploads.{self.name}.test/{len(self.uploads)}/{name}"

    def unreadable(self, kind: FailureKind = FailureKind.UNAVAILABLE, retry_after: int | None = None) -> ReadFailed:
        """A read that fails, to be put among `readings`."""
        return ReadFailed(kind, f"{self.name} could not be read", retry_after)


@dataclass
class Served:
    """What a URL serves. `content_length` None: as long as the body; -1: the server names none.

    `breaks_after` bytes the stream fails with `failure`.
    """

    body: bytes = b""
    content_length: int | None = None
    failure: FetchFailed | None = None
    breaks_after: int | None = None


class ScriptedDownload:
    """A body being streamed in pieces."""

    def __init__(self, served: Served, chunk_size: int, faults: FaultPlan) -> None:
        self._served, self._chunk_size, self._faults = served, chunk_size, faults
        declared = len(served.body) if served.content_length is None else served.content_length
        self.content_length = None if declared < 0 else declared

    def chunks(self) -> Iterator[bytes]:
        end = len(self._served.body) if self._served.breaks_after is None else self._served.breaks_after
        for start in range(0, end, self._chunk_size):
            with self._faults.call("download.chunk"):
                piece = self._served.body[start : min(end, start + self._chunk_size)]
            yield piece
        if self._served.breaks_after is not None:
            raise self._served.failure or FetchFailed(FailureKind.UNAVAILABLE, "the connection broke")


class ScriptedDownloader:
    """Serves what each URL is told to serve, in order; the last answer repeats. `opened` is every URL asked for."""

    def __init__(
        self,
        answers: Mapping[str, Sequence[Served]] | None = None,
        *,
        chunk_size: int = CHUNK,
        faults: FaultPlan | None = None,
    ) -> None:
        self.answers = {url: list(served) for url, served in (answers or {}).items()}
        self.chunk_size = chunk_size
        self.faults = faults or FaultPlan()
        self.opened: list[str] = []

    @contextmanager
    def open(self, url: str) -> Iterator[ScriptedDownload]:
        with self.faults.call("downloads.open"):
            self.opened.append(url)
            queue = self.answers.get(url, [])
            if not queue:
                raise FetchFailed(FailureKind.EXPIRED, f"nothing at {url}")
            served = queue.pop(0) if len(queue) > 1 else queue[0]
            if served.failure is not None and served.breaks_after is None:
                raise served.failure
        yield ScriptedDownload(served, self.chunk_size, self.faults)


class ScriptedPictures:
    """The public internet: what each URL serves, a picture or the reason why not. `asked` is every URL fetched.

    `refused` are addresses that are never fetched; `takes_seconds` is how long each picture takes on `clock`.
    """

    def __init__(self, served: Mapping[str, bytes | str] | None = None, *, refused: Sequence[str] = ()) -> None:
        self.served = dict(served or {})
        self.refused = set(refused)
        self.clock: FakeClock | None = None
        self.takes_seconds = 0.0
        self.asked: list[tuple[str, float]] = []

    def check(self, url: str) -> None:
        if url in self.refused:
            raise PictureUnreachable("must be elsewhere")

    def fetch(self, url: str, seconds: float) -> bytes:
        self.asked.append((url, seconds))
        if self.clock is not None:
            self.clock.advance(self.takes_seconds)
        found = self.served.get(url, "could not be fetched")
        if isinstance(found, str):
            raise PictureUnreachable(found)
        return found


# --- workflow --------------------------------------------------------------------------------------------------------


class RecordingWorkflow:
    """Step Functions: an execution's name is taken once. `running` is theirs until a test takes one out."""

    def __init__(self, *, faults: FaultPlan | None = None) -> None:
        self.faults = faults or FaultPlan()
        self.started: list[str] = []
        self.running: set[str] = set()
        self.parked: set[str] = set()
        self.woken: list[str] = []
        self.calls = 0

    def start(self, job: Job) -> None:
        with self.faults.call("workflow.start"):
            self.calls += 1
            if job.execution_name not in self.started:
                self.started.append(job.execution_name)
                self.running.add(job.execution_name)

    def wake(self, token: str) -> bool:
        with self.faults.call("workflow.wake"):
            self.woken.append(token)
            if token not in self.parked:
                return False
            self.parked.remove(token)
            return True

    def is_running(self, job: Job) -> bool:
        with self.faults.call("workflow.is_running"):
            return job.execution_name in self.running


class RecordingEventBus:
    """EventBridge: everything sent, in order, by repetition too."""

    def __init__(self, *, faults: FaultPlan | None = None) -> None:
        self.faults = faults or FaultPlan()
        self.sent: list[Event] = []

    def send(self, events: Sequence[Event]) -> None:
        with self.faults.call("bus.send"):
            self.sent.extend(events)
