"""Check: one read, a verdict, and when to look again."""

from decimal import Decimal

import pytest
from tests.world import World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Generation, Job, Status, Verdict
from stillmotion.ports.vendor import Declared, Running, Succeeded
from stillmotion.services.tracking.check import Checked

DONE = Succeeded(vendor_status="completed", video_url="https://cdn.example/v.mp4", nsfw=False)
REFUSED = Failure(FailureKind.MODERATED, "declined")


def generating(world: World, **fields: object) -> Job:
    job = world.dispatching(**fields)
    world.dispatch(job.id)
    return world.jobs.only()


def generation(world: World) -> Generation:
    told = world.jobs.only().generation
    assert told is not None
    return told


def test_a_running_generation_is_looked_at_again(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [Running(vendor_status="processing", progress=40)]
    world.clock.advance(60)
    assert world.check(job.id) == Checked(outcome="running", wait_seconds=10)
    assert (generation(world).progress, generation(world).reads) == (40, 1)


def test_a_finished_generation_goes_to_finalizing_with_its_cost(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [DONE]
    assert world.check(job.id).outcome == "succeeded"
    assert world.jobs.only().status is Status.FINALIZING
    assert generation(world).verdict is Verdict.SUCCEEDED
    assert generation(world).charged == Decimal("0.20")
    assert generation(world).nsfw is False


def test_credits_are_told_in_dollars_too(world: World) -> None:
    job = generating(world, vendor="apiframe")
    world.apiframe.readings = [Succeeded(vendor_status="COMPLETED", video_url="https://cdn.example/v.mp4", credits=55)]
    world.check(job.id)
    assert (generation(world).credits, generation(world).charged) == (55, Decimal("0.55"))


def test_a_declared_failure_is_final(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [Declared(vendor_status="failed", failure=REFUSED), DONE]
    assert world.check(job.id).outcome == "failed"
    assert world.check(job.id).outcome == "failed"
    assert generation(world).failure == REFUSED
    assert len(world.wavespeed.reads) == 1


def test_a_word_nobody_has_documented_is_recorded_and_runs_on(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [Running(vendor_status="dreaming", undocumented=True)]
    assert world.check(job.id).outcome == "running"
    world.check(job.id)
    assert generation(world).undocumented == ("dreaming",)
    world.clock.advance(1000)
    assert world.check(job.id).outcome == "overdue"


def test_a_read_that_fails_fails_no_job(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [world.wavespeed.unreadable(), DONE]
    assert world.check(job.id).outcome == "running"
    assert generation(world).failed_reads == 1
    assert world.check(job.id).outcome == "succeeded"


def test_a_throttled_read_waits_as_long_as_it_is_told(world: World) -> None:
    job = generating(world)
    world.clock.advance(60)
    world.wavespeed.readings = [world.wavespeed.unreadable(FailureKind.THROTTLED, retry_after=44)]
    assert world.check(job.id) == Checked(outcome="running", wait_seconds=44)


def test_a_vendors_word_pushes_no_look_past_the_deadline(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [world.wavespeed.unreadable(FailureKind.THROTTLED, retry_after=86_400)]
    assert world.check(job.id) == Checked(outcome="running", wait_seconds=1000)


def test_the_deadline_ends_the_looking_even_when_reads_fail(world: World) -> None:
    job = generating(world)
    world.clock.advance(1000)
    world.wavespeed.readings = [world.wavespeed.unreadable()]
    assert world.check(job.id).outcome == "overdue"
    assert world.jobs.only().status is Status.GENERATING


def test_a_success_read_after_the_deadline_still_counts(world: World) -> None:
    job = generating(world)
    world.clock.advance(5000)
    world.wavespeed.readings = [DONE]
    assert world.check(job.id).outcome == "succeeded"


def test_a_verdict_that_is_known_needs_no_read(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [DONE]
    world.check(job.id)
    assert world.check(job.id).outcome == "succeeded"
    assert len(world.wavespeed.reads) == 1


def test_of_two_checks_at_once_the_later_takes_the_formers_verdict(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [Running(vendor_status="processing"), DONE]

    def rival_first(_: Job) -> None:
        world.jobs.before_save = None
        assert world.check(job.id).outcome == "succeeded"

    world.jobs.before_save = rival_first
    assert world.check(job.id).outcome == "succeeded"
    assert generation(world).video_url == DONE.video_url


@pytest.mark.parametrize("fields", [{}, {"vendor": "apiframe"}])
def test_a_job_that_was_never_accepted_is_not_read(world: World, fields: dict[str, object]) -> None:
    assert world.check(world.dispatching(**fields).id).outcome == "ended"


# --- webhooks


def told_of(world: World) -> Job:
    """A job whose vendor was given a webhook's URL."""
    world.webhook_base_url = "https://api.example"
    return generating(world)


def test_a_job_that_will_be_told_of_parks_as_of_before_the_read(world: World) -> None:
    job = told_of(world)
    world.parking.nudge(job.id, world.clock.now())
    assert world.check(job.id) == Checked(outcome="running", wait_seconds=300, parks=True, nudges=1)


def test_a_job_that_was_told_of_and_could_not_be_read_is_read_again_soon(world: World) -> None:
    job = told_of(world)
    world.wavespeed.readings = [world.wavespeed.unreadable()]
    world.clock.advance(60)
    assert world.check(job.id) == Checked(outcome="running", wait_seconds=10)


def test_parking_ends_at_the_deadline_too(world: World) -> None:
    job = told_of(world)
    world.clock.advance(1000)
    assert world.check(job.id).outcome == "overdue"


def test_turning_webhooks_off_leaves_those_in_flight_parked(world: World) -> None:
    job = told_of(world)
    world.webhook_base_url = ""
    assert world.check(job.id).parks
