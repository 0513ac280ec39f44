"""What the stack writes below .local."""

import json
import stat

import pytest

from stillmotion_local import running, stack_file
from stillmotion_local.failures import StackError
from stillmotion_local.processes import ProcessRecord
from stillmotion_local.running import Running
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.workspace import Workspace

DESCRIPTION = StackDescription(
    aws_endpoint_url="http://127.0.0.1:4566",
    region="us-east-1",
    api_url="http://127.0.0.1:4566/_aws/execute-api/abc/$default",
    api_key="sm_secret",
    input_bucket="in",
    output_bucket="out",
    jobs_table="jobs",
    state_machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:video",
    vendors_url="http://127.0.0.1:4577",
)


def test_the_stack_file_comes_back_as_it_was_written(workspace: Workspace) -> None:
    stack_file.write(workspace, DESCRIPTION)
    assert stack_file.read(workspace) == DESCRIPTION


def test_the_stack_file_has_just_the_keys_that_other_tools_rely_on(workspace: Workspace) -> None:
    stack_file.write(workspace, DESCRIPTION)
    keys = set(json.loads(workspace.stack_file.read_text()))
    assert keys == {
        *("aws_endpoint_url", "region", "api_url", "api_key", "input_bucket"),
        *("output_bucket", "jobs_table", "state_machine_arn", "vendors_url"),
    }


def test_only_its_owner_may_read_the_stack_file(workspace: Workspace) -> None:
    stack_file.write(workspace, DESCRIPTION)
    assert stat.S_IMODE(workspace.stack_file.stat().st_mode) == 0o600


def test_without_a_stack_file_the_next_step_is_up(workspace: Workspace) -> None:
    with pytest.raises(StackError) as caught:
        stack_file.read(workspace)
    assert "local up" in caught.value.next_step


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"region": "us-east-1"}'])
def test_a_broken_stack_file_is_a_sentence(workspace: Workspace, broken: str) -> None:
    workspace.stack_file.write_text(broken)
    with pytest.raises(StackError, match="cannot be read"):
        stack_file.read(workspace)


def test_processes_and_ports_come_back_as_they_were_written(workspace: Workspace) -> None:
    written = Running(4600, 4601).with_process(ProcessRecord("emulator", 42, 1_795_000_000.25))
    running.write(workspace, written)
    assert running.read(workspace) == written


@pytest.mark.parametrize("broken", ["", "{", "[]", "{}", '{"processes": [{"pid": 1}]}', '{"processes": 1}'])
def test_a_broken_list_of_processes_is_an_empty_one(workspace: Workspace, broken: str) -> None:
    workspace.processes_file.write_text(broken)
    assert running.read(workspace) == Running()
