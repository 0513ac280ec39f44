"""Where the parts of the money path meet: what one leaves behind, and the next finds."""

from decimal import Decimal
from typing import cast

import pytest
from msgspec.structs import replace
from tests import ledgers
from tests.world import NO_LIMITS, PRICES, WORKFLOW_FAULT, World, new_job

from stillmotion.aws.attributes import Item
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import job_item
from stillmotion.aws.records import DynamoJobStore
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.governing import GovernorState
from stillmotion.domain.job.lifecycle import completed, started
from stillmotion.domain.job.records import Job, Reason, Status, Still, Verdict, Video
from stillmotion.domain.request import Request, VendorName
from stillmotion.ports.vendor import Accepted, Declared, Reading, Refused, Succeeded, Unanswered
from stillmotion.services.dispatch.governor import InLine
from stillmotion.services.operations.interventions import Interventions, InterventionSettings, Which
from stillmotion.services.tracking.rounds import Rounds

MINE = Which(tenant="default", job_id="job-1")
ONE_EACH = replace(NO_LIMITS, wavespeed_concurrency=1, apiframe_concurrency=1)
DONE = Succeeded(vendor_status="completed", video_url="https://cdn.example/v.mp4")
WENT_WRONG = Declared(vendor_status="failed", failure=Failure(FailureKind.GENERATION_FAILED, "it went wrong"))
HOUR = 3600


def interventions(world: World) -> Interventions:
    return Interventions(
        jobs=world.jobs,
        objects=world.objects,
        vendors=world.vendors,
        parking=world.parking,
        workflow=world.workflow,
        clock=world.clock,
        prices=PRICES,
        settings=InterventionSettings(),
    )


def rounds(world: World) -> Rounds:
    return Rounds(governor=world.governor, jobs=world.jobs, workflow=world.workflow, clock=world.clock)


def throttled(retry_after: int = 30) -> Refused:
    return Refused(failure=Failure(FailureKind.THROTTLED, "slow down"), retry_after=retry_after)


def posts(world: World) -> int:
    return len(world.wavespeed.posts) + len(world.apiframe.posts)


def generating(world: World, **fields: object) -> Job:
    job = world.dispatching(**fields)
    assert world.dispatch(job.id).outcome == "accepted"
    return world.jobs.only()


def bring_home(world: World, job_id: str) -> Job:
    """What check and finalize do, without the bytes."""
    world.wavespeed.readings = [DONE]
    assert world.check(job_id).outcome == "succeeded"
    now = world.clock.now()
    video = Video(
        bucket="output", key="v.mp4", bytes=1, sha256="ab", width=1, height=1, duration_milliseconds=5000, stored_at=now
    )
    return world.jobs.save(completed(world.jobs.only(), video, now))


def another(world: World, name: str) -> Job:
    """A second job beside the first, in line at WaveSpeed."""
    world.clock.advance(1)
    now = world.clock.now()
    empty = Job(id=name, tenant="default", status=Status.WAITING, created_at=now, updated_at=now)
    request = Request(prompt="x", image="https://a.example/2.jpg")
    job = world.jobs.create(started(empty, request, "16:9", now, VendorName.WAVESPEED))
    world.workflow.start(job)
    return job


# --- a generation that was accepted is lost from sight, or paid beside another


def test_what_was_read_of_one_generation_is_not_written_to_the_next(world: World) -> None:
    job = generating(world)
    world.wavespeed.readings = [WENT_WRONG]
    read_of_the_first = world.wavespeed.read

    def slow_read(generation_id: str) -> Reading:
        world.wavespeed.read = read_of_the_first  # type: ignore[method-assign]
        reading = read_of_the_first(generation_id)
        # Meanwhile the same check, called once more, is quicker, and the workflow goes on to the other vendor.
        assert world.check(job.id).outcome == "failed"
        assert world.dispatch(job.id).outcome == "accepted"
        return reading

    world.wavespeed.read = slow_read  # type: ignore[method-assign]
    world.check(job.id)

    second = world.jobs.only().generation
    assert second is not None
    assert second.verdict is Verdict.RUNNING
    assert len(world.apiframe.reads) == 0


def test_a_success_of_one_generation_is_not_taken_for_the_next_ones(world: World) -> None:
    """A vendor that first says failed and then completed, read by two checks at once."""
    job = generating(world)
    read_of_the_first = world.wavespeed.read
    world.wavespeed.readings = [DONE, WENT_WRONG]

    def slow_read(generation_id: str) -> Reading:
        world.wavespeed.read = read_of_the_first  # type: ignore[method-assign]
        reading = read_of_the_first(generation_id)
        assert world.check(job.id).outcome == "failed"
        assert world.dispatch(job.id).outcome == "accepted"
        return reading

    world.wavespeed.read = slow_read  # type: ignore[method-assign]
    world.check(job.id)

    attempt = world.jobs.only().attempt
    assert attempt is not None
    assert attempt.generation is not None
    assert (attempt.vendor, attempt.generation.video_url) == (VendorName.APIFRAME, None)


def test_a_redrive_sends_nothing_when_its_vendor_now_says_that_the_generation_failed(world: World) -> None:
    job = generating(world)
    bring_home(world, job.id)
    assert interventions(world).redrive(MINE).status is Status.GENERATING
    world.wavespeed.readings = [WENT_WRONG]
    assert world.check(job.id).outcome == "failed"

    world.dispatch(job.id)

    assert posts(world) == 1


def test_what_expired_and_is_redriven_is_not_bought_anew_elsewhere(world: World) -> None:
    job = world.jobs.put(ledgers.gone())
    world.clock.time = ledgers.LATER
    interventions(world).redrive(MINE)
    world.wavespeed.readings = [WENT_WRONG]
    assert world.check(job.id).outcome == "failed"

    world.dispatch(job.id)

    assert posts(world) == 0


# --- a run is ended by what was said of an earlier one


def test_a_closing_that_is_repeated_leaves_the_run_alone_that_a_person_began_since(world: World) -> None:
    world.wavespeed.submissions = [Refused(failure=Failure(FailureKind.MODERATED, "no"))]
    job = world.dispatching()
    assert world.dispatch(job.id).outcome == "failed"
    assert world.close(job.id, WORKFLOW_FAULT).outcome == "failed"
    assert interventions(world).retry(MINE).run == 2

    # The answer of the first call was lost, so that the workflow makes it again: up to twenty times, minutes apart.
    world.close(job.id, WORKFLOW_FAULT, run=1)

    assert world.jobs.only().status is Status.DISPATCHING


def test_a_closing_for_an_unknown_outcome_leaves_a_job_alone_that_a_person_has_settled(world: World) -> None:
    world.wavespeed.submissions = [Unanswered(detail="lost", resendable=False)]
    job = world.dispatching()
    assert world.dispatch(job.id).outcome == "attention"
    world.clock.advance(200)
    assert interventions(world).not_sent(MINE).run == 2

    world.close(job.id, WORKFLOW_FAULT, run=1, unknown=True)

    assert world.jobs.only().status is Status.DISPATCHING


# --- patience runs while nothing can be tried


def test_a_night_without_budget_does_not_use_up_a_jobs_patience(world: World) -> None:
    world.wavespeed.submissions = [throttled(), Accepted(generation_id="generation-1")]
    world.tenant_dollars = Decimal("0.60")
    job = world.dispatching(vendor="wavespeed")
    assert world.dispatch(job.id).outcome == "wait"
    # A job at Apiframe takes what is left of the day.
    wanted = Request(prompt="x", vendor="apiframe")
    world.jobs.put(replace(new_job(world.clock, wanted), id="other"))
    assert world.dispatch("other").outcome == "accepted"
    world.clock.advance(30)
    waits = world.dispatch(job.id)
    waiting = world.jobs.get(job.id)
    assert waiting is not None
    assert waiting.reason is Reason.BUDGET

    world.clock.advance(waits.wait_seconds)

    assert world.dispatch(job.id).outcome == "accepted"


def test_hours_in_line_do_not_use_up_a_jobs_patience_with_an_upload(world: World) -> None:
    world.limits = ONE_EACH
    world.image_transfer = "upload"
    first = another(world, "first")
    assert world.dispatch(first.id).outcome == "accepted"
    head = world.objects.put("input", "inbox/a.jpg", b"an image")
    job = world.dispatching(vendor="wavespeed")
    still = ledgers_still(head.bucket, head.key, head.version_id)
    world.jobs.put(replace(job, still=still))
    assert world.dispatch(job.id).parks
    world.clock.advance(2 * HOUR - 60)
    world.wavespeed.readings = [DONE]
    world.check(first.id)

    def refuse(_image: bytes, _media_type: str, _name: str) -> str:
        raise world.wavespeed.unreadable()

    world.wavespeed.upload = refuse  # type: ignore[assignment,method-assign]

    assert world.dispatch(job.id).outcome == "wait"


def ledgers_still(bucket: str, key: str, version_id: str | None) -> Still:
    return Still(address=f"s3://{bucket}/{key}", bucket=bucket, key=key, version_id=version_id)


# --- slots


def test_a_vendor_that_asks_for_longer_than_patience_lasts_is_left_for_the_other_at_once(world: World) -> None:
    world.wavespeed.submissions = [throttled(2 * HOUR)]
    job = world.dispatching()
    # The choice after the refusal is Apiframe, at once; the choice before the next POST has to be the same.
    assert world.dispatch(job.id).wait_seconds == 0

    assert world.dispatch(job.id).outcome == "accepted"


def test_lost_answers_do_not_stop_a_vendors_line_for_longer_than_a_generation_takes(world: World) -> None:
    world.limits = ONE_EACH
    world.wavespeed.submissions = [Unanswered(detail="lost", resendable=False)]
    lost = world.dispatching(vendor="wavespeed")
    assert world.dispatch(lost.id).outcome == "attention"
    world.close(lost.id, WORKFLOW_FAULT, unknown=True)
    following = another(world, "next")
    assert world.governor.admit(following, VendorName.WAVESPEED) == InLine()

    world.clock.advance(11 * 60)
    rounds(world)()

    assert "next" in world.governor.leases(VendorName.WAVESPEED)


def test_who_sleeps_in_line_is_woken_by_the_round_when_the_limit_is_lifted(world: World) -> None:
    world.limits = ONE_EACH
    first = another(world, "first")
    assert world.dispatch(first.id).outcome == "accepted"
    sleeper = another(world, "sleeper")
    queued = world.dispatch(sleeper.id)
    assert queued.parks
    assert world.parking.park(sleeper.id, "token", queued.nudges)
    world.workflow.parked.add("token")

    world.limits = NO_LIMITS
    world.clock.advance(120)
    rounds(world)()

    assert world.workflow.woken == ["token"]


def test_a_post_is_not_begun_when_the_function_may_end_before_its_answer(world: World) -> None:
    world.limits = ONE_EACH
    job = world.dispatching(vendor="wavespeed")

    def others_write(_state: GovernorState) -> None:
        # Twelve tries of the governor, eight times over: then 50 s for the exchange are more than are left of 60.
        world.clock.advance(25)

    world.governor_store.before_write = others_write
    world.dispatch(job.id)

    assert posts(world) == 0


# --- attention, and money


def overdue_then_failed(world: World, **fields: object) -> Job:
    job = generating(world, **fields)
    world.clock.advance(1000)
    assert world.check(job.id).outcome == "overdue"
    world.close(job.id, WORKFLOW_FAULT, overdue=True)
    world.wavespeed.readings = [WENT_WRONG]
    assert world.check(job.id).outcome == "failed"
    return world.jobs.only()


def test_an_overdue_job_that_fails_in_the_end_needs_nobodys_attention(world: World) -> None:
    job = overdue_then_failed(world, vendor="wavespeed")
    assert world.dispatch(job.id).outcome == "failed"
    world.close(job.id, WORKFLOW_FAULT)
    assert world.jobs.only().status is Status.FAILED

    assert world.jobs.needing_attention(10).jobs == ()


def test_the_next_vendors_generation_is_not_overdue_from_its_start(world: World) -> None:
    job = overdue_then_failed(world)

    assert world.dispatch(job.id).outcome == "accepted"

    assert world.jobs.only().attempt.vendor is VendorName.APIFRAME  # type: ignore[union-attr]
    assert not world.jobs.only().overdue


def test_what_was_charged_stays_booked_when_a_redriven_generation_is_declared_failed(world: World) -> None:
    job = generating(world)
    bring_home(world, job.id)
    day = (world.clock.now().date(), "default")
    assert world.jobs.books[day].total.charged == Decimal("0.20")
    interventions(world).redrive(MINE)
    world.wavespeed.readings = [WENT_WRONG]

    world.check(job.id)

    assert world.jobs.books[day].total.charged == Decimal("0.20")


def test_a_job_that_is_dearer_than_any_days_budget_does_not_wait_for_a_day_that_never_comes(world: World) -> None:
    world.tenant_dollars = Decimal("0.10")
    job = world.dispatching(vendor="wavespeed")

    assert world.dispatch(job.id).outcome == "failed"


# --- one record that cannot be read


class Listing:
    """DynamoDB, with an index that lists a record of another release before a good one."""

    def __init__(self, *items: Item) -> None:
        self._items = items

    @property
    def dynamodb(self) -> "Listing":
        return self

    def get_paginator(self, _operation: str) -> "Listing":
        return self

    def paginate(self, **_query: object) -> list[dict[str, object]]:
        return [{"Items": list(self._items)}]


@pytest.mark.parametrize("listing", ["quiet", "line"])
def test_a_record_that_cannot_be_read_does_not_hide_those_behind_it(world: World, listing: str) -> None:
    good = job_item(world.dispatching(), "writer")
    other = {**good, "status": {"S": "a word of tomorrow"}}
    store = DynamoJobStore(cast("AwsClients", Listing(other, good)), "jobs")

    # A sweep that meets it sweeps nothing any more; a dispatch that meets it fails, and its job with it.
    listed = store.quiet_since(world.clock.now()) if listing == "quiet" else store.in_line(VendorName.WAVESPEED)

    assert [job.id for job in listed] == ["job-1"]
