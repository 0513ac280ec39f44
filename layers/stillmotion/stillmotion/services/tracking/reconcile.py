"""Settles by the vendor's history what became of attempts that were never answered, where that leaves no doubt.

    the account is this stack's alone, there is one candidate, and no
    other attempt without an answer that may have made it                 adopt it
    anything else                                                         show a person the candidates there are

Nothing is ever sent again, and no candidate proves nothing. The history is read before the indexes: whoever made what
it shows was in the table before. May run at any time, and twice at once: the claim of a generation is unique.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice

import msgspec
from msgspec.structs import replace

from stillmotion.domain.job.attempts import with_attempt
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Attempt, Candidate, Job
from stillmotion.domain.reconciling import (
    Reach,
    awaiting_history,
    candidates,
    is_old_enough,
    is_to_be_looked_for,
    may_be_anothers,
    periods_to_check,
    window,
)
from stillmotion.domain.request import VendorName
from stillmotion.domain.sweeping import RETENTION
from stillmotion.keyspace import doubt_keys, generation_key, look_key
from stillmotion.ports import Clock, Conflict, StoreError
from stillmotion.ports.records import JobStore, Pointer
from stillmotion.ports.vendor import ReadFailed
from stillmotion.ports.workflow import Workflow
from stillmotion.services.tracking.adopt import Adopt, NotAdopted
from stillmotion.services.vendors import Vendors

VENDOR = VendorName.WAVESPEED
"""The one that knows no keys."""
AT_MOST = 200
PAGE = 100
# More unfinished jobs than this are not looked through: then nothing is adopted.
MAX_OTHERS = 5000
# A record written at this moment, by a clock that is ahead, is to be seen too.
_AHEAD = timedelta(hours=1)


class ReconcileSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds. `wavespeed_account_exclusive`: nothing but this stack orders at the WaveSpeed account.

    `reconcile_margin_seconds` is how far the vendor's clock may be from ours, and how late an index may be.
    `dispatch_timeout_seconds` is the dispatch function's own: past it, no sender can be alive.
    """

    wavespeed_account_exclusive: bool = False
    reconcile_after_seconds: int = 300
    reconcile_margin_seconds: int = 90
    dispatch_timeout_seconds: int = 60


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """How many attempts were looked for. `unread`: the history could not be had; `failures` are for the log."""

    adopted: int = 0
    shown: int = 0
    left: int = 0
    overtaken: int = 0
    unread: int = 0
    failures: tuple[str, ...] = ()


class Reconcile:
    """One look at the history for every attempt whose time has come."""

    def __init__(
        self, *, jobs: JobStore, vendors: Vendors, workflow: Workflow, clock: Clock, settings: ReconcileSettings
    ) -> None:
        self._jobs = jobs
        self._vendors = vendors
        self._clock = clock
        self._adopt = Adopt(jobs=jobs, vendors=vendors, workflow=workflow, clock=clock)
        self._is_exclusive = settings.wavespeed_account_exclusive
        self._after = timedelta(seconds=settings.reconcile_after_seconds)
        self._reach = Reach(
            timedelta(seconds=settings.dispatch_timeout_seconds), timedelta(seconds=settings.reconcile_margin_seconds)
        )

    def __call__(self) -> Reconciled:
        """Raises StoreError where the jobs cannot be listed; what fails for one job is told in the answer."""
        unknown = list(self._in_attention())
        due = list(islice(filter(self._is_due, unknown), AT_MOST))
        if not due:
            return Reconciled()
        try:
            made, readable = self._history(due)
        except ReadFailed:
            return Reconciled(unread=len(due))
        others = self._others(unknown) if self._is_exclusive else None
        done: Counter[str] = Counter(unread=len(due) - readable)
        failures: list[str] = []
        for index, job in enumerate(due):
            try:
                if index < readable:
                    done[self._settle(job, made, others)] += 1
                self._remember_look(job)
            except (Conflict, WrongStep):
                done["overtaken"] += 1
            except StoreError as error:
                failures.append(f"{job.id}: {error}")
        return Reconciled(**done, failures=tuple(failures))

    # --- whom to look for

    def _in_attention(self) -> Iterator[Job]:
        """Jobs whose outcome nobody knows, the last changed first, as far back as the vendor keeps anything."""
        oldest = self._clock.now() - RETENTION[VENDOR] - _AHEAD
        after: str | None = None
        while True:
            page = self._jobs.needing_attention(PAGE, after)
            for job in page.jobs:
                if awaiting_history(job) is not None:
                    yield job
            after = page.next
            if after is None or page.jobs[-1].updated_at < oldest:
                return

    def _is_due(self, job: Job) -> bool:
        attempt = _attempt(job)
        now = self._clock.now()

        def is_due(looked_at: datetime | None) -> bool:
            return is_to_be_looked_for(attempt, looked_at, now, after=self._after, reach=self._reach)

        if not is_due(None):
            return False
        look = self._jobs.pointer(look_key(job.id, attempt.number))
        return look is None or is_due(look.created_at)

    def _remember_look(self, job: Job) -> None:
        attempt = _attempt(job)
        over_at = attempt.sent_at + RETENTION[attempt.vendor]
        key = look_key(job.id, attempt.number)
        self._jobs.remember(Pointer(key=key, job_id=job.id, created_at=self._clock.now(), expires_at=over_at))

    # --- what there is

    def _history(self, due: list[Job]) -> tuple[list[Candidate], int]:
        """What was made since the earliest POST, and for how many of the jobs that is enough: what is too far back to
        be read must not keep the others from being looked for. Sorts the jobs, the latest POST first."""
        due.sort(key=lambda job: _attempt(job).sent_at, reverse=True)
        readable = len(due)
        while readable:
            since = window(_attempt(due[readable - 1]), self._reach).start
            listed = self._vendors[VENDOR].history(since)
            if listed is not None:
                return [
                    Candidate(
                        generation_id=one.generation_id, created_at=one.created_at, vendor_status=one.vendor_status
                    )
                    for one in listed
                ], readable
            readable //= 2
        return [], 0

    def _others(self, unknown: Sequence[Job]) -> list[Job] | None:
        """Every job that may have an attempt without an answer; None where they are too many to tell.

        The indexes may miss a record that is being written: those that were seen before the history was read count too.
        """
        under_way = self._jobs.quiet_since(self._clock.now() + _AHEAD)
        found = list(islice(chain(under_way, self._in_attention()), MAX_OTHERS + 1))
        return None if len(found) > MAX_OTHERS else [*found, *unknown]

    # --- what is done

    def _settle(self, job: Job, made: Sequence[Candidate], others: Sequence[Job] | None) -> str:
        attempt = _attempt(job)
        found = candidates(attempt, made, self._reach, self._is_taken)
        if len(found) == 1 and others is not None and self._is_certain(job, found[0], others):
            try:
                self._adopt(job.id, attempt, found[0].generation_id)
            except NotAdopted:
                return "overtaken"
            except ReadFailed:
                # It is listed and cannot be read: next time, or a person.
                pass
            else:
                return "adopted"
        if found == attempt.candidates:
            return "left"
        now = self._clock.now()
        self._jobs.save(with_attempt(job, replace(attempt, candidates=found), now))
        return "shown"

    def _is_certain(self, job: Job, found: Candidate, others: Sequence[Job]) -> bool:
        if not is_old_enough(found, self._reach, self._clock.now()):
            return False
        if any(may_be_anothers(job, other, self._reach) for other in others):
            return False
        attempt = _attempt(job)
        marks = doubt_keys(attempt.vendor, periods_to_check(attempt, self._reach))
        return all(self._jobs.pointer(key) is None for key in marks)

    def _is_taken(self, generation_id: str) -> bool:
        return self._jobs.pointer(generation_key(VENDOR, generation_id)) is not None


def _attempt(job: Job) -> Attempt:
    assert job.attempt is not None  # noqa: S101 - jobs without one await no history
    return job.attempt
