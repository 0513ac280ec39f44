from pathlib import Path

import pytest

from stillmotion_local.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty checkout with its state folders."""
    (tmp_path / "template.yaml").write_text("Resources: {}\n")
    (tmp_path / "requirements").mkdir()
    made = Workspace(tmp_path)
    made.make_folders()
    return made
