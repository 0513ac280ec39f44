"""Reconcile: the vendor's history settles what was never answered where it can be no other's, and only there."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan
from tests.world import WORKFLOW_FAULT, World, new_job

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, attempt_ended, with_attempt
from stillmotion.domain.job.lifecycle import needs_attention
from stillmotion.domain.job.records import Attempt, Job, Outcome, Reason, Status
from stillmotion.domain.request import VendorName
from stillmotion.domain.sweeping import RETENTION
from stillmotion.edge.request import parse_request
from stillmotion.keyspace import generation_key
from stillmotion.ports import StoreError
from stillmotion.ports.records import Page, Pointer
from stillmotion.ports.vendor import Listed, ReadFailed
from stillmotion.services.operations.interventions import dispute_claims
from stillmotion.services.tracking.reconcile import Reconciled
from stillmotion.services.tracking.sweep import SweepFailed

AFTER_SECONDS = 300
LOST = Failure(FailureKind.OUTCOME_UNKNOWN, "the connection broke")
REFUSED = Failure(FailureKind.INVALID_INPUT, "no")


@pytest.fixture
def world() -> World:
    return World(account_is_ours=True)


def sending(world: World, job_id: str = "job-1", vendor: VendorName = VendorName.WAVESPEED) -> Job:
    """A job whose attempt is written down; nobody knows what came of it."""
    wanted = parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg"})
    begun = attempt_begun(
        replace(new_job(world.clock, wanted), id=job_id),
        world.clock.now(),
        vendor=vendor,
        quote=Decimal("0.20"),
        path="/generate",
        body="{}",
        idempotency_key=job_id,
    )
    return world.jobs.put(begun)


def lost(world: World, job_id: str = "job-1", vendor: VendorName = VendorName.WAVESPEED) -> Job:
    """A job whose submission was never answered, left to a person."""
    job = sending(world, job_id, vendor)
    now = world.clock.now()
    unknown = attempt_ended(job, 1, Outcome.UNKNOWN, LOST, now)
    return world.jobs.put(needs_attention(unknown, Reason.OUTCOME_UNKNOWN, LOST, now))


def make(world: World, generation_id: str, after: float = 1) -> None:
    """A generation appears in the vendor's history, made so many seconds from now."""
    made = Listed(
        generation_id=generation_id,
        model="luma/ray-2-flash-i2v",
        created_at=world.clock.now() + timedelta(seconds=after),
        vendor_status="completed",
    )
    assert isinstance(world.wavespeed.listed, tuple)
    world.wavespeed.listed = (made, *world.wavespeed.listed)


def claim(world: World, generation_id: str, job_id: str) -> None:
    key = generation_key(VendorName.WAVESPEED, generation_id)
    world.jobs.remember(Pointer(key=key, job_id=job_id, attempt=1, created_at=world.clock.now()))


def attempt(world: World, job_id: str = "job-1") -> Attempt:
    job = world.jobs.get(job_id)
    assert job is not None
    assert job.attempt is not None
    return job.attempt


def shown(world: World, job_id: str = "job-1") -> list[str]:
    return [candidate.generation_id for candidate in attempt(world, job_id).candidates]


def generation_id(world: World, job_id: str = "job-1") -> str | None:
    generation = attempt(world, job_id).generation
    return generation.id if generation is not None else None


def wait(world: World, seconds: float = AFTER_SECONDS) -> None:
    world.clock.advance(seconds)


# --- adopted


def test_what_can_be_no_others_is_adopted_and_goes_on(world: World) -> None:
    lost(world)
    make(world, "g1")
    wait(world)
    assert world.reconcile() == Reconciled(adopted=1)
    job = world.jobs.only()
    assert (job.status, job.reason, job.failure, job.run) == (Status.GENERATING, None, None, 2)
    assert (attempt(world).outcome, generation_id(world)) == (Outcome.ACCEPTED, "g1")
    assert world.workflow.started == ["job-1-2"]
    assert world.wavespeed.posts == []


def test_what_is_adopted_is_claimed_in_the_same_write(world: World) -> None:
    lost(world)
    make(world, "g1")
    wait(world)
    world.reconcile()
    pointer = world.jobs.pointers[generation_key(VendorName.WAVESPEED, "g1")]
    assert (pointer.job_id, pointer.attempt) == ("job-1", 1)


def test_an_attempt_whose_sender_died_is_adopted_too(world: World) -> None:
    job = sending(world)
    world.jobs.put(needs_attention(job, Reason.OUTCOME_UNKNOWN, WORKFLOW_FAULT, world.clock.now()))
    make(world, "g1")
    wait(world)
    assert world.reconcile() == Reconciled(adopted=1)


def test_what_others_have_claimed_is_none_of_its_candidates(world: World) -> None:
    lost(world)
    make(world, "g1")
    make(world, "g2")
    claim(world, "g2", "job-2")
    wait(world)
    world.reconcile()
    assert generation_id(world) == "g1"


def test_attempts_that_were_answered_are_in_nobodys_way(world: World) -> None:
    lost(world)
    make(world, "g1")
    now = world.clock.now()
    world.jobs.put(attempt_accepted(sending(world, "job-2"), 1, "g2", now, None))
    world.jobs.put(attempt_ended(sending(world, "job-3"), 1, Outcome.REFUSED, REFUSED, now))
    lost(world, "job-4", VendorName.APIFRAME)
    wait(world)
    assert world.reconcile() == Reconciled(adopted=1)


def test_an_attempt_without_an_answer_some_time_away_is_in_nobodys_way(world: World) -> None:
    lost(world, "job-2")
    wait(world, 241)
    lost(world)
    make(world, "g1")
    wait(world)
    world.reconcile()
    assert generation_id(world) == "g1"
    assert attempt(world, "job-2").outcome is Outcome.UNKNOWN


def test_two_reconcilers_at_once_adopt_once(world: World) -> None:
    lost(world)
    make(world, "g1")
    wait(world)

    def other(_: Job) -> None:
        world.jobs.before_save = None
        assert world.reconcile() == Reconciled(adopted=1)

    world.jobs.before_save = other
    world.reconcile()
    assert (world.jobs.only().status, generation_id(world)) == (Status.GENERATING, "g1")
    assert world.workflow.started == ["job-1-2"]


# --- left to a person


def test_a_history_that_others_order_in_too_is_shown_and_not_adopted(world: World) -> None:
    world.account_is_ours = False
    lost(world)
    make(world, "g1")
    wait(world)
    assert world.reconcile() == Reconciled(shown=1)
    assert shown(world) == ["g1"]
    job = world.jobs.only()
    assert (job.status, job.reason) == (Status.NEEDS_ATTENTION, Reason.OUTCOME_UNKNOWN)
    assert attempt(world).candidates[0].vendor_status == "completed"


def test_of_two_candidates_none_is_adopted(world: World) -> None:
    lost(world)
    make(world, "g1")
    make(world, "g2", 30)
    wait(world)
    assert world.reconcile() == Reconciled(shown=1)
    assert shown(world) == ["g1", "g2"]


def test_two_attempts_without_an_answer_are_told_apart_by_nobody(world: World) -> None:
    lost(world)
    wait(world, 240)
    lost(world, "job-2")
    make(world, "g1", -120)
    wait(world, 600)
    assert world.reconcile() == Reconciled(shown=1, left=1)
    assert (generation_id(world), generation_id(world, "job-2")) == (None, None)


def test_an_attempt_that_is_being_sent_may_be_the_one(world: World) -> None:
    lost(world)
    sending(world, "job-2")
    make(world, "g1")
    wait(world)
    assert world.reconcile() == Reconciled(shown=1)


def test_an_attempt_that_an_index_shows_late_is_seen_after_the_history_was_read(world: World) -> None:
    late = sending(World(), "job-2")
    lost(world)
    make(world, "g1")
    wait(world)
    read = world.wavespeed.history
    world.wavespeed.history = lambda since: (world.jobs.put(late), read(since))[1]  # type: ignore[method-assign]
    assert world.reconcile() == Reconciled(shown=1)


def test_an_attempt_that_an_index_shows_no_more_was_seen_before_the_history_was_read(world: World) -> None:
    lost(world)
    lost(world, "job-2")
    make(world, "g1")
    wait(world)
    list_all, shows = world.jobs.needing_attention, iter([True, False])

    def changing(limit: int, after: str | None = None) -> Page:
        page = list_all(limit, after)
        return page if next(shows) else replace(page, jobs=())

    world.jobs.needing_attention = changing  # type: ignore[method-assign]
    assert world.reconcile() == Reconciled(shown=2)


def test_what_was_made_a_moment_ago_waits_until_the_indexes_can_tell_who_made_it(world: World) -> None:
    lost(world)
    make(world, "g1", 150)
    wait(world)
    assert world.reconcile() == Reconciled(shown=1)
    wait(world)
    assert world.reconcile() == Reconciled(adopted=1)


def test_no_candidate_proves_nothing(world: World) -> None:
    before = lost(world)
    wait(world)
    assert world.reconcile() == Reconciled(left=1)
    assert world.jobs.only() == before
    assert world.wavespeed.posts == []


def test_what_was_made_at_another_time_is_no_candidate(world: World) -> None:
    make(world, "g0", -91)
    lost(world)
    make(world, "g1", 151)
    wait(world)
    assert world.reconcile() == Reconciled(left=1)


@pytest.mark.parametrize("settled", [Outcome.NOT_SENT, Outcome.UNKNOWN])
def test_what_a_person_settled_is_not_trusted_to_have_made_nothing(world: World, settled: Outcome) -> None:
    lost(world)
    mistaken = attempt(world)
    now = world.clock.now()
    ended = with_attempt(world.jobs.only(), replace(mistaken, outcome=settled), now)
    world.jobs.save(replace(ended, status=Status.FAILED, reason=None), dispute_claims("job-1", mistaken, now))
    make(world, "g1", 40)
    wait(world, 100)
    lost(world, "job-2")
    wait(world)
    assert world.reconcile() == Reconciled(shown=1)
    assert shown(world, "job-2") == ["g1"]


def test_no_doubt_is_left_behind_where_keys_are_known(world: World) -> None:
    job = lost(world, vendor=VendorName.APIFRAME)
    assert job.attempt is not None
    assert dispute_claims(job.id, job.attempt, world.clock.now()) == ()


def test_what_is_listed_and_cannot_be_read_is_shown(world: World) -> None:
    lost(world)
    make(world, "g1")
    world.wavespeed.readings = [world.wavespeed.unreadable()]
    wait(world)
    assert world.reconcile() == Reconciled(shown=1)


def test_a_candidate_that_somebody_claimed_meanwhile_is_not_adopted(world: World) -> None:
    lost(world)
    make(world, "g1")
    wait(world)
    world.jobs.before_save = lambda _: claim(world, "g1", "job-2")
    assert world.reconcile() == Reconciled(overtaken=1)
    assert attempt(world).outcome is Outcome.UNKNOWN


def test_an_unanswered_apiframe_post_is_not_looked_for(world: World) -> None:
    lost(world, vendor=VendorName.APIFRAME)
    wait(world)
    assert world.reconcile() == Reconciled()
    assert world.wavespeed.asked_since == []


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.OUTCOME_UNKNOWN])
def test_what_needs_a_person_for_another_reason_is_not_looked_for(world: World, reason: Reason) -> None:
    world.jobs.put(needs_attention(sending(world), reason, WORKFLOW_FAULT, world.clock.now()))
    wait(world)
    assert world.reconcile() == Reconciled()


# --- when, and how often


def test_the_webhook_goes_first(world: World) -> None:
    lost(world)
    make(world, "g1")
    wait(world, AFTER_SECONDS - 1)
    assert world.reconcile() == Reconciled()
    assert world.wavespeed.asked_since == []


def test_the_history_is_read_once_for_all(world: World) -> None:
    first = lost(world)
    wait(world, 30)
    lost(world, "job-2")
    wait(world)
    world.reconcile()
    assert first.attempt is not None
    assert world.wavespeed.asked_since == [first.attempt.sent_at - timedelta(seconds=90)]


def test_each_look_is_twice_as_far_from_the_post(world: World) -> None:
    lost(world)
    looks: list[int] = []
    for minute in range(5, 90, 5):
        wait(world)
        if world.reconcile().left:
            looks.append(minute)
    assert looks == [5, 10, 20, 40, 80]


def test_a_look_that_finds_nothing_new_writes_no_record(world: World) -> None:
    world.account_is_ours = False
    lost(world)
    make(world, "g1")
    wait(world)
    world.reconcile()
    before = world.jobs.only()
    wait(world)
    assert world.reconcile() == Reconciled(left=1)
    assert world.jobs.only() == before


def test_candidates_that_found_their_owner_are_shown_no_more(world: World) -> None:
    lost(world)
    make(world, "g1")
    make(world, "g2")
    make(world, "g3")
    wait(world)
    world.reconcile()
    claim(world, "g2", "job-2")
    wait(world)
    assert world.reconcile() == Reconciled(shown=1)
    assert shown(world) == ["g1", "g3"]


def test_nothing_of_it_is_announced(world: World) -> None:
    lost(world)
    make(world, "g1")
    make(world, "g2")
    for _ in range(9):
        wait(world)
        world.reconcile()
    assert world.jobs.events == []


def test_after_the_retention_nobody_looks_any_more(world: World) -> None:
    lost(world)
    wait(world, RETENTION[VendorName.WAVESPEED].total_seconds())
    assert world.reconcile() == Reconciled()


# --- what goes wrong


@pytest.mark.parametrize("kind", [FailureKind.UNAVAILABLE, FailureKind.UNAUTHORIZED])
def test_a_history_that_cannot_be_read_is_asked_for_at_the_next_round(world: World, kind: FailureKind) -> None:
    lost(world)
    make(world, "g1")
    listed, world.wavespeed.listed = world.wavespeed.listed, ReadFailed(kind, "not now")
    wait(world)
    assert world.reconcile() == Reconciled(unread=1)
    world.wavespeed.listed = listed
    assert world.reconcile() == Reconciled(adopted=1)


def test_what_is_too_far_back_to_be_read_keeps_no_later_one_from_being_found(world: World) -> None:
    lost(world, "job-2")
    wait(world, 24 * 3600)
    lost(world)
    make(world, "g1")
    wait(world)
    read, far = world.wavespeed.history, world.clock.now() - timedelta(hours=1)
    world.wavespeed.history = lambda since: None if since < far else read(since)  # type: ignore[method-assign]
    assert world.reconcile() == Reconciled(adopted=1, unread=1)
    assert generation_id(world) == "g1"


def test_a_vendor_that_tells_no_history_changes_nothing(world: World) -> None:
    before = lost(world)
    world.wavespeed.listed = None
    wait(world)
    assert world.reconcile() == Reconciled(unread=1)
    assert world.jobs.only() == before


def test_one_record_that_cannot_be_written_keeps_no_other_from_being_settled(world: World) -> None:
    lost(world, "job-2")
    wait(world, 1000)
    lost(world)
    make(world, "g1")
    make(world, "g2", -1000)
    wait(world)

    def refuse(job: Job) -> None:
        if job.id == "job-1":
            raise StoreError("no")

    world.jobs.before_save = refuse
    reconciled = world.reconcile()
    assert (reconciled.adopted, reconciled.failures) == (1, ("job-1: no",))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 14))
def test_a_round_that_dies_is_made_good_by_the_next(world: World, dies_at: int, after: bool) -> None:  # noqa: FBT001
    lost(world)
    make(world, "g1")
    wait(world)
    faults = FaultPlan(dies_at=dies_at, after=after)
    for port in (world.jobs, world.wavespeed, world.workflow):
        port.faults = faults
    try:
        world.reconcile()
    except Died:
        faults.dies_at = None
    wait(world, 86_400)
    world.reconcile()
    assert generation_id(world) == "g1"
    assert len(world.wavespeed.posts) == 0


def test_many_are_looked_for_page_by_page(world: World) -> None:
    for number in range(230):
        lost(world, f"job-{number}")
        wait(world, 1)
    wait(world)
    assert world.reconcile().left == 200
    assert world.reconcile().left == 30


def test_a_sweep_tells_what_was_settled(world: World) -> None:
    lost(world)
    make(world, "g1")
    wait(world)
    assert world.sweep().adopted == 1


def test_a_sweep_whose_jobs_in_doubt_cannot_be_listed_has_swept_the_others(world: World) -> None:
    world.jobs.put(sending(world))
    wait(world, 3600)

    def refuse(limit: int, after: str | None = None) -> Page:
        raise StoreError(f"no {limit} after {after}")

    world.jobs.needing_attention = refuse  # type: ignore[method-assign]
    with pytest.raises(SweepFailed, match="reconciling: no 100 after None"):
        world.sweep()
    assert world.workflow.started == ["job-1-2"]
