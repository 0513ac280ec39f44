"""A job's executions in Step Functions."""

import msgspec

from stillmotion.aws.client import AwsClient, AwsError
from stillmotion.domain.job import Job

# Its wait was over, or it has ended; an InvalidToken is one that this machine's region never gave out.
_GONE_ON = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


def wake(client: AwsClient, token: str) -> bool:
    """As `StepFunctionsWorkflow.wake`, for functions that do not know which machine carries them out."""
    try:
        client.call("states", "AWSStepFunctions.SendTaskSuccess", {"taskToken": token, "output": "{}"})
    except AwsError as error:
        if error.code in _GONE_ON:
            return False
        raise
    return True


class StepFunctionsWorkflow:
    """Step Functions as a `ports.Workflow`. `state_machine_arn` may be that of a version or an alias."""

    def __init__(self, client: AwsClient, state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start(self, job: Job) -> None:
        """Starts the job's run with input `{"job_id", "run"}`; the execution's name makes it one. Raises AwsError."""
        execution = {
            "stateMachineArn": self._arn,
            "name": job.execution_name,
            "input": msgspec.json.encode({"job_id": job.id, "run": job.run}).decode(),
        }
        try:
            self._client.call("states", "AWSStepFunctions.StartExecution", execution)
        except AwsError as error:
            # Running with this very input answers 200; this is one that has ended, or was started otherwise.
            if error.code != "ExecutionAlreadyExists":
                raise

    def wake(self, token: str) -> bool:
        """Ends the wait of a parked execution. False when it has gone on already. Raises AwsError."""
        return wake(self._client, token)

    def is_running(self, job: Job) -> bool:
        """Whether the execution of the job's run is under way. Raises AwsError."""
        # arn:…:states:region:account:stateMachine:name[:alias]; an execution's ARN names the machine alone.
        parts = self._arn.split(":")
        arn = ":".join([*parts[:5], "execution", parts[6], job.execution_name])
        try:
            answer = self._client.call("states", "AWSStepFunctions.DescribeExecution", {"executionArn": arn})
        except AwsError as error:
            if error.code == "ExecutionDoesNotExist":
                return False
            raise
        return bool(answer["status"] == "RUNNING")
