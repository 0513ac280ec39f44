"""Clients of the local AWS. They can reach nothing else: the endpoint is explicit, the credentials are not real, and
no profile, configuration file or proxy of the user's is read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient
    from types_boto3_stepfunctions import SFNClient

    from stillmotion.aws.clients import AwsClients

REGION = "us-east-1"
NO_FILE = os.devnull
# Set for every child process, so that nothing of the user's account is found even by a tool that looks for it.
LOCAL_CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": NO_FILE,
    "AWS_SHARED_CREDENTIALS_FILE": NO_FILE,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def environment_without_aws() -> dict[str, str]:
    """This process's environment with every AWS setting replaced by the local ones."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**inherited, **LOCAL_CREDENTIALS}


@dataclass(frozen=True)
class LocalAws:
    """Clients for one emulator; made when first used. Ten seconds is ample for a server on this machine."""

    endpoint_url: str

    @cached_property
    def _session(self) -> "boto3.Session":
        # Half a second, which commands that call nobody do not have to wait for.
        import boto3  # noqa: PLC0415
        import botocore.session  # noqa: PLC0415

        nothing_of_the_users = {
            "profile": (None, None, None, None),
            "config_file": (None, None, NO_FILE, None),
            "credentials_file": (None, None, NO_FILE, None),
        }
        core = botocore.session.Session(session_vars=nothing_of_the_users)
        return boto3.Session(
            botocore_session=core,
            aws_access_key_id=LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=LOCAL_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    @cached_property
    def _config(self) -> "Config":
        from botocore.config import Config  # noqa: PLC0415

        return Config(proxies={}, connect_timeout=2, read_timeout=10)

    @cached_property
    def of_the_functions(self) -> "AwsClients":
        """The clients that the stillmotion package's own adapters take."""
        from stillmotion.aws.clients import AwsClients  # noqa: PLC0415 - as above

        return AwsClients(self._session, endpoint_url=self.endpoint_url)

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return self._session.client("cloudformation", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self._session.client("dynamodb", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def events(self) -> "EventBridgeClient":
        return self._session.client("events", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def lambda_(self) -> "LambdaClient":
        return self._session.client("lambda", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def ssm(self) -> "SSMClient":
        return self._session.client("ssm", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def secretsmanager(self) -> "SecretsManagerClient":
        return self._session.client("secretsmanager", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        return self._session.client("stepfunctions", endpoint_url=self.endpoint_url, config=self._config)

    @cached_property
    def sqs(self) -> "SQSClient":
        return self._session.client("sqs", endpoint_url=self.endpoint_url, config=self._config)
