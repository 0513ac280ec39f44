"""Chooses the vendor that a job is sent to next."""

from datetime import datetime

import msgspec

from stillmotion.domain.failover import TRANSIENT, ending, next_routes
from stillmotion.domain.job.records import Job, Outcome, Reason, Status, seconds_between, waited_seconds
from stillmotion.domain.routing import PriceTable, Route
from stillmotion.domain.waiting import backoff
from stillmotion.ports import Clock
from stillmotion.services.dispatch.governor import Governor
from stillmotion.services.vendors import Vendors

# What is in the record for each attempt must not outgrow the item.
MAX_ATTEMPTS = 200
# So often a vendor's word is taken as it is. Then waits grow, and in the end the record would be too large to write.
OBEDIENT_TRIES = 10


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """For how many seconds a vendor is tried again where time alone can mend what is in the way."""

    dispatch_patience_seconds: int = 3600


class VendorChoice:
    """The next route of a job, by the ledger, the keys that there are, and which vendors are resting."""

    def __init__(
        self, *, vendors: Vendors, governor: Governor, clock: Clock, prices: PriceTable, patience: Patience
    ) -> None:
        self._vendors = vendors
        self._governor = governor
        self._clock = clock
        self._prices = prices
        self._patience = patience

    def __call__(self, job: Job) -> Route | None:
        """Where the job goes next; None where it goes no further. Raises InvalidRequest."""
        if len(job.attempts) >= MAX_ATTEMPTS:
            return None
        able = next_routes(job, self._prices, patient=self.is_patient(job, self.wait_seconds(job)))
        keyed = [route for route in able if self._vendors.has_key(route.vendor)]
        if not keyed:
            # Without any key the vendor says so itself, and the job says it to its user.
            return able[0] if able and not job.tries else None
        if len(keyed) == 1:
            return keyed[0]
        return next((route for route in keyed if not self._governor.is_resting(route.vendor)), keyed[0])

    def wait_seconds(self, job: Job) -> int:
        """For how long the vendor of the last attempt is to be left alone, where time mends what was in the way.

        As long as it said, or as its silence suggests; a vendor that says so often is given longer.
        """
        last = job.tries[-1] if job.tries else None
        if last is None or last.answered_at is None or last.outcome is Outcome.ACCEPTED:
            return 0
        if last.is_settled and ending(last) not in TRANSIENT:
            return 0
        sends, retry_after = sum(attempt.sends for attempt in job.tries), last.retry_after
        pause = backoff(sends) if retry_after is None else retry_after
        if sends > OBEDIENT_TRIES:
            pause = max(pause, backoff(sends - OBEDIENT_TRIES))
        return max(0, pause - seconds_between(last.answered_at, self._clock.now()))

    def is_patient(self, job: Job, wait_seconds: int = 0) -> bool:
        """Whether the job, in `wait_seconds` seconds, may still be tried where it was tried before.

        What it spent waiting for a new day's budget does not count, nor in line before it was first tried.
        """
        vendor = job.attempt.vendor if job.attempt and job.tries else None
        begun = [attempt.started_at for attempt in job.tries if attempt.vendor is vendor]
        since = begun[0] if begun else _dispatching_since(job)
        now = self._clock.now()
        idle = frozenset({Reason.BUDGET}) if begun else frozenset({Reason.BUDGET, Reason.SLOT})
        spent = seconds_between(since, now) - waited_seconds(job, since, now, idle)
        return spent + wait_seconds <= self._patience.dispatch_patience_seconds


def _dispatching_since(job: Job) -> datetime:
    changes = (change.at for change in reversed(job.history) if change.status is Status.DISPATCHING)
    return next(changes, job.created_at)
