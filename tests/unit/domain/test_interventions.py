"""What a person may do to a job, by the state that it is in."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.ledgers import (
    DECLARED,
    LATER,
    NOW,
    TIMEOUT,
    VIDEO,
    called_off,
    declared,
    declared_failed,
    dispatching,
    done,
    finalizing,
    generating,
    given_up,
    gone,
    in_line,
    never_begun,
    overdue,
    read,
    refused,
    sending,
    throttled,
    unknown,
    unprompted,
    unreachable,
)

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.interventions import (
    TooSoon,
    abandoned,
    cancelled,
    never_sent,
    redriven,
    reopened,
    retried,
    unanswered,
    withdrawn,
)
from stillmotion.domain.job.attempts import with_attempt
from stillmotion.domain.job.lifecycle import WrongStep, completed
from stillmotion.domain.job.records import Generation, Job, Outcome, Status, Verdict
from stillmotion.domain.request import VendorName

Made = Callable[[], Job]


def generation_of(job: Job) -> Generation:
    assert job.generation is not None
    return job.generation


# --- cancel


@pytest.mark.parametrize("made", [unprompted, dispatching, in_line, throttled, declared])
def test_what_can_bring_no_video_is_cancelled_at_once(made: Made) -> None:
    job = withdrawn(made(), LATER)
    assert (job.status, job.ended_at, job.line) == (Status.CANCELLED, LATER, None)
    assert job.failure is not None
    assert job.failure.kind is FailureKind.CANCELLED


@pytest.mark.parametrize("made", [sending, unknown, generating, finalizing, overdue, unreachable])
def test_what_may_be_paid_for_goes_on_and_is_marked(made: Made) -> None:
    job = withdrawn(made(), LATER)
    assert (job.status, job.cancel_requested_at) == (made().status, LATER)


@pytest.mark.parametrize("made", [done, refused, gone])
def test_what_has_ended_is_not_cancelled(made: Made) -> None:
    with pytest.raises(WrongStep):
        withdrawn(made(), LATER)


@pytest.mark.parametrize("made", [dispatching, generating])
def test_cancelling_twice_is_cancelling_once(made: Made) -> None:
    once = withdrawn(made(), LATER)
    assert withdrawn(once, LATER + timedelta(hours=1)) is once


def test_a_completed_job_keeps_the_mark_that_it_was_not_wanted() -> None:
    assert completed(read(withdrawn(generating(), LATER), Verdict.SUCCEEDED), VIDEO, LATER).cancel_requested_at == LATER


@pytest.mark.parametrize("made", [sending, unknown, generating, finalizing])
def test_a_job_does_not_end_cancelled_while_it_may_bring_a_video(made: Made) -> None:
    with pytest.raises(WrongStep):
        cancelled(made(), LATER)


def test_a_marked_job_whose_generation_fails_ends_cancelled() -> None:
    job = cancelled(read(withdrawn(generating(), LATER), Verdict.FAILED, DECLARED), LATER)
    assert job.status is Status.CANCELLED


# --- retry


@pytest.mark.parametrize("made", [refused, declared_failed, never_begun, called_off, gone])
def test_an_ended_job_whose_attempts_are_settled_is_retried(made: Made) -> None:
    before = made()
    job = retried(before, LATER, VendorName.APIFRAME)
    assert (job.status, job.run, job.line) == (Status.DISPATCHING, before.run + 1, VendorName.APIFRAME)
    assert (job.tries, job.failure, job.ended_at) == ((), None, None)
    assert sending(job).attempts[-1].number == len(before.attempts) + 1


@pytest.mark.parametrize("made", [dispatching, sending, unknown, generating, overdue, unreachable, done, given_up])
def test_what_has_not_ended_or_may_be_paid_for_is_not_retried(made: Made) -> None:
    with pytest.raises(WrongStep):
        retried(made(), LATER)


def test_an_upload_that_never_became_a_request_is_not_retried() -> None:
    unread = replace(unprompted(), status=Status.FAILED, failure=Failure(FailureKind.INVALID_INPUT, "no image"))
    with pytest.raises(WrongStep, match="drop it again"):
        retried(unread, LATER)


def test_a_retried_job_is_wanted_again() -> None:
    was_unwanted = cancelled(read(withdrawn(generating(), NOW), Verdict.FAILED, DECLARED), NOW)
    assert retried(was_unwanted, LATER).cancel_requested_at is None


# --- redrive


@pytest.mark.parametrize("made", [overdue, unreachable, gone])
def test_what_is_paid_for_and_not_here_is_read_anew(made: Made) -> None:
    before = made()
    job = redriven(before, LATER)
    generation = generation_of(job)
    assert (job.status, job.run, len(job.attempts)) == (Status.GENERATING, before.run + 1, 1)
    assert (generation.verdict, generation.video_url, generation.failure) == (Verdict.RUNNING, None, None)
    assert generation.id == "generation-1"


def test_a_redriven_job_sends_nothing() -> None:
    with pytest.raises(WrongStep):
        sending(redriven(unreachable(), LATER))


def test_a_completed_job_whose_object_is_gone_keeps_a_note_of_it() -> None:
    job = redriven(done(), LATER, is_gone=True)
    assert job.video is None
    assert "SHA-256 ab" in job.notes[-1].text


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (done, "is there"),
        (dispatching, "No vendor"),
        (unknown, "resolve"),
        (given_up, "resolve"),
        (generating, "by itself"),
        (finalizing, "by itself"),
        (declared_failed, "Retry"),
        (refused, "No vendor"),
        (called_off, "No vendor"),
    ],
)
def test_nothing_else_is_redriven(made: Made, why: str) -> None:
    with pytest.raises(WrongStep, match=why):
        redriven(made(), LATER)


# --- resolve


@pytest.mark.parametrize("made", [dispatching, throttled, generating, done, refused, called_off])
def test_only_an_attempt_without_an_answer_is_resolved(made: Made) -> None:
    with pytest.raises(WrongStep, match="nothing to resolve"):
        unanswered(made(), LATER, TIMEOUT)


def test_a_sender_that_may_be_alive_is_waited_for() -> None:
    with pytest.raises(TooSoon) as caught:
        unanswered(sending(), NOW + timedelta(seconds=50), TIMEOUT)
    assert caught.value.wait_seconds == 70
    assert unanswered(sending(), NOW + timedelta(seconds=120), TIMEOUT).number == 1


@pytest.mark.parametrize("made", [unknown, sending])
def test_never_sent_waits_until_nobody_can_write_that_it_was_accepted(made: Made) -> None:
    with pytest.raises(TooSoon):
        never_sent(made(), NOW + timedelta(seconds=119), TIMEOUT)
    assert never_sent(made(), NOW + timedelta(seconds=120), TIMEOUT).status is Status.DISPATCHING


def test_a_job_whose_attempt_was_never_sent_goes_on_with_another() -> None:
    job = never_sent(unknown(), LATER, TIMEOUT)
    assert (job.status, job.run, job.tries) == (Status.DISPATCHING, 2, ())
    assert job.attempts[0].outcome is Outcome.NOT_SENT
    assert sending(job).attempts[-1].number == 2


def test_an_attempt_that_was_sent_twice_can_be_settled_as_never_sent() -> None:
    before = unknown()
    assert before.attempt is not None
    twice = with_attempt(before, replace(before.attempt, sends=2), NOW)
    assert never_sent(twice, LATER, TIMEOUT).attempts[0].outcome is Outcome.NOT_SENT


def test_the_webhook_of_an_attempt_that_was_never_sent_is_still_heard() -> None:
    assert never_sent(unknown(), LATER, TIMEOUT).attempts[0].webhook_token == "token"


def test_a_job_that_was_to_be_cancelled_and_was_never_sent_ends() -> None:
    assert never_sent(withdrawn(unknown(), NOW), LATER, TIMEOUT).status is Status.CANCELLED


def test_an_abandoned_job_fails_and_its_attempt_stays_unknown() -> None:
    job = given_up()
    assert (job.status, job.attempts[0].outcome) == (Status.FAILED, Outcome.UNKNOWN)
    assert job.failure is not None
    assert job.failure.kind is FailureKind.OUTCOME_UNKNOWN


def test_abandoning_twice_is_abandoning_once() -> None:
    once = given_up()
    assert abandoned(once, LATER, TIMEOUT) is once


def test_an_abandoned_job_can_be_settled_after_all() -> None:
    assert reopened(given_up(), LATER).status is Status.NEEDS_ATTENTION
    assert never_sent(given_up(), LATER, TIMEOUT).status is Status.DISPATCHING
