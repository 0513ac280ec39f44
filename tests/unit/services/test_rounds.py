"""The governor's round mends what was left undone: nobody is forgotten, and no slot is lost."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.world import QUIET_SECONDS, World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.governing import GovernorState
from stillmotion.domain.job.attempts import attempt_begun, attempt_ended
from stillmotion.domain.job.lifecycle import moved, started, waiting
from stillmotion.domain.job.records import Job, Outcome, Reason, Status
from stillmotion.domain.request import Request, VendorName
from stillmotion.ports import StoreError
from stillmotion.services.dispatch.governor import Admitted, Ending, GovernorSettings, InLine
from stillmotion.services.tracking.rounds import Rounded, Rounds
from stillmotion.services.tracking.sweep import Sweep, SweepFailed, SweepSettings

HERE = VendorName.WAVESPEED


@pytest.fixture
def world() -> World:
    return World(limits=GovernorSettings(wavespeed_concurrency=1, wavespeed_per_minute=0))


def rounds(world: World) -> Rounds:
    return Rounds(governor=world.governor, jobs=world.jobs, workflow=world.workflow, clock=world.clock)


def arrive(world: World, name: str) -> Job:
    world.clock.advance(0.001)
    now = world.clock.now()
    empty = Job(id=name, tenant="t", status=Status.WAITING, created_at=now, updated_at=now)
    job = world.jobs.create(started(empty, Request(prompt="x"), "16:9", now, HERE))
    world.workflow.start(job)
    return job


def begin(world: World, name: str) -> Job:
    job = arrive(world, name)
    assert world.governor.admit(job, HERE) == Admitted()
    return world.jobs.save(
        attempt_begun(job, world.clock.now(), vendor=HERE, quote=Decimal(0), path="/", body="{}", idempotency_key=name)
    )


def sleep_in_line(world: World, name: str) -> Job:
    job = arrive(world, name)
    assert world.governor.admit(job, HERE) == InLine()
    assert world.parking.park(name, f"token of {name}", world.parking.nudges(name))
    world.workflow.parked.add(f"token of {name}")
    return world.jobs.save(waiting(job, Reason.SLOT, world.clock.now()))


def lose(world: World, job: Job) -> None:
    world.workflow.running.discard(job.execution_name)


def holders(world: World) -> list[str]:
    return sorted(world.governor.leases(HERE))


def test_a_round_with_nothing_to_mend_writes_nothing(world: World) -> None:
    begin(world, "a")
    sleep_in_line(world, "b")
    world.clock.advance(3600)
    writes = world.governor_store.writes
    assert rounds(world)() == Rounded()
    assert world.governor_store.writes == writes
    assert holders(world) == ["a"]


def test_a_slot_whose_job_has_ended_goes_to_the_next_in_line(world: World) -> None:
    job = begin(world, "a")
    sleep_in_line(world, "b")
    world.jobs.save(moved(job, Status.COMPLETED, world.clock.now()))
    world.clock.advance(60)
    assert rounds(world)() == Rounded(freed=1, granted=1)
    assert holders(world) == ["b"]
    assert world.workflow.woken == ["token of b"]


def test_a_slot_is_left_to_a_job_that_ended_a_moment_ago(world: World) -> None:
    job = begin(world, "a")
    world.jobs.save(moved(job, Status.COMPLETED, world.clock.now()))
    world.clock.advance(59)
    assert rounds(world)() == Rounded()


def test_a_slot_that_ended_by_itself_goes_to_the_line(world: World) -> None:
    begin(world, "a")
    sleep_in_line(world, "b")
    world.clock.advance(world.limits.lease_seconds)
    assert rounds(world)().granted == 1
    assert holders(world) == ["b"]


def test_a_job_that_slept_through_its_turn_is_told_again(world: World) -> None:
    begin(world, "a")
    sleep_in_line(world, "b")
    world.workflow.parked.clear()
    world.governor.release(HERE, "a", Ending.GOOD)
    world.workflow.parked.add("token of b")
    world.clock.advance(60)
    assert rounds(world)() == Rounded(told=1)
    assert world.workflow.parked == set()


def test_a_job_whose_turn_came_after_its_execution_died_is_started_anew(world: World) -> None:
    begin(world, "a")
    job = sleep_in_line(world, "b")
    lose(world, job)
    world.governor.release(HERE, "a", Ending.GOOD)
    world.clock.advance(60)
    assert rounds(world)() == Rounded(started=1)
    assert world.workflow.started[-1] == "b-2"
    again = world.jobs.get("b")
    assert again is not None
    assert (again.line, again.run) == (HERE, 2)
    assert world.governor.admit(again, HERE) == Admitted()


def test_a_throttled_job_whose_execution_died_is_started_anew(world: World) -> None:
    job = begin(world, "a")
    throttled = Failure(FailureKind.THROTTLED, "too many")
    job = world.jobs.save(attempt_ended(job, 1, Outcome.REFUSED, throttled, world.clock.now()))
    world.governor.throttled(HERE, "a", 5)
    lose(world, job)
    world.clock.advance(60)
    assert rounds(world)() == Rounded(started=1)


def test_an_attempt_without_an_answer_keeps_its_slot_and_is_left_to_the_sweeper(world: World) -> None:
    job = begin(world, "a")
    lose(world, job)
    world.clock.advance(60)
    assert rounds(world)() == Rounded()
    assert holders(world) == ["a"]


def test_a_slot_that_changed_while_it_was_looked_at_is_left(world: World) -> None:
    job = begin(world, "a")
    world.jobs.save(moved(job, Status.COMPLETED, world.clock.now()))
    world.clock.advance(60)

    def given_again(_state: GovernorState) -> None:
        store.before_write = None
        state = store.state(HERE)
        (lease,) = state.leases.values()
        store.write(HERE, replace(state, leases={"a": replace(lease, since=world.clock.now())}))

    store = world.governor_store
    store.before_write = given_again
    rounds(world)()
    assert holders(world) == ["a"]


def test_one_vendors_fault_does_not_keep_the_other_from_its_round(world: World) -> None:
    job = begin(world, "a")
    world.jobs.save(moved(job, Status.COMPLETED, world.clock.now()))
    world.clock.advance(60)
    read = world.governor_store.read

    def broken(vendor: VendorName) -> GovernorState:
        if vendor is VendorName.APIFRAME:
            raise StoreError("not now")
        return read(vendor)

    world.governor_store.read = broken  # type: ignore[method-assign]
    rounded = rounds(world)()
    assert rounded.freed == 1
    assert rounded.failures == ("the slots of apiframe: not now",)


def test_the_sweeper_makes_the_round_and_sweeps_although_it_fails(world: World) -> None:
    begin(world, "a")
    world.workflow.running.clear()
    world.clock.advance(QUIET_SECONDS + 1)
    sweep = Sweep(
        jobs=world.jobs,
        workflow=world.workflow,
        clock=world.clock,
        settings=SweepSettings(sweep_quiet_seconds=QUIET_SECONDS),
        rounds=lambda: Rounded(failures=("the slots of apiframe: not now",)),
    )
    with pytest.raises(SweepFailed, match="not now"):
        sweep()
    assert world.workflow.started[-1] == "a-2"


def test_the_sweeper_tells_what_the_round_did(world: World) -> None:
    sweep = Sweep(
        jobs=world.jobs,
        workflow=world.workflow,
        clock=world.clock,
        settings=SweepSettings(),
        rounds=lambda: Rounded(freed=1, granted=2, told=3, started=4),
    )
    swept = sweep()
    assert (swept.slots_freed, swept.slots_granted, swept.slots_told, swept.slots_started) == (1, 2, 3, 4)


@pytest.mark.parametrize("reason", [Reason.SLOT, Reason.BUDGET])
def test_a_job_that_waits_and_lost_its_execution_is_swept(world: World, reason: Reason) -> None:
    job = world.jobs.save(waiting(arrive(world, "a"), reason, world.clock.now()))
    lose(world, job)
    world.clock.advance(QUIET_SECONDS + 1)
    assert world.sweep().resumed == 1
