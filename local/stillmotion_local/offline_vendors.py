"""The offline vendors, as a process: a real HTTP server that speaks both vendors' protocols."""

import sys

from stillmotion_local import processes
from stillmotion_local.aws_clients import environment_without_aws
from stillmotion_local.ports import HOST
from stillmotion_local.processes import ProcessRecord
from stillmotion_local.vendor_access import VendorSettings
from stillmotion_local.workspace import Workspace

NAME = "vendors"
# It imports the video encoder.
START_SECONDS = 30.0
STOP_SECONDS = 5.0


def base_url(port: int) -> str:
    return f"http://{HOST}:{port}"


def start(workspace: Workspace, settings: VendorSettings, port: int) -> ProcessRecord:
    """Starts the server; it is not ready yet."""
    command = [sys.executable, "-P", "-m", "stillmotion_local.vendors"]
    command += ["--host", HOST, "--port", str(port), "--state-dir", str(workspace.vendors_state)]
    command += ["--apiframe-key", settings.apiframe.api_key, "--wavespeed-key", settings.wavespeed.api_key]
    return processes.start(
        NAME,
        command,
        environment=environment_without_aws(),
        stack=workspace.local,
        log=workspace.log(NAME),
    )


def wait(workspace: Workspace, record: ProcessRecord, port: int) -> None:
    """Returns when the server takes calls. Raises StackError."""
    processes.wait_until_healthy(
        record,
        f"{base_url(port)}/_offline/health",
        log=workspace.log(NAME),
        timeout_seconds=START_SECONDS,
    )
