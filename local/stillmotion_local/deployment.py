"""Building and deploying this checkout's own template.yaml to the local AWS, with the real SAM CLI.

What is tested is what is deployed: the template is not changed. Only the layer is built for this machine instead of
Lambda's, because the emulator runs functions in its own Python.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from stillmotion_local.aws_clients import REGION, LocalAws, environment_without_aws
from stillmotion_local.environments import Environment, find_uv
from stillmotion_local.failures import StackError
from stillmotion_local.processes import MARKER
from stillmotion_local.workspace import Workspace

STACK_NAME = "stillmotion"
PACKAGES_BUCKET = "stillmotion-packages"
# The emulator gives a new API the id in this tag; a stack's tags are those of all that is in it.
API_ID = "stillmotion"
API_ID_TAG = "ms-custom-id"
FINGERPRINT_PARAMETER = "/stillmotion/deployed"
# A build installs wheels, from the network the first time. A deploy takes about ten seconds.
BUILD_SECONDS = 300.0
DEPLOY_SECONDS = 180.0
RESET_SECONDS = 30.0
# States from which a stack can be deployed to again.
SETTLED = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}


def build(workspace: Workspace, sam: Environment) -> None:
    """`sam build`, with the layer for this machine's platform and Python. Raises StackError."""
    command = ["build", "--template-file", str(workspace.template), "--build-dir", str(workspace.build)]
    layer_target = {
        "LAYER_PLATFORM": "",
        "LAYER_PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
        "LAYER_COMPILER": sys.executable,
        "UV": str(find_uv(workspace)),
    }
    _run_sam(workspace, sam, command, layer_target, log=workspace.log("build"), timeout_seconds=BUILD_SECONDS)


def deploy(workspace: Workspace, sam: Environment, aws: LocalAws, parameters: Mapping[str, str]) -> None:
    """`sam deploy` of what was built. Raises StackError."""
    if _status(aws) not in {None, *SETTLED}:
        # An interrupted deployment: what it left can be neither updated nor trusted.
        httpx.post(f"{aws.endpoint_url}/_ministack/reset", trust_env=False, timeout=RESET_SECONDS)
    aws.s3.create_bucket(Bucket=PACKAGES_BUCKET)
    command = ["deploy", "--template-file", str(workspace.build / "template.yaml")]
    command += ["--stack-name", STACK_NAME, "--s3-bucket", PACKAGES_BUCKET, "--region", REGION]
    command += ["--capabilities", "CAPABILITY_IAM"]
    command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"]
    command += ["--tags", f"{API_ID_TAG}={API_ID}"]
    command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    calls = {"AWS_ENDPOINT_URL": aws.endpoint_url, "SAM_CLI_POLL_DELAY": "0.1"}
    _run_sam(workspace, sam, command, calls, log=workspace.log("deploy"), timeout_seconds=DEPLOY_SECONDS)
    _limit_concurrency(aws, int(parameters["ReservedConcurrency"]))
    _limit_queues(aws)


def outputs(aws: LocalAws) -> Mapping[str, str]:
    """The outputs of the deployed stack."""
    stack = aws.cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def api_id(aws: LocalAws) -> str:
    """The id of the HTTP API: what a deployed stack has, or what a new one gets."""
    return outputs(aws).get("ApiId", API_ID) if _status(aws) in SETTLED else API_ID


def fingerprint(workspace: Workspace, parameters: Mapping[str, str]) -> str:
    """Of everything that a deployment is made of: the same fingerprint is the same stack."""
    digest = hashlib.sha256(repr((sorted(parameters.items()), sys.version)).encode())
    for source in sorted(_sources(workspace)):
        digest.update(repr((str(source.relative_to(workspace.root)), source.stat().st_size)).encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()


def is_deployed(aws: LocalAws, wanted: str) -> bool:
    """Whether the emulator, as it came up from its saved state, has a settled stack of this fingerprint."""
    if _status(aws) not in SETTLED:
        return False
    try:
        return aws.ssm.get_parameter(Name=FINGERPRINT_PARAMETER)["Parameter"].get("Value") == wanted
    except aws.ssm.exceptions.ParameterNotFound:
        return False


def note_deployed(aws: LocalAws, deployed: str) -> None:
    """Keeps the fingerprint inside the emulator: when its state is lost, so is this."""
    aws.ssm.put_parameter(Name=FINGERPRINT_PARAMETER, Value=deployed, Type="String", Overwrite=True)


def _sources(workspace: Workspace) -> Iterator[Path]:
    yield from (workspace.template, workspace.requirements / "sam.txt", workspace.requirements / "emulator.txt")
    for folder in (workspace.root / "functions", workspace.root / "layers"):
        for path in folder.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _status(aws: LocalAws) -> str | None:
    try:
        return aws.cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]["StackStatus"]
    except aws.cloudformation.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # how CloudFormation says that there is none
            return None
        raise


def _limit_concurrency(aws: LocalAws, limit: int) -> None:
    """The emulator leaves ReservedConcurrentExecutions out when it deploys."""
    pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == "AWS::Lambda::Function":
                aws.lambda_.put_function_concurrency(
                    FunctionName=resource["PhysicalResourceId"], ReservedConcurrentExecutions=limit
                )


def _limit_queues(aws: LocalAws) -> None:
    """The emulator keeps the text of a parameter where its poller wants a number, and then polls no queue at all."""
    for mapping in aws.lambda_.list_event_source_mappings()["EventSourceMappings"]:
        limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if limit is not None:
            aws.lambda_.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
            )


def _run_sam(
    workspace: Workspace,
    sam: Environment,
    command: list[str],
    extra: Mapping[str, str],
    *,
    log: Path,
    timeout_seconds: float,
) -> None:
    # The project's samconfig.toml is for real accounts: none of it may reach this deployment.
    no_configuration = workspace.local / "samconfig.toml"
    no_configuration.write_text("version = 0.1\n", encoding="ascii")
    environment = {
        **environment_without_aws(),
        **extra,
        MARKER: str(workspace.local),
        "NO_PROXY": f"127.0.0.1,{os.environ.get('NO_PROXY', '')}",
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(workspace.local / "sam"),
    }
    arguments = [str(sam.executable("sam")), *command, "--config-file", str(no_configuration)]
    with log.open("wb") as output:
        try:
            subprocess.run(  # noqa: S603 - commands are built by this module
                arguments,
                check=True,
                env=environment,
                cwd=workspace.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout_seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise StackError(
                f"`sam {command[0]}` took more than {timeout_seconds:.0f} seconds.",
                next_step=f"See {workspace.shown(log)}, and try again.",
            ) from error
        except subprocess.CalledProcessError as error:
            raise StackError(
                f"`sam {command[0]}` did not work:\n{_reason(log)}",
                next_step=f"The whole output is {workspace.shown(log)}.",
            ) from error


def _reason(log: Path) -> str:
    """The lines of SAM's output that say what was wrong."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    told = [line for line in lines if "error" in line.lower() or "FAILED" in line]
    return "\n".join(f"  {line}" for line in (told or lines)[-6:])
