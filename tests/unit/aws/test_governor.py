"""The governor's item for each vendor: read whole, written by compare-and-set."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.unit.aws.wire import NOW, TABLE, Wire, lose_once

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.governor import DynamoGovernorStore
from stillmotion.aws.items import Unreadable
from stillmotion.aws.table import Put, Table
from stillmotion.domain.breaker import Breaker
from stillmotion.domain.governing import GovernorState, Lease
from stillmotion.domain.identity import new_job_id
from stillmotion.domain.pacing import Start
from stillmotion.domain.request import VendorName
from stillmotion.keyspace import governor_key
from stillmotion.ports import Conflict

HERE, ELSEWHERE = VendorName.WAVESPEED, VendorName.APIFRAME
BUSY = GovernorState(
    leases={"job-1": Lease(NOW, has_started=True), "job-2": Lease(NOW + timedelta(seconds=1))},
    starts=(Start("job-1", NOW, taken=True), Start("job-2", NOW + timedelta(seconds=64), taken=False)),
    pause_until=NOW + timedelta(seconds=20),
    halvings=2,
    lowered_until=NOW + timedelta(seconds=180),
    breaker=Breaker(failures=5, rest_seconds=60, rests_until=NOW, probe="job-1", probe_until=NOW),
)


@pytest.fixture
def store(clients: AwsClients, table: str) -> DynamoGovernorStore:
    return DynamoGovernorStore(clients, table)


def test_of_a_vendor_that_was_never_used_nothing_is_known(store: DynamoGovernorStore) -> None:
    assert store.read(HERE) == GovernorState()


def test_what_is_known_comes_back_as_it_was_stored(store: DynamoGovernorStore) -> None:
    store.write(HERE, BUSY)

    assert store.read(HERE) == replace(BUSY, version=1)


def test_each_vendor_has_its_own(store: DynamoGovernorStore) -> None:
    store.write(HERE, BUSY)

    assert store.read(ELSEWHERE) == GovernorState()


def test_it_is_read_strongly_consistent(store: DynamoGovernorStore, wire: Wire) -> None:
    store.read(HERE)

    assert wire.requests[-1].members["ConsistentRead"] is True


def test_of_two_who_read_the_same_one_writes(store: DynamoGovernorStore) -> None:
    store.write(HERE, BUSY)
    read = store.read(HERE)
    store.write(HERE, replace(read, halvings=3))

    with pytest.raises(Conflict):
        store.write(HERE, replace(read, halvings=0))

    assert store.read(HERE).halvings == 3


def test_of_two_who_found_nothing_one_writes(store: DynamoGovernorStore) -> None:
    store.write(HERE, BUSY)

    with pytest.raises(Conflict):
        store.write(HERE, GovernorState())


def test_a_write_whose_answer_is_lost_is_no_conflict(store: DynamoGovernorStore, wire: Wire) -> None:
    wire.after = lose_once("PutItem")

    store.write(HERE, BUSY)

    assert store.read(HERE).version == 1


def test_a_state_that_cannot_be_read_names_its_item(store: DynamoGovernorStore, clients: AwsClients) -> None:
    item = {"pk": {"S": governor_key(HERE)}, "version": {"N": "1"}, "state": {"S": '{"halvings":"many"}'}}
    Table(clients, TABLE).write([Put(item)], token="t")

    with pytest.raises(Unreadable, match="governor#wavespeed"):
        store.read(HERE)


def test_two_thousand_slots_fit_into_one_item(store: DynamoGovernorStore, wire: Wire) -> None:
    leases = {new_job_id(): Lease(NOW, has_started=True) for _ in range(2000)}
    starts = tuple(Start(job_id, NOW, taken=True) for job_id in list(leases)[:640])

    store.write(HERE, GovernorState(leases=leases, starts=starts))

    assert len(wire.requests[-1].body) < 300_000
    assert store.read(HERE).leases == leases
