"""The governor's round, made now and then: what a process that died left undone is done after it.

    a slot that no job uses or will use      is given to the next in line
    a slot that was free and nobody asked    is given to the next in line
    a job that has a slot and has not begun  is told again, or set going where its execution is gone

May run at any time, and twice at once: slots and jobs are taken by compare-and-set.
"""

from collections import Counter
from datetime import timedelta

import msgspec

from stillmotion.domain.governing import Lease, needs_slot
from stillmotion.domain.job.lifecycle import WrongStep, resumed
from stillmotion.domain.job.records import Outcome
from stillmotion.domain.request import VendorName
from stillmotion.ports import Clock, Conflict, StoreError
from stillmotion.ports.records import JobStore
from stillmotion.ports.workflow import Workflow
from stillmotion.services.dispatch.governor import Governor

# What a slot was granted for is begun, or written down as ended, well within this.
QUIET = timedelta(seconds=60)
# A generation that nobody knows of is over by then, if there ever was one. A vendor that is still at it says 429.
DOUBT = timedelta(minutes=10)


class Rounded(msgspec.Struct, frozen=True, kw_only=True):
    """How many slots were freed and granted, and how many jobs were told again, or started; and what went wrong."""

    freed: int = 0
    granted: int = 0
    told: int = 0
    started: int = 0
    failures: tuple[str, ...] = ()


class Rounds:
    """One round over the slots of every vendor."""

    def __init__(self, *, governor: Governor, jobs: JobStore, workflow: Workflow, clock: Clock) -> None:
        self._governor = governor
        self._jobs = jobs
        self._workflow = workflow
        self._clock = clock

    def __call__(self) -> Rounded:
        """What cannot be stored at one vendor does not keep the other from its round."""
        done: Counter[str] = Counter()
        failures: list[str] = []
        for vendor in VendorName:
            try:
                done += self._of(vendor)
            except StoreError as error:
                failures.append(f"the slots of {vendor}: {error}")
        return Rounded(
            freed=done["freed"],
            granted=done["granted"],
            told=done["told"],
            started=done["started"],
            failures=tuple(failures),
        )

    def _of(self, vendor: VendorName) -> Counter[str]:
        old = self._old(vendor)
        gone = {job_id: lease for job_id, lease in old.items() if not self._is_used(job_id, vendor)}
        granted = [*self._governor.grant(vendor, gone), *self._governor.let_go(vendor)]
        done = Counter(self._set_going(job_id) for job_id in old if job_id not in gone)
        return done + Counter(freed=len(gone), granted=len(granted))

    def _is_used(self, job_id: str, vendor: VendorName) -> bool:
        job = self._jobs.get(job_id)
        attempt = job.attempt if job is not None else None
        if attempt is not None and attempt.outcome is Outcome.UNKNOWN and attempt.sent_at + DOUBT < self._clock.now():
            return False
        return needs_slot(job, vendor)

    def _old(self, vendor: VendorName) -> dict[str, Lease]:
        before = self._clock.now() - QUIET
        return {job_id: lease for job_id, lease in self._governor.leases(vendor).items() if lease.since <= before}

    def _set_going(self, job_id: str) -> str:
        job = self._jobs.get(job_id)
        if job is None or not job.is_sendable or (job.attempt is not None and not job.attempt.is_settled):
            return "begun"
        if self._workflow.is_running(job):
            self._governor.nudge(job_id)
            return "told"
        try:
            self._workflow.start(self._jobs.save(resumed(job, self._clock.now())))
        except (Conflict, WrongStep):
            return "overtaken"
        return "started"
