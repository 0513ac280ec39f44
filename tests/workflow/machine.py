"""Runs the state machine's own definition, with scripted functions and a clock that nobody waits for.

An interpreter of the part of the Amazon States Language that video.asl.json uses, and it refuses every other field: a
definition that outgrows it fails here, rather than being half understood. Thousands of executions take a second, and
what no emulator shows can be asked: how long each wait was, what each function was given, how many events a history
has. That it reads the language as others do is shown by running the same scripts on an emulator (`test_emulator.py`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import jsonata
from jsonata.jexception import JException

JsonObject = dict[str, Any]
Function = Callable[[JsonObject], object]
CALLS = "arn:aws:states:::lambda:invoke"
PARKS = "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken"
MAX_WAIT_SECONDS = 99_999_999
"""What Step Functions takes in `Seconds`."""

_COMMON = {"Type", "Comment", "Next", "Output"}
_FIELDS: Mapping[str, set[str]] = {
    "Task": _COMMON | {"Resource", "Arguments", "TimeoutSeconds", "Retry", "Catch"},
    "Choice": {"Type", "Comment", "Choices", "Default"},
    "Wait": _COMMON | {"Seconds"},
    "Pass": _COMMON,
    "Succeed": {"Type", "Comment", "Output"},
    "Fail": {"Type", "Comment", "Error", "Cause"},
}
# What one state leaves in the history, after Step Functions' own events: entered and exited; a task also scheduled,
# started, and succeeded or failed. A history takes 25,000.
_EVENTS: Mapping[str, int] = {"Task": 2, "Choice": 2, "Wait": 2, "Pass": 2, "Succeed": 2, "Fail": 1}
_EVENTS_OF_A_TRY = 3


class StateError(Exception):
    """An error as the language names it."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass
class Execution:
    """How an execution went. Times are seconds of its own clock; `waits` has those of Wait states, not of retries.

    `parked` has what DynamoDB was asked, each time that it parked, or tried to.
    """

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT"] = "SUCCEEDED"
    output: object = None
    error: str | None = None
    cause: str | None = None
    path: list[str] = field(default_factory=list)
    calls: list[tuple[str, JsonObject]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    parked: list[JsonObject] = field(default_factory=list)
    elapsed_seconds: float = 0.0
    events: int = 1

    @property
    def last_state(self) -> str:
        return self.path[-1]

    def calls_of(self, state: str) -> list[JsonObject]:
        """What the function of one task was given, each time."""
        return [payload for name, payload in self.calls if name == state]


class _TimedOut(Exception):
    """The machine's own TimeoutSeconds is over."""


class Machine:
    """A definition, ready to be run."""

    def __init__(self, definition: JsonObject) -> None:
        assert definition["QueryLanguage"] == "JSONata"
        self._definition = definition
        self._states: Mapping[str, JsonObject] = definition["States"]
        for name, state in self._states.items():
            unknown = state.keys() - _FIELDS[state["Type"]]
            assert not unknown, f"{name} has {unknown}, which this interpreter does not know"

    def run(self, functions: Mapping[str, Function], job_id: str = "job-1", run: int = 1) -> Execution:
        """One execution. A function is called by the name of its task; what it raises has the type's name as error.

        A task that parks has a function too: it is given the call, and answers when the token is used.
        """
        return _Run(self._definition, functions, {"job_id": job_id, "run": run}).execution


class _Run:
    def __init__(self, definition: JsonObject, functions: Mapping[str, Function], given: JsonObject) -> None:
        self.execution = Execution()
        self._functions = functions
        self._timeout: float = definition["TimeoutSeconds"]
        self._context: JsonObject = {"Execution": {"Input": given, "Name": f"{given['job_id']}-{given['run']}"}}
        state_name, value = definition["StartAt"], given
        try:
            while True:
                self.execution.path.append(state_name)
                state = definition["States"][state_name]
                self.execution.events += _EVENTS[state["Type"]]
                next_name, value = self._step(state_name, state, value)
                if next_name is None:
                    break
                state_name = next_name
            self.execution.output = value
        except _TimedOut:
            self.execution.status = "TIMED_OUT"
        except StateError as failed:
            self.execution.status = "FAILED"
            self.execution.error, self.execution.cause = failed.error, failed.cause

    def _step(self, name: str, state: JsonObject, given: Any) -> tuple[str | None, Any]:
        """The next state and its input; None for the next state is the end."""
        match state["Type"]:
            case "Task":
                return self._task(name, state, given)
            case "Choice":
                return self._choice(state, given)
            case "Wait":
                seconds = self._evaluate(state["Seconds"], given)
                if not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_WAIT_SECONDS or seconds % 1:
                    raise StateError("States.QueryEvaluationError", f"Seconds is {seconds!r}")
                self.execution.waits.append(seconds)
                self._pass_time(seconds)
                return state["Next"], given
            case "Pass":
                return state["Next"], self._evaluate(state["Output"], given)
            case "Succeed":
                return None, given
            case "Fail":
                raise StateError(self._evaluate(state["Error"], given), self._evaluate(state["Cause"], given))
            case kind:
                raise AssertionError(f"{name} is a {kind}")

    def _choice(self, state: JsonObject, given: Any) -> tuple[str, Any]:
        for rule in state["Choices"]:
            chosen = self._evaluate(rule["Condition"], given)
            if not isinstance(chosen, bool):
                raise StateError("States.QueryEvaluationError", f"{rule['Condition']} gives {chosen!r}")
            if chosen:
                return rule["Next"], self._evaluate(rule["Output"], given) if "Output" in rule else given
        return state["Default"], given

    def _task(self, name: str, state: JsonObject, given: Any) -> tuple[str, Any]:
        tries = [0] * len(state.get("Retry", ()))
        while True:
            try:
                result = self._call(name, state, given)
                return state["Next"], self._evaluate(state["Output"], given, result=result)
            except StateError as failed:
                if self._retries(state, failed, tries):
                    continue
                for catcher in state.get("Catch", ()):
                    if _matches(catcher["ErrorEquals"], failed.error):
                        told = {"Error": failed.error, "Cause": failed.cause}
                        return catcher["Next"], self._evaluate(catcher["Output"], given, error_output=told)
                raise

    def _call(self, name: str, state: JsonObject, given: Any) -> JsonObject:
        if state["Resource"] == PARKS:
            return self._park(name, state, given)
        assert state["Resource"] == CALLS
        payload = self._evaluate(state["Arguments"], given)["Payload"]
        self.execution.events += _EVENTS_OF_A_TRY
        self.execution.calls.append((name, payload))
        try:
            answer = self._functions[name](json.loads(json.dumps(payload)))
        except StateError:
            raise
        except Exception as raised:
            told = {"errorMessage": str(raised), "errorType": type(raised).__name__}
            raise StateError(type(raised).__name__, json.dumps(told)) from raised
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(answer))}

    def _park(self, name: str, state: JsonObject, given: Any) -> JsonObject:
        self._context["Task"] = {"Token": f"token-{len(self.execution.parked) + 1}"}
        asked = self._evaluate(state["Arguments"], given)
        self.execution.events += _EVENTS_OF_A_TRY
        self.execution.parked.append(asked)
        try:
            self._functions[name](json.loads(json.dumps(asked)))
        except StateError as failed:
            if failed.error == "States.Timeout":
                self._pass_time(state["TimeoutSeconds"])
            raise
        return {}

    def _retries(self, state: JsonObject, failed: StateError, tries: list[int]) -> bool:
        """Whether the task is tried again; the time until then has passed, as long as jitter lets it be."""
        for position, retrier in enumerate(state.get("Retry", ())):
            if _matches(retrier["ErrorEquals"], failed.error):
                if tries[position] >= retrier["MaxAttempts"]:
                    return False
                wait = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** tries[position]
                self._pass_time(min(wait, retrier["MaxDelaySeconds"]))
                tries[position] += 1
                return True
        return False

    def _pass_time(self, seconds: float) -> None:
        self.execution.elapsed_seconds += seconds
        if self.execution.elapsed_seconds > self._timeout:
            raise _TimedOut

    def _evaluate(self, template: Any, given: Any, *, result: Any = None, error_output: Any = None) -> Any:
        """A template with each `{% expression %}` in it replaced by its value."""
        if isinstance(template, dict):
            return {
                key: self._evaluate(part, given, result=result, error_output=error_output)
                for key, part in template.items()
            }
        if not isinstance(template, str) or not template.startswith("{%"):
            return template
        expression = template.removeprefix("{%").removesuffix("%}").strip()
        states = {"input": given, "context": self._context, "result": result, "errorOutput": error_output}
        try:
            value = _parsed(expression).evaluate(None, {"states": states})
            # An undefined result is an error; null is a value. The library gives None for both.
            if value is None and not _parsed(f"$exists(({expression}))").evaluate(None, {"states": states}):
                raise StateError("States.QueryEvaluationError", f"{expression} gives nothing")
            return _plain(value)
        except JException as error:
            raise StateError("States.QueryEvaluationError", f"{expression}: {error}") from error


@cache
def _parsed(expression: str) -> jsonata.Jsonata:
    return jsonata.Jsonata(expression)


def _matches(names: list[str], error: str) -> bool:
    return "States.ALL" in names or error in names or ("States.TaskFailed" in names and error != "States.Timeout")


def _plain(value: Any) -> Any:
    """A value as JSON has it: the library answers in lists and maps of its own."""
    return json.loads(json.dumps(value))
