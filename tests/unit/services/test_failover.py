"""The other vendor is tried on a final verdict only, and where the kind of failure allows it."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan
from tests.world import NO_LIMITS, WORKFLOW_FAULT, World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Job, Outcome, Reason, Status, Substitution
from stillmotion.domain.request import VendorName
from stillmotion.ports.vendor import Accepted, Declared, NotSent, Refused, Unanswered

ONE_EACH = replace(NO_LIMITS, wavespeed_concurrency=1, apiframe_concurrency=1)
LOST = Unanswered(detail="the connection broke", resendable=False)


def leases(world: World, vendor: VendorName) -> set[str]:
    """Who has a slot."""
    return set(world.governor.leases(vendor))


def refused(kind: FailureKind, retry_after: int | None = None) -> Refused:
    return Refused(failure=Failure(kind, "no"), retry_after=retry_after)


def declared(kind: FailureKind) -> Declared:
    return Declared(vendor_status="failed", failure=Failure(kind, "it went wrong"))


def posts(world: World) -> tuple[int, int]:
    """How many POSTs WaveSpeed and Apiframe got."""
    return len(world.wavespeed.posts), len(world.apiframe.posts)


def until_it_ends(world: World, job: Job, steps: int = 12) -> Job:
    """Plays the state machine."""
    for _ in range(steps):
        dispatched = world.dispatch(job.id)
        if dispatched.outcome == "wait":
            world.clock.advance(dispatched.wait_seconds)
            continue
        if dispatched.outcome == "accepted" and world.check(job.id).outcome == "failed":
            continue
        if dispatched.outcome in ("failed", "attention"):
            world.close(job.id, WORKFLOW_FAULT)
        break
    return world.jobs.only()


@pytest.mark.parametrize(
    "kind",
    [FailureKind.OUT_OF_CREDITS, FailureKind.UNAUTHORIZED, FailureKind.INPUT_UNREACHABLE],
)
def test_a_refusal_that_is_about_the_vendor_moves_the_job_to_the_other(world: World, kind: FailureKind) -> None:
    world.wavespeed.submissions = [refused(kind)]

    job = until_it_ends(world, world.dispatching())

    assert posts(world) == (1, 1)
    assert [attempt.vendor for attempt in job.attempts] == [VendorName.WAVESPEED, VendorName.APIFRAME]
    assert job.status is Status.GENERATING
    assert job.failure is None


@pytest.mark.parametrize("kind", [FailureKind.MODERATED, FailureKind.INVALID_INPUT])
def test_what_was_asked_does_not_shop_around(world: World, kind: FailureKind) -> None:
    world.wavespeed.submissions = [refused(kind)]

    job = until_it_ends(world, world.dispatching())

    assert posts(world) == (1, 0)
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.kind is kind


@pytest.mark.parametrize("kind", [FailureKind.MODERATED, FailureKind.INVALID_INPUT])
def test_what_was_asked_is_shown_to_the_other_when_the_request_says_so(world: World, kind: FailureKind) -> None:
    world.wavespeed.submissions = [refused(kind)]

    until_it_ends(world, world.dispatching(failover="always"))

    assert posts(world) == (1, 1)


@pytest.mark.parametrize("fields", [{"failover": "never"}, {"vendor": "wavespeed"}])
def test_a_job_that_is_to_stay_with_its_vendor_fails_with_it(world: World, fields: dict[str, object]) -> None:
    world.wavespeed.submissions = [refused(FailureKind.OUT_OF_CREDITS)]

    job = until_it_ends(world, world.dispatching(**fields))

    assert posts(world) == (1, 0)
    assert job.status is Status.FAILED


def test_a_generation_that_was_declared_failed_is_made_by_the_other_vendor(world: World) -> None:
    world.wavespeed.readings = [declared(FailureKind.GENERATION_FAILED)]

    job = until_it_ends(world, world.dispatching())

    assert posts(world) == (1, 1)
    assert job.status is Status.GENERATING
    assert [attempt.outcome for attempt in job.attempts] == [Outcome.ACCEPTED, Outcome.ACCEPTED]


def test_a_job_whose_both_vendors_failed_says_what_the_last_one_said(world: World) -> None:
    world.wavespeed.readings = [declared(FailureKind.GENERATION_FAILED)]
    world.apiframe.readings = [declared(FailureKind.TIMED_OUT)]

    job = until_it_ends(world, world.dispatching())

    assert posts(world) == (1, 1)
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.kind is FailureKind.TIMED_OUT


def test_an_unknown_outcome_never_goes_to_the_other_vendor(world: World) -> None:
    world.wavespeed.submissions = [LOST]

    job = until_it_ends(world, world.dispatching())

    assert posts(world) == (1, 0)
    assert job.status is Status.NEEDS_ATTENTION


def test_a_throttled_job_waits_for_its_vendor_and_then_goes_to_the_other(world: World) -> None:
    world.wavespeed.submissions = [refused(FailureKind.THROTTLED, retry_after=1200)] * 9

    job = until_it_ends(world, world.dispatching(), steps=20)

    assert world.wavespeed.posts
    assert posts(world)[0] <= 4
    assert posts(world)[1] == 1
    assert job.status is Status.GENERATING


def test_a_vendor_that_cannot_be_reached_is_left_after_three_tries(world: World) -> None:
    world.wavespeed.submissions = [NotSent("refused")] * 9

    until_it_ends(world, world.dispatching())

    assert posts(world) == (3, 1)


def test_a_job_that_is_to_be_cancelled_is_not_sent_to_the_other(world: World) -> None:
    job = world.dispatching()
    world.wavespeed.readings = [declared(FailureKind.GENERATION_FAILED)]
    world.dispatch(job.id)
    world.jobs.put(replace(world.jobs.only(), cancel_requested_at=world.clock.now()))
    world.check(job.id)

    assert world.dispatch(job.id).outcome == "failed"
    world.close(job.id, WORKFLOW_FAULT)

    assert posts(world) == (1, 0)
    assert world.jobs.only().status is Status.CANCELLED
    assert [event.detail_type for event in world.jobs.events] == ["Video Cancelled"]


def test_a_substitution_is_recorded_with_the_attempt(world: World) -> None:
    world.apiframe.submissions = [refused(FailureKind.OUT_OF_CREDITS)]

    job = until_it_ends(world, world.dispatching(duration=9, allow_substitution=True))

    assert posts(world) == (1, 1)
    assert job.attempts[0].substitutions == ()
    assert [substitution.field for substitution in job.attempts[1].substitutions] == ["duration"]
    assert job.attempts[1].quote == Decimal("0.40")
    assert isinstance(job.attempts[1].substitutions[0], Substitution)


def test_without_leave_nothing_is_substituted(world: World) -> None:
    world.apiframe.submissions = [refused(FailureKind.OUT_OF_CREDITS)]

    until_it_ends(world, world.dispatching(duration=9))

    assert posts(world) == (0, 1)


def test_a_job_that_changes_vendors_gives_its_slot_back(world: World) -> None:
    world.limits = ONE_EACH
    world.wavespeed.submissions = [refused(FailureKind.OUT_OF_CREDITS)]

    until_it_ends(world, world.dispatching())

    assert leases(world, VendorName.WAVESPEED) == set()
    assert leases(world, VendorName.APIFRAME) == {"job-1"}


def spend_twenty_cents(world: World) -> None:
    """Another job, at WaveSpeed, is reserved for."""
    world.jobs.put(replace(world.dispatching(), id="other"))
    assert world.dispatch("other").outcome == "accepted"


def test_a_job_over_the_days_budget_waits_for_the_next_day(world: World) -> None:
    world.tenant_dollars = Decimal("0.30")
    spend_twenty_cents(world)
    job = world.dispatching()

    dispatched = world.dispatch(job.id)

    assert posts(world) == (1, 0)
    assert dispatched.outcome == "wait"
    stored = world.jobs.get(job.id)
    assert stored is not None
    assert (stored.status, stored.reason) == (Status.WAITING, Reason.BUDGET)
    assert stored.failure is not None
    assert stored.failure.kind is FailureKind.OVER_BUDGET
    day = world.clock.now().date()
    world.clock.advance(dispatched.wait_seconds)
    assert world.clock.now().date() > day


def test_a_job_over_the_days_budget_fails_when_its_request_says_so(world: World) -> None:
    world.tenant_dollars = Decimal("0.10")

    job = until_it_ends(world, world.dispatching(when_over_budget="fail"))

    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.kind is FailureKind.OVER_BUDGET
    assert posts(world) == (0, 0)


def test_a_job_over_budget_holds_no_slot(world: World) -> None:
    world.limits = replace(ONE_EACH, wavespeed_concurrency=2)
    world.tenant_dollars = Decimal("0.30")
    spend_twenty_cents(world)

    world.dispatch(world.dispatching().id)

    assert leases(world, VendorName.WAVESPEED) == {"other"}


def test_the_budget_of_the_next_day_is_another(world: World) -> None:
    world.tenant_dollars = Decimal("0.30")
    spend_twenty_cents(world)
    job = world.dispatching()
    world.clock.advance(world.dispatch(job.id).wait_seconds)

    assert world.dispatch(job.id).outcome == "accepted"


def test_an_accepted_job_keeps_its_slot_until_its_verdict(world: World) -> None:
    world.limits = ONE_EACH
    job = world.dispatching()
    world.wavespeed.submissions = [Accepted(generation_id="g-1")]
    world.dispatch(job.id)
    assert leases(world, VendorName.WAVESPEED) == {job.id}
    world.wavespeed.readings = [declared(FailureKind.MODERATED)]

    world.check(job.id)

    assert leases(world, VendorName.WAVESPEED) == set()


def test_a_throttled_job_that_leaves_its_vendor_gives_the_slot_back_at_once(world: World) -> None:
    world.limits = ONE_EACH
    world.wavespeed.submissions = [refused(FailureKind.THROTTLED, retry_after=3000)] * 3

    until_it_ends(world, world.dispatching(), steps=6)

    assert posts(world)[1] == 1
    assert leases(world, VendorName.WAVESPEED) == set()


def test_a_throttled_job_that_is_cancelled_gives_the_slot_back_at_once(world: World) -> None:
    world.limits = ONE_EACH
    world.wavespeed.submissions = [refused(FailureKind.THROTTLED, retry_after=60)]
    job = world.dispatching()
    world.dispatch(job.id)
    world.jobs.put(replace(world.jobs.only(), cancel_requested_at=world.clock.now()))

    assert world.dispatch(job.id).outcome == "failed"

    assert leases(world, VendorName.WAVESPEED) == set()


def test_a_vendor_that_fails_again_and_again_is_heard_of_though_check_died_before_the_slot_was_given_back(
    world: World,
) -> None:
    world.limits = replace(ONE_EACH, breaker_failures=1)
    job = world.dispatching(vendor="wavespeed")
    world.wavespeed.readings = [declared(FailureKind.GENERATION_FAILED)]
    world.dispatch(job.id)
    world.governor_store.faults = FaultPlan(dies_at=1)
    with pytest.raises(Died):
        world.check(job.id)
    world.governor_store.faults = FaultPlan()

    world.check(job.id)

    assert leases(world, VendorName.WAVESPEED) == set()
    assert world.governor.is_resting(VendorName.WAVESPEED)
