"""API keys and their rates in the table."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.unit.aws.wire import NOW, Wire, lose_once

from stillmotion.aws import keys as aws_keys
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import Unreadable, api_key_of, job_item
from stillmotion.aws.keys import DynamoKeyStore
from stillmotion.aws.rates import DynamoRateStore
from stillmotion.aws.records import DynamoJobStore
from stillmotion.aws.table import Put, Table
from stillmotion.domain.access import Scope
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.keys import ApiKey
from stillmotion.ports import Conflict, UnknownPage

KEY = ApiKey(
    hash="ab12",
    prefix="sm_ab",
    tenant="ada",
    created_at=NOW,
    expires_at=NOW + timedelta(days=1),
    name="ci",
    scopes=(Scope.READ, Scope.WRITE),
    rate_per_minute=60,
    daily_dollars=Decimal("5.50"),
    rotated_from="cd34",
    counted_as="cd34",
)


@pytest.fixture
def keys(clients: AwsClients, table: str) -> DynamoKeyStore:
    return DynamoKeyStore(clients, table)


def test_an_api_key_is_found_by_its_hash(keys: DynamoKeyStore) -> None:
    keys.put(KEY)

    assert keys.find("ab12") == KEY
    assert keys.find("ab13") is None


def test_a_key_written_before_there_were_scopes_has_them_all() -> None:
    item = {
        "pk": {"S": "key#ab12"},
        "kind": {"S": "key"},
        "hash": {"S": "ab12"},
        "prefix": {"S": "sm_ab"},
        "tenant": {"S": "ada"},
        "created_at": {"S": "2026-03-14T15:09:26.000000Z"},
    }

    key = api_key_of(item)

    assert (key.tenant, key.scopes, key.revoked, key.rate_per_minute) == ("ada", tuple(Scope), False, 0)
    assert key.counter == key.id


def test_a_key_with_a_scope_that_is_not_known_opens_nothing(clients: AwsClients, keys: DynamoKeyStore) -> None:
    keys.put(KEY)
    Table(clients, "jobs").update("key#ab12", "SET #scopes = :scopes", ("scopes",), {"scopes": ["read", "root"]})

    with pytest.raises(Unreadable):
        keys.find("ab12")


def test_an_expired_key_is_not_swept_by_ttl(clients: AwsClients, keys: DynamoKeyStore, table: str) -> None:
    keys.put(replace(KEY, expires_at=NOW))

    item = Table(clients, table).get("key#ab12")

    assert item is not None
    assert "S" in item["expires_at"]


def test_a_key_is_saved_over_what_was_read_only(keys: DynamoKeyStore) -> None:
    keys.put(KEY)

    revoked = keys.save(replace(KEY, revoked=True, revoked_at=NOW))

    assert keys.find("ab12") == revoked
    with pytest.raises(Conflict):
        keys.save(replace(KEY, revoked=False))
    assert keys.save(revoked).version == 2


def test_a_key_of_old_has_no_version_and_is_saved(clients: AwsClients, keys: DynamoKeyStore, table: str) -> None:
    keys.put(KEY)
    Table(clients, table).update("key#ab12", "REMOVE #version", ("version",), {})

    assert keys.save(KEY).version == 1


def test_a_key_that_is_not_there_is_not_made_by_saving_it(keys: DynamoKeyStore) -> None:
    with pytest.raises(Conflict):
        keys.save(KEY)


def test_a_successor_is_stored_with_its_predecessor_or_not_at_all(keys: DynamoKeyStore) -> None:
    keys.put(KEY)
    successor = replace(KEY, hash="ef56")

    keys.save(replace(KEY, rotated_to="ef56"), successor)

    assert keys.find("ef56") == successor
    with pytest.raises(Conflict):
        keys.save(replace(KEY, rotated_to="0000"), replace(KEY, hash="0000"))
    assert keys.find("0000") is None


def test_a_rotation_whose_answer_is_lost_is_done_once(keys: DynamoKeyStore, wire: Wire) -> None:
    keys.put(KEY)
    wire.after = lose_once("TransactWriteItems")

    assert keys.save(replace(KEY, rotated_to="ef56"), replace(KEY, hash="ef56")).version == 1
    assert keys.find("ef56") is not None


def test_keys_are_listed_and_jobs_are_not_among_them(clients: AwsClients, keys: DynamoKeyStore, table: str) -> None:
    job = Job(id="job-1", tenant="ada", status=Status.DISPATCHING, created_at=NOW, updated_at=NOW)
    Table(clients, table).write([Put(job_item(job, "w"))], token="t")
    keys.put(KEY)
    keys.put(replace(KEY, hash="cd34", tenant="bob"))

    assert {key.hash for key in keys.listed(100).keys} == {"ab12", "cd34"}


def made(keys: DynamoKeyStore, *tenants: str, apart: timedelta = timedelta(seconds=1)) -> list[ApiKey]:
    """Keys of these tenants, the newest first, as a list has them."""
    made = [
        replace(KEY, hash=f"{number:04x}{tenant}", tenant=tenant, created_at=NOW + number * apart)
        for number, tenant in enumerate(reversed(tenants))
    ]
    for key in made:
        keys.put(key)
    return made[::-1]


def pages(keys: DynamoKeyStore, limit: int, tenant: str | None = None) -> list[tuple[ApiKey, ...]]:
    found = [keys.listed(limit, tenant=tenant)]
    while found[-1].next is not None:
        found.append(keys.listed(limit, found[-1].next, tenant))
    return [page.keys for page in found]


def test_keys_are_listed_newest_first_page_by_page(keys: DynamoKeyStore, wire: Wire) -> None:
    one, two, three, four, five = made(keys, "ada", "bob", "ada", "ada", "bob")
    wire.requests.clear()

    assert pages(keys, 2) == [(one, two), (three, four), (five,)]
    assert wire.operations() == ["Query"] * 3


def test_a_page_that_is_just_full_is_the_last(keys: DynamoKeyStore) -> None:
    assert pages(keys, 2) == [()]

    one, two = made(keys, "ada", "bob")

    assert pages(keys, 2) == [(one, two)]


def test_keys_that_were_made_at_the_same_moment_are_listed_once_each(keys: DynamoKeyStore) -> None:
    everything = made(keys, *["ada"] * 7, apart=timedelta())

    listed = pages(keys, 2)

    assert [len(page) for page in listed] == [2, 2, 2, 1]
    assert {key.hash for page in listed for key in page} == {key.hash for key in everything}


def test_a_tenants_page_has_its_own_keys_and_does_not_tell_of_others(keys: DynamoKeyStore) -> None:
    _, one, two, _, three, *_ = made(keys, "bob", "ada", "ada", "bob", "ada", "bob", "bob")

    assert pages(keys, 2, "ada") == [(one, two), (three,)]
    assert pages(keys, 3, "ada") == [(one, two, three)]
    assert pages(keys, 2, "cid") == [()]


@pytest.mark.parametrize("apart", [timedelta(seconds=1), timedelta()])
def test_of_others_keys_so_many_are_read_for_a_page_and_the_next_goes_on_there(
    keys: DynamoKeyStore, monkeypatch: pytest.MonkeyPatch, apart: timedelta
) -> None:
    monkeypatch.setattr(aws_keys, "MAX_READ", 3)
    theirs = ["bob"] * 7
    own = {key.hash for key in made(keys, "ada", *theirs, "ada", apart=apart) if key.tenant == "ada"}

    listed = pages(keys, 2, "ada")

    assert [key.hash for page in listed for key in page] in (sorted(own), sorted(own, reverse=True))
    assert len(listed) == 4


@pytest.mark.parametrize(
    "after", ["", "ab12", "2026-03-14T15:09:26.535897Z", "2026-03-14T15:09:26.535897Z.1234", "2026-03-14.1", "é.1"]
)
def test_what_no_list_gave_out_is_no_page(keys: DynamoKeyStore, after: str) -> None:
    with pytest.raises(UnknownPage):
        keys.listed(10, after)


def test_keys_are_found_by_the_start_of_their_hashes(keys: DynamoKeyStore, wire: Wire) -> None:
    keys.put(KEY)
    keys.put(replace(KEY, hash="ab34"))
    keys.put(replace(KEY, hash="cd12"))
    wire.requests.clear()

    assert {key.hash for key in keys.starting("ab")} == {"ab12", "ab34"}
    assert wire.operations() == ["Query"]


def test_keys_are_not_among_a_tenants_jobs_nor_swept(jobs: DynamoJobStore, keys: DynamoKeyStore) -> None:
    keys.put(KEY)

    assert jobs.of_tenant("ada", 10).jobs == ()
    assert list(jobs.quiet_since(NOW + timedelta(days=1))) == []


def test_calls_are_counted_by_key_and_minute(clients: AwsClients, table: str, wire: Wire) -> None:
    rates = DynamoRateStore(clients, table)

    counted = [rates.count("ab12", 7), rates.count("ab12", 7), rates.count("cd34", 7), rates.count("ab12", 8)]

    assert counted == [1, 2, 1, 1]
    assert wire.operations() == ["UpdateItem"] * 4


def test_a_count_is_swept_by_ttl_after_its_minute(clients: AwsClients, table: str) -> None:
    DynamoRateStore(clients, table).count("ab12", 7)

    item = Table(clients, table).get("rate#ab12#7")

    assert item is not None
    assert item["expires_at"] == {"N": str(9 * 60)}
