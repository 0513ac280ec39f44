"""Close: the ledger decides how a job ends; what may be paid for never just fails."""

import pytest
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan
from tests.world import WORKFLOW_FAULT, World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Reason, Status
from stillmotion.ports.vendor import Accepted, Declared, NotSent, Refused, SubmissionAnswer, Succeeded, Unanswered
from stillmotion.services.jobs import UnknownJob
from stillmotion.services.operations.close import Closed

NO = Failure(FailureKind.OUT_OF_CREDITS, "no credits left")


def dispatched(world: World, submission: SubmissionAnswer, **fields: object) -> str:
    world.wavespeed.submissions = [submission]
    world.apiframe.submissions = [submission]
    job = world.dispatching(**fields)
    world.dispatch(job.id)
    return job.id


def test_a_refused_job_fails_with_the_vendors_reason(world: World) -> None:
    assert world.close(dispatched(world, Refused(failure=NO)), WORKFLOW_FAULT) == Closed("failed")
    job = world.jobs.only()
    assert (job.status, job.failure) == (Status.FAILED, NO)
    assert [event.detail_type for event in world.jobs.events] == ["Video Failed"]


def test_a_declared_failure_fails_with_the_vendors_reason(world: World) -> None:
    job_id = dispatched(world, Accepted(generation_id="g-1"))
    declined = Failure(FailureKind.MODERATED, "declined")
    world.wavespeed.readings = [Declared(vendor_status="failed", failure=declined)]
    world.check(job_id)
    assert world.close(job_id, WORKFLOW_FAULT).outcome == "failed"
    assert world.jobs.only().failure == declined


def test_a_fault_before_any_attempt_fails_with_that_fault(world: World) -> None:
    assert world.close(world.dispatching().id, WORKFLOW_FAULT).outcome == "failed"
    assert world.jobs.only().failure == WORKFLOW_FAULT


def test_an_unsent_attempt_fails(world: World) -> None:
    assert world.close(dispatched(world, NotSent("refused")), WORKFLOW_FAULT).outcome == "failed"


@pytest.mark.parametrize("vendor", ["apiframe", "wavespeed"])
def test_an_unknown_attempt_needs_attention(world: World, vendor: str) -> None:
    job_id = dispatched(world, Unanswered(detail="lost", resendable=False), vendor=vendor)
    assert world.close(job_id, WORKFLOW_FAULT).outcome == "needs_attention"
    job = world.jobs.only()
    assert (job.status, job.reason) == (Status.NEEDS_ATTENTION, Reason.OUTCOME_UNKNOWN)
    assert job.failure is not None
    assert job.failure.kind is FailureKind.OUTCOME_UNKNOWN
    assert [event.detail_type for event in world.jobs.events] == ["Video Needs Attention"]


def test_an_attempt_whose_sender_died_needs_attention(world: World) -> None:
    world.wavespeed.faults = FaultPlan(dies_at=1)
    job = world.dispatching()
    with pytest.raises(Died):
        world.dispatch(job.id)
    assert world.close(job.id, WORKFLOW_FAULT).outcome == "needs_attention"


def test_an_accepted_generation_past_its_deadline_is_overdue_and_not_failed(world: World) -> None:
    job_id = dispatched(world, Accepted(generation_id="g-1"))
    assert world.close(job_id, WORKFLOW_FAULT, overdue=True).outcome == "needs_attention"
    job = world.jobs.only()
    assert (job.status, job.overdue, job.failure) == (Status.GENERATING, True, None)


def test_an_accepted_generation_whose_workflow_failed_needs_attention(world: World) -> None:
    job_id = dispatched(world, Accepted(generation_id="g-1"))
    assert world.close(job_id, WORKFLOW_FAULT).outcome == "needs_attention"
    assert world.jobs.only().reason is Reason.WORKFLOW_FAILED


def test_a_made_video_that_was_not_copied_needs_attention(world: World) -> None:
    job_id = dispatched(world, Accepted(generation_id="g-1"))
    world.wavespeed.readings = [Succeeded(vendor_status="completed", video_url="https://cdn.example/v.mp4")]
    world.check(job_id)
    assert world.close(job_id, WORKFLOW_FAULT, overdue=True).outcome == "needs_attention"
    assert world.jobs.only().status is Status.NEEDS_ATTENTION


def test_closing_twice_is_once(world: World) -> None:
    job_id = dispatched(world, Refused(failure=NO))
    world.close(job_id, WORKFLOW_FAULT)
    assert world.close(job_id, WORKFLOW_FAULT).outcome == "ended"
    assert len(world.jobs.events) == 1


def test_a_completed_job_is_left_alone(world: World) -> None:
    job = world.jobs.put(replace(world.dispatching(), status=Status.COMPLETED))
    assert world.close(job.id, WORKFLOW_FAULT).outcome == "ended"


def test_a_job_that_nobody_knows_is_told(world: World) -> None:
    with pytest.raises(UnknownJob):
        world.close("nobody", WORKFLOW_FAULT)


def test_an_outcome_that_has_been_told_meanwhile_closes_nothing(world: World) -> None:
    job_id = dispatched(world, Accepted(generation_id="g-1"))
    before = world.jobs.only()
    assert world.close(job_id, WORKFLOW_FAULT, unknown=True) == Closed("accepted")
    assert world.jobs.only() == before


def test_an_outcome_that_nobody_has_told_needs_attention(world: World) -> None:
    job_id = dispatched(world, Unanswered(detail="gone", resendable=False))
    assert world.close(job_id, WORKFLOW_FAULT, unknown=True) == Closed("needs_attention")
