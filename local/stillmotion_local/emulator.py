"""The local AWS: ministack, in an environment and with a state of its own.

It keeps everything over a stop when it is ended with SIGTERM (its state is written at shutdown), so it is given time.
Lambda functions run as its children and inherit its whole environment: it gets a clean one.
"""

import json
import os
import shutil
from pathlib import Path

from stillmotion_local import processes
from stillmotion_local.environments import Environment
from stillmotion_local.ports import HOST
from stillmotion_local.processes import ProcessRecord
from stillmotion_local.workspace import Workspace, write_private

NAME = "emulator"
START_SECONDS = 30.0
# Executions in flight may hold it for a while; what they did is saved before that.
STOP_SECONDS = 15.0
# What a function needs to reach real vendors from behind a company's proxy. Everything local is plain http.
PASSED_ON = ("PATH", "LANG", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


def endpoint_url(port: int) -> str:
    return f"http://{HOST}:{port}"


def api_url(port: int, api_id: str) -> str:
    """Where the emulator serves an HTTP API's default stage; paths follow it."""
    return f"{endpoint_url(port)}/_aws/execute-api/{api_id}/$default"


def start(workspace: Workspace, environment: Environment, port: int) -> ProcessRecord:
    """Starts the emulator; it is not ready yet."""
    state = workspace.emulator_state
    scratch = _scratch(workspace)
    clean(workspace)
    scratch.mkdir(parents=True)
    _rewind_streams(state / "services" / "lambda.json")
    settings = {
        "HOME": str(state),
        "TMPDIR": str(scratch),
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "services"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "objects"),
        "LAMBDA_EXECUTOR": "local",
        # Listeners that Stillmotion has no use for.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # No docker daemon is looked for, even where there is one.
        "DOCKER_HOST": f"unix://{state}/no-docker.sock",
        "PYTHONUNBUFFERED": "1",
    }
    inherited = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return processes.start(
        NAME,
        [str(environment.python), "-P", "-m", "ministack"],
        environment={**inherited, **settings},
        stack=workspace.local,
        log=workspace.log(NAME),
    )


def clean(workspace: Workspace) -> None:
    """Deletes what ended workers leave behind: each had the layer unpacked for itself."""
    shutil.rmtree(_scratch(workspace), ignore_errors=True)


def _rewind_streams(saved: Path) -> None:
    """Streams begin anew at each start, and how far they were read is kept: all before that would be passed over."""
    try:
        state = json.loads(saved.read_text(encoding="utf-8"))
        del state["payload"]["dynamodb_stream_positions"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        # Never saved, or not in a way that we know: the emulator itself says what it makes of it.
        return
    write_private(saved, json.dumps(state))


def _scratch(workspace: Workspace) -> Path:
    return workspace.emulator_state / "tmp"


def wait(workspace: Workspace, record: ProcessRecord, port: int) -> None:
    """Returns when the emulator takes calls. Raises StackError."""
    processes.wait_until_healthy(
        record,
        f"{endpoint_url(port)}/_ministack/health",
        log=workspace.log(NAME),
        timeout_seconds=START_SECONDS,
    )
