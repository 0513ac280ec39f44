import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from stillmotion_local import environments
from stillmotion_local.environments import Tool
from stillmotion_local.failures import StackError
from stillmotion_local.workspace import Workspace


@pytest.fixture
def installed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The commands that were run; each works and makes nothing but the environment's folder."""
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], **_: object) -> None:
        commands.append(command)
        (workspace.cache / Tool.SAM).mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(environments, "find_uv", lambda _: Path("uv"))
    monkeypatch.setattr(subprocess, "run", run)
    (workspace.requirements / "sam.txt").write_text("aws-sam-cli==1\n")
    return commands


def test_an_environment_is_made_once(workspace: Workspace, installed: list[Sequence[str]]) -> None:
    announced: list[str] = []
    for _ in range(2):
        environments.ensure(workspace, Tool.SAM, announced.append)
    assert len(announced) == 1
    assert [command[1] for command in installed] == ["venv", "pip"]


def test_new_pins_make_it_anew(workspace: Workspace, installed: list[Sequence[str]]) -> None:
    announced: list[str] = []
    environments.ensure(workspace, Tool.SAM, announced.append)
    (workspace.requirements / "sam.txt").write_text("aws-sam-cli==2\n")
    environments.ensure(workspace, Tool.SAM, announced.append)
    assert len(announced) == 2
    assert len(installed) == 4


def test_a_failed_install_is_a_sentence_and_is_tried_again(
    workspace: Workspace, installed: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: Sequence[str], **_: object) -> None:
        raise subprocess.CalledProcessError(2, command, stderr=b"no such package")

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", fail)
        with pytest.raises(StackError, match="no such package"):
            environments.ensure(workspace, Tool.SAM, print)
    environments.ensure(workspace, Tool.SAM, print)
    assert installed


def test_without_uv_the_next_step_is_setup(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StackError) as caught:
        environments.find_uv(workspace)
    assert "make setup" in caught.value.next_step
