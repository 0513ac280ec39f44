"""Nudge: a webhook is never believed, wakes whoever waits, and settles what nobody knew, however it comes."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan, InMemoryJobStore, InMemoryParking, RecordingWorkflow, ScriptedVendor
from tests.world import WORKFLOW_FAULT, World

from stillmotion.domain.job.records import Attempt, Job, Outcome, Reason, Status
from stillmotion.domain.request import VendorName
from stillmotion.keyspace import generation_key
from stillmotion.ports.records import Pointer
from stillmotion.ports.vendor import Accepted, ReadFailed, Running, Succeeded, Unanswered
from stillmotion.services.tracking.wake_up import NotOurs, WebhookAddress

BASE = "https://api.example"
LOST = Unanswered(detail="the connection broke", resendable=False)
DONE = Succeeded(vendor_status="completed", video_url="https://cdn.example/v.mp4")
GENERATION = "generation-1"


@pytest.fixture
def world() -> World:
    return World(webhook_base_url=BASE)


def attempt(world: World) -> Attempt:
    latest = world.jobs.only().attempt
    assert latest is not None
    return latest


def address(world: World, **changed: object) -> WebhookAddress:
    """What the URL that the vendor was given names."""
    latest = attempt(world)
    assert latest.webhook_token is not None
    own = WebhookAddress(vendor=latest.vendor, job_id="job-1", attempt=latest.number, token=latest.webhook_token)
    return replace(own, **changed)


def nudged(world: World, delivery: str = "delivery-1", generation: str = GENERATION) -> str:
    return world.nudge(address(world), delivery, generation).result


def generating(world: World) -> Job:
    """A job whose execution runs, and whose generation was accepted."""
    job = world.dispatching()
    world.workflow.start(job)
    world.wavespeed.submissions = [Accepted(generation_id=GENERATION)]
    world.dispatch(job.id)
    return world.jobs.only()


def unknown(world: World, *, closed: bool = True) -> Job:
    """A job whose submission was never answered; with `closed` its execution has ended over it."""
    job = world.dispatching()
    world.workflow.start(job)
    world.wavespeed.submissions = [LOST]
    assert world.dispatch(job.id).outcome == "attention"
    if closed:
        world.close(job.id, WORKFLOW_FAULT, unknown=True)
        world.workflow.running.clear()
    return world.jobs.only()


def park(world: World, seen: int = 0) -> bool:
    """What the state machine does."""
    parked = world.parking.park("job-1", "token-1", seen)
    if parked:
        world.workflow.parked.add("token-1")
    return parked


# --- an accepted generation


def test_a_parked_execution_is_woken(world: World) -> None:
    generating(world)
    assert park(world)
    assert nudged(world) == "woken"
    assert world.workflow.parked == set()


def test_a_webhook_is_not_believed(world: World) -> None:
    before = generating(world)
    nudged(world)
    assert world.jobs.only() == before


def test_a_nudge_before_the_parking_keeps_it_from_parking(world: World) -> None:
    job = world.dispatching()
    world.workflow.start(job)
    dispatched = world.dispatch(job.id)
    assert nudged(world) == "counted"
    assert not park(world, seen=dispatched.nudges)


def test_a_nudge_while_the_vendor_is_read_keeps_the_job_from_parking(world: World) -> None:
    job = generating(world)
    assert park(world)
    nudged(world)
    assert world.check(job.id).nudges == 1

    world.wavespeed.readings = [Running(vendor_status="processing")]
    before = world.check(job.id)
    nudged(world, "delivery-2")
    assert before.parks
    assert not park(world, seen=before.nudges)


def test_a_nudge_that_came_too_early_does_not_keep_the_job_awake(world: World) -> None:
    job = generating(world)
    nudged(world)
    checked = world.check(job.id)
    assert (checked.parks, checked.nudges) == (True, 1)
    assert park(world, seen=checked.nudges)
    assert nudged(world, "delivery-2") == "woken"


def test_the_same_delivery_counts_once(world: World) -> None:
    generating(world)
    assert nudged(world) == "counted"
    assert nudged(world) == "seen"
    assert world.parking.counts == {"job-1": 1}


def test_a_delivery_of_another_job_is_another(world: World) -> None:
    generating(world)
    world.jobs.remember(
        Pointer(key="delivery#wavespeed#job-2#delivery-1", job_id="job-2", created_at=world.clock.now())
    )
    assert nudged(world) == "counted"


def test_a_token_that_was_used_is_no_obstacle(world: World) -> None:
    generating(world)
    park(world)
    assert nudged(world) == "woken"
    assert nudged(world, "delivery-2") == "counted"


def test_an_execution_that_is_gone_is_replaced(world: World) -> None:
    generating(world)
    world.workflow.running.clear()
    assert nudged(world) == "started"
    assert world.workflow.started == ["job-1-1", "job-1-2"]
    assert world.jobs.only().run == 2


def test_an_overdue_job_goes_on_when_its_vendor_tells_of_it(world: World) -> None:
    job = generating(world)
    world.close(job.id, WORKFLOW_FAULT, overdue=True)
    world.workflow.running.clear()
    assert nudged(world) == "started"
    assert world.dispatch(job.id).outcome == "accepted"
    world.wavespeed.readings = [DONE]
    assert world.check(job.id).outcome == "succeeded"


def test_a_job_that_its_workflow_dropped_goes_on_when_its_vendor_tells_of_it(world: World) -> None:
    job = generating(world)
    world.close(job.id, WORKFLOW_FAULT)
    world.workflow.running.clear()
    assert world.jobs.only().reason is Reason.WORKFLOW_FAILED
    assert nudged(world) == "started"
    assert (world.jobs.only().status, world.jobs.only().failure) == (Status.GENERATING, None)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_a_job_that_has_ended_is_left_alone(world: World, status: Status) -> None:
    ended = world.jobs.put(replace(generating(world), status=status))
    world.workflow.running.clear()
    assert nudged(world) == "ended"
    assert world.jobs.only() == ended
    assert world.workflow.started == ["job-1-1"]


# --- an outcome that nobody knew


def test_an_unknown_outcome_is_settled_and_the_job_goes_on(world: World) -> None:
    job = unknown(world)
    assert (job.status, job.reason) == (Status.NEEDS_ATTENTION, Reason.OUTCOME_UNKNOWN)

    assert nudged(world) == "adopted"

    adopted = world.jobs.only()
    assert (adopted.status, adopted.reason, adopted.failure, adopted.run) == (Status.GENERATING, None, None, 2)
    assert attempt(world).outcome is Outcome.ACCEPTED
    assert world.workflow.started == ["job-1-1", "job-1-2"]
    assert len(world.wavespeed.posts) == 1


def test_what_is_adopted_is_claimed(world: World) -> None:
    unknown(world)
    nudged(world)
    claimed = world.jobs.pointers[generation_key(VendorName.WAVESPEED, GENERATION)]
    assert (claimed.job_id, claimed.attempt) == ("job-1", 1)


def test_the_vendor_is_asked_before_anything_is_adopted(world: World) -> None:
    unknown(world)
    world.wavespeed.readings = [world.wavespeed.unreadable()]
    with pytest.raises(ReadFailed):
        nudged(world)
    assert attempt(world).outcome is Outcome.UNKNOWN

    world.wavespeed.readings = [DONE]
    assert nudged(world) == "adopted"


def test_what_another_job_has_is_not_adopted(world: World) -> None:
    unknown(world)
    taken = Pointer(
        key=generation_key(VendorName.WAVESPEED, GENERATION), job_id="job-2", attempt=1, created_at=world.clock.now()
    )
    world.jobs.pointers[taken.key] = taken
    assert nudged(world) == "noted"
    assert attempt(world).outcome is Outcome.UNKNOWN
    assert GENERATION in world.jobs.only().notes[0].text


def test_a_second_generation_for_one_attempt_is_shown(world: World) -> None:
    generating(world)
    assert nudged(world, generation="generation-2") == "noted"
    generation = attempt(world).generation
    assert generation is not None
    assert generation.id == GENERATION
    assert "generation-2" in world.jobs.only().notes[0].text


def test_what_a_webhook_tells_of_one_attempt_is_given_to_no_other(world: World) -> None:
    generating(world)
    nudged(world, generation="generation-2")
    owner = world.jobs.pointers[generation_key(VendorName.WAVESPEED, "generation-2")]
    assert (owner.job_id, owner.attempt) == ("job-1", 1)


def test_a_webhook_that_is_quicker_than_the_answer_is_adopted_once(world: World) -> None:
    job = world.dispatching()
    world.workflow.start(job)
    world.wavespeed.submissions = [Accepted(generation_id=GENERATION)]
    world.wavespeed.while_posting = lambda: results.append(nudged(world))
    results: list[str] = []

    dispatched = world.dispatch(job.id)

    assert results == ["adopted"]
    assert dispatched.outcome == "accepted"
    assert not park(world, seen=dispatched.nudges)
    assert world.workflow.started == ["job-1-1"]
    assert len(world.jobs.only().attempts) == 1


def test_a_webhook_that_is_quicker_than_a_lost_answer_settles_it(world: World) -> None:
    job = world.dispatching()
    world.workflow.start(job)
    world.wavespeed.submissions = [LOST]
    world.wavespeed.while_posting = lambda: results.append(nudged(world))
    results: list[str] = []

    assert world.dispatch(job.id).outcome == "accepted"
    assert results == ["adopted"]
    assert world.jobs.only().status is Status.GENERATING


def test_a_webhook_between_the_lost_answer_and_the_closing_keeps_the_job_open(world: World) -> None:
    job = unknown(world, closed=False)
    assert nudged(world) == "adopted"
    assert world.close(job.id, WORKFLOW_FAULT, unknown=True).outcome == "accepted"
    assert world.jobs.only().status is Status.GENERATING
    assert world.workflow.started == ["job-1-1"]


def test_two_webhooks_at_once_adopt_once(world: World) -> None:
    unknown(world)
    others: list[str] = []

    def another(_job: Job) -> None:
        world.jobs.before_save = None
        others.append(nudged(world))

    world.jobs.before_save = another
    assert nudged(world) == "adopted"
    assert others == ["adopted"]
    assert len(world.jobs.only().attempts) == 1
    assert attempt(world).outcome is Outcome.ACCEPTED


# --- whoever has not been given the URL


@pytest.mark.parametrize(
    "changed",
    [{"token": "guess"}, {"token": ""}, {"attempt": 2}, {"job_id": "job-2"}, {"vendor": VendorName.APIFRAME}],
)
def test_another_address_is_nobodys(world: World, changed: dict[str, object]) -> None:
    generating(world)
    with pytest.raises(NotOurs):
        world.nudge(address(world, **changed), "delivery-1", GENERATION)
    assert world.parking.counts == {}


def test_an_attempt_without_a_token_has_no_address() -> None:
    world = World()
    generating(world)
    assert attempt(world).webhook_token is None
    with pytest.raises(NotOurs):
        world.nudge(
            WebhookAddress(vendor=VendorName.WAVESPEED, job_id="job-1", attempt=1, token=""), "delivery-1", GENERATION
        )


# --- dying at any line


def dying(make: Callable[[World], Job]) -> int:
    """How many calls one whole nudge makes."""
    world, plan = fragile(make)
    nudged(world)
    return len(plan.calls)


def fragile(make: Callable[[World], Job]) -> tuple[World, FaultPlan]:
    """A world whose next nudge can be killed."""
    plan = FaultPlan()
    world = World(
        jobs=InMemoryJobStore(faults=plan),
        parking=InMemoryParking(faults=plan),
        workflow=RecordingWorkflow(faults=plan),
        wavespeed=ScriptedVendor(VendorName.WAVESPEED, faults=plan),
        webhook_base_url=BASE,
    )
    make(world)
    plan.calls.clear()
    return world, plan


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("make", [generating, unknown])
def test_a_webhook_whose_taker_died_is_dealt_with_when_it_comes_again(
    make: Callable[[World], Job],
    after: bool,  # noqa: FBT001 - a case of the test
) -> None:
    for line in range(1, dying(make) + 1):
        world, plan = fragile(make)
        if make is generating:
            park(world)
        where = address(world)
        plan.calls.clear()
        plan.dies_at, plan.after = line, after
        with pytest.raises(Died):
            world.nudge(where, "delivery-1", GENERATION)
        plan.dies_at = None

        world.nudge(where, "delivery-1", GENERATION)

        job = world.jobs.only()
        assert job.status is Status.GENERATING
        assert attempt(world).outcome is Outcome.ACCEPTED
        assert world.workflow.is_running(job)
        assert world.workflow.parked == set()
        assert world.parking.counts["job-1"] >= 1
