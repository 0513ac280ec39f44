"""Keys are made, listed, revoked and rotated; whose they are decides who may."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes import FakeClock, InMemoryKeyStore

from stillmotion.domain.access import Scope
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import InvalidRequest
from stillmotion.services.keys.authentication import Authenticator, Unauthenticated
from stillmotion.services.keys.key_ring import KeyEnded, KeyRing, KeyUnknown, Limited, NotYourTenant, Outlives, Wanted
from stillmotion.services.keys.minting import mint

DAY = timedelta(days=1)


class Ring:
    """A stack of the tenant `default`, with one key each that may do everything for it and for `acme`."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.owner = mint("default", self.clock.now())[1]
        self.acme = mint("acme", self.clock.now())[1]
        self.keys = InMemoryKeyStore(self.owner, self.acme)
        self.ring = KeyRing(self.keys, self.clock, "default")

    def made(self, by: ApiKey | None = None, **fields: Any) -> tuple[str, ApiKey]:
        self.clock.advance(1)
        wanted = Wanted(**{"name": "ci", "tenant": "acme", "scopes": (Scope.READ,), **fields})
        minted = self.ring.create(by or self.owner, wanted)
        return minted.key, minted.record

    def opens(self, key: str) -> bool:
        try:
            Authenticator(self.keys, self.clock)(key)
        except Unauthenticated:
            return False
        return True


@pytest.fixture
def ring() -> Ring:
    return Ring()


def test_a_new_key_opens_and_is_what_was_wanted(ring: Ring) -> None:
    key, record = ring.made(lives=DAY, rate_per_minute=9, daily_dollars=Decimal(5))
    assert ring.opens(key)
    assert (record.name, record.tenant, record.scopes) == ("ci", "acme", (Scope.READ,))
    assert (record.rate_per_minute, record.daily_dollars) == (9, Decimal(5))
    assert record.expires_at == ring.clock.now() + DAY


def test_a_minted_key_does_not_print_itself(ring: Ring) -> None:
    minted = ring.ring.create(ring.owner, Wanted(name="ci", tenant="acme", scopes=(Scope.READ,)))
    assert minted.key not in repr(minted)


def test_the_stacks_owner_manages_every_tenants_keys(ring: Ring) -> None:
    _, made = ring.made()
    listed = ring.ring.listing(ring.owner, 100).keys
    assert (listed[0], len(listed)) == (made, 3)
    assert ring.ring.revoke(ring.owner, made.id).revoked


def test_another_tenant_manages_his_own_keys_only(ring: Ring) -> None:
    _, mine = ring.made(by=ring.acme)
    assert ring.ring.listing(ring.acme, 100).keys == (mine, ring.acme)
    with pytest.raises(NotYourTenant):
        ring.made(by=ring.acme, tenant="default")
    for attempt in (ring.ring.revoke, lambda who, key_id: ring.ring.rotate(who, key_id, DAY)):
        with pytest.raises(KeyUnknown):
            attempt(ring.acme, ring.owner.id)


@pytest.mark.parametrize("limit", [{"daily_dollars": Decimal(5)}, {"rate_per_minute": 60}])
def test_an_admin_key_has_no_limit_as_it_could_make_another_without(ring: Ring, limit: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ring.made(scopes=(Scope.ADMIN,), **limit)
    assert [error.field for error in refused.value.errors] == list(limit)
    assert len(ring.keys.stored) == 2


@pytest.mark.parametrize("limit", [{"daily_dollars": Decimal(5)}, {"rate_per_minute": 60}])
def test_an_admin_key_of_old_that_has_a_limit_makes_no_keys(ring: Ring, limit: dict[str, Any]) -> None:
    _, free = ring.made()
    limited = replace(ring.owner, **limit)
    with pytest.raises(Limited):
        ring.made(by=limited)
    with pytest.raises(Limited):
        ring.ring.rotate(limited, free.id, DAY)
    assert len(ring.keys.stored) == 3
    assert ring.ring.revoke(limited, free.id).revoked


@pytest.mark.parametrize("lives", [None, DAY])
def test_a_key_that_ends_makes_none_that_ends_later(ring: Ring, lives: timedelta | None) -> None:
    ending = replace(ring.owner, expires_at=ring.clock.now() + DAY)
    with pytest.raises(Outlives) as refused:
        ring.made(by=ending, lives=lives)
    assert refused.value.ends == ending.expires_at
    ring.made(by=ending, lives=DAY / 2)
    assert len(ring.keys.stored) == 3


def test_a_key_that_ends_rotates_none_that_would_end_later(ring: Ring) -> None:
    ending = replace(ring.owner, expires_at=ring.clock.now() + DAY)
    ring.keys.put(ending)
    _, short = ring.made(lives=DAY / 2)
    for key in (ring.acme, ending):
        with pytest.raises(Outlives):
            ring.ring.rotate(ending, key.id, DAY)
    assert ring.keys.stored[ring.acme.hash] == ring.acme
    assert ring.ring.rotate(ending, short.id, DAY).record.rotated_from == short.id


@pytest.mark.parametrize("key_id", ["", "ab", "0" * 12, "0" * 64, "0" * 65, "x" * 12, "ab\n" * 4, "../../key"])
def test_what_names_no_key_is_not_there(ring: Ring, key_id: str) -> None:
    with pytest.raises(KeyUnknown):
        ring.ring.revoke(ring.owner, key_id)


def test_two_keys_of_one_short_id_need_more_of_their_hashes(ring: Ring) -> None:
    _, one = ring.made()
    other = replace(one, hash=one.hash[:12] + "f" * 52)
    ring.keys.put(other)
    with pytest.raises(KeyUnknown):
        ring.ring.revoke(ring.owner, one.id)
    assert ring.ring.revoke(ring.owner, one.hash[:40]).hash == one.hash


def test_a_key_of_old_that_no_list_knows_is_revoked_by_its_whole_hash(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring.keys, "starting", lambda _start: iter(()))
    assert ring.ring.revoke(ring.owner, ring.acme.hash).revoked


def test_a_revoked_key_opens_nothing_and_may_be_revoked_again(ring: Ring) -> None:
    key, made = ring.made()
    revoked = ring.ring.revoke(ring.owner, made.id)
    assert revoked.revoked_at == ring.clock.now()
    assert not ring.opens(key)
    assert ring.ring.revoke(ring.owner, made.id) == revoked


def test_a_rotated_key_lives_on_for_its_grace_beside_its_successor(ring: Ring) -> None:
    old, record = ring.made(rate_per_minute=9, daily_dollars=Decimal(5))
    new = ring.ring.rotate(ring.owner, record.id, DAY)
    assert (ring.opens(old), ring.opens(new.key)) == (True, True)
    ring.clock.advance(DAY.total_seconds())
    assert (ring.opens(old), ring.opens(new.key)) == (False, True)


def test_a_successor_may_do_what_its_predecessor_could(ring: Ring) -> None:
    _, record = ring.made(rate_per_minute=9, daily_dollars=Decimal(5), lives=30 * DAY)
    ring.clock.advance(20 * DAY.total_seconds())
    new = ring.ring.rotate(ring.owner, record.id, DAY).record
    same = ("name", "tenant", "scopes", "rate_per_minute", "daily_dollars")
    assert [getattr(new, field) for field in same] == [getattr(record, field) for field in same]
    assert new.expires_at == ring.clock.now() + 30 * DAY
    assert new.rotated_from == record.id
    old = ring.keys.stored[record.hash]
    assert (old.rotated_to, old.expires_at) == (new.id, ring.clock.now() + DAY)


def test_a_line_of_keys_is_counted_as_one(ring: Ring) -> None:
    _, first = ring.made(rate_per_minute=9, daily_dollars=Decimal(5))
    second = ring.ring.rotate(ring.owner, first.id, DAY).record
    third = ring.ring.rotate(ring.owner, second.id, DAY).record
    assert {key.counter for key in (first, second, third)} == {first.id}
    assert ring.made()[1].counter != first.id


def test_a_grace_makes_no_key_live_longer_than_it_would(ring: Ring) -> None:
    _, record = ring.made(lives=timedelta(hours=1))
    ring.ring.rotate(ring.owner, record.id, DAY)
    assert ring.keys.stored[record.hash].expires_at == record.expires_at


def test_a_key_has_one_successor(ring: Ring) -> None:
    _, record = ring.made()
    new = ring.ring.rotate(ring.owner, record.id, DAY).record
    with pytest.raises(KeyEnded, match=new.id):
        ring.ring.rotate(ring.owner, record.id, DAY)
    assert len(ring.keys.stored) == 4


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_key_that_has_ended_is_not_rotated(ring: Ring, how: str) -> None:
    _, record = ring.made(lives=DAY)
    if how == "revoked":
        ring.ring.revoke(ring.owner, record.id)
    else:
        ring.clock.advance(DAY.total_seconds())
    with pytest.raises(KeyEnded):
        ring.ring.rotate(ring.owner, record.id, DAY)


def test_of_two_rotations_at_once_one_makes_the_successor(ring: Ring) -> None:
    _, record = ring.made()
    ring.keys.before_save = lambda: ring.ring.rotate(ring.owner, record.id, DAY)
    with pytest.raises(KeyEnded):
        ring.ring.rotate(ring.owner, record.id, DAY)
    assert len(ring.keys.stored) == 4


def test_a_key_that_is_rotated_while_it_is_revoked_is_revoked(ring: Ring) -> None:
    key, record = ring.made()
    ring.keys.before_save = lambda: ring.ring.rotate(ring.owner, record.id, DAY)
    assert ring.ring.revoke(ring.owner, record.id).rotated_to is not None
    assert not ring.opens(key)
