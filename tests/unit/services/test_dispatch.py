"""Dispatch: the ledger is written before the POST, and what it says decides whether there is one."""

from datetime import timedelta

import msgspec
import pytest
from tests.fakes import Died, FaultPlan, InMemoryJobStore, ScriptedVendor
from tests.world import WORKFLOW_FAULT, World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Attempt, Job, Outcome, Reason, Status
from stillmotion.domain.request import VendorName
from stillmotion.keyspace import generation_key
from stillmotion.ports import Conflict
from stillmotion.ports.records import Pointer
from stillmotion.ports.vendor import Accepted, NotSent, Refused, SubmissionAnswer, Unanswered
from stillmotion.services.dispatch.dispatch import Dispatched
from stillmotion.services.dispatch.vendor_choice import MAX_ATTEMPTS, Patience
from stillmotion.services.dispatch.vendor_submission import AcceptanceUnwritten
from stillmotion.services.jobs import UnknownJob
from stillmotion.services.operations.close import workflow_failure

LOST = Unanswered(detail="the connection broke", resendable=False)
LOST_BUT_KEYED = Unanswered(detail="the connection broke", resendable=True)
THROTTLED = Refused(failure=Failure(FailureKind.THROTTLED, "slow down"), retry_after=17)


def attempt(world: World) -> Attempt:
    latest = world.jobs.only().attempt
    assert latest is not None
    return latest


def answered(world: World, *submissions: SubmissionAnswer, **fields: object) -> Job:
    """A stored job whose vendors will answer so."""
    world.wavespeed.submissions = list(submissions)
    world.apiframe.submissions = list(submissions)
    return world.dispatching(**fields)


def test_an_accepted_job_generates_and_waits_for_as_long_as_such_videos_take(world: World) -> None:
    job = answered(world, Accepted(generation_id="g-1", vendor_status="created"))
    assert world.dispatch(job.id) == Dispatched(outcome="accepted", wait_seconds=60)
    stored = world.jobs.only()
    assert stored.status is Status.GENERATING
    assert stored.generation is not None
    assert (stored.generation.id, stored.generation.vendor_status) == ("g-1", "created")


def test_a_generation_is_claimed_for_its_attempt(world: World) -> None:
    job = answered(world, Accepted(generation_id="g-1"))
    world.dispatch(job.id)
    claimed = world.jobs.pointers["generation#wavespeed#g-1"]
    assert (claimed.job_id, claimed.attempt) == (job.id, 1)


def test_the_attempt_with_its_exact_body_is_stored_before_the_post(world: World) -> None:
    job = answered(world)
    seen: list[Attempt] = []
    world.wavespeed.while_posting = lambda: seen.append(attempt(world))
    world.dispatch(job.id)
    (envelope, key) = world.wavespeed.posts[0]
    assert seen[0].outcome is Outcome.SENDING
    assert (seen[0].path, seen[0].body, seen[0].idempotency_key) == (envelope.path, envelope.body, key)


def test_the_price_is_quoted_in_the_attempt(world: World) -> None:
    world.dispatch(answered(world).id)
    assert str(attempt(world).quote) == "0.20"


def test_an_accepted_job_is_not_sent_again(world: World) -> None:
    job = answered(world)
    world.dispatch(job.id)
    assert world.dispatch(job.id).outcome == "accepted"
    assert len(world.wavespeed.posts) == 1


def test_of_two_at_once_only_one_sends(world: World) -> None:
    job = answered(world)
    second: list[Dispatched] = []
    world.wavespeed.while_posting = lambda: second.append(world.dispatch(job.id))
    assert world.dispatch(job.id).outcome == "accepted"
    assert second == [Dispatched(outcome="wait", wait_seconds=65)]
    assert len(world.wavespeed.posts) == 1


def test_a_rival_that_writes_first_is_left_to_send(world: World) -> None:
    job = answered(world)
    rivals: list[Dispatched] = []

    def rival_first(_: Job) -> None:
        world.jobs.before_save = None
        rivals.append(world.dispatch(job.id))

    world.jobs.before_save = rival_first
    assert world.dispatch(job.id).outcome == "accepted"
    assert [rival.outcome for rival in rivals] == ["accepted"]
    assert len(world.wavespeed.posts) == 1


# --- no answer


def test_an_unanswered_wavespeed_post_is_never_sent_again(world: World) -> None:
    job = answered(world, LOST)
    assert world.dispatch(job.id).outcome == "attention"
    for _ in range(3):
        world.clock.advance(3600)
        assert world.dispatch(job.id).outcome == "attention"
    assert attempt(world).outcome is Outcome.UNKNOWN
    assert len(world.wavespeed.posts) == 1


def test_an_unanswered_apiframe_post_is_sent_again_with_the_same_key_and_body(world: World) -> None:
    job = answered(world, LOST_BUT_KEYED, LOST_BUT_KEYED, Accepted(generation_id="g-1"), vendor="apiframe")
    assert [world.dispatch(job.id) for _ in range(3)] == [
        Dispatched(outcome="wait", wait_seconds=5),
        Dispatched(outcome="wait", wait_seconds=10),
        Dispatched(outcome="accepted", wait_seconds=60),
    ]
    assert len(world.apiframe.posts) == 3
    assert len(set(world.apiframe.posts)) == 1
    assert attempt(world).sends == 3


def test_a_key_is_not_trusted_beyond_its_window(world: World) -> None:
    job = answered(world, LOST_BUT_KEYED, vendor="apiframe")
    world.dispatch(job.id)
    world.clock.advance(timedelta(hours=20).total_seconds())
    assert world.dispatch(job.id).outcome == "attention"
    assert len(world.apiframe.posts) == 1


def test_an_answer_that_proves_another_original_bars_sending_again(world: World) -> None:
    job = answered(world, LOST, vendor="apiframe")
    assert world.dispatch(job.id).outcome == "attention"
    assert world.dispatch(job.id).outcome == "attention"
    assert len(world.apiframe.posts) == 1


def test_a_sender_that_died_reads_as_unknown_when_it_can_no_longer_be_alive(world: World) -> None:
    job = answered(world)
    world.wavespeed.faults = FaultPlan(dies_at=1, after=True)
    with pytest.raises(Died):
        world.dispatch(job.id)
    assert attempt(world).outcome is Outcome.SENDING
    world.clock.advance(64)
    assert world.dispatch(job.id) == Dispatched(outcome="wait", wait_seconds=1)
    world.clock.advance(1)
    assert world.dispatch(job.id).outcome == "attention"
    assert attempt(world).outcome is Outcome.UNKNOWN
    assert len(world.wavespeed.posts) == 1


def test_a_sender_that_died_at_apiframe_is_followed_by_the_same_post(world: World) -> None:
    job = answered(world, vendor="apiframe")
    world.apiframe.faults = FaultPlan(dies_at=1, after=True)
    with pytest.raises(Died):
        world.dispatch(job.id)
    world.clock.advance(65)
    assert world.dispatch(job.id).outcome == "accepted"
    assert len(world.apiframe.posts) == 2
    assert len(set(world.apiframe.posts)) == 1


def test_a_late_answer_is_written_over_unknown(world: World) -> None:
    """The sender outlived the wait for it: another invocation has called its attempt unknown meanwhile."""
    job = answered(world, Accepted(generation_id="g-1"))

    def others_lose_patience() -> None:
        world.clock.advance(120)
        assert world.dispatch(job.id).outcome == "attention"

    world.wavespeed.while_posting = others_lose_patience
    assert world.dispatch(job.id).outcome == "accepted"
    assert attempt(world).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    "answer",
    [
        THROTTLED,
        NotSent("connection refused"),
        Refused(failure=Failure(FailureKind.OUT_OF_CREDITS, "no credits")),
        Refused(failure=Failure(FailureKind.UNAUTHORIZED, "no such key")),
    ],
)
def test_what_a_repetition_is_told_says_nothing_of_the_first_post(world: World, answer: SubmissionAnswer) -> None:
    """The first may have been taken: a new attempt, with a new key, would pay twice."""
    job = answered(world, LOST_BUT_KEYED, answer, Accepted(generation_id="g-1"), vendor="apiframe")
    assert [world.dispatch(job.id).outcome for _ in range(3)] == ["wait", "wait", "accepted"]
    assert len(world.apiframe.posts) == 3
    assert len(set(world.apiframe.posts)) == 1


def test_a_repetition_that_is_refused_until_the_key_is_forgotten_needs_a_person(world: World) -> None:
    no = Refused(failure=Failure(FailureKind.OUT_OF_CREDITS, "no credits"))
    job = answered(world, LOST_BUT_KEYED, no, vendor="apiframe")
    world.dispatch(job.id)
    world.dispatch(job.id)
    world.clock.advance(timedelta(hours=20).total_seconds())
    assert world.dispatch(job.id).outcome == "attention"
    world.close(job.id, WORKFLOW_FAULT)
    stored = world.jobs.only()
    assert stored.reason is Reason.OUTCOME_UNKNOWN
    assert stored.failure is not None
    assert stored.failure.kind is FailureKind.OUTCOME_UNKNOWN
    assert stored.was_ever_accepted


# --- refused, throttled, not sent


def test_throttling_waits_as_long_as_retry_after_says_and_tries_anew(world: World) -> None:
    job = answered(world, THROTTLED, Accepted(generation_id="g-1"))
    assert world.dispatch(job.id) == Dispatched(outcome="wait", wait_seconds=17)
    assert world.dispatch(job.id) == Dispatched(outcome="wait", wait_seconds=17)
    world.clock.advance(17)
    assert world.dispatch(job.id).outcome == "accepted"
    assert [sent.outcome for sent in world.jobs.only().attempts] == [Outcome.REFUSED, Outcome.ACCEPTED]


def test_a_new_attempt_has_a_key_of_its_own(world: World) -> None:
    job = answered(world, THROTTLED, Accepted(generation_id="g-1"), vendor="apiframe")
    world.dispatch(job.id)
    world.clock.advance(17)
    world.dispatch(job.id)
    keys = [key for _, key in world.apiframe.posts]
    assert len(set(keys)) == 2


def test_throttling_without_a_time_waits_longer_each_time(world: World) -> None:
    bare = Refused(failure=THROTTLED.failure)
    job = answered(world, bare, bare, bare)
    waits = []
    for _ in range(3):
        waits.append(world.dispatch(job.id).wait_seconds)
        world.clock.advance(600)
    assert waits == [5, 10, 20]


def test_patience_ends_and_the_failure_is_the_vendors(world: World) -> None:
    job = answered(world, THROTTLED, vendor="wavespeed")
    world.dispatch(job.id)
    world.clock.advance(3601)
    assert world.dispatch(job.id).outcome == "failed"
    assert len(world.wavespeed.posts) == 1


def test_a_retry_after_beyond_patience_fails_now(world: World) -> None:
    job = answered(world, Refused(failure=THROTTLED.failure, retry_after=7200), vendor="wavespeed")
    assert world.dispatch(job.id).outcome == "failed"


def test_a_post_that_never_left_is_tried_anew(world: World) -> None:
    job = answered(world, NotSent("connection refused"), Accepted(generation_id="g-1"))
    assert world.dispatch(job.id) == Dispatched(outcome="wait", wait_seconds=5)
    assert world.dispatch(job.id).outcome == "accepted"
    assert [sent.outcome for sent in world.jobs.only().attempts] == [Outcome.NOT_SENT, Outcome.ACCEPTED]


@pytest.mark.parametrize(
    "kind",
    [FailureKind.INVALID_INPUT, FailureKind.UNAUTHORIZED, FailureKind.OUT_OF_CREDITS, FailureKind.MODERATED],
)
def test_a_refusal_that_time_does_not_mend_fails_at_once(world: World, kind: FailureKind) -> None:
    job = answered(world, Refused(failure=Failure(kind, "no")), vendor="wavespeed")
    assert world.dispatch(job.id).outcome == "failed"
    assert world.dispatch(job.id).outcome == "failed"
    assert len(world.wavespeed.posts) == 1
    assert attempt(world).failure == Failure(kind, "no")


# --- images


def test_an_object_reaches_the_vendor_as_a_signed_url_of_its_exact_version(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata={"prompt": "p"})
    world.dispatch(world.jobs.only().id)
    body = world.wavespeed.posts[0][0].body
    assert "X-Amz-Expires=21600&versionId=v1" in body


def test_where_the_bucket_cannot_be_seen_the_image_goes_through_the_vendors_upload(world: World) -> None:
    world.image_transfer = "upload"
    world.drop("inbox/lake.jpg", metadata={"prompt": "p"})
    world.dispatch(world.jobs.only().id)
    assert world.wavespeed.uploads[0][1:] == ("image/jpeg", "lake.jpg")
    assert "https://uploads.wavespeed.test/1/lake.jpg" in world.wavespeed.posts[0][0].body


def test_an_upload_that_fails_sends_nothing_and_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.image_transfer = "upload"
    world.drop("inbox/lake.jpg", metadata={"prompt": "p"})

    def fails(*_: object) -> str:
        raise world.wavespeed.unreadable(retry_after=9)

    monkeypatch.setattr(world.wavespeed, "upload", fails)
    assert world.dispatch(world.jobs.only().id) == Dispatched(outcome="wait", wait_seconds=9)
    assert world.wavespeed.posts == []
    assert world.jobs.only().attempts == ()


def test_an_upload_that_time_does_not_mend_fails_with_its_reason(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.image_transfer = "upload"
    world.drop("inbox/lake.jpg", metadata={"prompt": "p"})

    def fails(*_: object) -> str:
        raise world.wavespeed.unreadable(FailureKind.UNAUTHORIZED)

    monkeypatch.setattr(world.wavespeed, "upload", fails)
    job_id = world.jobs.only().id
    assert world.dispatch(job_id).outcome == "failed"
    world.close(job_id, WORKFLOW_FAULT)
    failure = world.jobs.only().failure
    assert failure is not None
    assert failure.kind is FailureKind.UNAUTHORIZED


# --- what must not be lost


def test_a_generation_that_another_job_holds_is_not_adopted(world: World) -> None:
    job = answered(world, Accepted(generation_id="g-1"))
    key = generation_key(world.wavespeed.name, "g-1")
    world.jobs.pointers[key] = Pointer(key=key, job_id="other", attempt=1, created_at=world.clock.now())
    assert world.dispatch(job.id).outcome == "attention"
    assert attempt(world).outcome is Outcome.UNKNOWN
    assert "g-1" in attempt(world).failure.message  # type: ignore[union-attr]


def test_an_accepted_generation_that_cannot_be_written_down_is_named_in_the_error(world: World) -> None:
    job = answered(world, Accepted(generation_id="g-1"))

    def nobody_may_write(_: Job) -> None:
        raise Conflict("busy")

    def break_store() -> None:
        world.jobs.before_save = nobody_may_write

    world.wavespeed.while_posting = break_store
    with pytest.raises(AcceptanceUnwritten, match="g-1"):
        world.dispatch(job.id)
    world.jobs.before_save = None
    world.close(job.id, workflow_failure("AcceptanceUnwritten", "wavespeed accepted generation g-1"))
    closed = world.jobs.only()
    assert (closed.status, closed.reason) == (Status.NEEDS_ATTENTION, Reason.OUTCOME_UNKNOWN)
    assert closed.failure is not None
    assert "g-1" in closed.failure.message


def test_a_second_generation_of_one_attempt_is_told_to_a_person(world: World) -> None:
    job = answered(world, Accepted(generation_id="g-2"), vendor="apiframe")

    def the_first_was_taken_meanwhile() -> None:
        world.apiframe.while_posting = None
        world.clock.advance(65)
        world.apiframe.submissions.insert(0, Accepted(generation_id="g-1"))
        world.dispatch(job.id)

    world.apiframe.while_posting = the_first_was_taken_meanwhile
    assert world.dispatch(job.id).outcome == "accepted"
    assert any("g-" in note.text and "also accepted" in note.text for note in world.jobs.only().notes)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 9))
@pytest.mark.parametrize("vendor", ["apiframe", "wavespeed"])
def test_dying_at_any_line_never_pays_twice(world: World, vendor: str, dies_at: int, *, after: bool) -> None:
    plan = FaultPlan(dies_at=dies_at, after=after)
    world.jobs = InMemoryJobStore(faults=plan)
    seller: ScriptedVendor = getattr(world, vendor)
    seller.faults = plan
    job = world.dispatching(vendor=vendor)
    outcome = "died"
    for _ in range(5):
        try:
            outcome = world.dispatch(job.id).outcome
        except Died:
            outcome = "died"
        world.clock.advance(65)
    assert len(set(seller.posts)) <= 1
    assert vendor == "apiframe" or len(seller.posts) <= 1
    assert outcome in ("accepted", "attention")
    assert outcome == "accepted" or vendor == "wavespeed"


def test_an_unknown_job_is_told(world: World) -> None:
    with pytest.raises(UnknownJob):
        world.dispatch("nobody")


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.NEEDS_ATTENTION])
def test_a_job_that_ended_sends_nothing(world: World, status: Status) -> None:
    job = world.dispatching()
    world.jobs.put(type(job)(**{name: getattr(job, name) for name in job.__struct_fields__} | {"status": status}))
    assert world.dispatch(job.id).outcome == "ended"
    assert world.wavespeed.posts == []


def test_a_vendor_that_has_no_key_is_not_chosen_where_another_will_do(world: World) -> None:
    world.keyless = {VendorName.WAVESPEED}
    world.dispatch(world.dispatching().id)
    assert len(world.apiframe.posts) == 1
    assert world.wavespeed.posts == []


def test_a_throttled_jobs_record_stays_small_and_its_tries_have_an_end(world: World) -> None:
    now_and_again = Refused(failure=THROTTLED.failure, retry_after=0)
    job = answered(world, *[now_and_again] * 1000, vendor="wavespeed")
    world.patience = Patience(dispatch_patience_seconds=10**6)
    waits = []
    for _ in range(MAX_ATTEMPTS + 10):
        waits.append(world.dispatch(job.id).wait_seconds)
        world.clock.advance(300)
    stored = world.jobs.only()
    assert len(stored.attempts) == MAX_ATTEMPTS
    assert len(msgspec.json.encode(stored)) < 200_000
    assert waits[:12] == [0] * 10 + [5, 10]
    assert {(sent.path, sent.body) for sent in stored.attempts} == {("", "")}


# --- webhooks


def test_without_webhooks_the_vendor_is_given_no_url(world: World) -> None:
    world.dispatch(answered(world).id)
    assert attempt(world).webhook_token is None
    assert '"webhook_url":null' in world.wavespeed.posts[0][0].body


def test_the_url_of_an_attempts_webhook_names_it_and_cannot_be_guessed(world: World) -> None:
    world.webhook_base_url = "https://api.example/"
    job = answered(world, THROTTLED, Accepted(generation_id="g-1"))
    world.dispatch(job.id)
    world.clock.advance(17)
    world.dispatch(job.id)
    first, second = world.jobs.only().attempts
    assert first.webhook_token is not None
    assert second.webhook_token is not None
    assert len({first.webhook_token, second.webhook_token}) == 2
    assert len(first.webhook_token) >= 32
    bodies = [envelope.body for envelope, _ in world.wavespeed.posts]
    assert f"https://api.example/v1/webhooks/wavespeed/job-1/1/{first.webhook_token}" in bodies[0]
    assert f"https://api.example/v1/webhooks/wavespeed/job-1/2/{second.webhook_token}" in bodies[1]


def test_a_job_with_a_webhook_parks_as_of_before_its_post(world: World) -> None:
    world.webhook_base_url = "https://api.example"
    job = answered(world, Accepted(generation_id="g-1"))
    world.parking.nudge(job.id, world.clock.now())
    world.wavespeed.while_posting = lambda: world.parking.counts.update({job.id: 2})
    assert world.dispatch(job.id) == Dispatched(outcome="accepted", wait_seconds=300, parks=True, nudges=1)


def test_a_vendor_whose_signature_is_not_known_is_polled(world: World) -> None:
    world.webhook_base_url = "https://api.example"
    world.knows_signature = lambda vendor: vendor is not VendorName.WAVESPEED
    assert world.dispatch(answered(world).id) == Dispatched(outcome="accepted", wait_seconds=60)
    assert attempt(world).webhook_token is None
