"""What the books should hold for an attempt, and how a job's steps are booked day by day."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Attempt, Booking, Generation, Job, Outcome, Status, Verdict
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import MAX_DAYS, NOTHING, Tally, added, book, due, for_all, room

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TODAY = NOON.date()
QUOTE = Decimal("0.51")
EXPIRED = Failure(FailureKind.EXPIRED, "gone")
BROKEN = Failure(FailureKind.GENERATION_FAILED, "broke")


def attempt(outcome: Outcome = Outcome.SENDING, generation: Generation | None = None, number: int = 1) -> Attempt:
    return Attempt(
        number=number,
        vendor=VendorName.APIFRAME,
        outcome=outcome,
        started_at=NOON,
        sent_at=NOON,
        path="/v2",
        body="{}",
        idempotency_key="k",
        quote=QUOTE,
        generation=generation,
    )


def accepted(verdict: Verdict = Verdict.RUNNING, charged: str | None = None, failure: Failure | None = None) -> Attempt:
    told = None if charged is None else Decimal(charged)
    made = Generation(id="gen-1", accepted_at=NOON, verdict=verdict, charged=told, failure=failure)
    return attempt(Outcome.ACCEPTED, made)


def job_of(*attempts: Attempt) -> Job:
    return Job(
        id="job-1",
        tenant="ada",
        status=Status.DISPATCHING,
        created_at=NOON,
        updated_at=NOON,
        attempts=attempts,
    )


def charge(dollars: str, wasted: str = "0") -> Booking:
    return Booking(charged=Decimal(dollars), wasted=Decimal(wasted))


@pytest.mark.parametrize(
    ("state", "owed"),
    [
        pytest.param(attempt(Outcome.SENDING), Booking(reserved=QUOTE), id="sending"),
        pytest.param(attempt(Outcome.UNKNOWN), Booking(reserved=QUOTE), id="nobody knows"),
        pytest.param(attempt(Outcome.NOT_SENT), NOTHING, id="not sent"),
        pytest.param(attempt(Outcome.REFUSED), NOTHING, id="refused"),
        pytest.param(accepted(), Booking(reserved=QUOTE), id="running"),
        pytest.param(accepted(Verdict.SUCCEEDED, "0.55"), charge("0.55"), id="succeeded, and charged"),
        pytest.param(accepted(Verdict.SUCCEEDED, "0"), charge("0"), id="succeeded for nothing"),
        pytest.param(accepted(Verdict.SUCCEEDED), charge("0.51"), id="succeeded, and the vendor tells no charge"),
        pytest.param(accepted(Verdict.FAILED, None, BROKEN), NOTHING, id="failed, and the vendor tells no charge"),
        pytest.param(accepted(Verdict.FAILED, "0.51", BROKEN), charge("0.51", "0.51"), id="failed, and charged"),
        pytest.param(accepted(Verdict.FAILED, None, EXPIRED), charge("0.51", "0.51"), id="made, paid for, and gone"),
        pytest.param(accepted(Verdict.FAILED, "0.40", EXPIRED), charge("0.40", "0.40"), id="gone, and charged less"),
    ],
)
def test_an_attempt_is_booked_as_it_stands(state: Attempt, owed: Booking) -> None:
    assert due(state) == owed


def test_a_begun_attempt_reserves_its_quote_on_its_day() -> None:
    booked, changes = book(job_of(attempt()))

    reserved = Booking(reserved=QUOTE)
    assert changes == (Tally(day=TODAY, tenant="ada", vendors={VendorName.APIFRAME: reserved}, attempts=1),)
    assert [each.booked for each in booked.attempts] == [reserved]


def test_what_is_booked_already_is_not_booked_again() -> None:
    booked, _ = book(job_of(attempt()))

    assert book(booked) == (booked, ())


def test_a_charge_takes_the_place_of_what_was_reserved() -> None:
    booked, _ = book(job_of(attempt()))
    ended = replace(accepted(Verdict.SUCCEEDED, "0.46"), booked=booked.attempts[0].booked)

    _, (change,) = book(job_of(ended))

    assert change.vendors == {VendorName.APIFRAME: Booking(reserved=-QUOTE, charged=Decimal("0.46"))}
    assert (change.committed, change.attempts) == (Decimal("-0.05"), 0)


def test_an_attempt_of_which_nothing_was_booked_meanwhile_is_counted_once() -> None:
    """A vendor that says at first that a generation cost nothing, and then that it did."""
    begun, counted = book(job_of(accepted()))
    free, uncounted = book(replace(begun, attempts=(_read(begun, Verdict.FAILED, "0"),)))
    assert free.attempts[0].booked == NOTHING
    _, charged = book(replace(free, attempts=(_read(free, Verdict.FAILED, "0.10"),)))
    assert [change.attempts for changes in (counted, uncounted, charged) for change in changes] == [1, 0, 0]


def _read(job: Job, verdict: Verdict, charged: str) -> Attempt:
    told = accepted(verdict, charged, BROKEN)
    return replace(job.attempts[0], generation=told.generation)


def test_an_attempt_is_in_the_book_of_the_day_it_was_begun_on() -> None:
    late_in_the_west = datetime.fromisoformat("2026-05-04T23:30:00-07:00")

    _, (change,) = book(job_of(replace(attempt(), started_at=late_in_the_west)))

    assert change.day == date(2026, 5, 5)


def test_attempts_of_two_days_are_booked_on_each() -> None:
    yesterday = replace(attempt(), started_at=NOON - timedelta(days=1))

    _, changes = book(job_of(yesterday, attempt(number=2)))

    assert [(change.day, change.committed) for change in changes] == [
        (TODAY, QUOTE),
        (TODAY - timedelta(days=1), QUOTE),
    ]


def test_attempts_of_one_day_are_booked_together() -> None:
    dear = replace(attempt(number=2), vendor=VendorName.WAVESPEED, quote=Decimal("0.20"))

    _, (change,) = book(job_of(attempt(), dear))

    assert change.vendors.keys() == set(VendorName)
    assert (change.committed, change.attempts) == (Decimal("0.71"), 2)


def test_a_record_with_very_many_days_is_booked_over_several_writes_and_not_twice() -> None:
    days = MAX_DAYS + 5
    old = [replace(attempt(number=n + 1), started_at=NOON + timedelta(days=n)) for n in range(days)]

    booked, first = book(job_of(*old))
    after, second = book(booked)

    assert first[0].day == TODAY + timedelta(days=days - 1)
    assert (len(first), len(second)) == (MAX_DAYS, 5)
    assert len({change.day for change in (*first, *second)}) == days
    assert book(after)[1] == ()


def test_the_stacks_book_says_of_whom_it_is() -> None:
    _, (change,) = book(job_of(attempt()))
    other = replace(change, tenant="bob")

    stack = added(for_all(change), for_all(other))

    assert stack.tenant is None
    assert stack.tenants == {"ada", "bob"}
    assert (stack.committed, stack.attempts) == (2 * QUOTE, 2)


def test_room_is_what_the_cap_leaves_for_the_rest() -> None:
    _, (change,) = book(job_of(attempt()))

    assert room(change, Decimal(2)) == Decimal("1.49")
    assert room(change, Decimal("0.50")) == Decimal("-0.01")
    assert room(change, None) is None


def test_no_cap_keeps_the_truth_out_of_the_books() -> None:
    ended = replace(accepted(Verdict.SUCCEEDED, "0.51"), booked=Booking(reserved=QUOTE))

    _, (change,) = book(job_of(ended))

    assert room(change, Decimal(0)) is None
