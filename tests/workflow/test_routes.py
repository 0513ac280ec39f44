"""The way of a job through the state machine: where it goes, how long it waits, what the functions are told."""

import time
from collections.abc import Callable, Sequence
from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.machine import JsonObject, Machine, StateError
from tests.workflow.scripts import (
    ACCEPTED,
    AGAIN,
    COMPLETED,
    ENDED,
    JOB_FAILED,
    NEEDS_ATTENTION,
    NUDGED,
    QUEUED,
    RUNNING,
    SCRIPTS,
    STILL_RUNNING,
    SUCCEEDED,
    TOLD,
    Answer,
    Raises,
    functions_of,
    outcome,
)

from stillmotion.domain.waiting import WaitPolicy

TASKS = ("Dispatch", "Check", "Finalize", "Close")
LAMBDA_FAULTS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
)
GOOD_ANSWERS: dict[str, list[Answer]] = {
    "Dispatch": [ACCEPTED],
    "Check": [SUCCEEDED],
    "Finalize": [COMPLETED],
    "Close": [NEEDS_ATTENTION],
}
HISTORY_LIMIT = 25_000


def answers(**changed: Sequence[Answer]) -> dict[str, Sequence[Answer]]:
    """Functions that do what they should, but for those named."""
    return {**GOOD_ANSWERS, **changed}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_end_where_they_should(machine: Machine, name: str) -> None:
    script = SCRIPTS[name]

    execution = machine.run(functions_of(script.answers))

    assert execution.path == script.path
    assert execution.status == ("SUCCEEDED" if script.succeeds else "FAILED")


def test_every_state_is_in_some_script(definition: JsonObject) -> None:
    assert {state for script in SCRIPTS.values() for state in script.path} == definition["States"].keys()


def test_each_function_is_told_the_job_its_run_and_the_execution(machine: Machine) -> None:
    script = answers(Dispatch=[outcome("wait", wait_seconds=3), ACCEPTED], Check=[RUNNING, SUCCEEDED])

    execution = machine.run(functions_of(script), job_id="abc", run=2)

    told = {"job_id": "abc", "run": 2, "execution": "abc-2"}
    assert execution.calls == [
        ("Dispatch", told),
        ("Dispatch", told),
        ("Check", told),
        ("Check", told),
        ("Finalize", told),
    ]


def test_a_throttled_dispatch_waits_as_long_as_it_was_told(machine: Machine) -> None:
    script = answers(Dispatch=[outcome("wait", wait_seconds=37), outcome("wait", wait_seconds=1200), ACCEPTED])

    execution = machine.run(functions_of(script))

    assert execution.waits[:2] == [37, 1200]
    assert execution.last_state == "Completed"


def test_the_vendor_is_given_the_time_that_dispatch_and_checks_chose(machine: Machine) -> None:
    script = answers(Check=[RUNNING, outcome("running", wait_seconds=24), SUCCEEDED])

    assert machine.run(functions_of(script)).waits == [75, 10, 24]


def test_a_video_may_be_fetched_again_for_a_week(machine: Machine) -> None:
    script = answers(Finalize=[*repeat(AGAIN, 7 * 24), COMPLETED])

    execution = machine.run(functions_of(script))

    assert execution.last_state == "Completed"
    assert execution.elapsed_seconds > 7 * 24 * 3600


def test_a_loop_without_an_end_is_ended_after_thirty_days(machine: Machine) -> None:
    execution = machine.run(functions_of(answers(Finalize=[AGAIN])))

    assert execution.status == "TIMED_OUT"
    assert execution.elapsed_seconds > 30 * 24 * 3600


@pytest.mark.parametrize("fault", LAMBDA_FAULTS)
@pytest.mark.parametrize("task", TASKS)
def test_a_fault_of_lambda_is_retried(machine: Machine, task: str, fault: str) -> None:
    failing = Raises("KeyError") if task == "Close" else ACCEPTED
    script = answers(Dispatch=[failing]) | {task: [Raises(fault), Raises(fault), *GOOD_ANSWERS[task]]}

    execution = machine.run(functions_of(script))

    assert len(execution.calls_of(task)) == 3
    assert execution.last_state == ("Needs attention" if task == "Close" else "Completed")


@pytest.mark.parametrize("fault", LAMBDA_FAULTS)
@pytest.mark.parametrize("task", TASKS[:-1])
def test_a_fault_of_lambda_that_stays_closes_the_job(machine: Machine, task: str, fault: str) -> None:
    execution = machine.run(functions_of(answers() | {task: [Raises(fault)]}))

    assert execution.last_state == "Needs attention"
    assert execution.calls_of("Close")[0]["cause"]["error"] == fault


@pytest.mark.parametrize("error", ["AwsError", "AwsUnreachable", "Conflict"])
@pytest.mark.parametrize("task", TASKS[:-1])
def test_an_outage_of_a_store_is_waited_out(machine: Machine, task: str, error: str) -> None:
    script = answers() | {task: [Raises(error), Raises(error), *GOOD_ANSWERS[task]]}

    assert machine.run(functions_of(script)).last_state == "Completed"


def test_a_throttled_function_is_tried_for_a_quarter_of_an_hour(machine: Machine) -> None:
    execution = machine.run(functions_of(answers(Dispatch=[Raises("Lambda.TooManyRequestsException")])))

    assert execution.elapsed_seconds > 900


@pytest.mark.parametrize("error", ["KeyError", "UnknownJob", "States.Timeout"])
@pytest.mark.parametrize("task", TASKS[:-1])
def test_an_error_is_not_retried_and_tells_the_fail_function_what_it_was(
    machine: Machine, task: str, error: str
) -> None:
    execution = machine.run(functions_of(answers() | {task: [Raises(error, "what happened")]}))

    assert len(execution.calls_of(task)) == 1
    assert execution.calls_of("Close") == [
        {
            "job_id": "job-1",
            "run": 1,
            "execution": "job-1-1",
            "cause": {"error": error, "message": "what happened"},
        }
    ]


@pytest.mark.parametrize(
    ("task", "word"),
    [("Dispatch", "failed"), ("Dispatch", "attention"), ("Check", "overdue")],
)
def test_the_fail_function_is_told_which_outcome_closes_the_job(machine: Machine, task: str, word: str) -> None:
    execution = machine.run(functions_of(answers() | {task: [outcome(word, wait_seconds=0)]}))

    cause = execution.calls_of("Close")[0]["cause"]
    assert cause["error"] == word
    assert cause["message"]


@pytest.mark.parametrize("task", TASKS[:-1])
@pytest.mark.parametrize(
    "answer", [None, [], "accepted", 3, {}, {"outcome": "?"}, {"outcome": 7}, {"wait_seconds": 3}, {"outcome": None}]
)
def test_an_answer_that_nobody_expects_is_shown_to_the_fail_function(
    machine: Machine, task: str, answer: object
) -> None:
    functions = {**functions_of(answers()), task: lambda _payload: answer}

    execution = machine.run(functions)

    assert execution.last_state == "Needs attention"
    assert execution.calls_of("Close")[0]["cause"]["error"] == "unexpected_outcome"


def test_a_close_that_fails_for_long_is_tried_for_hours(machine: Machine) -> None:
    script = answers(Dispatch=[outcome("failed")], Close=[*repeat(Raises("StoreError"), 20), JOB_FAILED])

    execution = machine.run(functions_of(script))

    assert execution.last_state == "Failed"
    assert execution.elapsed_seconds > 2 * 3600


def test_an_execution_that_cannot_close_its_job_fails_with_the_error_itself(machine: Machine) -> None:
    execution = machine.run(functions_of(answers(Dispatch=[outcome("failed")], Close=[Raises("StoreError", "why")])))

    assert (execution.status, execution.error, execution.cause) == ("FAILED", "StoreError", "why")
    assert execution.last_state == "Close"


@pytest.mark.parametrize("duration", [5, 9, 10])
def test_a_job_that_waits_until_its_deadline_fits_into_a_history(machine: Machine, duration: int) -> None:
    policy = WaitPolicy(deadline_seconds=86_400)
    elapsed = policy.first(duration)

    def check(_payload: JsonObject) -> object:
        nonlocal elapsed
        if elapsed >= policy.deadline_seconds:
            return outcome("overdue", wait_seconds=0)
        wait = policy.next(elapsed, duration)
        elapsed += wait
        return outcome("running", wait_seconds=wait)

    accepted = outcome("accepted", wait_seconds=policy.first(duration))
    execution = machine.run({**functions_of(answers(Dispatch=[accepted])), "Check": check})

    assert execution.last_state == "Needs attention"
    assert policy.deadline_seconds <= execution.elapsed_seconds < policy.deadline_seconds + policy.longest_wait_seconds
    assert execution.events < HISTORY_LIMIT / 2


def test_a_job_parks_under_its_own_name_unless_it_was_nudged_since_it_was_looked_at(machine: Machine) -> None:
    script = answers(Dispatch=[TOLD], Check=[STILL_RUNNING, SUCCEEDED]) | {"Park for five minutes": [NUDGED]}

    first, second = machine.run(functions_of(script), job_id="abc").parked

    assert first["Key"] == {"pk": {"S": "parking#abc"}}
    assert first["ConditionExpression"] == "attribute_not_exists(#nudges) OR #nudges = :seen"
    values = [asked["ExpressionAttributeValues"] for asked in (first, second)]
    assert [(value[":seen"], value[":token"]) for value in values] == [
        ({"N": "0"}, {"S": "token-1"}),
        ({"N": "1"}, {"S": "token-2"}),
    ]


def test_parking_is_forgotten_after_thirty_days(machine: Machine) -> None:
    script = answers(Dispatch=[TOLD]) | {"Park for five minutes": [NUDGED]}

    (asked,) = machine.run(functions_of(script)).parked

    days = (int(asked["ExpressionAttributeValues"][":expires_at"]["N"]) - time.time()) / 86_400
    assert 29.9 < days < 30.1


@pytest.mark.parametrize(("wait_seconds", "parked_seconds"), [(10, 10), (299, 10), (300, 300), (8640, 300)])
def test_a_parked_job_is_looked_at_without_a_webhook(machine: Machine, wait_seconds: int, parked_seconds: int) -> None:
    silent = [Raises("States.Timeout")]
    script = answers(Dispatch=[{**TOLD, "wait_seconds": wait_seconds}])
    script |= {"Park for five minutes": silent, "Park for ten seconds": silent}

    assert machine.run(functions_of(script)).elapsed_seconds == parked_seconds


@pytest.mark.parametrize("error", ["DynamoDb.DynamoDbException", "States.QueryEvaluationError", "States.Permissions"])
def test_a_job_that_cannot_park_is_polled(machine: Machine, error: str) -> None:
    script = answers(Dispatch=[TOLD]) | {"Park for five minutes": [Raises(error)]}

    execution = machine.run(functions_of(script))

    assert (execution.last_state, execution.waits) == ("Completed", [300])


def test_a_job_that_cannot_park_for_a_slot_asks_again(machine: Machine) -> None:
    script = answers(Dispatch=[QUEUED, ACCEPTED]) | {"Park for a slot": [Raises("DynamoDb.DynamoDbException")]}

    execution = machine.run(functions_of(script))

    assert (execution.last_state, execution.waits[0]) == ("Completed", 60)


def test_a_job_may_wait_in_line_for_weeks(machine: Machine) -> None:
    script = answers(Dispatch=[*repeat(QUEUED, 20 * 48), ACCEPTED]) | {"Park for a slot": [Raises("States.Timeout")]}

    execution = machine.run(functions_of(script))

    assert execution.last_state == "Completed"
    assert execution.elapsed_seconds > 19 * 86_400
    assert execution.events < HISTORY_LIMIT


@pytest.mark.parametrize("slow_poll_seconds", [10, 300])
def test_a_job_that_parks_until_its_deadline_fits_into_a_history(machine: Machine, slow_poll_seconds: int) -> None:
    policy = WaitPolicy(deadline_seconds=86_400, slow_poll_seconds=slow_poll_seconds)
    elapsed = 0

    def check(_payload: JsonObject) -> object:
        if elapsed >= policy.deadline_seconds:
            return outcome("overdue", wait_seconds=0)
        return {**STILL_RUNNING, "wait_seconds": policy.slow(elapsed)}

    def silence(seconds: int) -> Callable[[JsonObject], object]:
        def park(_asked: JsonObject) -> object:
            nonlocal elapsed
            elapsed += seconds
            raise StateError("States.Timeout")

        return park

    parking = {"Park for five minutes": silence(300), "Park for ten seconds": silence(10)}
    first = {**TOLD, "wait_seconds": policy.slow(0)}
    execution = machine.run({**functions_of(answers(Dispatch=[first])), "Check": check, **parking})

    assert execution.last_state == "Needs attention"
    assert policy.deadline_seconds <= execution.elapsed_seconds < policy.deadline_seconds + 300
    assert execution.events < HISTORY_LIMIT / 2


WAITS = st.integers(0, 7200)
FAULTS = st.sampled_from([Raises(fault) for fault in LAMBDA_FAULTS])
ERRORS = st.builds(Raises, st.sampled_from(["KeyError", "AwsError", "States.Timeout"]))
STRANGE: st.SearchStrategy[Answer] = st.one_of(
    st.builds(outcome, st.text(max_size=8), wait_seconds=WAITS),
    st.builds(outcome, st.sampled_from(["wait", "running", "again", "accepted"])),
    st.just({}),
)


def sequences(repeated: str, final: list[JsonObject]) -> st.SearchStrategy[list[Answer]]:
    """Answers of a task: some that repeat it, with faults between them, and then one that ends it."""
    again: st.SearchStrategy[Answer] = st.builds(outcome, st.just(repeated), wait_seconds=WAITS)
    last: st.SearchStrategy[Answer] = st.one_of(st.sampled_from(final), ERRORS, STRANGE)
    return st.builds(
        lambda before, end: list(chain(before, [end])), st.lists(st.one_of(again, again, FAULTS), max_size=6), last
    )


@settings(max_examples=400, deadline=None)
@given(
    dispatch=sequences("wait", [ACCEPTED, ACCEPTED, outcome("failed"), outcome("attention"), ENDED]),
    check=sequences("running", [SUCCEEDED, SUCCEEDED, outcome("overdue"), ENDED]),
    finalize=sequences("again", [COMPLETED, outcome("attention"), ENDED]),
    close=st.sampled_from([JOB_FAILED, NEEDS_ATTENTION, outcome("ended")]),
)
def test_whatever_the_functions_answer_a_job_ends_in_a_state_with_a_name(
    machine: Machine, dispatch: list[Answer], check: list[Answer], finalize: list[Answer], close: JsonObject
) -> None:
    execution = machine.run(
        functions_of({"Dispatch": dispatch, "Check": check, "Finalize": finalize, "Close": [close]})
    )

    assert execution.status == "SUCCEEDED"
    assert execution.last_state in {"Completed", "Failed", "Needs attention", "Ended already"}
    assert len(execution.calls_of("Close")) <= 1
    assert not execution.calls_of("Finalize") or execution.calls_of("Check")
