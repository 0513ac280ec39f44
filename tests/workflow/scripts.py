"""Scripts of what the functions answer, and where an execution of them ends. Both engines run them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.workflow.machine import Function, JsonObject, StateError


@dataclass(frozen=True)
class Raises:
    """A function that does not answer."""

    error: str
    cause: str = "scripted"


Answer = JsonObject | Raises


@dataclass(frozen=True)
class Script:
    """`answers` of each task, in order; the last one is repeated. `path` is every state that is entered."""

    answers: Mapping[str, Sequence[Answer]]
    path: Sequence[str]
    succeeds: bool = True


ACCEPTED: JsonObject = {"outcome": "accepted", "wait_seconds": 75}
TOLD: JsonObject = {"outcome": "accepted", "wait_seconds": 300, "parks": True, "nudges": 0}
STILL_RUNNING: JsonObject = {"outcome": "running", "wait_seconds": 300, "parks": True, "nudges": 1}
QUEUED: JsonObject = {"outcome": "wait", "wait_seconds": 60, "parks": True, "nudges": 0}
NUDGED: JsonObject = {}
RUNNING: JsonObject = {"outcome": "running", "wait_seconds": 10}
SUCCEEDED: JsonObject = {"outcome": "succeeded", "wait_seconds": 0}
COMPLETED: JsonObject = {"outcome": "completed", "wait_seconds": 0}
AGAIN: JsonObject = {"outcome": "again", "wait_seconds": 3600}
JOB_FAILED: JsonObject = {"outcome": "failed"}
NEEDS_ATTENTION: JsonObject = {"outcome": "needs_attention"}
ENDED: JsonObject = {"outcome": "ended", "wait_seconds": 0}

THROTTLED = ["Dispatch", "Dispatch outcome", "Wait to dispatch again"]
SENT = ["Dispatch", "Dispatch outcome", "Wait for the vendor"]
CHECKED = ["Check", "Check outcome"]
WAITED = ["Wait for the vendor"]
PARKED = ["Park for five minutes"]
PARKED_BRIEFLY = ["Park for ten seconds"]
QUEUED_UP = ["Dispatch", "Dispatch outcome", "Park for a slot"]
SENT_AND_PARKED = ["Dispatch", "Dispatch outcome", *PARKED]
FETCHED = ["Finalize", "Finalize outcome"]
PUT_OFF = ["Wait to finalize again"]
CLOSED = ["Close", "Close outcome"]
UNEXPECTED = ["Unexpected outcome", *CLOSED]


def outcome(word: object, **more: object) -> JsonObject:
    return {"outcome": word, **more}


SCRIPTS: Mapping[str, Script] = {
    "a job is sent, made, fetched and completed": Script(
        {"Dispatch": [ACCEPTED], "Check": [SUCCEEDED], "Finalize": [COMPLETED]},
        [*SENT, *CHECKED, *FETCHED, "Completed"],
    ),
    "a throttled dispatch is tried again": Script(
        {"Dispatch": [outcome("wait", wait_seconds=37), ACCEPTED], "Check": [SUCCEEDED], "Finalize": [COMPLETED]},
        [*THROTTLED, *SENT, *CHECKED, *FETCHED, "Completed"],
    ),
    "a running generation is looked at until it ends": Script(
        {"Dispatch": [ACCEPTED], "Check": [RUNNING, RUNNING, RUNNING, SUCCEEDED], "Finalize": [COMPLETED]},
        [*SENT, *CHECKED, *WAITED, *CHECKED, *WAITED, *CHECKED, *WAITED, *CHECKED, *FETCHED, "Completed"],
    ),
    "a parked job is woken by its webhook": Script(
        {"Dispatch": [TOLD], "Park for five minutes": [NUDGED], "Check": [SUCCEEDED], "Finalize": [COMPLETED]},
        [*SENT_AND_PARKED, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job that was woken too early parks again": Script(
        {
            "Dispatch": [TOLD],
            "Park for five minutes": [NUDGED, NUDGED],
            "Check": [STILL_RUNNING, SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*SENT_AND_PARKED, *CHECKED, *PARKED, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job that nobody tells of is looked at all the same": Script(
        {
            "Dispatch": [TOLD],
            "Park for five minutes": [Raises("States.Timeout")],
            "Check": [SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*SENT_AND_PARKED, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job that was nudged before it could park does not park": Script(
        {
            "Dispatch": [TOLD],
            "Park for five minutes": [Raises("DynamoDb.ConditionalCheckFailedException")],
            "Check": [SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*SENT_AND_PARKED, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job that cannot park waits": Script(
        {
            "Dispatch": [TOLD],
            "Park for five minutes": [Raises("DynamoDb.ProvisionedThroughputExceededException")],
            "Check": [SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*SENT_AND_PARKED, *WAITED, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job of a quick vendor parks briefly": Script(
        {
            "Dispatch": [{**TOLD, "wait_seconds": 10}],
            "Park for ten seconds": [Raises("States.Timeout"), NUDGED],
            "Check": [{**STILL_RUNNING, "wait_seconds": 10}, SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        ["Dispatch", "Dispatch outcome", *PARKED_BRIEFLY, *CHECKED, *PARKED_BRIEFLY, *CHECKED, *FETCHED, "Completed"],
    ),
    "a submission whose outcome a webhook has told goes on": Script(
        {
            "Dispatch": [outcome("attention", wait_seconds=0)],
            "Close": [outcome("accepted")],
            "Check": [SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        ["Dispatch", "Dispatch outcome", *CLOSED, *CHECKED, *FETCHED, "Completed"],
    ),
    "waits of no time are no obstacle": Script(
        {
            "Dispatch": [outcome("wait", wait_seconds=0), outcome("accepted", wait_seconds=0)],
            "Check": [outcome("running", wait_seconds=0), SUCCEEDED],
            "Finalize": [outcome("again", wait_seconds=0), COMPLETED],
        },
        [*THROTTLED, *SENT, *CHECKED, *WAITED, *CHECKED, *FETCHED, *PUT_OFF, *FETCHED, "Completed"],
    ),
    "a job that no vendor takes fails": Script(
        {"Dispatch": [outcome("failed", wait_seconds=0)], "Close": [JOB_FAILED]},
        ["Dispatch", "Dispatch outcome", *CLOSED, "Failed"],
    ),
    "a submission without an answer needs attention": Script(
        {"Dispatch": [outcome("attention", wait_seconds=0)], "Close": [NEEDS_ATTENTION]},
        ["Dispatch", "Dispatch outcome", *CLOSED, "Needs attention"],
    ),
    "a generation that the vendor gave up fails the job where no other vendor may be tried": Script(
        {
            "Dispatch": [ACCEPTED, outcome("failed", wait_seconds=0)],
            "Check": [outcome("failed", wait_seconds=0)],
            "Close": [JOB_FAILED],
        },
        [*SENT, *CHECKED, "Dispatch", "Dispatch outcome", *CLOSED, "Failed"],
    ),
    "a generation that the vendor gave up is made by the other": Script(
        {
            "Dispatch": [ACCEPTED, ACCEPTED],
            "Check": [outcome("failed", wait_seconds=0), SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*SENT, *CHECKED, *SENT, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job that was cancelled meanwhile is closed as such": Script(
        {"Dispatch": [outcome("failed")], "Close": [outcome("cancelled")]},
        ["Dispatch", "Dispatch outcome", *CLOSED, "Cancelled"],
    ),
    "a job without a slot is woken when one is free": Script(
        {
            "Dispatch": [QUEUED, ACCEPTED],
            "Park for a slot": [NUDGED],
            "Check": [SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*QUEUED_UP, *SENT, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job whose wake-up was lost asks for a slot again": Script(
        {
            "Dispatch": [QUEUED, ACCEPTED],
            "Park for a slot": [Raises("States.Timeout")],
            "Check": [SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*QUEUED_UP, *SENT, *CHECKED, *FETCHED, "Completed"],
    ),
    "a job that was given its slot before it parked does not park": Script(
        {
            "Dispatch": [QUEUED, ACCEPTED],
            "Park for a slot": [Raises("DynamoDb.ConditionalCheckFailedException")],
            "Check": [SUCCEEDED],
            "Finalize": [COMPLETED],
        },
        [*QUEUED_UP, *SENT, *CHECKED, *FETCHED, "Completed"],
    ),
    "an overdue generation needs attention": Script(
        {"Dispatch": [ACCEPTED], "Check": [RUNNING, outcome("overdue")], "Close": [NEEDS_ATTENTION]},
        [*SENT, *CHECKED, *WAITED, *CHECKED, *CLOSED, "Needs attention"],
    ),
    "a video that cannot be fetched yet is fetched later": Script(
        {"Dispatch": [ACCEPTED], "Check": [SUCCEEDED], "Finalize": [AGAIN, AGAIN, COMPLETED]},
        [
            *SENT,
            *CHECKED,
            *FETCHED,
            "Wait to finalize again",
            *FETCHED,
            "Wait to finalize again",
            *FETCHED,
            "Completed",
        ],
    ),
    "a video that cannot be had needs attention": Script(
        {"Dispatch": [ACCEPTED], "Check": [SUCCEEDED], "Finalize": [outcome("attention", wait_seconds=0)]},
        [*SENT, *CHECKED, *FETCHED, "Needs attention"],
    ),
    "a job that ended before its dispatch is left alone": Script(
        {"Dispatch": [ENDED]}, ["Dispatch", "Dispatch outcome", "Ended already"]
    ),
    "a job that ended while it was made is left alone": Script(
        {"Dispatch": [ACCEPTED], "Check": [ENDED]}, [*SENT, *CHECKED, "Ended already"]
    ),
    "a job that ended before its video was fetched is left alone": Script(
        {"Dispatch": [ACCEPTED], "Check": [SUCCEEDED], "Finalize": [ENDED]},
        [*SENT, *CHECKED, *FETCHED, "Ended already"],
    ),
    "a job that ended before it was closed is left alone": Script(
        {"Dispatch": [outcome("failed")], "Close": [outcome("ended")]},
        ["Dispatch", "Dispatch outcome", *CLOSED, "Ended already"],
    ),
    "an error of dispatch closes the job": Script(
        {"Dispatch": [Raises("KeyError")], "Close": [NEEDS_ATTENTION]},
        ["Dispatch", *CLOSED, "Needs attention"],
    ),
    "an error of check closes the job": Script(
        {"Dispatch": [ACCEPTED], "Check": [Raises("Conflict")], "Close": [NEEDS_ATTENTION]},
        [*SENT, "Check", *CLOSED, "Needs attention"],
    ),
    "an error of finalize closes the job": Script(
        {
            "Dispatch": [ACCEPTED],
            "Check": [SUCCEEDED],
            "Finalize": [Raises("Sandbox.Timedout")],
            "Close": [NEEDS_ATTENTION],
        },
        [*SENT, *CHECKED, "Finalize", *CLOSED, "Needs attention"],
    ),
    "a word that dispatch should not know closes the job": Script(
        {"Dispatch": [outcome("sent", wait_seconds=1)], "Close": [JOB_FAILED]},
        ["Dispatch", "Dispatch outcome", *UNEXPECTED, "Failed"],
    ),
    "a wait without its seconds closes the job": Script(
        {"Dispatch": [outcome("accepted")], "Close": [NEEDS_ATTENTION]},
        ["Dispatch", "Dispatch outcome", *UNEXPECTED, "Needs attention"],
    ),
    "a word that check should not know closes the job": Script(
        {"Dispatch": [ACCEPTED], "Check": [outcome("done")], "Close": [NEEDS_ATTENTION]},
        [*SENT, *CHECKED, *UNEXPECTED, "Needs attention"],
    ),
    "a word that finalize should not know closes the job": Script(
        {"Dispatch": [ACCEPTED], "Check": [SUCCEEDED], "Finalize": [outcome(None)], "Close": [NEEDS_ATTENTION]},
        [*SENT, *CHECKED, *FETCHED, *UNEXPECTED, "Needs attention"],
    ),
    "a job that cannot be closed fails the execution": Script(
        {"Dispatch": [outcome("failed")], "Close": [Raises("StoreError")]},
        ["Dispatch", "Dispatch outcome", "Close"],
        succeeds=False,
    ),
    "a word that the fail function should not know fails the execution": Script(
        {"Dispatch": [outcome("failed")], "Close": [outcome("closed")]},
        ["Dispatch", "Dispatch outcome", *CLOSED, "Not closed"],
        succeeds=False,
    ),
}


def function_of(answers: Sequence[Answer]) -> Function:
    """A function that gives the answers in order, and then the last one again and again."""
    left = list(answers)

    def answer(_payload: JsonObject) -> object:
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Raises):
            raise StateError(given.error, given.cause)
        return given

    return answer


def functions_of(answers: Mapping[str, Sequence[Answer]]) -> Mapping[str, Function]:
    """The functions of a script, by the name of their task."""
    return {task: function_of(given) for task, given in answers.items()}
