"""What an order costs is taken of its key's allowance in the write that makes its job, or not at all."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from botocore.awsrequest import AWSResponse
from msgspec.structs import replace
from tests.unit.aws.wire import NOW, Wire, lose_once, refusal

from stillmotion.aws.allowances import DynamoAllowanceStore
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.records import DynamoJobStore
from stillmotion.aws.table import Table
from stillmotion.domain.job.records import Job, Status
from stillmotion.keyspace import job_key
from stillmotion.ports.keys import AllowanceSpent, Taking
from stillmotion.ports.records import AlreadyExists, Claim, Pointer

TODAY = date(2026, 3, 14)
TAKING = Taking(counter="ab12", day=TODAY, dollars=Decimal("0.20"), daily_dollars=Decimal("0.50"))


@pytest.fixture
def allowances(clients: AwsClients, table: str) -> DynamoAllowanceStore:
    return DynamoAllowanceStore(clients, table)


def job(job_id: str) -> Job:
    return Job(id=job_id, tenant="ada", status=Status.WAITING, created_at=NOW, updated_at=NOW)


def ordered(allowances: DynamoAllowanceStore) -> Decimal:
    return allowances.ordered(TAKING.counter, TODAY)


def cancelled(*codes: str) -> AWSResponse:
    reasons = [{"Code": code} for code in codes]
    return refusal("TransactionCanceledException", CancellationReasons=reasons, Message="cancelled")


def test_an_order_is_made_while_there_is_room(jobs: DynamoJobStore, allowances: DynamoAllowanceStore) -> None:
    for number in range(2):
        jobs.create(job(f"job-{number}"), taking=TAKING)

    with pytest.raises(AllowanceSpent):
        jobs.create(job("job-2"), taking=TAKING)

    assert ordered(allowances) == Decimal("0.40")
    assert jobs.get("job-2") is None


def test_each_counter_and_each_day_has_its_own_sum(jobs: DynamoJobStore, allowances: DynamoAllowanceStore) -> None:
    whole = replace(TAKING, dollars=TAKING.daily_dollars)
    others = [replace(whole, counter="cd34"), replace(whole, day=TODAY + timedelta(days=1))]

    for number, taking in enumerate((whole, *others)):
        jobs.create(job(f"job-{number}"), taking=taking)

    assert ordered(allowances) == whole.dollars


def test_an_order_that_is_dearer_than_a_whole_day_is_refused(
    jobs: DynamoJobStore, allowances: DynamoAllowanceStore
) -> None:
    with pytest.raises(AllowanceSpent):
        jobs.create(job("job-0"), taking=replace(TAKING, dollars=Decimal("0.51")))

    assert ordered(allowances) == 0


def test_of_a_job_that_is_there_nothing_is_taken_however_much_is_left(
    jobs: DynamoJobStore, allowances: DynamoAllowanceStore
) -> None:
    jobs.create(job("job-0"), taking=TAKING)

    for daily_dollars in ("0.50", "0.20", "0.10"):
        with pytest.raises(AlreadyExists):
            jobs.create(job("job-0"), taking=replace(TAKING, daily_dollars=Decimal(daily_dollars)))

    assert ordered(allowances) == TAKING.dollars


def test_a_claim_that_is_taken_is_told_before_an_allowance_that_is_spent(jobs: DynamoJobStore) -> None:
    spends = replace(TAKING, daily_dollars=TAKING.dollars)
    claim = Claim(Pointer(key="recent#a", job_id="job-0", created_at=NOW), unless_written_since=NOW)
    jobs.create(job("job-0"), [claim], taking=spends)

    with pytest.raises(AlreadyExists) as refused:
        jobs.create(job("job-1"), [claim], taking=spends)

    assert refused.value.pointer is not None
    assert refused.value.pointer.job_id == "job-0"


def test_a_job_that_is_there_is_told_where_only_the_allowance_was_found_spent(jobs: DynamoJobStore, wire: Wire) -> None:
    jobs.create(job("job-0"), taking=TAKING)
    told = [cancelled("None", "ConditionalCheckFailed")]
    wire.before = lambda _sent: told.pop() if told else None

    with pytest.raises(AlreadyExists, match=job_key("job-0")):
        jobs.create(job("job-0"), taking=TAKING)


def test_an_allowance_that_is_spent_while_the_job_is_being_written_by_another_is_looked_at_again(
    jobs: DynamoJobStore, wire: Wire
) -> None:
    spends = replace(TAKING, daily_dollars=TAKING.dollars)
    jobs.create(job("job-0"), taking=spends)
    met = [cancelled("TransactionConflict", "ConditionalCheckFailed")]
    wire.before = lambda _sent: met.pop() if met else None
    wire.requests.clear()

    with pytest.raises(AlreadyExists):
        jobs.create(job("job-0"), taking=spends)

    assert wire.operations() == ["TransactWriteItems", "TransactWriteItems", "GetItem"]


def test_an_order_whose_answer_is_lost_takes_once(
    jobs: DynamoJobStore, allowances: DynamoAllowanceStore, wire: Wire
) -> None:
    wire.after = lose_once("TransactWriteItems")

    assert jobs.create(job("job-0"), taking=TAKING).version == 1

    tokens = [request.members.get("ClientRequestToken") for request in wire.requests]
    assert tokens[0] == tokens[1]
    assert ordered(allowances) == TAKING.dollars


def test_a_sum_is_swept_by_ttl_when_its_day_is_over(clients: AwsClients, table: str, jobs: DynamoJobStore) -> None:
    jobs.create(job("job-0"), taking=TAKING)

    item = Table(clients, table).get("allowance#ab12#2026-03-14")

    assert item is not None
    assert item["expires_at"] == {"N": str(int(datetime(2026, 3, 16, tzinfo=UTC).timestamp()))}
