"""The days' books under every order of steps, also of writers who hold an old record, in memory and in the table.

Whatever happens, a day's book holds what is due for the attempts that were begun on it, and no attempt is begun that
would pass a day's budget.
"""

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from tests.fakes import FakeClock, InMemoryBooks, InMemoryJobStore
from tests.unit.aws.wire import CLIENTS, empty_aws

from stillmotion.aws.books import DynamoBooks
from stillmotion.aws.records import DynamoJobStore
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import (
    attempt_accepted,
    attempt_begun,
    attempt_ended,
    attempt_sent_again,
    expired,
    generation_read,
)
from stillmotion.domain.job.lifecycle import WrongStep, failed, noted, run_again, started
from stillmotion.domain.job.records import Booking, Generation, Job, Outcome, Status, Verdict
from stillmotion.domain.request import Request, VendorName
from stillmotion.domain.spend import Tally, added, due, for_all
from stillmotion.ports import Conflict
from stillmotion.ports.records import Books, Budget, JobStore, OverBudget

JOBS = {"job-1": "ada", "job-2": "ada", "job-3": "bob", "job-4": "bob"}
TENANT_CAP, STACK_CAP = Decimal("1.25"), Decimal("1.80")
BUDGET = Budget(tenant_dollars=TENANT_CAP, stack_dollars=STACK_CAP)
FAILURE = Failure(FailureKind.UNAVAILABLE, "not today")
DOLLARS = st.sampled_from([Decimal("0.20"), Decimal("0.51"), Decimal("0.925"), Decimal(2)])
CHARGES = st.sampled_from([None, Decimal(0), Decimal("0.1"), Decimal("0.5"), Decimal("0.9")])


class Spending(RuleBasedStateMachine):
    """A few jobs of two tenants. `hands` are the records that somebody read: what he writes may come too late."""

    def __init__(self, jobs: JobStore, books: Books) -> None:
        super().__init__()
        self.jobs, self.books = jobs, books
        self.clock = FakeClock()
        self.hands: list[Job] = []
        self.days = {self.clock.now().date()}
        for job_id, tenant in JOBS.items():
            now = self.clock.now()
            empty = Job(id=job_id, tenant=tenant, status=Status.WAITING, created_at=now, updated_at=now)
            self.hands += [self.jobs.create(started(empty, Request(prompt="a lake"), "16:9", now))] * 2

    # --- what may happen

    @rule(hand=st.integers(0, 7))
    def look(self, hand: int) -> None:
        found = self.jobs.get(self.hands[hand].id)
        assert found is not None
        self.hands[hand] = found

    @rule(hours=st.sampled_from([1, 7, 25]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours).total_seconds())
        self.days.add(self.clock.now().date())

    @rule(hand=st.integers(0, 7), vendor=st.sampled_from(VendorName), quote=DOLLARS)
    def begin(self, hand: int, vendor: VendorName, quote: Decimal) -> None:
        job, now = self.hands[hand], self.clock.now()
        try:
            begun = attempt_begun(job, now, vendor=vendor, quote=quote, path="/", body="{}", idempotency_key="k")
            self.hands[hand] = self.jobs.save(begun, budget=BUDGET)
        except (WrongStep, Conflict):
            return
        except OverBudget as over:
            of_stack = over.whose == "stack"
            held = self._held(now.date(), None if of_stack else job.tenant).committed
            assert held + quote > (STACK_CAP if of_stack else TENANT_CAP)
        else:
            assert self._held(now.date(), job.tenant).committed <= TENANT_CAP
            assert self._held(now.date(), None).committed <= STACK_CAP

    @rule(hand=st.integers(0, 7), outcome=st.sampled_from([Outcome.REFUSED, Outcome.NOT_SENT, Outcome.UNKNOWN]))
    def end(self, hand: int, outcome: Outcome) -> None:
        self._take(hand, lambda job: attempt_ended(job, len(job.attempts), outcome, FAILURE, self.clock.now()))

    @rule(hand=st.integers(0, 7))
    def send_again(self, hand: int) -> None:
        self._take(hand, lambda job: attempt_sent_again(job, self.clock.now()))

    @rule(hand=st.integers(0, 7))
    def accept(self, hand: int) -> None:
        name = f"generation-{len(self.hands[hand].attempts)}"
        self._take(hand, lambda job: attempt_accepted(job, len(job.attempts), name, self.clock.now(), None))

    @rule(
        hand=st.integers(0, 7),
        verdict=st.sampled_from(Verdict),
        charged=CHARGES,
        kind=st.sampled_from([FailureKind.GENERATION_FAILED, FailureKind.EXPIRED]),
    )
    def read(self, hand: int, verdict: Verdict, charged: Decimal | None, kind: FailureKind) -> None:
        def told(generation: Generation) -> Generation:
            failure = Failure(kind, "so it says") if verdict is Verdict.FAILED else None
            return replace(generation, verdict=verdict, charged=charged, failure=failure)

        if self.hands[hand].generation is not None:
            self._take(hand, lambda job: generation_read(job, told(job.generation), self.clock.now()))  # type: ignore[arg-type]

    @rule(hand=st.integers(0, 7))
    def expire(self, hand: int) -> None:
        self._take(hand, lambda job: expired(job, self.clock.now()))

    @rule(hand=st.integers(0, 7))
    def fail(self, hand: int) -> None:
        self._take(hand, lambda job: failed(job, FAILURE, self.clock.now()))

    @rule(hand=st.integers(0, 7))
    def start_anew(self, hand: int) -> None:
        self._take(hand, lambda job: run_again(job, self.clock.now()))

    @rule(hand=st.integers(0, 7))
    def remark(self, hand: int) -> None:
        self._take(hand, lambda job: noted(job, f"version {job.version}", self.clock.now()))

    def _take(self, hand: int, step: Callable[[Job], Job]) -> None:
        try:
            self.hands[hand] = self.jobs.save(step(self.hands[hand]))
        except (WrongStep, Conflict):
            return

    def _held(self, day: date, tenant: str | None) -> Tally:
        found = self.books.read([(day, tenant)])
        return found[0] if found else Tally(day=day, tenant=tenant)

    # --- what must hold

    @invariant()
    def the_books_hold_what_is_due(self) -> None:
        expected: dict[tuple[date, str | None], Tally] = {}
        for job_id in JOBS:
            job = self.jobs.get(job_id)
            assert job is not None
            for attempt in job.attempts:
                assert attempt.booked == due(attempt)
                day = attempt.started_at.date()
                own = Tally(day=day, tenant=job.tenant, vendors={attempt.vendor: due(attempt)}, attempts=1)
                for each in (own, for_all(own)):
                    before = expected.get((day, each.tenant), Tally(day=day, tenant=each.tenant))
                    expected[day, each.tenant] = added(before, each)
        wanted = [(day, tenant) for day in sorted(self.days) for tenant in (None, "ada", "bob")]
        assert {(tally.day, tally.tenant): _plain(tally) for tally in self.books.read(wanted)} == {
            place: _plain(tally) for place, tally in expected.items()
        }

    @invariant()
    def nothing_is_negative(self) -> None:
        for tally in self.books.read([(day, tenant) for day in self.days for tenant in (None, "ada", "bob")]):
            for booking in tally.vendors.values():
                assert min(booking.reserved, booking.charged, booking.wasted) >= 0
                assert booking.wasted <= booking.charged


def _plain(tally: Tally) -> Tally:
    """Without vendors of whom there is nothing: a book forgets no attribute, and has none that was never moved."""
    return replace(tally, vendors={name: held for name, held in tally.vendors.items() if held != Booking()})


class InMemory(Spending):
    """The fakes' books."""

    def __init__(self) -> None:
        jobs = InMemoryJobStore()
        super().__init__(jobs, InMemoryBooks(jobs))


class InTheTable(Spending):
    """Those of DynamoDB; each run has a table of its own."""

    tables = (f"jobs-{number}" for number in itertools.count())

    def __init__(self) -> None:
        self._aws = ExitStack()
        self._aws.enter_context(empty_aws())
        table = next(self.tables)
        CLIENTS.dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        )
        super().__init__(DynamoJobStore(CLIENTS, table), DynamoBooks(CLIENTS, table))

    def teardown(self) -> None:
        self._aws.close()


InMemory.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestBooksInMemory = InMemory.TestCase
InTheTable.TestCase.settings = settings(
    max_examples=6, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestBooksInTheTable = InTheTable.TestCase
