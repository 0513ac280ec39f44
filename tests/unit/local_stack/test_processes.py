import os
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from stillmotion_local import processes
from stillmotion_local.processes import ProcessRecord
from stillmotion_local.workspace import Workspace

# Starts a child, says so by making a file that holds its pid, and waits for it; the child waits for ever.
PARENT = 'sleep 600 & echo $! > "$0.draft"; mv "$0.draft" "$0"; wait'
UNTIL_IT_IS_THERE = 'until [ -e "$0" ]; do sleep 0.01; done'


def start_family(workspace: Workspace) -> tuple[ProcessRecord, psutil.Process]:
    """A process started as the stack's, and its child."""
    ready = workspace.local / "ready"
    record = processes.start(
        "parent",
        ["/bin/sh", "-c", PARENT, str(ready)],
        environment=dict(os.environ),
        stack=workspace.local,
        log=workspace.log("parent"),
    )
    subprocess.run(["/bin/sh", "-c", UNTIL_IT_IS_THERE, str(ready)], check=True, timeout=20)  # noqa: S603
    return record, psutil.Process(int(ready.read_text()))


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_stopping_a_process_stops_its_children_too(workspace: Workspace) -> None:
    parent, child = start_family(workspace)
    processes.stop(parent, patience_seconds=5)
    assert processes.find(parent) is None
    assert has_ended(child)


def test_what_a_killed_parent_left_behind_is_swept_up(workspace: Workspace) -> None:
    parent, child = start_family(workspace)
    psutil.Process(parent.pid).kill()
    os.waitpid(parent.pid, 0)
    assert processes.sweep(workspace.local) >= 1
    assert has_ended(child)


def test_another_stack_is_not_swept_up(workspace: Workspace, tmp_path: Path) -> None:
    parent, child = start_family(workspace)
    assert processes.sweep(tmp_path / "another") == 0
    assert not has_ended(child)
    processes.stop(parent, patience_seconds=5)


def test_a_pid_that_is_used_again_is_another_process(workspace: Workspace) -> None:
    parent, _ = start_family(workspace)
    earlier = replace(parent, started_at=parent.started_at - 60)
    assert processes.find(earlier) is None
    processes.stop(earlier, patience_seconds=5)
    assert processes.find(parent) is not None
    processes.stop(parent, patience_seconds=5)


def test_stopping_what_is_gone_does_nothing(workspace: Workspace) -> None:
    parent, _ = start_family(workspace)
    processes.stop(parent, patience_seconds=5)
    processes.stop(parent, patience_seconds=5)


@pytest.mark.parametrize(("text", "shown"), [("", ""), ("a\n\nb\n", "  a\n  b")])
def test_the_tail_of_a_log_is_its_last_lines(workspace: Workspace, text: str, shown: str) -> None:
    workspace.log("x").write_text(text)
    assert processes.tail(workspace.log("x")) == shown


def test_a_log_that_is_not_there_has_no_tail(workspace: Workspace) -> None:
    assert processes.tail(workspace.log("none")) == ""
