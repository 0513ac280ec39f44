"""An execution is started once for each run of a job."""

import msgspec
import pytest
from botocore.awsrequest import AWSResponse
from msgspec.structs import replace
from tests.unit.aws.wire import NOW, Sent, Wire, answer, answering, lose_once, refusal

from stillmotion.aws.clients import AwsClients, AwsError
from stillmotion.aws.workflow import StepFunctionsWorkflow
from stillmotion.domain.job.records import Job, Status

JOB = Job(id="job-1", tenant="ada", status=Status.DISPATCHING, created_at=NOW, updated_at=NOW)
ARN = "arn:aws:states:eu-central-1:123456789012:stateMachine:video"


@pytest.fixture
def workflow(clients: AwsClients, wire: Wire) -> StepFunctionsWorkflow:
    definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    machine = clients.stepfunctions.create_state_machine(
        name="video",
        definition=msgspec.json.encode(definition).decode(),
        roleArn="arn:aws:iam::123456789012:role/video",
    )
    wire.requests.clear()
    return StepFunctionsWorkflow(clients, machine["stateMachineArn"])


def executions(clients: AwsClients) -> list[str]:
    listed = clients.stepfunctions.list_executions(stateMachineArn=ARN)["executions"]
    return sorted(execution["name"] for execution in listed)


def test_an_execution_is_named_after_job_and_run(workflow: StepFunctionsWorkflow, clients: AwsClients) -> None:
    workflow.start(JOB)
    workflow.start(replace(JOB, run=2))

    assert executions(clients) == ["job-1-1", "job-1-2"]


def test_an_execution_gets_the_job_and_run(workflow: StepFunctionsWorkflow, wire: Wire) -> None:
    workflow.start(JOB)

    sent = wire.requests[0].members
    assert msgspec.json.decode(sent["input"]) == {"job_id": "job-1", "run": 1}


def test_starting_a_run_twice_starts_it_once(workflow: StepFunctionsWorkflow, clients: AwsClients, wire: Wire) -> None:
    wire.after = lose_once("StartExecution")

    workflow.start(JOB)
    workflow.start(JOB)

    assert executions(clients) == ["job-1-1"]


def test_an_execution_that_has_ended_already_is_as_good() -> None:
    workflow = StepFunctionsWorkflow(answering(lambda _sent: refusal("ExecutionAlreadyExists")), ARN)

    workflow.start(JOB)


def test_a_machine_that_is_not_there_is_an_error(clients: AwsClients) -> None:
    with pytest.raises(AwsError) as caught:
        StepFunctionsWorkflow(clients, ARN + "-other").start(JOB)

    assert caught.value.code == "StateMachineDoesNotExist"


def test_an_alias_is_started_as_such() -> None:
    seen: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        seen.append(sent)
        return answer(200, b"{}")

    StepFunctionsWorkflow(answering(handle), f"{ARN}:live").start(JOB)

    assert seen[0].members["stateMachineArn"] == f"{ARN}:live"


def test_a_started_execution_is_running_and_another_is_not(workflow: StepFunctionsWorkflow) -> None:
    workflow.start(JOB)

    assert workflow.is_running(JOB)
    assert not workflow.is_running(replace(JOB, run=2))


def test_an_execution_that_was_started_by_an_alias_is_asked_for_by_its_machine() -> None:
    seen: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        seen.append(sent)
        return answer(200, b'{"status": "FAILED"}')

    assert not StepFunctionsWorkflow(answering(handle), f"{ARN}:live").is_running(JOB)
    asked = seen[0].members["executionArn"]
    assert asked == ARN.replace(":stateMachine:", ":execution:") + ":job-1-1"


def test_a_token_wakes_its_execution() -> None:
    seen: list[Sent] = []

    def handle(sent: Sent) -> AWSResponse:
        seen.append(sent)
        return answer(200, b"{}")

    assert StepFunctionsWorkflow(answering(handle), ARN).wake("token")
    assert seen[0].operation == "SendTaskSuccess"
    assert seen[0].members == {"taskToken": "token", "output": "{}"}


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_that_is_used_or_over_wakes_nobody(code: str) -> None:
    assert not StepFunctionsWorkflow(answering(lambda _sent: refusal(code)), ARN).wake("token")


def test_a_token_that_may_not_be_used_is_an_error() -> None:
    with pytest.raises(AwsError):
        StepFunctionsWorkflow(answering(lambda _sent: refusal("AccessDeniedException")), ARN).wake("token")
