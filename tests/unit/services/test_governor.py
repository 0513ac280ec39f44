"""The governor lets a vendor have as much as its account allows: by turn, and without asking all the time."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan
from tests.world import World

from stillmotion.domain.breaker import Breaker
from stillmotion.domain.governing import GovernorState
from stillmotion.domain.job.attempts import attempt_begun
from stillmotion.domain.job.lifecycle import lined_up, moved, started
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.request import Priority, Request, VendorName
from stillmotion.ports import Conflict, StoreError
from stillmotion.services.dispatch.governor import Admitted, Ending, Governor, GovernorSettings, InLine, Later

HERE, ELSEWHERE = VendorName.WAVESPEED, VendorName.APIFRAME


@pytest.fixture
def world() -> World:
    """Two at once at WaveSpeed, and no limit in a minute."""
    return World(limits=GovernorSettings(wavespeed_concurrency=2, wavespeed_per_minute=0, apiframe_concurrency=0))


def limited(world: World, **limits: int) -> None:
    world.limits = replace(world.limits, **limits)


def arrive(world: World, name: str, priority: Priority = "normal", line: VendorName | None = HERE) -> Job:
    world.clock.advance(0.001)
    now = world.clock.now()
    empty = Job(id=name, tenant="t", status=Status.WAITING, created_at=now, updated_at=now)
    return world.jobs.create(started(empty, Request(prompt="x", priority=priority), "16:9", now, line))


def begin(world: World, job: Job) -> Job:
    """What Dispatch writes when it has been admitted."""
    now = world.clock.now()
    return world.jobs.save(
        attempt_begun(job, now, vendor=HERE, quote=Decimal(0), path="/", body="{}", idempotency_key=job.id)
    )


def start(world: World, name: str) -> Job:
    job = arrive(world, name)
    assert world.governor.admit(job, HERE) == Admitted()
    return begin(world, job)


def park(world: World, name: str) -> None:
    world.workflow.parked.add(f"token of {name}")
    assert world.parking.park(name, f"token of {name}", world.parking.nudges(name))


def holders(world: World) -> list[str]:
    return sorted(world.governor.leases(HERE))


# --- slots and the line


def test_as_many_as_the_account_allows_are_admitted(world: World) -> None:
    answers = [world.governor.admit(arrive(world, name), HERE) for name in "abc"]
    assert answers == [Admitted(), Admitted(), InLine()]


def test_a_job_that_finds_no_slot_costs_one_read(world: World) -> None:
    start(world, "a")
    start(world, "b")
    job = arrive(world, "c")
    reads, writes = world.governor_store.reads, world.governor_store.writes
    world.jobs.faults = FaultPlan()
    assert world.governor.admit(job, HERE) == InLine()
    assert (world.governor_store.reads - reads, world.governor_store.writes - writes) == (1, 0)
    assert world.jobs.faults.calls == []


def test_a_slot_that_is_given_back_goes_to_the_first_in_line_who_is_woken(world: World) -> None:
    start(world, "a")
    start(world, "b")
    for name in "cd":
        assert world.governor.admit(arrive(world, name), HERE) == InLine()
        park(world, name)
    world.governor.release(HERE, "a", Ending.GOOD)
    assert holders(world) == ["b", "c"]
    assert world.workflow.woken == ["token of c"]
    assert world.governor.admit(world.jobs.get("c") or start(world, "x"), HERE) == Admitted()


def test_the_first_in_line_goes_first_whoever_asks(world: World) -> None:
    first, second, third = (arrive(world, name) for name in "abc")
    assert world.governor.admit(third, HERE) == InLine()
    assert holders(world) == ["a", "b"]
    assert world.governor.admit(second, HERE) == Admitted()
    assert world.governor.admit(first, HERE) == Admitted()


def test_a_job_of_high_priority_goes_before_older_ones(world: World) -> None:
    limited(world, wavespeed_concurrency=1)
    start(world, "a")
    for name, priority in (("low", "low"), ("normal", "normal"), ("high", "high")):
        arrive(world, name, priority)  # type: ignore[arg-type]
    order = []
    for holder in ("a", "high", "normal"):
        world.governor.release(HERE, holder, Ending.GOOD)
        (next_one,) = holders(world)
        begin(world, world.jobs.get(next_one) or start(world, "x"))
        order.append(next_one)
    assert order == ["high", "normal", "low"]


def test_a_job_that_the_index_does_not_show_yet_is_in_line_when_it_asks(world: World) -> None:
    job = arrive(world, "a", line=None)
    assert world.governor.admit(job, HERE) == Admitted()


def test_a_slot_granted_before_the_job_parks_keeps_it_from_sleeping(world: World) -> None:
    start(world, "a")
    start(world, "b")
    seen = world.parking.nudges("c")
    assert world.governor.admit(arrive(world, "c"), HERE) == InLine()
    world.governor.release(HERE, "a", Ending.GOOD)
    assert not world.parking.park("c", "token", seen)
    assert world.governor.admit(world.jobs.get("c") or start(world, "x"), HERE) == Admitted()


@pytest.mark.parametrize("change", ["cancelled", "to be cancelled", "elsewhere", "begun"])
def test_no_slot_is_granted_to_who_left_the_line(world: World, change: str) -> None:
    start(world, "a")
    start(world, "b")
    gone = arrive(world, "c")
    arrive(world, "d")
    shown = list(world.jobs.in_line(HERE))
    now = world.clock.now()
    changed = {
        "cancelled": moved(gone, Status.CANCELLED, now),
        "to be cancelled": replace(gone, cancel_requested_at=now),
        "elsewhere": lined_up(gone, ELSEWHERE, now),
        "begun": attempt_begun(gone, now, vendor=HERE, quote=Decimal(0), path="", body="", idempotency_key="k"),
    }
    world.jobs.save(changed[change])
    world.jobs.in_line = lambda vendor: iter(shown)  # type: ignore[method-assign]  # noqa: ARG005
    world.governor.release(HERE, "a", Ending.GOOD)
    assert holders(world) == ["b", "d"]


def test_who_leaves_the_line_while_a_slot_is_granted_to_it_does_not_keep_it(world: World) -> None:
    start(world, "a")
    start(world, "b")
    gone = arrive(world, "c")
    arrive(world, "d")

    def leave(_state: GovernorState) -> None:
        world.governor_store.before_write = None
        world.jobs.save(lined_up(gone, ELSEWHERE, world.clock.now()))
        world.governor.release(HERE, "c", Ending.NEUTRAL)

    world.governor_store.before_write = leave
    world.governor.release(HERE, "a", Ending.GOOD)
    assert holders(world) == ["b", "d"]


def test_a_long_head_of_jobs_that_left_the_line_does_not_keep_the_caller_out(world: World) -> None:
    for number in range(40):
        job = arrive(world, f"gone-{number}")
        shown = list(world.jobs.in_line(HERE))
    for job in shown:
        world.jobs.save(moved(job, Status.CANCELLED, world.clock.now()))
    world.jobs.in_line = lambda vendor: iter(shown)  # type: ignore[method-assign]  # noqa: ARG005
    assert world.governor.admit(arrive(world, "a"), HERE) == Admitted()


def test_a_slot_that_could_not_be_used_goes_to_the_next_and_not_to_its_job_again(world: World) -> None:
    limited(world, wavespeed_concurrency=1)
    job = arrive(world, "a")
    world.governor.admit(job, HERE)
    world.governor.release(HERE, "a", Ending.UNSENT)
    assert holders(world) == []
    arrive(world, "b")
    world.governor.admit(job, HERE)
    world.governor.release(HERE, "a", Ending.UNSENT)
    assert holders(world) == ["b"]


def test_a_slot_that_is_given_back_twice_is_given_back_once(world: World) -> None:
    start(world, "a")
    start(world, "b")
    for name in "cd":
        arrive(world, name)
    world.governor.release(HERE, "a", Ending.GOOD)
    writes = world.governor_store.writes
    world.governor.release(HERE, "a", Ending.GOOD)
    assert (holders(world), world.governor_store.writes) == (["b", "c"], writes)


def test_the_line_is_looked_at_once_more_when_it_looked_empty(world: World) -> None:
    slept: list[float] = []
    start(world, "a")
    start(world, "b")
    late = arrive(world, "c", line=None)
    assert world.governor.admit(late, HERE) == InLine()

    def index_catches_up(seconds: float) -> None:
        slept.append(seconds)
        world.jobs.save(replace(late, line=HERE))

    governor = governor_that_sleeps(world, index_catches_up)
    governor.release(HERE, "a", Ending.GOOD)
    assert holders(world) == ["b", "c"]
    assert len(slept) == 1


def test_where_slots_were_free_nobody_can_have_been_turned_away(world: World) -> None:
    slept: list[float] = []
    start(world, "a")
    governor_that_sleeps(world, slept.append).release(HERE, "a", Ending.GOOD)
    assert slept == []


def test_a_lease_ends_by_itself(world: World) -> None:
    limited(world, lease_seconds=7200)
    start(world, "a")
    start(world, "b")
    job = arrive(world, "c")
    world.clock.advance(7199)
    assert world.governor.admit(job, HERE) == InLine()
    world.clock.advance(1)
    assert world.governor.admit(job, HERE) == Admitted()


def test_a_start_renews_the_lease(world: World) -> None:
    limited(world, lease_seconds=7200)
    arrive(world, "a")
    job = arrive(world, "b")
    world.governor.admit(job, HERE)
    world.clock.advance(7000)
    world.governor.admit(job, HERE)
    world.clock.advance(7000)
    assert holders(world) == ["b"]


def test_of_two_who_ask_at_once_for_the_last_slot_one_has_it(world: World) -> None:
    start(world, "a")
    first, second = arrive(world, "b"), arrive(world, "c")
    answers = []

    def another(_state: GovernorState) -> None:
        world.governor_store.before_write = None
        answers.append(world.governor.admit(first, HERE))

    world.governor_store.before_write = another
    answers.append(world.governor.admit(second, HERE))
    assert answers == [Admitted(), InLine()]
    assert holders(world) == ["a", "b"]


def test_a_state_that_others_write_all_the_time_is_a_conflict(world: World) -> None:
    slept: list[float] = []

    def another(_state: GovernorState) -> None:
        store.before_write = None
        state = store.state(HERE)
        store.write(HERE, replace(state, halvings=state.halvings + 1))
        store.before_write = another

    store = world.governor_store
    store.before_write = another
    with pytest.raises(Conflict):
        governor_that_sleeps(world, slept.append).admit(arrive(world, "a"), HERE)
    assert 5 < len(slept) < 20
    assert sum(slept) < 5


def test_a_slot_is_its_jobs_although_it_could_not_be_told(world: World) -> None:
    start(world, "a")
    start(world, "b")
    arrive(world, "c")

    def broken(job_id: str, now: object) -> str | None:
        raise StoreError(f"the table is away: {job_id}, {now}")

    world.parking.nudge = broken  # type: ignore[method-assign]
    world.governor.release(HERE, "a", Ending.GOOD)
    assert holders(world) == ["b", "c"]


# --- without limits


def test_without_limits_a_job_costs_one_read_and_no_write(world: World) -> None:
    job = arrive(world, "a", line=ELSEWHERE)
    for _ in range(100):
        assert world.governor.admit(job, ELSEWHERE) == Admitted()
    assert (world.governor_store.reads, world.governor_store.writes) == (100, 0)


def test_without_a_limit_at_once_the_limit_in_a_minute_holds(world: World) -> None:
    limited(world, wavespeed_concurrency=0, wavespeed_per_minute=2)
    answers = [world.governor.admit(arrive(world, name), HERE) for name in "abc"]
    assert answers[:2] == [Admitted(), Admitted()]
    assert answers[2] == Later(64)
    assert holders(world) == []


# --- the limit in a minute


def test_starts_over_the_limit_are_planned_one_behind_the_other(world: World) -> None:
    limited(world, wavespeed_concurrency=9, wavespeed_per_minute=1)
    jobs = [arrive(world, name) for name in "abc"]
    assert [world.governor.admit(job, HERE) for job in jobs] == [Admitted(), Later(64), Later(128)]
    world.clock.advance(64)
    assert world.governor.admit(jobs[2], HERE) == Later(64)
    assert world.governor.admit(jobs[1], HERE) == Admitted()


def test_a_job_that_was_admitted_and_began_nothing_is_not_counted_twice(world: World) -> None:
    limited(world, wavespeed_per_minute=1)
    job = arrive(world, "a")
    assert world.governor.admit(job, HERE) == Admitted()
    world.clock.advance(5)
    assert world.governor.admit(job, HERE) == Admitted()
    assert len(world.governor_store.state(HERE).starts) == 1


def test_a_second_attempt_is_a_second_start(world: World) -> None:
    limited(world, wavespeed_per_minute=1)
    job = start(world, "a")
    assert world.governor.admit(job, HERE) == Later(64)


def test_what_was_never_sent_gives_its_start_back(world: World) -> None:
    limited(world, wavespeed_per_minute=1)
    job = arrive(world, "a")
    world.governor.admit(job, HERE)
    world.jobs.save(replace(job, line=None))
    world.governor.release(HERE, "a", Ending.UNSENT)
    assert world.governor.admit(arrive(world, "b"), HERE) == Admitted()


def test_what_was_refused_counts_in_its_minute(world: World) -> None:
    limited(world, wavespeed_per_minute=1)
    start(world, "a")
    world.governor.release(HERE, "a", Ending.NEUTRAL)
    assert world.governor.admit(arrive(world, "b"), HERE) == Later(64)


# --- 429


def test_a_vendor_that_throttles_is_left_alone_for_as_long_as_it_says(world: World) -> None:
    job = start(world, "a")
    world.governor.throttled(HERE, "a", 33)
    assert holders(world) == ["a"]
    assert world.governor.admit(job, HERE) == Later(33)
    world.clock.advance(33)
    assert world.governor.admit(job, HERE) == Admitted()


def test_a_vendor_that_does_not_say_how_long_is_left_alone_longer_each_time(world: World) -> None:
    job = start(world, "a")
    pauses = []
    for _ in range(6):
        world.governor.throttled(HERE, "a", None)
        pause = world.governor.admit(job, HERE)
        assert isinstance(pause, Later)
        pauses.append(pause.wait_seconds)
        world.clock.advance(pause.wait_seconds)
    assert pauses == [20, 40, 80, 160, 300, 300]


def test_after_a_429_a_vendor_is_asked_for_half_as_much_for_a_while(world: World) -> None:
    limited(world, wavespeed_concurrency=4, lowered_seconds=180)
    start(world, "a")
    world.governor.throttled(HERE, "a", 1)
    world.governor.throttled(HERE, "a", 1)
    world.clock.advance(1)
    answers = [world.governor.admit(arrive(world, name), HERE) for name in "bcd"]
    assert answers == [Admitted(), InLine(), InLine()]
    world.clock.advance(180)
    world.governor.release(HERE, "a", Ending.GOOD)
    assert holders(world) == ["b", "c", "d"]


def test_after_a_429_half_as_many_start_in_a_minute(world: World) -> None:
    limited(world, wavespeed_concurrency=9, wavespeed_per_minute=4)
    start(world, "a")
    world.governor.throttled(HERE, "a", 1)
    world.clock.advance(1)
    answers = [world.governor.admit(arrive(world, name), HERE) for name in "bc"]
    assert answers == [Admitted(), Later(63)]


def test_at_least_one_is_always_asked_for(world: World) -> None:
    job = start(world, "a")
    for _ in range(5):
        world.governor.throttled(HERE, "a", 1)
        world.clock.advance(1)
    world.governor.release(HERE, "a", Ending.NEUTRAL)
    assert world.governor.admit(arrive(world, "b"), HERE) == Admitted()
    assert job.id not in holders(world)


# --- the breaker


def fail(world: World, count: int) -> None:
    for number in range(count):
        start(world, f"bad-{number}-{world.clock.now():%H%M%S}")
        world.governor.release(HERE, world.jobs.all()[-1].id, Ending.BAD)


def test_a_vendor_that_keeps_failing_is_rested_for_everyone(world: World) -> None:
    fail(world, 5)
    assert world.governor.is_resting(HERE)
    assert not world.governor.is_resting(ELSEWHERE)
    assert world.governor.admit(arrive(world, "a"), HERE) == Later(60)


def test_while_a_vendor_rests_one_job_waits_for_its_end_and_the_others_sleep(world: World) -> None:
    fail(world, 5)
    assert isinstance(world.governor.admit(arrive(world, "a"), HERE), Later)
    assert world.governor.admit(arrive(world, "b"), HERE) == InLine()
    assert holders(world) == ["a"]


def test_after_the_rest_one_job_alone_is_tried_and_when_it_succeeds_the_line_goes_on(world: World) -> None:
    fail(world, 5)
    probe, other = arrive(world, "a"), arrive(world, "b")
    world.governor.admit(probe, HERE)
    world.clock.advance(60)
    assert world.governor.admit(probe, HERE) == Admitted()
    begin(world, probe)
    assert world.governor.is_resting(HERE)
    assert world.governor.admit(other, HERE) == Later(15)
    world.governor.release(HERE, "a", Ending.GOOD)
    assert not world.governor.is_resting(HERE)
    assert world.governor.admit(other, HERE) == Admitted()


def test_a_probe_that_fails_makes_the_vendor_rest_for_longer(world: World) -> None:
    fail(world, 5)
    probe = arrive(world, "a")
    world.clock.advance(60)
    world.governor.admit(probe, HERE)
    begin(world, probe)
    world.governor.release(HERE, "a", Ending.BAD)
    assert world.governor.admit(arrive(world, "b"), HERE) == Later(120)


def test_an_attempt_without_an_answer_counts_and_keeps_its_slot(world: World) -> None:
    limited(world, breaker_failures=2)
    start(world, "a")
    start(world, "b")
    world.governor.failing(HERE, "a")
    assert not world.governor.is_resting(HERE)
    world.governor.failing(HERE, "b")
    assert world.governor.is_resting(HERE)
    assert holders(world) == ["a", "b"]


def test_a_bad_ending_that_is_told_twice_counts_once(world: World) -> None:
    limited(world, breaker_failures=2)
    start(world, "a")
    world.governor.release(HERE, "a", Ending.BAD)
    world.governor.release(HERE, "a", Ending.BAD)
    assert not world.governor.is_resting(HERE)


def test_without_slots_too_a_failing_vendor_is_rested(world: World) -> None:
    for name in "abcde":
        job = arrive(world, name, line=ELSEWHERE)
        assert world.governor.admit(job, ELSEWHERE) == Admitted()
        world.governor.release(ELSEWHERE, name, Ending.BAD)
    assert world.governor.admit(arrive(world, "f", line=ELSEWHERE), ELSEWHERE) == Later(60)
    world.clock.advance(60)
    assert world.governor.admit(arrive(world, "g", line=ELSEWHERE), ELSEWHERE) == Admitted()
    assert world.governor.admit(arrive(world, "h", line=ELSEWHERE), ELSEWHERE) == Later(15)
    world.governor.release(ELSEWHERE, "g", Ending.GOOD)
    assert world.governor_store.state(ELSEWHERE).breaker == Breaker()


# --- death at any line


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 8))
def test_whoever_dies_while_giving_a_slot_back_may_do_it_again(world: World, dies_at: int, after: bool) -> None:  # noqa: FBT001 - drawn
    start(world, "a")
    start(world, "b")
    arrive(world, "c")
    park(world, "c")
    plan = FaultPlan(dies_at, after)
    for port in (world.jobs, world.parking, world.workflow, world.governor_store):
        port.faults = plan
    try:
        world.governor.release(HERE, "a", Ending.GOOD)
    except Died:
        world.governor.release(HERE, "a", Ending.GOOD)
    assert len(plan.calls) >= dies_at
    assert holders(world) == ["b", "c"]


def governor_that_sleeps(world: World, sleep: object) -> Governor:
    return Governor(
        store=world.governor_store,
        jobs=world.jobs,
        parking=world.parking,
        wake=world.workflow.wake,
        clock=world.clock,
        settings=world.limits,
        sleep=sleep,  # type: ignore[arg-type]
        draw=lambda: 1.0,
    )
