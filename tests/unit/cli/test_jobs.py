"""`stillmotion jobs`."""

import io
import json

import msgspec
from msgspec.structs import replace
from rich.console import Console
from tests.unit.cli.stage import Stage

from stillmotion.domain.job.lifecycle import moved
from stillmotion.domain.job.records import Job, Reason, Status, Still
from stillmotion_cli.display import table_of
from stillmotion_cli.records import Listing

FIRST = "11111111-aaaa-8000-8000-000000000001"
SECOND = "11111111-aaaa-8000-8000-000000000002"
OTHER = "22222222-aaaa-8000-8000-000000000003"


def put(stage: Stage, job_id: str, **fields: object) -> Job:
    """A job of that id, an hour after the last."""
    stage.world.clock.advance(3600)
    return stage.world.jobs.put(replace(new(stage, **fields), id=job_id))


def new(stage: Stage, **fields: object) -> Job:
    job = stage.world.dispatching(**fields)
    stage.world.jobs._jobs.pop(job.id)
    return job


def test_jobs_are_listed_newest_first_with_status_age_and_prompt(stage: Stage) -> None:
    put(stage, FIRST, prompt="waves " * 20)
    put(stage, SECOND, prompt="hills")
    newest, oldest = stage.run("jobs").stdout.splitlines()[-2:]
    assert newest.split() == [SECOND, "dispatching", "hills", "0", "s", "5", "s", "1280x720"]
    assert oldest.startswith(FIRST)
    assert "…" in oldest
    assert "1 h" in oldest


def test_an_upload_that_waits_for_its_prompt_is_known_by_its_key(stage: Stage) -> None:
    job = put(stage, FIRST)
    still = Still(address="s3://input/inbox/lake 1.jpg")
    stage.world.jobs.put(replace(job, status=Status.WAITING, reason=Reason.PROMPT, request=None, still=still))
    assert "waiting for prompt" in stage.run("jobs").stdout
    assert "inbox/lake 1.jpg" in stage.run("jobs").stdout


def test_a_reason_and_being_overdue_are_shown(stage: Stage) -> None:
    waiting = moved(put(stage, FIRST), Status.WAITING, stage.world.clock.now(), reason=Reason.SLOT)
    stage.world.jobs.put(waiting)
    stage.world.jobs.put(replace(put(stage, SECOND), status=Status.GENERATING, overdue=True))
    printed = stage.run("jobs").stdout
    assert "waiting for slot" in printed
    assert "generating, overdue" in printed


def test_a_further_page_is_offered_and_can_be_had(stage: Stage) -> None:
    put(stage, FIRST)
    put(stage, SECOND)
    ended = stage.run("jobs", "--limit", "1")
    assert FIRST not in ended.stdout
    assert f"stillmotion jobs --limit 1 --after {SECOND}" in ended.stderr
    assert FIRST in stage.run("jobs", "--limit", "1", "--after", SECOND).stdout


def test_with_json_the_list_is_printed_as_it_came(stage: Stage) -> None:
    put(stage, FIRST)
    told = json.loads(stage.run("jobs", "--json").stdout)
    assert [video["id"] for video in told["data"]] == [FIRST]


def test_no_jobs_are_no_failure(stage: Stage) -> None:
    ended = stage.run("jobs")
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "There are no jobs yet." in ended.stderr


def test_a_prompt_is_not_read_as_markup(stage: Stage) -> None:
    put(stage, FIRST, prompt="[red]a lake[/red]")
    assert "[red]a lake[/red]" in stage.run("jobs").stdout


def test_in_a_narrow_terminal_a_job_keeps_one_line_and_an_id_that_tells_it_apart(stage: Stage) -> None:
    put(stage, FIRST, prompt="waves " * 20)
    put(stage, OTHER, prompt="hills")
    videos = msgspec.convert(json.loads(stage.run("jobs", "--json").stdout), Listing).data
    stream = io.StringIO()
    console = Console(file=stream, width=80)
    console.print(table_of(videos, stage.world.clock.now(), 80))
    newest, oldest = stream.getvalue().splitlines()[-2:]
    assert newest.startswith(OTHER[:8])
    assert oldest.startswith(FIRST[:8])
    assert oldest.rstrip().endswith("1280x720")
