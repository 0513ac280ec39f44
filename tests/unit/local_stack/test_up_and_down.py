"""The stack's own decisions, with stand-ins for what it starts."""

import fcntl
import os
import shutil
import sys
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from stillmotion_local import (
    deployment,
    emulator,
    environments,
    offline_vendors,
    ports,
    processes,
    running,
    stack,
    stack_file,
)
from stillmotion_local.environments import Environment
from stillmotion_local.failures import StackError
from stillmotion_local.processes import ProcessRecord
from stillmotion_local.progress import Step
from stillmotion_local.running import Running
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.workspace import Workspace

OUTPUTS = {
    "ApiId": "abc",
    "InputBucketName": "in",
    "OutputBucketName": "out",
    "JobsTableName": "jobs",
    "StateMachineArn": "arn",
    "VendorSecretName": "secret",
}


class Told:
    """Progress, remembered."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[Step] = []

    def begin(self, step: Step) -> None:
        pass

    def done(self, step: Step, detail: str) -> None:
        assert detail
        self.steps.append(step)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def start_sleeper(workspace: Workspace, name: str) -> ProcessRecord:
    return processes.start(
        name,
        [sys.executable, "-c", "import time; time.sleep(600)"],
        environment=dict(os.environ),
        stack=workspace.local,
        log=workspace.log(name),
    )


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Emulator and vendors are processes that sleep; the deployment is always up to date."""
    for variable in ("APIFRAME_BASE_URL", "APIFRAME_API_KEY", "WAVESPEED_BASE_URL", "WAVESPEED_API_KEY"):
        monkeypatch.delenv(variable, raising=False)

    def start(workspace: Workspace, *_: object) -> ProcessRecord:
        return start_sleeper(workspace, "emulator")

    def start_vendors(workspace: Workspace, *_: object) -> ProcessRecord:
        return start_sleeper(workspace, "vendors")

    def ensure(workspace: Workspace, *_: object) -> Environment:
        return Environment(workspace.cache)

    def outputs(_: object) -> Mapping[str, str]:
        return OUTPUTS

    monkeypatch.setattr(ports, "is_free", lambda _: True)
    monkeypatch.setattr(environments, "ensure", ensure)
    monkeypatch.setattr(emulator, "start", start)
    monkeypatch.setattr(emulator, "wait", lambda *_: None)
    monkeypatch.setattr(offline_vendors, "start", start_vendors)
    monkeypatch.setattr(offline_vendors, "wait", lambda *_: None)
    monkeypatch.setattr(deployment, "fingerprint", lambda *_: "f")
    monkeypatch.setattr(deployment, "is_deployed", lambda *_: True)
    monkeypatch.setattr(deployment, "outputs", outputs)
    monkeypatch.setattr(deployment, "api_id", lambda _: "abc")
    monkeypatch.setattr(stack, "put_vendor_keys", lambda *_: None)
    monkeypatch.setattr(stack, "enable_expiry", lambda *_: None)
    monkeypatch.setattr(stack, "ensure_api_key", lambda *_: "sm_key")
    return SimpleNamespace(monkeypatch=monkeypatch)


@pytest.fixture
def up_stack(workspace: Workspace, world: SimpleNamespace) -> StackDescription:
    del world
    return stack.up(workspace, Told())


@pytest.fixture(autouse=True)
def _nothing_stays(workspace: Workspace) -> object:
    yield
    stack.down(workspace)


def test_up_describes_what_runs(workspace: Workspace, up_stack: StackDescription) -> None:
    assert stack_file.read(workspace) == up_stack
    assert stack.is_up(workspace)
    assert up_stack.api_url == "http://127.0.0.1:4566/_aws/execute-api/abc/$default"
    assert up_stack.vendors_url == "http://127.0.0.1:4577"


def test_up_leaves_a_picture_to_try_it_with(workspace: Workspace, up_stack: StackDescription) -> None:
    assert up_stack
    assert workspace.sample.read_bytes().startswith(b"\xff\xd8\xff")


def test_down_leaves_no_process_and_no_description(workspace: Workspace, up_stack: StackDescription) -> None:
    assert up_stack
    started = running.read(workspace).processes
    assert stack.down(workspace)
    assert not any(processes.find(record) for record in started)
    assert not workspace.stack_file.exists()


def test_down_says_that_nothing_was_running(workspace: Workspace) -> None:
    assert not stack.down(workspace)


def test_a_second_up_is_refused(workspace: Workspace, up_stack: StackDescription) -> None:
    assert up_stack
    with pytest.raises(StackError, match="running already"):
        stack.up(workspace, Told())
    assert stack.is_up(workspace)


def test_the_offline_vendors_stay_down_when_real_ones_replace_both(
    workspace: Workspace, world: SimpleNamespace
) -> None:
    for vendor in ("APIFRAME", "WAVESPEED"):
        world.monkeypatch.setenv(f"{vendor}_BASE_URL", "https://api.example.com")
        world.monkeypatch.setenv(f"{vendor}_API_KEY", "real")
    assert stack.up(workspace, Told()).vendors_url is None
    assert [record.name for record in running.read(workspace).processes] == ["emulator"]


def test_a_failed_up_leaves_nothing_running(workspace: Workspace, world: SimpleNamespace) -> None:
    def fail(*_: object) -> None:
        raise StackError("no", next_step="none")

    world.monkeypatch.setattr(offline_vendors, "wait", fail)
    with pytest.raises(StackError, match="no"):
        stack.up(workspace, Told())
    assert running.read(workspace).processes == ()
    assert processes.sweep(workspace.local) == 0


def test_an_interrupted_up_leaves_nothing_running(workspace: Workspace, world: SimpleNamespace) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    world.monkeypatch.setattr(deployment, "is_deployed", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stack.up(workspace, Told())
    assert processes.sweep(workspace.local) == 0


def test_a_half_dead_stack_is_stopped_and_told_of(workspace: Workspace, up_stack: StackDescription) -> None:
    assert up_stack
    first, vendors = running.read(workspace).processes
    processes.stop(first, patience_seconds=5)
    told = Told()
    stack.up(workspace, told)
    assert "half dead (its emulator had ended)" in told.notes[0]
    assert processes.find(vendors) is None
    assert stack.is_up(workspace)


def test_a_stack_that_a_restart_ended_is_told_of(workspace: Workspace, world: SimpleNamespace) -> None:
    del world
    running.write(workspace, Running().with_process(ProcessRecord("emulator", 2**22 + 1, 1.0)))
    told = Told()
    stack.up(workspace, told)
    assert "ended without being stopped" in told.notes[0]


def test_a_taken_port_is_told_of_and_gone_round(workspace: Workspace, world: SimpleNamespace) -> None:
    world.monkeypatch.setattr(ports, "choose", lambda port: port + 1000)
    told = Told()
    assert stack.up(workspace, told).aws_endpoint_url == "http://127.0.0.1:5566"
    assert told.notes[0] == "Port 4566 is taken by another program; using 5566."


def test_ports_are_kept_for_the_next_time(workspace: Workspace, world: SimpleNamespace) -> None:
    del world
    running.write(workspace, Running(4700, 4701))
    stack.up(workspace, Told())
    stack.down(workspace)
    assert stack.up(workspace, Told()).aws_endpoint_url == "http://127.0.0.1:4700"


def test_two_commands_do_not_work_at_the_same_time(workspace: Workspace, world: SimpleNamespace) -> None:
    del world
    with (workspace.local / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StackError, match="at work"):
            stack.up(workspace, Told())


def test_a_missing_tool_is_named(workspace: Workspace, world: SimpleNamespace) -> None:
    world.monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(StackError, match="`make` is not here"):
        stack.up(workspace, Told())
