"""Keeps every vendor within what its account allows: a slot before the POST, given back when the generation has ended.

The line for a vendor's slots is the set of jobs whose record says so (`Job.line`), by priority and age. Whoever frees
a slot, or finds one free, grants it to the first in line and wakes it; the others sleep. A job that was granted a slot
before it fell asleep finds it when it is kept from parking by the nudge that came with it.

The index that shows the line may be a moment behind: a job is read again before a slot is granted to it, and after,
as it may have left the line in between. What is lost when a process dies here, the round mends (`tracking.rounds`).
"""

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from stillmotion.domain import breaker, governing
from stillmotion.domain.governing import Ending, GovernorState, Lease, Limits, needs_slot, stands_in_line, turn
from stillmotion.domain.job.records import Job, Reason
from stillmotion.domain.request import VendorName
from stillmotion.ports import Clock, Conflict, StoreError
from stillmotion.ports.records import JobStore
from stillmotion.ports.workflow import GovernorStore, Parking

__all__ = ["Admission", "Admitted", "Ending", "Governor", "GovernorSettings", "InLine", "Later"]

MAX_WRITE_TRIES = 12
FIRST_PAUSE_SECONDS = 0.01
MAX_PAUSE_SECONDS = 0.5
# The index shows a change well within this, and jobs that were told "no slot" a moment ago are then in it.
INDEX_LAG_SECONDS = 0.25
# So many are let go at once where a limit was lifted: the next round goes on.
MAX_LET_GO = 200
# Jobs at the head of the index that are in line no more are looked at, at most so many.
MAX_STALE = 20

T = TypeVar("T")


class Admitted(msgspec.Struct, frozen=True):
    """The job may be sent now. Its start is counted."""


class Later(msgspec.Struct, frozen=True):
    """The vendor is to be left alone for so long, above 0; then ask again."""

    wait_seconds: int


class InLine(msgspec.Struct, frozen=True):
    """No slot is free. The job is nudged, and woken, when one is granted to it."""


Admission = Admitted | Later | InLine


class GovernorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the accounts allow, 0 for no limit; times in seconds. A lease is longer than any generation's deadline."""

    wavespeed_concurrency: int = 3
    wavespeed_per_minute: int = 5
    apiframe_concurrency: int = 5
    apiframe_per_minute: int = 0
    lease_seconds: int = 3660
    pause_seconds: int = 20
    lowered_seconds: int = 180
    breaker_failures: int = 5
    breaker_rest_seconds: int = 60

    def limits(self, vendor: VendorName) -> Limits:
        match vendor:
            case VendorName.WAVESPEED:
                concurrency, per_minute = self.wavespeed_concurrency, self.wavespeed_per_minute
            case VendorName.APIFRAME:
                concurrency, per_minute = self.apiframe_concurrency, self.apiframe_per_minute
        return Limits(
            concurrency=concurrency,
            per_minute=per_minute,
            lease_seconds=self.lease_seconds,
            pause_seconds=self.pause_seconds,
            lowered_seconds=self.lowered_seconds,
            breaker_failures=self.breaker_failures,
            breaker_rest_seconds=self.breaker_rest_seconds,
        )


class Governor:
    """Decides when a job may be sent to a vendor. Every method raises Conflict when too many write at once."""

    def __init__(
        self,
        *,
        store: GovernorStore,
        jobs: JobStore,
        parking: Parking,
        wake: Callable[[str], bool],
        clock: Clock,
        settings: GovernorSettings,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`wake` ends the wait of a task token, as `Workflow.wake`; `sleep` takes seconds; `draw` gives 0 to 1."""
        self._store = store
        self._jobs = jobs
        self._parking = parking
        self._wake = wake
        self._clock = clock
        self._settings = settings
        self._sleep = sleep
        self._draw = draw

    def admit(self, job: Job, vendor: VendorName) -> Admission:
        """Whether the job may be sent now; it has to stand in the vendor's line, as it is stored, before it asks."""
        limits = self._settings.limits(vendor)

        def step(state: GovernorState, now: datetime) -> tuple[GovernorState, tuple[Admission, list[str]]]:
            others: list[str] = []
            if limits.concurrency and job.id not in state.leases:
                free = governing.free_slots(state, limits)
                chosen = self._first_in_line(vendor, state.leases, free, job) if free else []
                state = governing.granted(state, limits, chosen, now)
                others = [job_id for job_id in chosen if job_id != job.id]
                if job.id not in chosen:
                    return state, (InLine(), others)
            begun = [attempt.started_at for attempt in job.attempts if attempt.vendor is vendor]
            state, wait = governing.admitted(state, limits, job.id, now, begun[-1] if begun else None)
            return state, (Later(wait) if wait else Admitted(), others)

        admission, others = self._change(vendor, limits, step)
        self._tell(vendor, others)
        return admission

    def release(self, vendor: VendorName, job_id: str, ending: Ending, *, repeated: bool = False) -> None:
        """Gives the job's slot back, if it has one, and grants it to the next in line.

        To the next: a job that could not be sent, and is still first in line, has to ask again. May be repeated; where
        there are no slots, one that says that it is `repeated` is not counted once more.
        """
        limits = self._settings.limits(vendor)
        if repeated and not limits.concurrency:
            ending = Ending.NEUTRAL

        def step(state: GovernorState, now: datetime) -> tuple[GovernorState, tuple[bool, list[str]]]:
            freed = governing.released(state, limits, job_id, ending, now)
            if freed == state:
                return state, (False, [])
            was_full = not governing.free_slots(state, limits)
            granted, chosen = self._granted_to_line(vendor, freed, limits, now, apart=job_id)
            return granted, (was_full and governing.free_slots(granted, limits) > 0, chosen)

        line_looked_empty, chosen = self._change(vendor, limits, step)
        self._tell(vendor, chosen)
        if line_looked_empty:
            # Who asked just before was told that none is free, and the index may not have shown it yet.
            self._sleep(INDEX_LAG_SECONDS)
            self.grant(vendor, apart=job_id)

    def throttled(self, vendor: VendorName, job_id: str, retry_after: int | None) -> None:  # noqa: ARG002 - keeps its slot
        """A 429 came all the same: the vendor is left alone, and then asked for less. The job keeps its slot."""
        limits = self._settings.limits(vendor)
        self._change(vendor, limits, lambda state, now: (governing.throttled(state, limits, retry_after, now), None))

    def failing(self, vendor: VendorName, job_id: str) -> None:
        """Counts a failure that is the vendor's, of a job whose attempt is not settled: it keeps its slot."""
        limits = self._settings.limits(vendor)
        self._change(vendor, limits, lambda state, now: (governing.failing(state, limits, job_id, now), None))

    def is_resting(self, vendor: VendorName) -> bool:
        """Whether the vendor is rested, or tried with one job alone: another vendor is the better choice."""
        state = self._store.read(vendor)
        if state.breaker.is_closed:
            return False
        now = self._clock.now()
        return breaker.is_resting(governing.current(state, self._settings.limits(vendor), now).breaker, now)

    def leases(self, vendor: VendorName) -> Mapping[str, Lease]:
        """Who has a slot now."""
        return governing.current(self._store.read(vendor), self._settings.limits(vendor), self._clock.now()).leases

    def grant(
        self, vendor: VendorName, gone: Mapping[str, Lease] | None = None, apart: str | None = None
    ) -> Sequence[str]:
        """Grants what is free to the line; `gone` are slots to be freed first, unless they have changed since.

        The job `apart` is passed over.
        """
        limits = self._settings.limits(vendor)

        def step(state: GovernorState, now: datetime) -> tuple[GovernorState, list[str]]:
            for job_id, lease in (gone or {}).items():
                if state.leases.get(job_id) == lease:
                    state = governing.released(state, limits, job_id, Ending.NEUTRAL, now)
            return self._granted_to_line(vendor, state, limits, now, apart)

        chosen = self._change(vendor, limits, step)
        self._tell(vendor, chosen)
        return chosen

    def let_go(self, vendor: VendorName) -> Sequence[str]:
        """Wakes those who sleep in line for a slot where none is needed any more: the limit was lifted."""
        if self._settings.limits(vendor).concurrency:
            return []
        asleep = islice((job.id for job in self._jobs.in_line(vendor) if job.reason is Reason.SLOT), MAX_LET_GO)
        return [job_id for job_id in asleep if self.nudge(job_id)]

    def nudge(self, job_id: str) -> bool:
        """Tells a job that something waits for it; whether it was asleep, and is awake now."""
        token = self._parking.nudge(job_id, self._clock.now())
        return token is not None and self._wake(token)

    # --- the line

    def _granted_to_line(
        self, vendor: VendorName, state: GovernorState, limits: Limits, now: datetime, apart: str | None
    ) -> tuple[GovernorState, list[str]]:
        free = governing.free_slots(state, limits)
        chosen = self._first_in_line(vendor, {*state.leases, apart}, free) if free else []
        return governing.granted(state, limits, chosen, now), chosen

    def _first_in_line(
        self, vendor: VendorName, passed_over: Collection[str | None], most: int, caller: Job | None = None
    ) -> list[str]:
        """At most so many others, first in line first. The caller is in line, whatever the index says."""
        chosen: list[str] = []
        stale = 0
        for listed in _with(caller, self._jobs.in_line(vendor)):
            if len(chosen) == most:
                return chosen
            if stale == MAX_STALE:
                break
            if listed.id in passed_over or listed.id in chosen:
                continue
            fresh = caller if caller and listed.id == caller.id else self._jobs.get(listed.id)
            if fresh is not None and (fresh is caller or stands_in_line(fresh, vendor)):
                chosen.append(fresh.id)
            else:
                stale += 1
        if caller is not None and caller.id not in chosen and len(chosen) < most:
            chosen.append(caller.id)
        return chosen

    def _tell(self, vendor: VendorName, granted: Sequence[str]) -> None:
        """Wakes those who have been granted a slot; takes it back from those who left the line in the meantime."""
        for job_id in granted:
            try:
                if needs_slot(self._jobs.get(job_id), vendor):
                    self.nudge(job_id)
                else:
                    self.release(vendor, job_id, Ending.NEUTRAL)
            except StoreError:
                # The slot is the job's: the round tells it again. What called has done its own part.
                continue

    # --- the state

    def _change(
        self,
        vendor: VendorName,
        limits: Limits,
        step: Callable[[GovernorState, datetime], tuple[GovernorState, T]],
    ) -> T:
        """Carries a step out on the state as it is, and stores what it changed: nothing else came in between."""
        for tries in range(MAX_WRITE_TRIES):
            if tries:
                self._sleep(self._draw() * min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**tries))
            read = self._store.read(vendor)
            now = self._clock.now()
            state = governing.current(read, limits, now)
            changed, answer = step(state, now)
            if changed == state:
                return answer
            try:
                self._store.write(vendor, replace(changed, version=read.version))
            except Conflict:
                continue
            return answer
        raise Conflict(f"the slots of {vendor} are written by too many at once")


def _with(caller: Job | None, line: Iterator[Job]) -> Iterator[Job]:
    """The line with the caller at its place, where the index may not show it yet."""
    for listed in line:
        if caller is not None and turn(caller) <= turn(listed):
            yield caller
            caller = None
        yield listed
    if caller is not None:
        yield caller
