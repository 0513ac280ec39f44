"""API keys: shown once, stored as a hash, remembered for a minute."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.fakes import FakeClock, InMemoryKeyStore

from stillmotion.ports import ApiKey
from stillmotion.services.keys import Authenticator, Unauthenticated, key_hash, mint


class CountingKeyStore(InMemoryKeyStore):
    reads = 0

    def find(self, key_hash: str) -> ApiKey | None:
        self.reads += 1
        return super().find(key_hash)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_only_the_hash_of_a_key_is_stored(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    assert stored.hash == key_hash(key)
    assert key not in repr(stored)
    assert key.startswith(stored.prefix)


def test_a_good_key_tells_its_tenant(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    assert Authenticator(InMemoryKeyStore(stored), clock)(key).tenant == "acme"


@pytest.mark.parametrize("key", [None, "", "sm_unknown", "Bearer", "sm_" + "x" * 500])
def test_no_good_key_is_refused(clock: FakeClock, key: str | None) -> None:
    with pytest.raises(Unauthenticated):
        Authenticator(InMemoryKeyStore(), clock)(key)


@pytest.mark.parametrize("change", [{"revoked": True}, {"expires_at": FakeClock().now()}])
def test_a_revoked_or_expired_key_is_refused(clock: FakeClock, change: dict[str, object]) -> None:
    key, stored = mint("acme", clock.now())
    with pytest.raises(Unauthenticated):
        Authenticator(InMemoryKeyStore(replace(stored, **change)), clock)(key)


def test_a_malformed_key_costs_no_read(clock: FakeClock) -> None:
    keys = CountingKeyStore()
    with pytest.raises(Unauthenticated):
        Authenticator(keys, clock)("not ours")
    assert keys.reads == 0


def test_a_good_key_is_remembered_and_its_revocation_noticed_within_a_minute(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    keys = CountingKeyStore(stored)
    authenticate = Authenticator(keys, clock)
    authenticate(key)
    authenticate(key)
    assert keys.reads == 1
    keys.put(replace(stored, revoked=True))
    clock.advance(timedelta(seconds=61).total_seconds())
    with pytest.raises(Unauthenticated):
        authenticate(key)


def test_a_remembered_key_still_expires(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    authenticate = Authenticator(
        InMemoryKeyStore(replace(stored, expires_at=clock.now() + timedelta(seconds=30))), clock
    )
    authenticate(key)
    clock.advance(30)
    with pytest.raises(Unauthenticated):
        authenticate(key)
