"""`stillmotion local status`."""

import json
import os
from pathlib import Path

import psutil
import pytest
from tests.unit.cli.test_address import LOCAL
from typer.testing import CliRunner, Result

from stillmotion_cli import local
from stillmotion_cli.main import app
from stillmotion_local import running, stack_file
from stillmotion_local.processes import ProcessRecord
from stillmotion_local.running import Running
from stillmotion_local.workspace import Workspace

ALIVE = ProcessRecord("emulator", os.getpid(), psutil.Process().create_time())
ENDED = ProcessRecord("vendors", 2**22 + 1, 1.0)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A checkout whose stack is described, and has no processes yet."""
    made = Workspace(tmp_path)
    made.make_folders()
    monkeypatch.setattr(local, "find_workspace", lambda: made)
    stack_file.write(made, LOCAL)
    return made


def status(*options: str) -> Result:
    return CliRunner().invoke(app, ["local", "status", *options], catch_exceptions=False)


def test_a_stack_that_is_up_is_told_with_what_runs_where_and_since_when(workspace: Workspace) -> None:
    running.write(workspace, Running(processes=(ALIVE,)))
    ended = status()
    assert ended.exit_code == 0
    assert f"API       {LOCAL.api_url}/v1/videos\n" in ended.stdout
    assert "Inbox     s3://input/inbox/\n" in ended.stdout
    assert f"Emulator  {LOCAL.aws_endpoint_url}, since 20" in ended.stdout
    assert f"process {ALIVE.pid}" in ended.stdout


def test_no_stack_is_told_with_how_to_start_one(workspace: Workspace) -> None:
    workspace.stack_file.unlink()
    ended = status()
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "No local stack is running.\nStart one: stillmotion local up --detach" in ended.stderr


def test_a_stack_of_which_a_part_has_ended_names_it(workspace: Workspace) -> None:
    running.write(workspace, Running(processes=(ALIVE, ENDED)))
    ended = status()
    assert ended.exit_code == 1
    assert "its vendors ended without being told to" in ended.stderr


def test_a_stack_that_is_not_ready_yet_is_not_up(workspace: Workspace) -> None:
    workspace.stack_file.unlink()
    running.write(workspace, Running(processes=(ALIVE,)))
    ended = status()
    assert ended.exit_code == 1
    assert "starting or stopping" in ended.stderr


def test_with_json_the_state_is_printed_without_the_key(workspace: Workspace) -> None:
    running.write(workspace, Running(processes=(ALIVE,)))
    told = json.loads(status("--json").stdout)
    assert (told["up"], told["api_url"]) == (True, LOCAL.api_url)
    assert [(part["name"], part["url"], part["running"]) for part in told["parts"]] == [
        ("emulator", LOCAL.aws_endpoint_url, True)
    ]
    assert LOCAL.api_key not in status("--json").stdout


def test_with_json_a_stack_of_which_a_part_has_ended_is_not_up(workspace: Workspace) -> None:
    running.write(workspace, Running(processes=(ALIVE, ENDED)))
    ended = status("--json")
    assert (ended.exit_code, json.loads(ended.stdout)["up"]) == (1, False)
    assert [part["running"] for part in json.loads(ended.stdout)["parts"]] == [True, False]
