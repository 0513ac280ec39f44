"""API keys: shown once, stored as a hash, remembered for a minute, and refused without a word why."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes import FakeClock, InMemoryKeyStore, InMemoryRateStore, ScriptedPictures
from tests.stills import image
from tests.world import BUCKET, PRICES, World

from stillmotion.domain.access import Scope, is_tenant, permits
from stillmotion.domain.job.records import Job
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import Request
from stillmotion.domain.routing import routes
from stillmotion.edge.request import parse_request
from stillmotion.ports import StoreError
from stillmotion.ports.keys import AllowanceSpent
from stillmotion.services.intake.api_orders import ApiOrder
from stillmotion.services.keys.authentication import MAX_CACHED, Authenticator, Unauthenticated
from stillmotion.services.keys.limits import RateLimit, TooManyRequests
from stillmotion.services.keys.minting import key_hash, mint

UNUSED = "sm_" + "x" * 43


class BrokenKeyStore(InMemoryKeyStore):
    """A table that cannot be read."""

    def find(self, key_hash: str) -> ApiKey | None:
        raise StoreError(f"no answer about {key_hash}")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world() -> World:
    return World()


def test_only_the_hash_of_a_key_is_stored(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    assert stored.hash == key_hash(key)
    assert key not in repr(stored)
    assert key.startswith(stored.prefix)
    assert stored.hash.startswith(stored.id)


def test_a_good_key_tells_its_tenant(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    assert Authenticator(InMemoryKeyStore(stored), clock)(key).tenant == "acme"


def test_a_record_that_knows_no_scopes_may_do_everything(clock: FakeClock) -> None:
    record = ApiKey(hash="ab12", prefix="sm_ab", tenant="acme", created_at=clock.now())
    assert all(permits(record.scopes, scope) for scope in Scope)


@pytest.mark.parametrize(
    ("held", "allowed"),
    [("read", {"read"}), ("write", {"write"}), ("admin", {"read", "write", "admin"})],
)
def test_admin_alone_includes_the_other_scopes(held: str, allowed: set[str]) -> None:
    assert {scope for scope in Scope if permits((Scope(held),), scope)} == allowed


@pytest.mark.parametrize("name", ["", "Acme", "-acme", "a/b", "#keys", "a" * 64, "é", "a\n"])
def test_a_tenant_is_named_as_a_part_of_an_object_key_may_be(name: str) -> None:
    assert not is_tenant(name)


@pytest.mark.parametrize("key", [None, "", "sm_unknown", "Bearer", "sm_" + "x" * 500, "sm_" + "é" * 43, UNUSED + "\n"])
def test_a_malformed_key_is_refused_and_costs_no_read(clock: FakeClock, key: str | None) -> None:
    keys = InMemoryKeyStore()
    with pytest.raises(Unauthenticated):
        Authenticator(keys, clock)(key)
    assert keys.reads == 0


def test_a_key_made_by_hand_is_well_formed(clock: FakeClock) -> None:
    key = "sm_" + "0123456789abcdef" * 4
    record = ApiKey(hash=key_hash(key), prefix=key[:8], tenant="acme", created_at=clock.now())
    assert Authenticator(InMemoryKeyStore(record), clock)(key) == record


def test_an_unused_key_costs_one_read_a_minute(clock: FakeClock) -> None:
    keys = InMemoryKeyStore()
    authenticate = Authenticator(keys, clock)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            authenticate(UNUSED)
    assert keys.reads == 1
    clock.advance(61)
    with pytest.raises(Unauthenticated):
        authenticate(UNUSED)
    assert keys.reads == 2


@pytest.mark.parametrize("change", [{"revoked": True}, {"expires_at": FakeClock().now()}])
def test_a_revoked_or_expired_key_is_refused_and_costs_one_read(clock: FakeClock, change: dict[str, object]) -> None:
    key, stored = mint("acme", clock.now())
    keys = InMemoryKeyStore(replace(stored, **change))
    authenticate = Authenticator(keys, clock)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            authenticate(key)
    assert keys.reads == 1


def test_a_flood_of_guesses_is_forgotten_and_pushes_no_good_key_out(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    keys = InMemoryKeyStore(stored)
    authenticate = Authenticator(keys, clock)
    authenticate(key)
    for number in range(MAX_CACHED + 10):
        with pytest.raises(Unauthenticated):
            authenticate(f"{UNUSED}{number}")
    reads = keys.reads
    authenticate(key)
    assert keys.reads == reads
    assert len(authenticate._unknown._values) == MAX_CACHED


def test_a_good_key_is_remembered_and_its_revocation_noticed_within_a_minute(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    keys = InMemoryKeyStore(stored)
    authenticate = Authenticator(keys, clock)
    authenticate(key)
    authenticate(key)
    assert keys.reads == 1
    keys.put(replace(stored, revoked=True))
    clock.advance(61)
    with pytest.raises(Unauthenticated):
        authenticate(key)


def test_a_remembered_key_still_expires(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    ends = clock.now() + timedelta(seconds=30)
    authenticate = Authenticator(InMemoryKeyStore(replace(stored, expires_at=ends)), clock)
    authenticate(key)
    clock.advance(30)
    with pytest.raises(Unauthenticated):
        authenticate(key)


def test_nobody_is_let_in_when_the_table_cannot_be_read(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    keys = InMemoryKeyStore(stored)
    authenticate = Authenticator(keys, clock)
    authenticate(key)
    clock.advance(61)
    authenticate._keys = BrokenKeyStore()
    with pytest.raises(StoreError):
        authenticate(key)


def test_a_clock_that_went_back_makes_no_key_good_for_longer(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    keys = InMemoryKeyStore(stored)
    authenticate = Authenticator(keys, clock)
    authenticate(key)
    clock.advance(-3600)
    authenticate(key)
    assert keys.reads == 2


# --- rates ---


def test_a_key_may_call_as_often_as_its_rate_says_in_a_minute(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now(), rate_per_minute=2)
    clock.advance(45)
    authenticate = Authenticator(InMemoryKeyStore(stored), clock, RateLimit(InMemoryRateStore()))
    authenticate(key)
    authenticate(key)
    with pytest.raises(TooManyRequests) as refused:
        authenticate(key)
    assert refused.value.retry_after == 15
    clock.advance(15)
    authenticate(key)


def test_two_functions_count_together(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now(), rate_per_minute=1)
    keys, rates = InMemoryKeyStore(stored), InMemoryRateStore()
    Authenticator(keys, clock, RateLimit(rates))(key)
    with pytest.raises(TooManyRequests):
        Authenticator(keys, clock, RateLimit(rates))(key)


def test_a_key_and_its_successor_share_their_rate(clock: FakeClock) -> None:
    old, stored = mint("acme", clock.now(), rate_per_minute=1)
    new, successor = mint("acme", clock.now(), rate_per_minute=1, counted_as=stored.counter)
    keys, rates = InMemoryKeyStore(stored, successor), InMemoryRateStore()
    Authenticator(keys, clock, RateLimit(rates))(old)
    for limit in (RateLimit(rates), RateLimit(rates)):
        with pytest.raises(TooManyRequests):
            Authenticator(keys, clock, limit)(new)


def test_a_full_minute_is_remembered_and_costs_no_more_writes(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now(), rate_per_minute=1)
    rates = InMemoryRateStore()
    authenticate = Authenticator(InMemoryKeyStore(stored), clock, RateLimit(rates))
    authenticate(key)
    for _ in range(5):
        with pytest.raises(TooManyRequests):
            authenticate(key)
    assert rates.writes == 2


def test_a_key_without_a_rate_is_not_counted(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now())
    rates = InMemoryRateStore()
    Authenticator(InMemoryKeyStore(stored), clock, RateLimit(rates))(key)
    assert rates.writes == 0


def test_a_bad_key_is_not_counted(clock: FakeClock) -> None:
    key, stored = mint("acme", clock.now(), rate_per_minute=1, revoked=True)
    rates = InMemoryRateStore()
    with pytest.raises(Unauthenticated):
        Authenticator(InMemoryKeyStore(stored), clock, RateLimit(rates))(key)
    assert rates.writes == 0


# --- allowances ---


PICTURE = "https://images.example/lake.jpg"
WANTED = parse_request({"prompt": "a lake"})
(QUOTE,) = (route.quote for route in routes(WANTED, PRICES))


def capped(world: World, videos: str | None, wanted: Request = WANTED) -> ApiKey:
    """A key that may order so many videos a day."""
    quote = max(route.quote for route in routes(wanted, PRICES))
    cap = None if videos is None else Decimal(videos) * quote
    return mint("default", world.clock.now(), daily_dollars=cap)[1]


def order(world: World, key: ApiKey, *, wanted: Request = WANTED, **marks: Any) -> Job:
    return world.submit_call(ApiOrder(tenant="default", request=wanted, arrived_at=world.clock.now(), key=key, **marks))


def test_a_key_orders_within_its_allowance_of_the_day(world: World) -> None:
    key = capped(world, "2.5")
    order(world, key)
    order(world, key)
    with pytest.raises(AllowanceSpent):
        order(world, key)
    assert len(world.jobs.all()) == 2
    world.clock.advance(86_400)
    order(world, key)


def test_an_order_that_is_dearer_than_the_whole_allowance_is_refused_at_once(world: World) -> None:
    with pytest.raises(AllowanceSpent):
        order(world, capped(world, "0.9"))
    assert world.jobs.ordered == {}


def test_a_key_without_an_allowance_takes_from_none(world: World) -> None:
    order(world, capped(world, None))
    assert world.jobs.ordered == {}


def test_each_key_has_its_own_allowance(world: World) -> None:
    one, other = capped(world, "1"), capped(world, "1")
    order(world, one)
    order(world, other)
    assert len(world.jobs.all()) == 2


def test_a_key_and_its_successor_share_their_allowance(world: World) -> None:
    old = capped(world, "1")
    order(world, old)
    with pytest.raises(AllowanceSpent):
        order(world, replace(capped(world, "1"), counted_as=old.counter))
    assert len(world.jobs.all()) == 1


def test_a_repeated_order_takes_nothing_more(world: World) -> None:
    key = capped(world, "1")
    first = order(world, key, idempotency_key="k")
    assert order(world, key, idempotency_key="k").id == first.id
    assert sum(world.jobs.ordered.values()) == QUOTE


@pytest.mark.parametrize("wanted", [WANTED, parse_request({"prompt": "a lake", "image": PICTURE})])
@pytest.mark.parametrize(("marks", "look"), [({"idempotency_key": "k"}, "get"), ({"retry_count": 1}, "pointer")])
def test_an_order_that_meets_itself_is_its_job_though_that_spent_the_allowance(
    wanted: Request, marks: dict[str, Any], look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(pictures=ScriptedPictures({PICTURE: image()}))
    key = capped(world, "1", wanted)
    first = order(world, key, wanted=wanted, **marks)
    monkeypatch.setattr(world.jobs, look, blind_at_first(getattr(world.jobs, look)))

    assert order(world, key, wanted=wanted, **marks).id == first.id

    assert len(world.jobs.all()) == 1
    assert sum(world.jobs.ordered.values()) == key.daily_dollars


def test_a_key_that_has_spent_its_day_has_no_picture_fetched_or_stored() -> None:
    world = World(pictures=ScriptedPictures({PICTURE: image()}))
    wanted = parse_request({"prompt": "a lake", "image": PICTURE})
    key = capped(world, "1", wanted)
    order(world, key, wanted=wanted)
    fetched, stored = len(world.pictures.asked), world.objects.all_keys(BUCKET)

    for address in (PICTURE, f"data:image/png;base64,{b64encode(image('PNG')).decode()}"):
        with pytest.raises(AllowanceSpent):
            order(world, key, wanted=replace(wanted, image=address))

    assert (len(world.pictures.asked), world.objects.all_keys(BUCKET)) == (fetched, stored)


def blind_at_first(look: Callable[[str], Any]) -> Callable[[str], Any]:
    """A look that came too early to see anything; those that follow see."""
    looks: list[str] = []

    def looked(name: str) -> Any:
        looks.append(name)
        return look(name) if len(looks) > 1 else None

    return looked
