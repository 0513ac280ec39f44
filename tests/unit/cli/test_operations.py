"""`stillmotion cancel`, `retry`, `redrive` and `resolve`."""

import json
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests import ledgers
from tests.unit.cli.stage import LOST, Stage

from stillmotion.domain.job.attempts import with_attempt
from stillmotion.domain.job.records import Candidate, Job, Outcome, Status

ID = "0f0e0d0c-0b0a-8009-8807-060504030201"


def given(stage: Stage, job: Job) -> None:
    """The job, under the id ID, a day after its last step."""
    stage.world.clock.advance(86_400)
    stage.world.jobs.put(replace(job, id=ID))


def job_of(stage: Stage) -> Job:
    return stage.world.jobs.only()


def test_a_job_that_was_not_sent_is_cancelled(stage: Stage) -> None:
    given(stage, ledgers.dispatching())
    ended = stage.run("cancel", "0F0E")
    assert (ended.exit_code, job_of(stage).status) == (0, Status.CANCELLED)
    assert "nothing more is sent" in ended.stdout


def test_a_job_that_was_sent_is_marked_and_says_so(stage: Stage) -> None:
    given(stage, ledgers.generating())
    ended = stage.run("cancel", ID)
    assert (ended.exit_code, job_of(stage).status) == (0, Status.GENERATING)
    assert "its video is taken in" in ended.stdout
    assert "after it was sent" in stage.run("show", ID).stdout


def test_a_cancellation_that_is_not_allowed_says_why(stage: Stage) -> None:
    given(stage, ledgers.done())
    ended = stage.run("cancel", ID)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "nothing left to cancel" in ended.stderr


def test_a_retry_shows_its_price_and_asks(stage: Stage) -> None:
    given(stage, ledgers.refused())
    ended = stage.run("retry", ID, typed="y\n")
    assert "It will cost $0.20 at wavespeed, or $0.51 if apiframe makes it instead." in ended.stderr
    assert (ended.exit_code, job_of(stage).status, job_of(stage).run) == (0, Status.DISPATCHING, 2)


def test_a_retry_that_only_one_vendor_may_make_has_one_price(stage: Stage) -> None:
    job = ledgers.refused()
    assert job.request is not None
    given(stage, replace(job, request=replace(job.request, vendor="wavespeed")))
    assert "It will cost $0.20 at wavespeed.\n" in stage.run("retry", ID, typed="n\n").stderr


def test_a_question_that_nobody_answers_keeps_its_line(stage: Stage) -> None:
    given(stage, ledgers.refused())
    assert "\nNothing was ordered.\n" in stage.run("retry", ID, typed="").stderr


@pytest.mark.parametrize("typed", ["n\n", "", "\n"])
def test_a_retry_that_nobody_agrees_to_is_none(stage: Stage, typed: str) -> None:
    given(stage, ledgers.refused())
    ended = stage.run("retry", ID, typed=typed)
    assert (ended.exit_code, job_of(stage).run) == (2, 1)
    assert "--yes" in ended.stderr


def test_a_retry_whose_answer_is_lost_is_one(stage: Stage) -> None:
    given(stage, ledgers.refused())
    stage.faults["POST /v1/videos/{id}/retry"] = [LOST, LOST, LOST]
    ended = stage.run("retry", ID, "--yes")
    assert (ended.exit_code, job_of(stage).run) == (0, 2)
    assert stage.world.workflow.started == [f"{ID}-2"]


def test_a_video_is_taken_in_again(stage: Stage) -> None:
    given(stage, ledgers.unreachable())
    ended = stage.run("redrive", ID, "--json")
    assert (ended.exit_code, json.loads(ended.stdout)["job"]["status"]) == (0, "generating")


@pytest.mark.parametrize(
    ("option", "outcome"),
    [
        (("--adopt", "generation-9"), Outcome.ACCEPTED),
        (("--not-sent",), Outcome.NOT_SENT),
        (("--abandon",), Outcome.UNKNOWN),
    ],
)
def test_an_unknown_outcome_is_resolved(stage: Stage, option: tuple[str, ...], outcome: Outcome) -> None:
    given(stage, ledgers.unknown())
    ended = stage.run("resolve", ID, *option)
    assert (ended.exit_code, job_of(stage).attempts[0].outcome) == (0, outcome)


@pytest.mark.parametrize("options", [(), ("--not-sent", "--abandon"), ("--adopt", "g", "--not-sent")])
def test_just_one_way_to_resolve_is_said(stage: Stage, options: tuple[str, ...]) -> None:
    ended = stage.run("resolve", ID, *options)
    assert (ended.exit_code, stage.sent) == (2, [])


STEPS: list[tuple[str, Callable[[], Job]]] = [
    (f"stillmotion resolve {ID} --adopt", ledgers.unknown),
    (f"stillmotion resolve {ID} --not-sent", ledgers.unknown),
    (f"stillmotion redrive {ID}", ledgers.unreachable),
    (f"stillmotion redrive {ID}", ledgers.overdue),
]


@pytest.mark.parametrize(("command", "made"), STEPS)
def test_show_names_the_next_step(stage: Stage, command: str, made: Callable[[], Job]) -> None:
    given(stage, made())
    assert command in stage.run("show", ID).stdout


def test_show_lists_what_an_unanswered_attempt_may_have_made(stage: Stage) -> None:
    job = ledgers.unknown()
    assert job.attempt is not None
    candidate = Candidate(generation_id="generation-9", created_at=ledgers.NOW, vendor_status="completed")
    given(stage, with_attempt(job, replace(job.attempt, candidates=(candidate,)), ledgers.NOW))
    assert "generation-9, completed" in stage.run("show", ID).stdout
