"""A job's executions in Step Functions."""

import msgspec

from stillmotion.aws.clients import AwsClients, AwsError, aws_errors
from stillmotion.domain.job.records import Job

# The wait was over, or the execution has ended; an InvalidToken is one that this machine's region never gave out.
_GONE_ON = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


def wake(clients: AwsClients, token: str) -> bool:
    """As `StepFunctionsWorkflow.wake`, for functions that do not know which machine carries them out."""
    try:
        with aws_errors():
            clients.stepfunctions.send_task_success(taskToken=token, output="{}")
    except AwsError as error:
        if error.code in _GONE_ON:
            return False
        raise
    return True


class StepFunctionsWorkflow:
    """Step Functions as a `ports.workflow.Workflow`. `state_machine_arn` may be that of a version or an alias."""

    def __init__(self, clients: AwsClients, state_machine_arn: str) -> None:
        self._clients = clients
        self._arn = state_machine_arn

    def start(self, job: Job) -> None:
        """Starts the job's run with input `{"job_id", "run"}`; the execution's name makes it one. Raises AwsError."""
        started_with = msgspec.json.encode({"job_id": job.id, "run": job.run}).decode()
        states = self._clients.stepfunctions
        with aws_errors():
            try:
                states.start_execution(stateMachineArn=self._arn, name=job.execution_name, input=started_with)
            except states.exceptions.ExecutionAlreadyExists:
                # Running with this very input answers 200; this is one that has ended, or was started otherwise.
                return

    def wake(self, token: str) -> bool:
        """Ends the wait of a parked execution. False when it has gone on already. Raises AwsError."""
        return wake(self._clients, token)

    def is_running(self, job: Job) -> bool:
        """Whether the execution of the job's run is under way. Raises AwsError."""
        # arn:…:states:region:account:stateMachine:name[:alias]; an execution's ARN names the machine alone.
        parts = self._arn.split(":")
        arn = ":".join([*parts[:5], "execution", parts[6], job.execution_name])
        states = self._clients.stepfunctions
        with aws_errors():
            try:
                return states.describe_execution(executionArn=arn)["status"] == "RUNNING"
            except states.exceptions.ExecutionDoesNotExist:
                return False
