"""A stage for each test, and a folder of its own to work in."""

from pathlib import Path

import pytest
from tests.stills import image
from tests.unit.cli.stage import Stage
from tests.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stage(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """In a folder that holds a photograph, `lake.jpg`."""
    monkeypatch.chdir(tmp_path)
    Path("lake.jpg").write_bytes(image())
    return Stage(world)
