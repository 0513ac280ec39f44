"""A run begins with nothing of the one before, but for what costs only time."""

from pathlib import Path

from stillmotion_local.chaos.ground import ChaosWorkspace
from stillmotion_local.workspace import Workspace


def test_rendered_videos_are_kept_and_everything_else_is_deleted(tmp_path: Path) -> None:
    workspace = ChaosWorkspace(tmp_path)
    workspace.clear()
    (workspace.vendors_state / "videos").mkdir()
    (workspace.vendors_state / "videos" / "one.mp4").touch()
    (workspace.vendors_state / "ledger.jsonl").touch()
    (workspace.kills / "after_post-job").touch()
    workspace.clear()
    files = [str(file.relative_to(workspace.local)) for file in workspace.local.rglob("*") if file.is_file()]
    assert files == ["vendors/videos/one.mp4"]
    assert workspace.kills.is_dir()


def test_the_stack_of_a_developer_is_elsewhere(tmp_path: Path) -> None:
    assert not ChaosWorkspace(tmp_path).local.is_relative_to(Workspace(tmp_path).local)
