"""The jobs table keeps the promises of `ports.records.JobStore`, also when answers are lost and writers meet."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.aws.wire import NOW, TABLE, Sent, Wire, answer, answering, lose_once, refusal

from stillmotion.aws.attributes import from_item, stamp, to_item
from stillmotion.aws.clients import AwsClients, AwsError
from stillmotion.aws.items import Unreadable, event_of, job_item, job_of
from stillmotion.aws.records import DynamoJobStore
from stillmotion.aws.table import Table
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun
from stillmotion.domain.job.lifecycle import needs_attention, noted, started
from stillmotion.domain.job.records import Generation, Job, Reason, Status
from stillmotion.domain.request import Request, VendorName
from stillmotion.domain.spend import book
from stillmotion.keyspace import generation_key, job_key, recent_key
from stillmotion.ports import Conflict, UnknownPage
from stillmotion.ports.records import AlreadyExists, Claim, Event, Pointer

GENERATION = generation_key(VendorName.APIFRAME, "gen-1")


def new_job(job_id: str = "job-1", tenant: str = "ada", created_at: datetime = NOW) -> Job:
    return Job(id=job_id, tenant=tenant, status=Status.WAITING, created_at=created_at, updated_at=created_at)


def full_job() -> Job:
    """A job that has been through much."""
    request = Request(prompt="Täglich 🌊", image="s3://in/a b.jpg", concepts=("orbit_left",), metadata={"take": "1"})
    job = started(new_job(), request, "9:16", NOW)
    job = attempt_begun(
        job, NOW, vendor=VendorName.APIFRAME, quote=Decimal("0.51"), path="/v2", body='{"a": 1}', idempotency_key="k-1"
    )
    job = attempt_accepted(job, 1, "gen-1", NOW + timedelta(microseconds=1), "QUEUED")
    return noted(job, "a sidecar came late", NOW + timedelta(seconds=1))


def claim_of(job_id: str, *, attempt: int | None = 1) -> Claim:
    return Claim(Pointer(key=GENERATION, job_id=job_id, created_at=NOW, attempt=attempt), unique=True)


def event_for(job: Job) -> Event:
    detail = {"status": "completed", "seconds": 5, "concepts": ["pov"]}
    return Event(id="event-1", job_id=job.id, detail_type="Video Completed", detail=detail, created_at=NOW)


def test_a_job_comes_back_as_it_was_stored(jobs: DynamoJobStore) -> None:
    stored = jobs.create(full_job())

    assert jobs.get("job-1") == stored == replace(book(full_job())[0], version=1)


def test_an_absent_job_is_none(jobs: DynamoJobStore) -> None:
    assert jobs.get("nobody") is None


def test_each_field_of_a_job_is_an_attribute_of_its_own(jobs: DynamoJobStore, clients: AwsClients) -> None:
    jobs.create(full_job())

    item = Table(clients, TABLE).get("job#job-1")

    assert item is not None
    assert item["kind"] == {"S": "job"}
    assert item["newest"] == {"S": "2026-03-14T15:09:26.535897Z#job-1"}
    assert item["attempts"]["L"][0]["M"]["quote"] == {"S": "0.51"}
    assert item["overdue"] == {"BOOL": False}
    assert item["request"]["M"]["duration"] == {"N": "5"}


def test_attributes_of_tomorrow_are_passed_over() -> None:
    item = {
        **job_item(new_job(), "w"),
        "mood": {"S": "sunny"},
        "scores": {"L": [{"N": "0.5"}, {"NULL": True}]},
    }

    assert job_of(item) == new_job()


def test_a_field_that_yesterday_did_not_know_has_its_default() -> None:
    item = dict(job_item(new_job(), "w"))
    del item["overdue"], item["run"], item["notes"]

    assert job_of(item) == new_job()


def test_a_record_with_a_word_nobody_knows_names_its_key() -> None:
    item = {**job_item(new_job(), "w"), "status": {"S": "dreaming"}}

    with pytest.raises(Unreadable, match="job#job-1"):
        job_of(item)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_moments_come_back_to_the_microsecond(moment: datetime) -> None:
    assert msgspec.convert(stamp(moment), datetime) == moment


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    utc_one, utc_other = one.astimezone(UTC), other.astimezone(UTC)

    assert (stamp(one) < stamp(other)) == (utc_one < utc_other)


VALUES = st.recursive(
    st.text() | st.integers(-(10**30), 10**30) | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner),
    max_leaves=12,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_plain_values_survive_the_table(fields: dict[str, object]) -> None:
    assert from_item(to_item(fields)) == fields


def test_what_has_no_attribute_is_refused() -> None:
    with pytest.raises(TypeError, match="Float"):
        to_item({"a": 0.1})


# --- creating --------------------------------------------------------------------------------------------------------


def test_creating_a_job_twice_names_what_was_there(jobs: DynamoJobStore) -> None:
    jobs.create(new_job())

    with pytest.raises(AlreadyExists, match="job#job-1") as caught:
        jobs.create(new_job(tenant="bob"))

    assert caught.value.pointer is None


def test_a_job_cannot_be_created_where_an_alias_lives(jobs: DynamoJobStore) -> None:
    alias = Pointer(key=job_key("job-2"), job_id="job-1", created_at=NOW)
    jobs.create(new_job(), [Claim(alias, unique=True)])

    with pytest.raises(AlreadyExists) as caught:
        jobs.create(new_job("job-2"))

    assert caught.value.pointer == alias


def test_an_alias_cannot_be_claimed_where_a_job_lives(jobs: DynamoJobStore) -> None:
    jobs.create(new_job("job-2"))

    with pytest.raises(AlreadyExists, match="job#job-2") as caught:
        jobs.create(new_job(), [Claim(Pointer(key=job_key("job-2"), job_id="job-1", created_at=NOW), unique=True)])

    assert caught.value.pointer is None
    assert jobs.get("job-1") is None


def test_a_job_is_found_by_its_alias(jobs: DynamoJobStore) -> None:
    stored = jobs.create(new_job(), [Claim(Pointer(key=job_key("other"), job_id="job-1", created_at=NOW), unique=True)])

    assert jobs.get("other") == stored


def test_a_job_without_claims_costs_one_plain_put(jobs: DynamoJobStore, wire: Wire) -> None:
    jobs.save(jobs.create(new_job()))

    assert wire.operations() == ["PutItem", "PutItem"]


@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems"])
def test_a_creation_whose_answer_was_lost_succeeds(jobs: DynamoJobStore, wire: Wire, operation: str) -> None:
    wire.after = lose_once(operation)

    stored = jobs.create(new_job(), [claim_of("job-1")] if operation == "TransactWriteItems" else [])

    assert stored.version == 1
    assert wire.operations().count(operation) == 2
    assert jobs.get("job-1") == stored


# --- saving ----------------------------------------------------------------------------------------------------------


def test_saving_raises_the_version(jobs: DynamoJobStore) -> None:
    saved = jobs.save(noted(jobs.create(new_job()), "hello", NOW))

    assert saved.version == 2
    assert jobs.get("job-1") == saved


@pytest.mark.parametrize("claims", [[], [claim_of("job-1")]], ids=["alone", "in a transaction"])
def test_a_job_that_moved_on_is_a_conflict(jobs: DynamoJobStore, claims: list[Claim]) -> None:
    read = jobs.create(new_job())
    jobs.save(read)

    with pytest.raises(Conflict, match="job-1"):
        jobs.save(noted(read, "too late", NOW), claims)

    assert jobs.pointer(GENERATION) is None


def test_saving_a_job_that_is_not_there_is_a_conflict(jobs: DynamoJobStore) -> None:
    with pytest.raises(Conflict):
        jobs.save(replace(new_job(), version=3))


@pytest.mark.parametrize("operation", ["PutItem", "TransactWriteItems"])
def test_a_save_whose_answer_was_lost_succeeds(jobs: DynamoJobStore, wire: Wire, operation: str) -> None:
    job = jobs.create(new_job())
    wire.after = lose_once(operation)

    saved = jobs.save(job, [claim_of("job-1")] if operation == "TransactWriteItems" else [])

    assert jobs.get("job-1") == saved
    assert saved.version == 2


def test_two_writers_of_equal_jobs_do_not_take_each_other_for_themselves(jobs: DynamoJobStore) -> None:
    read = jobs.create(new_job())
    jobs.save(noted(read, "the same", NOW))

    with pytest.raises(Conflict):
        jobs.save(noted(read, "the same", NOW))


def test_a_repeated_transaction_carries_the_same_token(jobs: DynamoJobStore, wire: Wire) -> None:
    wire.after = lose_once("TransactWriteItems")

    jobs.create(new_job(), [claim_of("job-1")])

    tokens = {sent.members["ClientRequestToken"] for sent in wire.requests if sent.operation == "TransactWriteItems"}
    assert len(tokens) == 1
    assert len(tokens.pop()) <= 36


# --- claims ----------------------------------------------------------------------------------------------------------


def test_a_claim_is_found_by_its_key(jobs: DynamoJobStore) -> None:
    claim = claim_of("job-1")

    jobs.create(new_job(), [claim])

    assert jobs.pointer(GENERATION) == claim.pointer


def test_a_unique_claim_of_another_job_names_the_owner_and_writes_nothing(jobs: DynamoJobStore) -> None:
    jobs.create(new_job(), [claim_of("job-1")])
    other = jobs.create(new_job("job-2"))

    with pytest.raises(AlreadyExists, match=GENERATION) as caught:
        jobs.save(other, [claim_of("job-2")])

    assert caught.value.pointer is not None
    assert caught.value.pointer.job_id == "job-1"
    assert jobs.get("job-2") == other


def test_a_unique_claim_of_another_attempt_is_taken(jobs: DynamoJobStore) -> None:
    job = jobs.create(new_job(), [claim_of("job-1", attempt=1)])

    with pytest.raises(AlreadyExists):
        jobs.save(job, [claim_of("job-1", attempt=2)])


@pytest.mark.parametrize("attempt", [None, 1])
def test_a_unique_claim_that_is_ours_already_is_as_good_as_free(jobs: DynamoJobStore, attempt: int | None) -> None:
    job = jobs.create(new_job(), [claim_of("job-1", attempt=attempt)])

    assert jobs.save(job, [claim_of("job-1", attempt=attempt)]).version == 2


def test_a_plain_claim_overwrites(jobs: DynamoJobStore) -> None:
    jobs.create(new_job(), [Claim(Pointer(key="recent#a", job_id="job-1", created_at=NOW))])
    jobs.create(new_job("job-2"), [Claim(Pointer(key="recent#a", job_id="job-2", created_at=NOW))])

    pointer = jobs.pointer("recent#a")

    assert pointer is not None
    assert pointer.job_id == "job-2"


@pytest.mark.parametrize(
    ("by_retry", "age", "wins"),
    [
        pytest.param(True, timedelta(seconds=10), False, id="a retry a moment ago"),
        pytest.param(True, timedelta(0), False, id="a retry at that very moment"),
        pytest.param(False, timedelta(seconds=10), True, id="no retry"),
        pytest.param(True, timedelta(minutes=20), True, id="a retry long ago"),
    ],
)
def test_a_call_yields_only_to_a_recent_retry(
    jobs: DynamoJobStore, *, by_retry: bool, age: timedelta, wins: bool
) -> None:
    key = recent_key("ada", "f00")
    since = NOW - timedelta(minutes=10) if age else NOW
    before = Pointer(key=key, job_id="job-1", created_at=NOW - age, by_retry=by_retry)
    jobs.create(new_job(), [Claim(before)])
    claim = Claim(Pointer(key=key, job_id="job-2", created_at=NOW), unless_retried_since=since)

    if wins:
        jobs.create(new_job("job-2"), [claim])
        assert jobs.pointer(key) == claim.pointer
    else:
        with pytest.raises(AlreadyExists) as caught:
            jobs.create(new_job("job-2"), [claim])
        assert caught.value.pointer == before


@pytest.mark.parametrize("by_retry", [False, True])
@pytest.mark.parametrize(
    ("age", "wins"),
    [
        pytest.param(timedelta(0), False, id="this very moment"),
        pytest.param(timedelta(minutes=10), False, id="just within the window"),
        pytest.param(timedelta(minutes=10, microseconds=1), True, id="just before the window"),
    ],
)
def test_a_retry_yields_to_whoever_wrote_within_its_window(
    jobs: DynamoJobStore, *, by_retry: bool, age: timedelta, wins: bool
) -> None:
    key = recent_key("ada", "f00")
    before = Pointer(key=key, job_id="job-1", created_at=NOW - age, by_retry=by_retry)
    jobs.create(new_job(), [Claim(before)])
    retry = Pointer(key=key, job_id="job-2", created_at=NOW, by_retry=True)
    claim = Claim(retry, unless_written_since=NOW - timedelta(minutes=10))

    if wins:
        jobs.create(new_job("job-2"), [claim])
        assert jobs.pointer(key) == retry
    else:
        with pytest.raises(AlreadyExists) as caught:
            jobs.create(new_job("job-2"), [claim])
        assert caught.value.pointer == before
        assert jobs.get("job-2") is None


def test_a_pointer_expires_by_the_tables_clock(jobs: DynamoJobStore, clients: AwsClients) -> None:
    expires_at = datetime(2026, 3, 15, tzinfo=UTC)
    pointer = Pointer(key="recent#a", job_id="job-1", created_at=NOW, expires_at=expires_at)

    jobs.create(new_job(), [Claim(pointer)])

    item = Table(clients, TABLE).get("recent#a")
    assert item is not None
    assert item["expires_at"] == {"N": str(int(expires_at.timestamp()))}
    assert jobs.pointer("recent#a") == pointer


def test_a_job_is_no_pointer(jobs: DynamoJobStore) -> None:
    jobs.create(new_job())

    assert jobs.pointer(job_key("job-1")) is None


# --- events ----------------------------------------------------------------------------------------------------------


def test_an_event_is_stored_with_its_job_for_seven_days(jobs: DynamoJobStore, clients: AwsClients) -> None:
    job = jobs.create(new_job())
    event = event_for(job)

    jobs.save(job, (), event)

    item = Table(clients, TABLE).get("event#event-1")
    assert item is not None
    assert item["kind"] == {"S": "event"}
    assert item["expires_at"] == {"N": str(int((NOW + timedelta(days=7)).timestamp()))}
    assert event_of(item) == event


def test_an_event_of_a_stale_job_is_not_stored(jobs: DynamoJobStore, clients: AwsClients) -> None:
    read = jobs.create(new_job())
    jobs.save(read)

    with pytest.raises(Conflict):
        jobs.save(read, (), event_for(read))

    assert Table(clients, TABLE).get("event#event-1") is None


# --- refusals of the wire --------------------------------------------------------------------------------------------


def cancelled(*codes: str) -> AWSResponse:
    reasons = [{"Code": code} for code in codes]
    return refusal("TransactionCanceledException", CancellationReasons=reasons, Message="cancelled")


@pytest.mark.parametrize(
    "meeting",
    [
        cancelled("None", "TransactionConflict"),
        cancelled("ThrottlingError", "None"),
        refusal("TransactionInProgressException"),
        refusal("ProvisionedThroughputExceededException"),
        refusal("InternalServerError", 500),
    ],
    ids=["conflict", "throttled reason", "in progress", "throttled", "internal"],
)
def test_a_transaction_that_met_another_is_tried_again(jobs: DynamoJobStore, wire: Wire, meeting: AWSResponse) -> None:
    met = [meeting]
    wire.before = lambda _sent: met.pop() if met else None

    assert jobs.create(new_job(), [claim_of("job-1")]).version == 1


def test_a_put_that_met_a_transaction_is_tried_again(jobs: DynamoJobStore, wire: Wire) -> None:
    met = [refusal("TransactionConflictException")]
    wire.before = lambda _sent: met.pop() if met else None

    assert jobs.create(new_job()).version == 1


def test_a_cancellation_for_any_other_reason_is_an_error() -> None:
    calls: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        calls.append(sent)
        return cancelled("None", "ValidationError")

    with pytest.raises(AwsError) as caught:
        DynamoJobStore(answering(handle), TABLE).create(new_job(), [claim_of("job-1")])

    assert caught.value.code == "TransactionCanceledException"
    assert len(calls) == 1


def test_a_claim_that_was_taken_and_is_free_again_is_a_conflict() -> None:
    def handle(sent: Sent) -> AWSResponse:
        if sent.operation.endswith("GetItem"):
            return answer(200, b"{}")
        return cancelled("None", "ConditionalCheckFailed")

    with pytest.raises(Conflict):
        DynamoJobStore(answering(handle), TABLE).create(new_job(), [claim_of("job-1")])


def test_a_stale_job_is_told_before_a_taken_claim(jobs: DynamoJobStore) -> None:
    jobs.create(new_job(), [claim_of("job-1")])
    read = jobs.create(new_job("job-2"))
    jobs.save(read)

    with pytest.raises(Conflict):
        jobs.save(read, [claim_of("job-2")])


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_tenants_jobs_come_newest_first_page_by_page(jobs: DynamoJobStore) -> None:
    # Half of them in the same microsecond; some on a whole second, whose text is shorter elsewhere.
    moments = [NOW.replace(microsecond=0) + timedelta(milliseconds=500 * (number // 2)) for number in range(7)]
    stored = [jobs.create(new_job(f"job-{number}", created_at=at)) for number, at in enumerate(moments)]
    jobs.create(new_job("other", tenant="bob"))

    seen: list[Job] = []
    after = None
    for _ in range(4):
        page = jobs.of_tenant("ada", 2, after)
        seen += page.jobs
        after = page.next
        if after is None:
            break

    assert seen == sorted(stored, key=lambda job: (job.created_at, job.id), reverse=True)
    assert after is None


def test_a_list_goes_on_after_the_id_of_a_job_in_both_orders(jobs: DynamoJobStore) -> None:
    ids = [f"0f0e0d0c-0b0a-8009-8807-06050403020{number}" for number in range(4)]
    stored = [jobs.create(new_job(one, created_at=NOW + timedelta(seconds=n))) for n, one in enumerate(ids)]

    first = jobs.of_tenant("ada", 2, oldest_first=True)
    assert list(first.jobs) == stored[:2]
    assert list(jobs.of_tenant("ada", 2, first.next, oldest_first=True).jobs) == stored[2:]
    assert list(jobs.of_tenant("ada", 9, ids[0], oldest_first=True).jobs) == stored[1:]
    assert list(jobs.of_tenant("ada", 9, ids[2]).jobs) == [stored[1], stored[0]]


def test_a_list_does_not_go_on_after_what_is_no_job_of_the_tenants(jobs: DynamoJobStore) -> None:
    mine = jobs.create(new_job("0f0e0d0c-0b0a-8009-8807-060504030201"))
    for tenant, after in (("bob", mine.id), ("ada", "0f0e0d0c-0b0a-8009-8807-060504030209")):
        with pytest.raises(UnknownPage):
            jobs.of_tenant(tenant, 9, after)


def test_a_deleted_job_is_in_no_list_and_is_read_by_its_id(jobs: DynamoJobStore) -> None:
    kept = jobs.create(new_job("kept"))
    gone = jobs.save(replace(jobs.create(new_job("gone")), deleted_at=NOW))

    assert jobs.of_tenant("ada", 9).jobs == (kept,)
    assert jobs.get("gone") == gone


def test_a_tenant_sees_only_its_own_even_by_anothers_page(jobs: DynamoJobStore) -> None:
    for number in range(3):
        jobs.create(new_job(f"ada-{number}", created_at=NOW + timedelta(seconds=number)))
    mine = jobs.create(new_job("bob-1", tenant="bob", created_at=NOW - timedelta(days=1)))
    anothers = jobs.of_tenant("ada", 1).next

    assert jobs.of_tenant("bob", 10, anothers).jobs == (mine,)


@pytest.mark.parametrize("token", ["", "x", "===", "ü", "\ud800", "bm90aGluZw", "I2pvYg==", "eCN4" + "eHh4" * 1000])
def test_a_page_that_was_never_given_out_is_refused(jobs: DynamoJobStore, token: str) -> None:
    with pytest.raises(UnknownPage):
        jobs.of_tenant("ada", 1, token)


def test_only_jobs_that_need_a_person_are_listed_latest_change_first(jobs: DynamoJobStore) -> None:
    failure = Failure(FailureKind.OUTCOME_UNKNOWN, "never answered")
    jobs.create(new_job("fine"))
    waiting = jobs.create(needs_attention(new_job("unknown"), Reason.OUTCOME_UNKNOWN, failure, NOW))
    late = jobs.create(replace(new_job("late", tenant="bob"), overdue=True, updated_at=NOW + timedelta(seconds=1)))

    first = jobs.needing_attention(1)
    second = jobs.needing_attention(5, first.next)

    assert first.jobs == (late,)
    assert second.jobs == (waiting,)
    assert second.next is None


def test_a_job_that_was_looked_at_leaves_the_list(jobs: DynamoJobStore) -> None:
    job = jobs.create(replace(new_job(), overdue=True))

    jobs.save(replace(job, overdue=False))

    assert jobs.needing_attention(5).jobs == ()


def test_quiet_jobs_come_oldest_first_and_ended_or_later_ones_do_not(jobs: DynamoJobStore) -> None:
    under_way = replace(new_job(), status=Status.GENERATING)
    minutes = [timedelta(minutes=number) for number in range(4)]
    made = [jobs.create(replace(under_way, id=f"job-{at}", updated_at=NOW + at)) for at in minutes]
    jobs.create(replace(new_job("ended"), status=Status.COMPLETED))

    assert list(jobs.quiet_since(NOW + minutes[3])) == made[:3]


def test_every_page_of_quiet_jobs_is_read(jobs: DynamoJobStore) -> None:
    large = {f"key {number}": "x" * 500 for number in range(16)}
    request = Request(prompt="x" * 4000, metadata=large)
    under_way = replace(new_job(), status=Status.GENERATING, request=request)
    names = {f"job-{number}" for number in range(120)}
    for name in names:
        jobs.create(replace(under_way, id=name))

    assert {job.id for job in jobs.quiet_since(NOW + timedelta(minutes=1))} == names


def test_why_a_job_needs_attention_is_in_the_table() -> None:
    overdue = job_item(replace(new_job(), overdue=True), "w")
    unknown = job_item(needs_attention(new_job(), Reason.CORRUPT_VIDEO, None, NOW), "w")

    assert overdue["attention"] == {"S": "overdue"}
    assert unknown["attention"] == {"S": "corrupt_video"}
    assert "attention" not in job_item(new_job(), "w")


def test_a_generation_survives_the_table(jobs: DynamoJobStore) -> None:
    job = full_job()
    generation = Generation(
        id="gen-1", accepted_at=NOW, undocumented=("PONDERING",), charged=Decimal("0.510"), nsfw=False
    )
    attempt = replace(job.attempts[0], generation=generation)

    jobs.create(replace(job, attempts=(attempt,)))

    again = jobs.get("job-1")
    assert again is not None
    assert again.generation == generation
    assert str(again.generation.charged) == "0.510"


def test_a_pointer_is_remembered_by_itself_over_an_older_one(jobs: DynamoJobStore) -> None:
    first = Pointer(key="delivery#wavespeed#job-1#d-1", job_id="job-1", created_at=NOW)
    later = Pointer(key=first.key, job_id="job-1", created_at=NOW, expires_at=NOW.replace(microsecond=0))

    jobs.remember(first)
    jobs.remember(later)

    assert jobs.pointer(first.key) == later
