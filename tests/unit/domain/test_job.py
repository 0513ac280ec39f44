"""Each step of a job and of its attempts: what it changes, and when the ledger does not allow it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import (
    attempt_accepted,
    attempt_begun,
    attempt_ended,
    attempt_sent_again,
    expired,
    generation_read,
    with_attempt,
)
from stillmotion.domain.job.lifecycle import (
    WrongStep,
    closing,
    completed,
    deleted,
    failed,
    lined_up,
    marked_overdue,
    moved,
    needs_attention,
    noted,
    resumed,
    run_again,
    started,
    waiting,
)
from stillmotion.domain.job.records import (
    Attempt,
    Generation,
    Job,
    Outcome,
    Reason,
    Status,
    Substitution,
    Transition,
    Verdict,
    Video,
    seconds_between,
    waited_seconds,
)
from stillmotion.domain.request import Request, VendorName

NOW = datetime.fromisoformat("2026-03-01T10:00:00+00:00")
LATER = NOW + timedelta(minutes=1)
REQUEST = Request(prompt="a lake")
FAILURE = Failure(FailureKind.UNAVAILABLE, "HTTP 503")
VIDEO = Video(
    bucket="videos", key="a.mp4", bytes=9, sha256="00", width=16, height=9, duration_milliseconds=5000, stored_at=NOW
)


def job(status: Status = Status.WAITING, **fields: object) -> Job:
    return replace(Job(id="job-1", tenant="ada", status=status, created_at=NOW, updated_at=NOW), **fields)


def dispatching() -> Job:
    return started(job(), REQUEST, "16:9", NOW, VendorName.WAVESPEED)


def sending(before: Job | None = None) -> Job:
    return attempt_begun(
        before or dispatching(),
        NOW,
        vendor=VendorName.WAVESPEED,
        quote=Decimal("0.71"),
        path="/predictions",
        body="{}",
        idempotency_key="key-1",
    )


def unknown() -> Job:
    return attempt_ended(sending(), 1, Outcome.UNKNOWN, FAILURE, NOW)


def refused() -> Job:
    return attempt_ended(sending(), 1, Outcome.REFUSED, FAILURE, NOW)


def generating() -> Job:
    return attempt_accepted(sending(), 1, "g-1", NOW, "queued")


def read(verdict: Verdict, before: Job | None = None, **fields: object) -> Job:
    before = before or generating()
    return generation_read(before, replace(generation_of(before), verdict=verdict, **fields), LATER)


def attempt_of(one: Job) -> Attempt:
    assert one.attempt is not None
    return one.attempt


def generation_of(one: Job) -> Generation:
    assert one.generation is not None
    return one.generation


FINAL = [job(status) for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)]
final = pytest.mark.parametrize("ended", FINAL, ids=lambda one: one.status.value)


# --- the job


def test_a_move_is_kept_in_the_history() -> None:
    there = moved(job(), Status.WAITING, LATER, reason=Reason.BUDGET)

    assert there.history == (Transition(at=LATER, status=Status.WAITING, reason=Reason.BUDGET),)
    assert (there.status, there.reason, there.updated_at) == (Status.WAITING, Reason.BUDGET, LATER)


def test_a_move_to_where_it_is_leaves_no_trace_but_the_time() -> None:
    here = moved(job(), Status.DISPATCHING, NOW)

    assert moved(here, Status.DISPATCHING, LATER) == replace(here, updated_at=LATER)


def test_a_final_status_has_an_end_and_no_line() -> None:
    ended = moved(dispatching(), Status.FAILED, LATER)

    assert (ended.ended_at, ended.line) == (LATER, None)


def test_a_deleted_job_that_goes_on_is_there_again() -> None:
    gone = deleted(job(Status.FAILED, ended_at=NOW), NOW)
    again = moved(gone, Status.DISPATCHING, LATER)

    assert (again.deleted_at, again.ended_at) == (None, None)


def test_a_deleted_job_that_ends_otherwise_stays_deleted() -> None:
    assert moved(deleted(job(Status.FAILED), NOW), Status.CANCELLED, LATER).deleted_at == NOW


@final
def test_a_job_that_has_ended_is_deleted_once(ended: Job) -> None:
    gone = deleted(ended, NOW)

    assert gone.deleted_at == NOW
    assert deleted(gone, LATER) is gone


@pytest.mark.parametrize("status", [Status.WAITING, Status.DISPATCHING, Status.GENERATING, Status.NEEDS_ATTENTION])
def test_a_job_under_way_is_not_deleted(status: Status) -> None:
    with pytest.raises(WrongStep, match="not deleted"):
        deleted(job(status), NOW)


def test_a_note_is_kept_once() -> None:
    with_note = noted(job(), "Look at this.", LATER)

    assert [(note.at, note.text) for note in with_note.notes] == [(LATER, "Look at this.")]
    assert noted(with_note, "Look at this.", LATER + timedelta(days=1)) is with_note


def test_a_started_job_has_its_request_and_its_line() -> None:
    begun = started(job(failure=FAILURE), REQUEST, "9:16", LATER, VendorName.APIFRAME)

    assert (begun.status, begun.request, begun.aspect_ratio) == (Status.DISPATCHING, REQUEST, "9:16")
    assert (begun.line, begun.failure) == (VendorName.APIFRAME, None)


@pytest.mark.parametrize("before", [dispatching(), waiting(dispatching(), Reason.SLOT, NOW)])
def test_a_sendable_job_stands_in_line_where_it_is(before: Job) -> None:
    there = lined_up(before, VendorName.APIFRAME, LATER)

    assert (there.line, there.status, there.reason) == (VendorName.APIFRAME, before.status, before.reason)


def test_a_job_whose_generation_failed_stands_in_line_to_be_sent() -> None:
    there = lined_up(read(Verdict.FAILED), VendorName.APIFRAME, LATER)

    assert (there.line, there.status, there.reason) == (VendorName.APIFRAME, Status.DISPATCHING, None)


@pytest.mark.parametrize("before", [job(), generating(), read(Verdict.SUCCEEDED), *FINAL])
def test_a_job_that_cannot_be_sent_stands_in_no_line(before: Job) -> None:
    with pytest.raises(WrongStep, match="no line"):
        lined_up(before, VendorName.APIFRAME, NOW)


def test_a_job_that_waits_for_a_slot_keeps_its_line() -> None:
    there = waiting(dispatching(), Reason.SLOT, LATER)

    assert (there.status, there.reason, there.line) == (Status.WAITING, Reason.SLOT, VendorName.WAVESPEED)


def test_a_job_that_waits_for_the_budget_has_no_line() -> None:
    there = waiting(dispatching(), Reason.BUDGET, LATER, FAILURE)

    assert (there.reason, there.line, there.failure) == (Reason.BUDGET, None, FAILURE)


@pytest.mark.parametrize("before", [job(), generating(), *FINAL])
def test_a_job_that_cannot_be_sent_waits_for_nothing(before: Job) -> None:
    with pytest.raises(WrongStep, match="waits for no slot"):
        waiting(before, Reason.SLOT, NOW)


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_job_that_cost_nothing_runs_again_with_new_tries(status: Status) -> None:
    ended = moved(replace(refused(), cancel_requested_at=NOW, failure=FAILURE), status, NOW)
    again = run_again(ended, LATER)

    assert (again.run, again.status) == (ended.run + 1, Status.DISPATCHING)
    assert (again.failure, again.cancel_requested_at, again.tries) == (None, None, ())


@pytest.mark.parametrize(
    "before",
    [
        dispatching(),
        job(Status.COMPLETED),
        moved(unknown(), Status.FAILED, NOW),
        moved(generating(), Status.FAILED, NOW),
    ],
)
def test_a_job_that_may_have_cost_money_is_not_run_again(before: Job) -> None:
    with pytest.raises(WrongStep, match="not run again"):
        run_again(before, NOW)


@pytest.mark.parametrize(
    ("before", "status"),
    [
        (dispatching(), Status.DISPATCHING),
        (needs_attention(unknown(), Reason.OUTCOME_UNKNOWN, None, NOW), Status.DISPATCHING),
        (needs_attention(generating(), Reason.WORKFLOW_FAILED, None, NOW), Status.GENERATING),
        (needs_attention(read(Verdict.SUCCEEDED), Reason.VIDEO_UNREACHABLE, None, NOW), Status.FINALIZING),
    ],
)
def test_a_resumed_job_goes_on_where_the_ledger_is(before: Job, status: Status) -> None:
    again = resumed(replace(before, failure=FAILURE), LATER)

    assert (again.status, again.reason, again.failure) == (status, None, None)
    assert (again.run, again.sweeps) == (before.run + 1, before.sweeps + 1)


def test_a_resumed_job_still_waits_for_what_it_waited_for() -> None:
    assert resumed(waiting(dispatching(), Reason.SLOT, NOW), LATER).reason is Reason.SLOT


@final
def test_a_job_that_has_ended_takes_no_further_step(ended: Job) -> None:
    steps: tuple[Callable[[], Job], ...] = (
        lambda: resumed(ended, NOW),
        lambda: failed(ended, FAILURE, NOW),
        lambda: needs_attention(ended, Reason.SLOT, None, NOW),
    )
    for step in steps:
        with pytest.raises(WrongStep, match="already"):
            step()


def test_a_completed_job_has_its_video_and_no_failure() -> None:
    done = completed(replace(read(Verdict.SUCCEEDED), failure=FAILURE, overdue=True), VIDEO, LATER)

    assert (done.status, done.video, done.failure, done.overdue) == (Status.COMPLETED, VIDEO, None, False)


def test_a_job_with_no_generation_is_not_completed() -> None:
    with pytest.raises(WrongStep, match="no video"):
        completed(sending(), VIDEO, NOW)


@pytest.mark.parametrize("before", [job(), refused(), read(Verdict.FAILED)])
def test_a_job_fails_when_no_attempt_can_bring_a_video(before: Job) -> None:
    ended = failed(replace(before, overdue=True), FAILURE, LATER)

    assert (ended.status, ended.failure, ended.overdue) == (Status.FAILED, FAILURE, False)


@pytest.mark.parametrize("before", [sending(), unknown(), generating(), read(Verdict.SUCCEEDED)])
def test_a_job_does_not_fail_while_an_attempt_may_bring_a_video(before: Job) -> None:
    with pytest.raises(WrongStep, match="may still bring"):
        failed(before, FAILURE, NOW)


def test_a_job_that_needs_a_person_keeps_what_was_paid_for() -> None:
    there = needs_attention(generating(), Reason.WORKFLOW_FAILED, FAILURE, LATER)

    assert (there.status, there.reason, there.failure) == (Status.NEEDS_ATTENTION, Reason.WORKFLOW_FAILED, FAILURE)
    assert there.generation == generating().generation


def test_an_overdue_job_is_flagged_and_goes_on() -> None:
    late = marked_overdue(generating(), LATER)

    assert (late.overdue, late.status, len(late.notes)) == (True, Status.GENERATING, 1)


@pytest.mark.parametrize("before", [job(), dispatching(), read(Verdict.SUCCEEDED), *FINAL])
def test_only_a_generating_job_is_overdue(before: Job) -> None:
    with pytest.raises(WrongStep, match="not overdue"):
        marked_overdue(before, NOW)


OWN = Failure(FailureKind.THROTTLED, "HTTP 429")


@pytest.mark.parametrize(
    ("before", "reason", "failure"),
    [
        (job(), None, FAILURE),
        (job(failure=OWN), None, OWN),
        (attempt_ended(sending(), 1, Outcome.REFUSED, OWN, NOW), None, OWN),
        (replace(refused(), failure=OWN), None, OWN),
        (read(Verdict.FAILED, failure=OWN), None, OWN),
        (read(Verdict.FAILED), None, FAILURE),
        (sending(), Reason.OUTCOME_UNKNOWN, Failure(FailureKind.OUTCOME_UNKNOWN, FAILURE.message)),
        (
            attempt_ended(sending(), 1, Outcome.UNKNOWN, OWN, NOW),
            Reason.OUTCOME_UNKNOWN,
            Failure(FailureKind.OUTCOME_UNKNOWN, OWN.message),
        ),
        (generating(), Reason.WORKFLOW_FAILED, FAILURE),
        (read(Verdict.SUCCEEDED), Reason.WORKFLOW_FAILED, FAILURE),
    ],
)
def test_a_job_is_closed_by_what_its_ledger_knows(before: Job, reason: Reason | None, failure: Failure) -> None:
    assert closing(before, FAILURE) == (reason, failure)


# --- the attempt


def test_an_attempt_is_sending_before_its_post() -> None:
    substitution = Substitution(field="duration", asked="6", given="5")
    begun = attempt_begun(
        replace(dispatching(), failure=FAILURE, overdue=True),
        LATER,
        vendor=VendorName.WAVESPEED,
        quote=Decimal("0.71"),
        path="/predictions",
        body="{}",
        idempotency_key="key-1",
        webhook_token="token",
        substitutions=(substitution,),
    )

    assert attempt_of(begun) == Attempt(
        number=1,
        vendor=VendorName.WAVESPEED,
        outcome=Outcome.SENDING,
        started_at=LATER,
        sent_at=LATER,
        path="/predictions",
        body="{}",
        idempotency_key="key-1",
        quote=Decimal("0.71"),
        webhook_token="token",
        substitutions=(substitution,),
    )
    assert (begun.status, begun.line, begun.failure, begun.overdue) == (Status.DISPATCHING, None, None, False)


def test_a_second_attempt_follows_a_settled_one() -> None:
    assert [attempt.number for attempt in sending(refused()).attempts] == [1, 2]


@pytest.mark.parametrize("before", [job(), generating(), read(Verdict.SUCCEEDED), *FINAL])
def test_a_job_that_cannot_be_sent_begins_no_attempt(before: Job) -> None:
    with pytest.raises(WrongStep, match="sends nothing"):
        sending(before)


def test_a_job_that_is_to_be_cancelled_begins_no_attempt() -> None:
    with pytest.raises(WrongStep, match="to be cancelled"):
        sending(replace(dispatching(), cancel_requested_at=NOW))


@pytest.mark.parametrize("before", [sending(), unknown()])
def test_no_attempt_begins_while_another_may_be_paid_for(before: Job) -> None:
    with pytest.raises(WrongStep, match="no other may start"):
        sending(before)


def test_an_attempt_is_replaced_by_a_later_state_of_itself() -> None:
    later = replace(attempt_of(sending()), sends=2)

    assert with_attempt(sending(), later, LATER).attempts == (later,)


@pytest.mark.parametrize("before", [dispatching(), sending(refused())])
def test_only_the_latest_attempt_is_replaced(before: Job) -> None:
    with pytest.raises(WrongStep, match="not the latest"):
        with_attempt(before, attempt_of(sending()), NOW)


@pytest.mark.parametrize("before", [sending(), unknown()])
def test_an_attempt_without_an_answer_is_sent_again_as_it_was(before: Job) -> None:
    again = attempt_of(attempt_sent_again(before, LATER))

    assert (again.outcome, again.sends, again.sent_at) == (Outcome.SENDING, 2, LATER)
    assert (again.body, again.idempotency_key) == (attempt_of(before).body, attempt_of(before).idempotency_key)


@pytest.mark.parametrize("before", [dispatching(), refused(), generating()])
def test_an_attempt_with_an_answer_is_not_sent_again(before: Job) -> None:
    with pytest.raises(WrongStep, match="without an answer"):
        attempt_sent_again(before, NOW)


@pytest.mark.parametrize("before", [sending(), unknown()])
def test_an_accepted_attempt_has_a_generation(before: Job) -> None:
    accepted = attempt_accepted(before, 1, "g-1", LATER, "queued")

    assert generation_of(accepted) == Generation(id="g-1", accepted_at=LATER, vendor_status="queued")
    assert (attempt_of(accepted).outcome, attempt_of(accepted).failure) == (Outcome.ACCEPTED, None)
    assert accepted.status is Status.GENERATING


def test_an_attempt_is_accepted_once() -> None:
    before = generating()

    assert attempt_accepted(before, 1, "g-1", LATER, "queued") is before


@pytest.mark.parametrize(("before", "number"), [(dispatching(), 1), (sending(), 2), (sending(refused()), 1)])
def test_only_the_latest_attempt_is_accepted(before: Job, number: int) -> None:
    with pytest.raises(WrongStep, match="not the latest"):
        attempt_accepted(before, number, "g-1", NOW, None)


@pytest.mark.parametrize("before", [refused(), generating()])
def test_an_attempt_with_another_answer_is_not_accepted(before: Job) -> None:
    with pytest.raises(WrongStep, match="cannot be accepted"):
        attempt_accepted(before, 1, "g-2", NOW, None)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_SENT])
def test_a_settled_attempt_lets_its_body_go(outcome: Outcome) -> None:
    ended = attempt_ended(sending(), 1, outcome, FAILURE, LATER, retry_after=30)
    attempt = attempt_of(ended)

    assert (attempt.outcome, attempt.failure, attempt.retry_after) == (outcome, FAILURE, 30)
    assert (attempt.path, attempt.body, attempt.answered_at) == ("", "", LATER)
    assert ended.status is Status.DISPATCHING


def test_an_unknown_attempt_keeps_its_body() -> None:
    attempt = attempt_of(unknown())

    assert (attempt.outcome, attempt.path, attempt.body) == (Outcome.UNKNOWN, "/predictions", "{}")


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.NOT_SENT])
def test_a_repetition_that_is_refused_leaves_the_first_post_unknown(outcome: Outcome) -> None:
    attempt = attempt_of(attempt_ended(attempt_sent_again(unknown(), NOW), 1, outcome, FAILURE, LATER))

    assert attempt.outcome is Outcome.UNKNOWN
    assert attempt.failure == Failure(FailureKind.UNAVAILABLE, "Sent again, it was answered: HTTP 503")
    assert attempt.body == "{}"


def test_a_late_refusal_takes_the_job_from_the_person_it_was_handed_to() -> None:
    handed = needs_attention(unknown(), Reason.OUTCOME_UNKNOWN, FAILURE, NOW)
    known = attempt_ended(handed, 1, Outcome.REFUSED, FAILURE, LATER)

    assert (known.status, known.reason, known.failure) == (Status.DISPATCHING, None, None)


@pytest.mark.parametrize(("before", "number"), [(dispatching(), 1), (sending(), 2), (refused(), 1), (generating(), 1)])
def test_an_attempt_ends_once(before: Job, number: int) -> None:
    with pytest.raises(WrongStep, match="outcome already"):
        attempt_ended(before, number, Outcome.REFUSED, FAILURE, NOW)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.RUNNING, Status.GENERATING),
        (Verdict.SUCCEEDED, Status.FINALIZING),
        (Verdict.FAILED, Status.GENERATING),
    ],
)
def test_a_read_is_kept_and_a_video_is_finalized(verdict: Verdict, status: Status) -> None:
    after = read(verdict, reads=1)

    assert (generation_of(after).verdict, generation_of(after).reads, after.status) == (verdict, 1, status)


@pytest.mark.parametrize("before", [dispatching(), sending(), attempt_accepted(sending(), 1, "g-2", NOW, None)])
def test_only_the_latest_generation_is_read(before: Job) -> None:
    with pytest.raises(WrongStep, match="not the latest"):
        generation_read(before, generation_of(generating()), NOW)


@pytest.mark.parametrize("verdict", [Verdict.SUCCEEDED, Verdict.FAILED])
def test_a_verdict_is_never_taken_back(verdict: Verdict) -> None:
    for other in set(Verdict) - {verdict}:
        with pytest.raises(WrongStep, match="already"):
            read(other, read(verdict))


@pytest.mark.parametrize("before", [generating(), read(Verdict.SUCCEEDED)])
def test_a_generation_expires_with_its_job(before: Job) -> None:
    lost = expired(replace(before, overdue=True), LATER)

    assert (lost.status, lost.overdue) == (Status.FAILED, False)
    assert generation_of(lost).verdict is Verdict.FAILED
    assert lost.failure == generation_of(lost).failure
    assert lost.failure is not None
    assert lost.failure.kind is FailureKind.EXPIRED


@pytest.mark.parametrize("before", [dispatching(), sending(), unknown(), *FINAL])
def test_only_an_accepted_generation_expires(before: Job) -> None:
    with pytest.raises(WrongStep, match="expires"):
        expired(before, NOW)


# --- times


def test_only_the_waits_for_these_reasons_since_then_count() -> None:
    at = [NOW + timedelta(seconds=seconds) for seconds in (0, 10, 30, 60)]
    slot, budget = waiting(dispatching(), Reason.SLOT, at[0]), Reason.BUDGET
    over = moved(waiting(slot, budget, at[1]), Status.DISPATCHING, at[2])

    assert waited_seconds(over, NOW, at[3], frozenset({Reason.SLOT})) == 10
    assert waited_seconds(over, NOW, at[3], frozenset({Reason.SLOT, budget})) == 30
    assert waited_seconds(over, NOW + timedelta(seconds=15), at[3], frozenset({budget})) == 15


def test_a_wait_that_lasts_counts_until_now() -> None:
    assert waited_seconds(waiting(dispatching(), Reason.SLOT, NOW), NOW, LATER, frozenset({Reason.SLOT})) == 60


def test_clocks_that_disagree_make_no_negative_time() -> None:
    assert (seconds_between(NOW, LATER), seconds_between(LATER, NOW)) == (60, 0)
