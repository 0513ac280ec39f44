"""The same scripts on an emulator of Step Functions: whether it reads the definition as `machine.py` does.

The emulator answers for the functions by itself, from a file in the format of AWS's Step Functions Local, and skips
waits; it is one process with no other service in use.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx
import pytest
from tests.workflow.machine import JsonObject
from tests.workflow.scripts import SCRIPTS, Answer, Raises

from stillmotion_local import ports
from stillmotion_local.environments import Tool, ensure
from stillmotion_local.workspace import find_workspace

MACHINE = "video"
PREFERRED_PORT = 4590
# A start takes two seconds on an idle machine, an execution a third of one.
START_SECONDS = 60.0
EXECUTION_SECONDS = 30.0
POLL_SECONDS = 0.05
STOP_SECONDS = 20.0


class StepFunctions:
    """The few calls that are needed, as Step Functions takes them over HTTP."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def call(self, action: str, **members: object) -> Any:
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AWSStepFunctions.{action}"}
        answer = self._client.post("/", headers=headers, content=json.dumps(members))
        assert answer.is_success, answer.text
        return answer.json()

    def start(self, machine_arn: str, test_case: str) -> str:
        """Starts an execution; gives its ARN."""
        given = json.dumps({"job_id": "job-1", "run": 1})
        started = self.call("StartExecution", stateMachineArn=f"{machine_arn}#{test_case}", input=given)
        return str(started["executionArn"])

    def wait(self, arn: str) -> tuple[str, list[str]]:
        """The status that an execution ends with, and the states that it entered."""
        deadline = time.monotonic() + EXECUTION_SECONDS
        while (status := self.call("DescribeExecution", executionArn=arn)["status"]) == "RUNNING":
            assert time.monotonic() < deadline, f"{arn} does not end"
            time.sleep(POLL_SECONDS)
        history = self.call("GetExecutionHistory", executionArn=arn, maxResults=1000)["events"]
        return status, [event["stateEnteredEventDetails"]["name"] for event in history if _enters(event)]


@pytest.fixture(scope="module")
def step_functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StepFunctions]:
    folder = tmp_path_factory.mktemp("emulator")
    answers = folder / "answers.json"
    answers.write_text(json.dumps(_local_format()), encoding="utf-8")
    port = ports.choose(PREFERRED_PORT)
    environment: dict[str, str] = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": ports.HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        "SFN_MOCK_CONFIG": str(answers),
        "SFN_WAIT_SCALE": "0",
    }
    python = str(ensure(find_workspace(), Tool.EMULATOR, print).python)
    with (folder / "emulator.log").open("wb") as log:
        command = [python, "-P", "-m", "ministack"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)  # noqa: S603 - fixed
    try:
        with httpx.Client(base_url=f"http://{ports.HOST}:{port}", trust_env=False, timeout=10.0) as client:
            _wait_until_healthy(client, process)
            yield StepFunctions(client)
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def _wait_until_healthy(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "the emulator ended as soon as it was started"
        assert time.monotonic() < deadline, "the emulator does not answer"
        with suppress(httpx.TransportError):
            if client.get("/_ministack/health").is_success:
                return
        time.sleep(POLL_SECONDS)


@pytest.fixture(scope="module")
def executions(step_functions: StepFunctions, definition: JsonObject) -> Mapping[str, str]:
    """The ARN of an execution of each script: they run at once."""
    role = "arn:aws:iam::000000000000:role/any"
    text = json.dumps(definition)
    created = step_functions.call("CreateStateMachine", name=MACHINE, definition=text, roleArn=role)
    return {name: step_functions.start(created["stateMachineArn"], _identifier(name)) for name in SCRIPTS}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_emulator_takes_the_same_way(
    step_functions: StepFunctions, executions: Mapping[str, str], name: str
) -> None:
    script = SCRIPTS[name]

    status, path = step_functions.wait(executions[name])

    assert path == script.path
    assert status == ("SUCCEEDED" if script.succeeds else "FAILED")


def _local_format() -> JsonObject:
    """The scripts in the format of Step Functions Local: responses by name, and which one a test case uses where."""
    responses: JsonObject = {}
    cases: JsonObject = {}
    for name, script in SCRIPTS.items():
        cases[_identifier(name)] = {task: f"{_identifier(name)}-{task}" for task in script.answers}
        responses |= {f"{_identifier(name)}-{task}": _responses(given) for task, given in script.answers.items()}
    return {"StateMachines": {MACHINE: {"TestCases": cases}}, "MockedResponses": responses}


def _responses(answers: Sequence[Answer]) -> JsonObject:
    return {str(position): _response(answer) for position, answer in enumerate(answers)}


def _response(answer: Answer) -> JsonObject:
    if isinstance(answer, Raises):
        return {"Throw": {"Error": answer.error, "Cause": answer.cause}}
    return {"Return": {"StatusCode": 200, "Payload": answer}}


def _identifier(name: str) -> str:
    return name.replace(" ", "-")


def _enters(event: JsonObject) -> bool:
    return "stateEnteredEventDetails" in event
