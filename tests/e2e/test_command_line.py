"""The real `stillmotion` command, as a process of its own, against the running stack by its address and key."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.conftest import LocalStack, play
from tests.stills import image

COMMAND = Path(sys.executable).with_name("stillmotion")
# Ample for an order that takes seconds; against a command that never ends.
MAX_SECONDS = 90

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Ordered:
    """A command that ended well, and the folder that it ran in."""

    folder: Path
    output: str
    job_id: str


@pytest.fixture(scope="module")
def run(local: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the command somewhere with no stack of its own; gives what it printed and its exit code."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    address = {
        "STILLMOTION_API_URL": local.description.api_url,
        "STILLMOTION_API_KEY": local.description.api_key,
    }

    def command(*arguments: str, folder: Path = elsewhere) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - this checkout's own command
            [COMMAND, *arguments],
            cwd=folder,
            env={**os.environ, **address},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=MAX_SECONDS,
            check=False,
        )

    return command


@pytest.fixture(scope="module")
def ordered(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Ordered:
    """One video of a portrait photograph."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "portrait.jpg").write_bytes(image("JPEG", 480, 640))
    done = run("generate", "portrait.jpg", "--prompt", "a slow rise", folder=folder)
    assert done.returncode == 0, done.stderr
    job_id = next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("Job "))
    return Ordered(folder, done.stdout, job_id)


def test_a_portrait_photograph_becomes_a_portrait_video_that_plays(ordered: Ordered) -> None:
    path = ordered.output.splitlines()[-1]
    assert path == "portrait.mp4"
    film = play((ordered.folder / path).read_bytes())
    assert film.codec == "h264"
    assert film.width < film.height
    assert film.seconds == pytest.approx(5, abs=0.1)
    assert sorted(found.name for found in ordered.folder.iterdir()) == ["portrait.jpg", "portrait.mp4"]


def test_show_prints_the_record_as_json(run: Run, ordered: Ordered) -> None:
    shown = run("show", ordered.job_id, "--json")
    job = json.loads(shown.stdout)["job"]
    assert (shown.returncode, job["id"], job["status"]) == (0, ordered.job_id, "completed")
    assert job["request"]["prompt"] == "a slow rise"
    assert job["video"]["bytes"] == (ordered.folder / "portrait.mp4").stat().st_size


def test_jobs_lists_it_as_json(run: Run, ordered: Ordered) -> None:
    listed = run("jobs", "--json", "--limit", "100")
    assert listed.returncode == 0
    assert ordered.job_id in [video["id"] for video in json.loads(listed.stdout)["data"]]


def test_a_refused_request_names_the_field_and_exits_with_2(local: LocalStack, run: Run) -> None:
    refused = run("generate", "--prompt", "never sent from a shell", "--duration", "10", "--loop")
    assert refused.returncode == 2
    assert "duration: " in refused.stderr
    assert refused.stdout == ""
    assert local.posts("never sent from a shell") == []


def test_a_failed_job_exits_with_1_and_says_what_to_do(run: Run) -> None:
    failed = run("generate", "--prompt", "broke in a shell [[fault:out_of_credits]]")
    assert failed.returncode == 1
    assert "out_of_credits" in failed.stderr
    assert "Buy credits at the vendor" in failed.stderr
    assert failed.stdout == ""


def test_a_job_that_needs_a_person_exits_with_3_and_warns_of_paying_twice(run: Run, ordered: Ordered) -> None:
    prompt = "lost in a shell [[fault:drop_after_accept]] [[fault:webhook_lost]]"
    lost = run("generate", "portrait.jpg", "--prompt", prompt, "--vendor", "wavespeed", "--json", folder=ordered.folder)
    assert lost.returncode == 3
    assert json.loads(lost.stdout)["job"]["status"] == "needs_attention"
    assert "paid for twice" in lost.stderr
