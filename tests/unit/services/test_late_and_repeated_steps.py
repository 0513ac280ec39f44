"""Steps that come late, or twice: a refusal after its closing, a second cancellation, an image that took too long."""

from msgspec.structs import replace
from tests.unit.services.test_where_parts_meet import (
    HOUR,
    MINE,
    ONE_EACH,
    WENT_WRONG,
    another,
    generating,
    interventions,
    posts,
    throttled,
)
from tests.world import NO_LIMITS, WORKFLOW_FAULT, World

from stillmotion.domain.job.records import Outcome, Status, Still
from stillmotion.domain.request import VendorName
from stillmotion.domain.sweeping import is_swept
from stillmotion.ports.vendor import NotSent


def refused_after_its_closing(world: World) -> None:
    """A sender that is slower than it may be: its job is handed to a person before it writes down what came back."""
    world.wavespeed.submissions = [throttled()]
    job = world.dispatching(vendor="wavespeed")

    def meanwhile() -> None:
        world.wavespeed.while_posting = None
        world.clock.advance(66)
        assert world.dispatch(job.id).outcome == "attention"
        world.close(job.id, WORKFLOW_FAULT, unknown=True)

    world.wavespeed.while_posting = meanwhile
    world.dispatch(job.id)
    attempt = world.jobs.only().attempt
    assert attempt is not None
    assert attempt.outcome is Outcome.REFUSED


def test_a_refusal_that_is_later_than_the_closing_sets_the_job_going_again(world: World) -> None:
    refused_after_its_closing(world)

    # Now there is nothing to resolve, nothing to redrive, and nothing that has ended: nobody could do anything.
    job = world.jobs.only()
    assert job.status is not Status.NEEDS_ATTENTION or is_swept(job)


def test_a_cancellation_that_is_repeated_ends_a_job_of_which_nothing_can_come_any_more(world: World) -> None:
    world.wavespeed.submissions = [throttled(600)]
    job = world.dispatching(vendor="wavespeed")

    def changes_his_mind() -> None:
        interventions(world).cancel(MINE)

    world.wavespeed.while_posting = changes_his_mind
    assert world.dispatch(job.id).outcome == "wait"

    assert interventions(world).cancel(MINE).status is Status.CANCELLED


def test_a_post_is_not_begun_when_handing_over_the_image_took_too_long(world: World) -> None:
    world.image_transfer = "upload"
    head = world.objects.put("input", "inbox/a.jpg", b"an image")
    job = world.dispatching(vendor="wavespeed")
    still = Still(address="s3://input/inbox/a.jpg", bucket="input", key="inbox/a.jpg", version_id=head.version_id)
    world.jobs.put(replace(job, still=still))

    def slow(_image: bytes, _media_type: str, _name: str) -> str:
        world.clock.advance(30)
        return "https://uploads.example/1"

    world.wavespeed.upload = slow  # type: ignore[assignment,method-assign]
    world.dispatch(job.id)

    # 30 s are left, and an exchange takes up to 50: the function would end before it is told what was bought.
    assert posts(world) == 0


def test_patience_runs_out_with_a_vendor_that_cannot_be_reached_although_others_are_tried_in_between(
    world: World,
) -> None:
    world.limits = ONE_EACH
    world.wavespeed.submissions = [NotSent(detail="no route")]
    job = world.dispatching(vendor="wavespeed")
    other = another(world, "other")
    assert world.dispatch(job.id).outcome == "wait"
    assert world.dispatch(other.id).outcome == "accepted"
    world.clock.advance(10)
    assert world.dispatch(job.id).parks

    world.clock.advance(2 * HOUR)
    world.wavespeed.submissions = [NotSent(detail="no route")] * 5

    assert world.dispatch(job.id).outcome == "failed"


def test_one_failure_that_is_told_twice_is_one_where_there_are_no_slots(world: World) -> None:
    world.limits = replace(NO_LIMITS, breaker_failures=2)
    job = generating(world, vendor="wavespeed")
    world.wavespeed.readings = [WENT_WRONG]
    world.check(job.id)

    # The answer of the first call was lost.
    world.check(job.id)

    assert not world.governor.is_resting(VendorName.WAVESPEED)
