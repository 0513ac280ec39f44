"""Sweep: a job that has gone quiet gets a new execution from where its ledger is, until the vendor's retention ends."""

import pytest
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan
from tests.world import QUIET_SECONDS, WORKFLOW_FAULT, World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.lifecycle import needs_attention
from stillmotion.domain.job.records import Job, Reason, Status
from stillmotion.domain.request import VendorName
from stillmotion.domain.sweeping import MAX_GENERATION, RETENTION, is_swept
from stillmotion.ports import StoreError
from stillmotion.ports.vendor import Declared, Refused, Running, Succeeded, Unanswered
from stillmotion.services.tracking.sweep import SweepFailed, Swept

DONE = Succeeded(vendor_status="completed", video_url="https://cdn.example/v.mp4")


def generating(world: World, **fields: object) -> Job:
    job = world.dispatching(**fields)
    world.workflow.start(job)
    world.dispatch(job.id)
    return world.jobs.only()


def lose_execution(world: World) -> None:
    world.workflow.running.clear()


def quiet(world: World, times: int = 1) -> None:
    world.clock.advance(QUIET_SECONDS * times + 1)


def test_a_job_that_lost_its_execution_gets_another_from_where_it_was(world: World) -> None:
    job = generating(world)
    lose_execution(world)
    quiet(world)
    assert world.sweep() == Swept(resumed=1)
    assert world.workflow.started[-1] == f"{job.id}-2"
    assert world.jobs.only().status is Status.GENERATING
    assert world.dispatch(job.id).outcome == "accepted"
    assert len(world.wavespeed.posts) == 1


def test_a_job_whose_execution_never_started_is_started(world: World) -> None:
    job = world.dispatching()
    quiet(world)
    assert world.sweep() == Swept(resumed=1)
    assert world.workflow.started == [f"{job.id}-2"]


def test_a_job_whose_execution_runs_is_left_alone_for_as_long_again(world: World) -> None:
    generating(world)
    quiet(world)
    assert world.sweep() == Swept(running=1)
    assert world.sweep() == Swept()
    assert len(world.workflow.started) == 1


def test_a_job_that_spoke_lately_is_not_looked_at(world: World) -> None:
    generating(world)
    lose_execution(world)
    assert world.sweep() == Swept()


def test_the_gaps_grow(world: World) -> None:
    generating(world)
    lose_execution(world)
    quiet(world)
    world.sweep()
    lose_execution(world)
    quiet(world)
    assert world.sweep() == Swept()
    quiet(world)
    assert world.sweep() == Swept(resumed=1)


def test_an_overdue_generation_that_succeeds_late_is_brought_home(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [Running(vendor_status="processing"), DONE]
    world.clock.advance(1000)
    assert world.check(job.id).outcome == "overdue"
    world.close(job.id, WORKFLOW_FAULT, overdue=True)
    lose_execution(world)
    quiet(world)
    assert world.sweep() == Swept(resumed=1)
    assert world.dispatch(job.id).outcome == "accepted"
    assert world.check(job.id).outcome == "succeeded"
    assert world.jobs.only().status is Status.FINALIZING


def test_an_overdue_generation_is_announced_once(world: World) -> None:
    job = generating(world)
    world.clock.advance(1000)
    for _ in range(3):
        world.close(job.id, WORKFLOW_FAULT, overdue=True)
    assert len(world.jobs.events) == 1


@pytest.mark.parametrize("vendor", list(VendorName))
def test_only_when_the_vendors_retention_is_over_it_is_called_expired(world: World, vendor: VendorName) -> None:
    generating(world, vendor=str(vendor))
    for _ in range(2):  # before its end, and once more after it
        lose_execution(world)
        world.clock.advance((MAX_GENERATION + RETENTION[vendor]).total_seconds() - 1)
        assert world.sweep() == Swept(resumed=1)
    lose_execution(world)
    world.clock.advance(24 * 3600)
    assert world.sweep() == Swept(expired=1)
    job = world.jobs.only()
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.kind is FailureKind.EXPIRED
    assert [event.detail_type for event in world.jobs.events] == ["Video Failed"]


def test_a_declared_failure_that_nobody_wrote_down_is_still_a_failure_after_the_retention(world: World) -> None:
    job = generating(world)
    declined = Failure(FailureKind.MODERATED, "declined")
    world.wavespeed.readings = [Declared(vendor_status="failed", failure=declined)]
    world.check(job.id)
    lose_execution(world)
    world.clock.advance(8 * 24 * 3600)
    assert world.sweep() == Swept(resumed=1)
    assert world.check(job.id).outcome == "failed"


@pytest.mark.parametrize("reason", [Reason.WORKFLOW_FAILED, Reason.VIDEO_UNREACHABLE, Reason.CORRUPT_VIDEO])
def test_what_needed_a_person_is_tried_again_by_itself(world: World, reason: Reason) -> None:
    job = generating(world)
    world.wavespeed.readings = [DONE]
    world.check(job.id)
    world.jobs.save(needs_attention(world.jobs.only(), reason, WORKFLOW_FAULT, world.clock.now()))
    lose_execution(world)
    quiet(world)
    assert world.sweep() == Swept(resumed=1)
    assert world.jobs.only().status is Status.FINALIZING


def test_an_unknown_outcome_is_never_tried_again_by_itself(world: World) -> None:
    world.wavespeed.submissions = [Unanswered(detail="lost", resendable=False)]
    job = generating(world)
    world.close(job.id, WORKFLOW_FAULT)
    lose_execution(world)
    quiet(world, 100)
    assert world.sweep() == Swept()
    assert len(world.wavespeed.posts) == 1


def test_what_has_ended_or_waits_for_its_prompt_is_not_swept(world: World) -> None:
    world.wavespeed.submissions = [Refused(failure=Failure(FailureKind.UNAUTHORIZED, "no"))]
    job = generating(world)
    world.close(job.id, WORKFLOW_FAULT)
    assert not is_swept(world.jobs.only())
    world.drop("inbox/waits.jpg")
    assert [is_swept(found) for found in world.jobs.all()] == [False, False]


def test_two_sweeps_at_once_start_one_execution(world: World) -> None:
    job = generating(world)
    lose_execution(world)
    quiet(world)

    def rival_first(_: Job) -> None:
        world.jobs.before_save = None
        assert world.sweep() == Swept(resumed=1)

    world.jobs.before_save = rival_first
    assert world.sweep() == Swept(overtaken=1)
    assert world.workflow.started == [f"{job.id}-1", f"{job.id}-2"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 4))
def test_a_sweep_that_dies_is_made_good_by_the_next(world: World, dies_at: int, *, after: bool) -> None:
    generating(world)
    lose_execution(world)
    quiet(world)
    plan = FaultPlan(dies_at=dies_at, after=after)
    world.jobs.faults = world.workflow.faults = plan
    with pytest.raises(Died):
        world.sweep()
    quiet(world, 3)
    world.sweep()
    assert world.workflow.is_running(world.jobs.only())
    assert len(world.workflow.running) == 1
    assert len(world.wavespeed.posts) == 1


def test_the_retention_counts_from_the_end_of_the_generation(world: World) -> None:
    job = generating(world, vendor="apiframe")
    world.clock.advance(23 * 3600)
    world.apiframe.readings = [DONE]
    world.check(job.id)
    for _ in range(3):
        lose_execution(world)
        world.clock.advance(8 * 3600)
        assert world.sweep() == Swept(resumed=1)
    lose_execution(world)
    world.clock.advance(8 * 3600)
    assert world.sweep() == Swept(expired=1)


def test_one_record_that_cannot_be_written_keeps_no_other_from_being_taken(world: World) -> None:
    generating(world)
    other = world.jobs.put(replace(world.jobs.only(), id="job-2", attempts=()))
    lose_execution(world)
    quiet(world)

    def too_large(job: Job) -> None:
        if job.id == "job-1":
            raise StoreError("too large")

    world.jobs.before_save = too_large
    with pytest.raises(SweepFailed, match="job-1: too large"):
        world.sweep()
    assert world.workflow.is_running(replace(other, run=2))


def test_an_unanswered_apiframe_post_is_asked_for_again_while_its_key_is_remembered(world: World) -> None:
    job = world.dispatching(vendor="apiframe")
    world.apiframe.submissions = [Unanswered(detail="lost", resendable=True)]
    world.dispatch(job.id)
    world.close(job.id, WORKFLOW_FAULT)
    quiet(world)
    assert world.sweep() == Swept(resumed=1)
    assert world.dispatch(job.id).outcome == "accepted"
    assert len(set(world.apiframe.posts)) == 1


def test_what_its_vendor_has_forgotten_is_left_to_a_person(world: World) -> None:
    job = world.dispatching(vendor="apiframe")
    world.apiframe.submissions = [Unanswered(detail="lost", resendable=True)]
    world.dispatch(job.id)
    world.close(job.id, WORKFLOW_FAULT)
    world.clock.advance(20 * 3600)
    assert world.sweep() == Swept()
    assert len(world.apiframe.posts) == 1
