"""A video that arrives is whole, or is not there."""

from pathlib import Path

import httpx
import pytest
from tests.unit.cli.stage import MOVIE, Stage, times

LAKE = ("generate", "lake.jpg", "--prompt", "waves roll in")


def spoil(stage: Stage, body: bytes) -> None:
    """Puts other bytes at the place of the video."""
    video = stage.finish().video
    assert video is not None
    stage.world.objects.put(video.bucket, video.key, body)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [(MOVIE[:-1], f"has {len(MOVIE) - 1} bytes"), (MOVIE[::-1], "SHA-256")],
    ids=["truncated", "altered"],
)
def test_a_download_that_is_not_what_the_record_says_is_refused(stage: Stage, body: bytes, sentence: str) -> None:
    stage.goes_well()
    stage.steps[-1] = lambda: spoil(stage, body)
    ended = stage.run(*LAKE)
    assert ended.exit_code == 4
    assert sentence in ended.stderr
    assert [path.name for path in Path().iterdir()] == ["lake.jpg"]


@pytest.mark.parametrize("fault", [503, httpx.ReadError("reset")], ids=str)
def test_a_download_that_breaks_is_begun_again(stage: Stage, fault: int | Exception) -> None:
    stage.goes_well()
    stage.faults["GET"] = times(2, fault)
    assert stage.run(*LAKE).exit_code == 0
    assert Path("lake.mp4").read_bytes() == MOVIE


def test_each_try_asks_for_a_fresh_address(stage: Stage) -> None:
    stage.goes_well()
    stage.faults["GET"] = [403]
    stage.run(*LAKE)
    assert len([call for call in stage.calls("GET") if call.url.path.endswith("/content")]) == 2


def test_a_file_that_cannot_be_written_leaves_the_way_to_fetch_it(stage: Stage) -> None:
    stage.goes_well()
    Path("films").mkdir()
    stage.steps[0:0] = [Path("films").rmdir]
    ended = stage.run(*LAKE, "-o", "films/lake.mp4")
    assert ended.exit_code == 2
    assert "films/lake.mp4 cannot be written: No such file or directory." in ended.stderr
    assert "-o FILE" in ended.stderr
