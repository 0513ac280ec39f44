"""Starts a job's execution in Step Functions."""

import msgspec

from stillmotion.aws.client import AwsClient, AwsError
from stillmotion.domain.job import Job


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
