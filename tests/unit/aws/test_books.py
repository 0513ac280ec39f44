"""The days' books are written with the jobs whose steps they book: once, exactly, and never over a day's budget."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from botocore.awsrequest import AWSResponse
from msgspec.structs import replace
from tests.unit.aws.wire import NOW, TABLE, Sent, Wire, answer, answering, lose_once, refusal

from stillmotion.aws.books import DynamoBooks
from stillmotion.aws.clients import AwsClients, AwsError
from stillmotion.aws.records import DynamoJobStore
from stillmotion.aws.table import MAX_CONTENDED_TRIES, MAX_THROTTLED_TRIES, Table
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, attempt_ended, generation_read
from stillmotion.domain.job.lifecycle import noted, started
from stillmotion.domain.job.records import Booking, Job, Outcome, Status, Verdict
from stillmotion.domain.request import Request, VendorName
from stillmotion.domain.spend import Tally
from stillmotion.ports import Conflict
from stillmotion.ports.records import AlreadyExists, Budget, Claim, OverBudget, Pointer

TODAY = NOW.date()
QUOTE = Decimal("0.51")
APIFRAME = VendorName.APIFRAME
NO_CONNECTION = Failure(FailureKind.UNAVAILABLE, "no connection")


@pytest.fixture
def books(clients: AwsClients, table: str) -> DynamoBooks:
    return DynamoBooks(clients, table)


def ready(job_id: str = "job-1", tenant: str = "ada") -> Job:
    empty = Job(id=job_id, tenant=tenant, status=Status.WAITING, created_at=NOW, updated_at=NOW)
    return started(empty, Request(prompt="a lake"), "16:9", NOW)


def begun(job: Job, quote: Decimal = QUOTE, days: int = 0, vendor: VendorName = APIFRAME) -> Job:
    at = NOW + timedelta(days=days)
    return attempt_begun(job, at, vendor=vendor, quote=quote, path="/v2", body="{}", idempotency_key="k")


def stored(jobs: DynamoJobStore, job_id: str = "job-1", tenant: str = "ada") -> Job:
    return jobs.create(ready(job_id, tenant))


def dollars(tenant: str | None = None, stack: str | None = None) -> Budget:
    return Budget(
        tenant_dollars=None if tenant is None else Decimal(tenant),
        stack_dollars=None if stack is None else Decimal(stack),
    )


def held(books: DynamoBooks, tenant: str | None = "ada", day: date = TODAY) -> Tally | None:
    found = books.read([(day, tenant)])
    return found[0] if found else None


def committed(books: DynamoBooks, tenant: str | None = "ada", day: date = TODAY) -> Decimal:
    tally = held(books, tenant, day)
    return tally.committed if tally else Decimal(0)


# --- booking ---------------------------------------------------------------------------------------------------------


def test_a_begun_attempt_is_reserved_for_its_tenant_and_for_the_stack(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    jobs.save(begun(stored(jobs)))

    reserved: Mapping[VendorName, Booking] = {APIFRAME: Booking(reserved=QUOTE)}
    assert books.read([(TODAY, "ada"), (TODAY, None)]) == [
        Tally(day=TODAY, tenant="ada", vendors=reserved, attempts=1),
        Tally(day=TODAY, tenants=frozenset({"ada"}), vendors=reserved, attempts=1),
    ]


def test_the_saved_job_says_what_is_booked_for_it(jobs: DynamoJobStore) -> None:
    saved = jobs.save(begun(stored(jobs)))

    assert saved.attempts[0].booked == Booking(reserved=QUOTE)
    assert jobs.get("job-1") == saved


def test_a_refusal_releases_what_was_reserved(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    sending = jobs.save(begun(stored(jobs)))

    jobs.save(attempt_ended(sending, 1, Outcome.REFUSED, NO_CONNECTION, NOW))

    tally = held(books)
    assert tally is not None
    assert (tally.total, tally.attempts) == (Booking(), 1)


def test_a_failure_that_was_billed_is_wasted(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    running = jobs.save(attempt_accepted(jobs.save(begun(stored(jobs))), 1, "gen-1", NOW, None))
    assert running.generation is not None
    broken = replace(running.generation, verdict=Verdict.FAILED, charged=Decimal("0.46"))

    jobs.save(generation_read(running, broken, NOW))

    tally = held(books, tenant=None)
    assert tally is not None
    assert tally.total == Booking(charged=Decimal("0.46"), wasted=Decimal("0.46"))


def test_sums_are_exact(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    for number in range(10):
        jobs.save(begun(stored(jobs, f"job-{number}"), Decimal("0.1")))

    assert committed(books) == Decimal("1.0")


def test_a_step_that_moves_no_money_is_one_plain_put(jobs: DynamoJobStore, wire: Wire) -> None:
    sending = jobs.save(begun(stored(jobs)))
    wire.requests.clear()

    jobs.save(attempt_accepted(sending, 1, "gen-1", NOW, None))

    assert wire.operations() == ["PutItem"]


def test_one_write_may_book_on_two_days(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    throttled = attempt_ended(begun(stored(jobs), days=-1), 1, Outcome.REFUSED, NO_CONNECTION, NOW)
    first = replace(throttled.attempts[0], outcome=Outcome.UNKNOWN)
    both = begun(throttled, Decimal("0.20"))

    jobs.save(replace(both, attempts=(first, both.attempts[1])), budget=dollars(tenant="0.60"))

    assert committed(books, day=TODAY - timedelta(days=1)) == QUOTE
    assert committed(books) == Decimal("0.20")


def test_a_record_from_before_the_books_is_booked_when_it_is_written_next(
    jobs: DynamoJobStore, books: DynamoBooks, clients: AwsClients
) -> None:
    saved = jobs.save(begun(stored(jobs)))
    for key in (f"spend#{TODAY}#tenant#ada", f"spend#{TODAY}#stack"):
        clients.dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": key}})
    unbooked = replace(saved.attempts[0], booked=Booking(), counted=False)

    jobs.save(noted(replace(saved, attempts=(unbooked,)), "hello", NOW))

    assert committed(books) == QUOTE


def test_books_never_expire(jobs: DynamoJobStore, clients: AwsClients) -> None:
    jobs.save(begun(stored(jobs)))

    item = Table(clients, TABLE).get(f"spend#{TODAY}#stack")

    assert item is not None
    assert item["kind"] == {"S": "spend"}
    assert "expires_at" not in item


# --- lost answers and other writers ----------------------------------------------------------------------------------


def test_a_lost_answer_books_once(jobs: DynamoJobStore, books: DynamoBooks, wire: Wire) -> None:
    job = stored(jobs)
    wire.after = lose_once("TransactWriteItems")

    saved = jobs.save(begun(job), budget=dollars(tenant="0.51", stack="0.51"))

    assert wire.operations().count("TransactWriteItems") == 2
    assert jobs.get("job-1") == saved
    assert (committed(books), committed(books, tenant=None)) == (QUOTE, QUOTE)


def test_a_stale_job_books_nothing(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    read = stored(jobs)
    jobs.save(read)

    with pytest.raises(Conflict):
        jobs.save(begun(read))

    assert held(books) is None


def test_a_stale_job_over_budget_is_a_conflict(jobs: DynamoJobStore) -> None:
    read = stored(jobs)
    jobs.save(begun(read))

    with pytest.raises(Conflict):
        jobs.save(begun(read), budget=dollars(tenant="0.60"))


def test_a_taken_claim_books_nothing(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    pointer = Pointer(key="generation#apiframe#gen-1", job_id="job-2", attempt=1, created_at=NOW)
    jobs.create(ready("job-2"), [Claim(pointer, unique=True)])

    with pytest.raises(AlreadyExists):
        jobs.save(begun(stored(jobs)), [Claim(replace(pointer, job_id="job-1"), unique=True)])

    assert held(books) is None


def test_writers_who_meet_at_the_stacks_book_are_more_patient_than_others(jobs: DynamoJobStore, wire: Wire) -> None:
    job = stored(jobs)
    reasons = [{"Code": code} for code in ("None", "None", "TransactionConflict")]
    met = [
        refusal("TransactionCanceledException", CancellationReasons=reasons, Message="met")
        for _ in range(MAX_CONTENDED_TRIES - 1)
    ]
    wire.before = lambda _sent: met.pop() if met else None

    assert jobs.save(begun(job)).version == 2
    assert len(met) == 0


@pytest.mark.parametrize(
    ("code", "tries"),
    [("TransactionConflict", MAX_CONTENDED_TRIES), ("ThrottlingError", MAX_THROTTLED_TRIES)],
    ids=["met", "throttled"],
)
def test_patience_has_an_end(code: str, tries: int) -> None:
    calls: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        calls.append(sent)
        return refusal("TransactionCanceledException", CancellationReasons=[{"Code": code}], Message="no")

    with pytest.raises(AwsError):
        DynamoJobStore(answering(handle), TABLE).save(begun(replace(ready(), version=1)))

    assert len(calls) == tries


# --- budgets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "whose"),
    [
        pytest.param(dollars(tenant="1.01"), "ada", id="the tenant's"),
        pytest.param(dollars(stack="1.01"), "stack", id="the stack's"),
    ],
)
def test_what_would_pass_a_budget_is_not_written(
    jobs: DynamoJobStore, books: DynamoBooks, budget: Budget, whose: str
) -> None:
    jobs.save(begun(stored(jobs, "job-0")))
    job = stored(jobs)
    claim = Claim(Pointer(key="recent#a", job_id="job-1", created_at=NOW))

    with pytest.raises(OverBudget) as caught:
        jobs.save(begun(job), [claim], budget=budget)

    assert caught.value.whose == whose
    assert jobs.get("job-1") == job
    assert jobs.pointer("recent#a") is None
    assert committed(books) == QUOTE


@pytest.mark.parametrize(
    ("budget", "whose"), [(dollars(tenant="0.50"), "ada"), (dollars(stack="0.50"), "stack")], ids=["tenant", "stack"]
)
def test_not_even_the_first_of_a_day_may_pass_its_budget(
    jobs: DynamoJobStore, books: DynamoBooks, wire: Wire, budget: Budget, whose: str
) -> None:
    job = stored(jobs)
    wire.requests.clear()

    with pytest.raises(OverBudget) as caught:
        jobs.save(begun(job), budget=budget)

    assert caught.value.whose == whose
    assert wire.requests == []
    assert held(books) is None


def test_a_budget_may_be_spent_to_the_last_cent(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    for number in range(2):
        jobs.save(begun(stored(jobs, f"job-{number}")), budget=dollars(tenant="1.02", stack="1.02"))

    assert committed(books) == Decimal("1.02")


def test_of_two_who_begin_at_once_only_one_gets_the_last_of_the_budget(
    jobs: DynamoJobStore, books: DynamoBooks
) -> None:
    both = [begun(stored(jobs, f"job-{number}")) for number in range(2)]
    jobs.save(both[0], budget=dollars(stack="1"))

    with pytest.raises(OverBudget):
        jobs.save(both[1], budget=dollars(stack="1"))

    assert committed(books, tenant=None) == QUOTE


def test_one_tenants_budget_is_no_matter_to_another(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    jobs.save(begun(stored(jobs)), budget=dollars(tenant="0.60"))

    jobs.save(begun(stored(jobs, "job-2", "bob")), budget=dollars(tenant="0.60"))

    assert (committed(books, "bob"), committed(books, None)) == (QUOTE, 2 * QUOTE)
    stack = held(books, None)
    assert stack is not None
    assert stack.tenants == {"ada", "bob"}


def test_each_day_has_a_budget_of_its_own(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    jobs.save(begun(stored(jobs)), budget=dollars(tenant="0.60"))

    jobs.save(begun(stored(jobs, "job-2"), days=1), budget=dollars(tenant="0.60"))

    assert committed(books, day=TODAY + timedelta(days=1)) == QUOTE


def test_what_is_released_can_be_spent_again(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    sending = jobs.save(begun(stored(jobs)), budget=dollars(tenant="0.60"))
    refused = jobs.save(attempt_ended(sending, 1, Outcome.REFUSED, NO_CONNECTION, NOW))

    jobs.save(begun(refused), budget=dollars(tenant="0.60"))

    assert committed(books) == QUOTE


def test_a_budget_lost_on_the_way_is_still_told(jobs: DynamoJobStore, wire: Wire) -> None:
    jobs.save(begun(stored(jobs, "job-0")))
    job = stored(jobs)
    wire.after = lose_once("TransactWriteItems")

    with pytest.raises(OverBudget):
        jobs.save(begun(job), budget=dollars(tenant="0.60"))


# --- reading ---------------------------------------------------------------------------------------------------------


def test_days_are_read_in_the_order_asked_and_empty_ones_left_out(jobs: DynamoJobStore, books: DynamoBooks) -> None:
    jobs.save(begun(stored(jobs)))
    jobs.save(begun(stored(jobs, "job-2"), days=2))
    days = [TODAY + timedelta(days=ahead) for ahead in (2, 1, 0)]

    assert [tally.day for tally in books.read([(day, "ada") for day in days])] == [days[0], days[2]]


def test_more_books_than_one_call_takes_are_read_in_several(
    jobs: DynamoJobStore, books: DynamoBooks, wire: Wire
) -> None:
    jobs.save(begun(stored(jobs)))
    wire.requests.clear()

    found = books.read([(TODAY - timedelta(days=back), "ada") for back in reversed(range(150))])

    assert [tally.day for tally in found] == [TODAY]
    assert wire.operations() == ["BatchGetItem", "BatchGetItem"]


def test_keys_that_were_not_read_at_once_are_asked_for_again() -> None:
    asked: list[list[str]] = []

    def handle(sent: Sent) -> AWSResponse:
        keys = sent.members["RequestItems"][TABLE]["Keys"]
        asked.append([key["pk"]["S"] for key in keys])
        item = {"pk": keys[0]["pk"], "committed": {"N": "0.51"}, "apiframe_reserved": {"N": "0.51"}}
        left = {TABLE: {"Keys": keys[1:], "ConsistentRead": True}} if keys[1:] else {}
        told = {"Responses": {TABLE: [item]}, "UnprocessedKeys": left}
        return answer(200, msgspec.json.encode(told))

    days = [TODAY, TODAY - timedelta(days=1)]
    found = DynamoBooks(answering(handle), TABLE).read([(day, "ada") for day in days])

    assert [len(keys) for keys in asked] == [2, 1]
    assert [(tally.day, tally.committed) for tally in found] == [(day, QUOTE) for day in days]
