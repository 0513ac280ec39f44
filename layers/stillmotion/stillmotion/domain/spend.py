"""The days' books: what is reserved for attempts under way and what they came to, in US dollars.

An attempt is in the book of the day (UTC) on which it was begun, whenever it ends. What the books hold for it stands
in the attempt itself (`Attempt.booked`), so that a step is booked once, with the record that it changes, and a record
whose booking is behind is brought up to date by whoever stores it next.
"""

from collections.abc import Mapping
from datetime import UTC, date
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.job.records import Attempt, Booking, Generation, Job, Outcome, Verdict
from stillmotion.domain.request import VendorName

MAX_DAYS = 40
"""So many days are booked with one record: two items each, and a transaction of DynamoDB takes 100."""
NOTHING = Booking()


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What a day's book holds, or what is added to it. `attempts` counts those that were begun.

    With no `tenant` it is of all together, and `tenants` says of whom.
    """

    day: date
    tenant: str | None = None
    tenants: frozenset[str] = frozenset()
    vendors: Mapping[VendorName, Booking] = {}
    attempts: int = 0

    @property
    def total(self) -> Booking:
        """All vendors together."""
        total = NOTHING
        for booking in self.vendors.values():
            total = _sum(total, booking)
        return total

    @property
    def committed(self) -> Decimal:
        """What is spent, or may yet be."""
        return self.total.reserved + self.total.charged


def due(attempt: Attempt) -> Booking:
    """What the books should hold for an attempt as it is."""
    match attempt.outcome:
        case Outcome.NOT_SENT | Outcome.REFUSED:
            return NOTHING
        case Outcome.SENDING | Outcome.UNKNOWN:
            return Booking(reserved=attempt.quote)
        case Outcome.ACCEPTED:
            return _due_of_accepted(attempt.quote, attempt.generation)


def _due_of_accepted(quote: Decimal, generation: Generation | None) -> Booking:
    if generation is None or generation.verdict is Verdict.RUNNING:
        return Booking(reserved=quote)
    if generation.verdict is Verdict.SUCCEEDED:
        return Booking(charged=quote if generation.charged is None else generation.charged)
    # A video that was made and is gone was paid for; of another failure only what the vendor says.
    expired = generation.failure is not None and generation.failure.kind is FailureKind.EXPIRED
    supposed = quote if expired else Decimal(0)
    lost = supposed if generation.charged is None else generation.charged
    return Booking(charged=lost, wasted=lost)


def book(job: Job) -> tuple[Job, tuple[Tally, ...]]:
    """The job with every attempt booked as it is due, and what that adds to the books of its tenant, day by day.

    Of very many days the latest go first; the others follow when the job is stored again.
    """
    attempts = list(job.attempts)
    changes: dict[date, Tally] = {}
    for index in reversed(range(len(attempts))):
        attempt = attempts[index]
        owed, day = due(attempt), attempt.started_at.astimezone(UTC).date()
        if owed == attempt.booked or (day not in changes and len(changes) == MAX_DAYS):
            continue
        change = Tally(
            day=day,
            tenant=job.tenant,
            vendors={attempt.vendor: _difference(owed, attempt.booked)},
            # In records of before nothing says so but what is booked.
            attempts=int(not attempt.counted and attempt.booked == NOTHING),
        )
        changes[day] = added(changes[day], change) if day in changes else change
        attempts[index] = replace(attempt, booked=owed, counted=True)
    if not changes:
        return job, ()
    booked = tuple(change for change in changes.values() if change.attempts or change.total != NOTHING)
    return replace(job, attempts=tuple(attempts)), booked


def added(held: Tally, change: Tally) -> Tally:
    """A day's book with something added; of the same day."""
    vendors = dict(held.vendors)
    for vendor, booking in change.vendors.items():
        vendors[vendor] = _sum(vendors.get(vendor, NOTHING), booking)
    tenants, attempts = held.tenants | change.tenants, held.attempts + change.attempts
    return replace(held, tenants=tenants, vendors=vendors, attempts=attempts)


def for_all(change: Tally) -> Tally:
    """What a tenant's change adds to the book of all tenants together."""
    return replace(change, tenant=None, tenants=frozenset({change.tenant}))


def room(change: Tally, cap: Decimal | None) -> Decimal | None:
    """The most that a book may have committed before `change`, to be within `cap` after it; None for no such limit.

    What commits nothing more is never kept out: it tells what has been spent already.
    """
    return None if cap is None or change.committed <= 0 else cap - change.committed


def _sum(one: Booking, other: Booking) -> Booking:
    return Booking(
        reserved=one.reserved + other.reserved,
        charged=one.charged + other.charged,
        wasted=one.wasted + other.wasted,
    )


def _difference(after: Booking, before: Booking) -> Booking:
    return Booking(
        reserved=after.reserved - before.reserved,
        charged=after.charged - before.charged,
        wasted=after.wasted - before.wasted,
    )
