"""`stillmotion show`."""

import io
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console
from tests.unit.cli.stage import MOVIE, Stage

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import attempt_begun
from stillmotion.domain.job.lifecycle import noted
from stillmotion.domain.job.records import Still, Substitution
from stillmotion.domain.request import VendorName
from stillmotion.ports.vendor import Refused
from stillmotion_cli.record_view import print_record
from stillmotion_cli.records import Video
from stillmotion_cli.text import moment

ID = "0f0e0d0c-0b0a-8009-8807-060504030201"
NEIGHBOUR = "0f0e0d0c-ffff-8009-8807-060504030201"


def completed(stage: Stage, **fields: object) -> None:
    """A completed job of the id ID, whose first attempt was throttled."""
    throttled = Refused(failure=Failure(FailureKind.THROTTLED, "Slow down."), retry_after=1)
    stage.world.wavespeed.submissions = [throttled]
    job = stage.world.dispatching(**fields)
    stage.dispatch()
    stage.goes_well()
    while stage.steps:
        stage.steps.pop(0)()
    finished = stage.world.jobs.only()
    stage.world.jobs._jobs.pop(job.id)
    stage.world.jobs.put(noted(replace(finished, id=ID), "A sidecar came late.", stage.world.clock.now()))


@pytest.mark.parametrize(
    "told",
    [
        "a lake at dawn",
        "https://a.example/1.jpg",
        "metadata shot  7",
        "wavespeed: throttled, trying again",
        "Wait, or raise the account's tier at the vendor.",
        "accepted by wavespeed",
        "generation-2",
        "$0.20 quoted, $0.20 charged",
        "s3://output/videos/default/job-1/generation-2.mp4",
        f"5 s, 1280x720, 10.2 kB ({len(MOVIE)} bytes)",
        "SHA-256",
        "finalizing",
        "A sidecar came late.",
    ],
)
def test_everything_of_a_completed_job_is_shown(stage: Stage, told: str) -> None:
    completed(stage, prompt="a lake at dawn", metadata={"shot": "7"})
    ended = stage.run("show", ID)
    assert ended.exit_code == 0
    assert told in ended.stdout


def test_the_start_of_a_recent_id_is_enough(stage: Stage) -> None:
    completed(stage)
    assert ID in stage.run("show", "0F0e").stdout


def test_a_start_that_several_ids_share_lists_them(stage: Stage) -> None:
    completed(stage)
    stage.world.jobs.put(replace(stage.world.jobs.only(), id=NEIGHBOUR))
    ended = stage.run("show", "0f0e")
    assert ended.exit_code == 2
    assert ID in ended.stderr
    assert NEIGHBOUR in ended.stderr


@pytest.mark.parametrize("given", ["abc", ID, "../keys"])
def test_an_id_that_no_job_has_is_told(stage: Stage, given: str) -> None:
    ended = stage.run("show", given)
    assert ended.exit_code == 2
    assert ended.stdout == ""


def test_an_id_of_the_right_form_that_no_job_has_leads_to_the_list(stage: Stage) -> None:
    assert "There is no video with this id.\n`stillmotion jobs` lists" in stage.run("show", ID).stderr


def test_the_time_of_a_history_of_one_row_keeps_its_line(stage: Stage) -> None:
    stage.world.jobs.put(replace(stage.world.dispatching(), id=ID))
    job = msgspec.convert(json.loads(stage.run("show", ID, "--json").stdout), Video).job
    stream = io.StringIO()
    print_record(Console(file=stream, width=80), job)
    (line,) = [line for line in stream.getvalue().splitlines() if line.endswith(" dispatching")]
    assert line.startswith(f"  {moment(job.created_at)}")


def test_with_json_the_record_is_printed_as_it_came(stage: Stage) -> None:
    completed(stage)
    told = json.loads(stage.run("show", ID, "--json").stdout)
    assert told["job"]["video"]["bytes"] == len(MOVIE)


def test_the_video_of_a_completed_job_can_be_fetched(stage: Stage) -> None:
    completed(stage)
    ended = stage.run("show", ID, "-o", "late.mp4")
    assert ended.exit_code == 0
    assert Path("late.mp4").read_bytes() == MOVIE


def test_a_job_without_a_video_has_none_to_fetch(stage: Stage) -> None:
    job = stage.world.dispatching()
    stage.world.jobs.put(replace(job, id=ID))
    ended = stage.run("show", ID, "-o", "late.mp4")
    assert ended.exit_code == 2
    assert "there is no video" in ended.stderr


def test_a_failed_job_tells_what_to_do(stage: Stage) -> None:
    failure = Failure(FailureKind.OUT_OF_CREDITS, "No credits.")
    stage.world.wavespeed.submissions = [Refused(failure=failure)]
    job = stage.world.dispatching()
    stage.dispatch()
    stage.world.close(job.id, failure)
    stage.world.jobs.put(replace(stage.world.jobs.only(), id=ID))
    printed = stage.run("show", ID).stdout
    assert "What to do" in printed
    assert failure.advice in printed


def test_a_job_whose_execution_failed_is_taken_up_again_by_itself(stage: Stage) -> None:
    job = stage.world.dispatching()
    stage.dispatch()
    stage.world.close(job.id, Failure(FailureKind.UNAVAILABLE, "The workflow could not go on."))
    stage.world.jobs.put(replace(stage.world.jobs.only(), id=ID))
    printed = stage.run("show", ID).stdout
    assert "takes it up again by itself" in printed
    assert f"stillmotion redrive {ID}" in printed


@pytest.mark.parametrize(
    ("wish", "still", "told"),
    [
        ({"image": "https://a.example/1.jpg"}, Still(address="https://a.example/1.jpg"), "16:9, the default"),
        ({"image": "s3://b/k"}, Still(address="s3://b/k", width=320, height=200), "16:9, by the image"),
        ({"aspect_ratio": "16:9", "image": "s3://b/k"}, Still(address="s3://b/k", width=20, height=20), "16:9"),
        ({"image": None}, None, "16:9, the default"),
    ],
)
def test_what_decided_the_shape_is_told(stage: Stage, wish: dict[str, object], still: Still | None, told: str) -> None:
    job = stage.world.dispatching(**wish)
    stage.world.jobs.put(replace(job, id=ID, still=still))
    (line,) = [line for line in stage.run("show", ID).stdout.splitlines() if "aspect ratio" in line]
    assert line.split("aspect ratio")[1].strip() == told


def test_what_was_sent_in_place_of_what_was_asked_is_told(stage: Stage) -> None:
    job = stage.world.dispatching(duration=9, vendor="wavespeed", allow_substitution=True, max_dollars="0.50")
    begun = attempt_begun(
        job,
        job.created_at,
        vendor=VendorName.WAVESPEED,
        quote=Decimal("0.40"),
        path="/",
        body="{}",
        idempotency_key="key",
        substitutions=(Substitution(field="aspect_ratio", asked="4:3", given="16:9"),),
    )
    stage.world.jobs.put(replace(begun, id=ID))
    printed = " ".join(stage.run("show", ID).stdout.split())
    assert "instead 16:9 in place of aspect ratio 4:3" in printed
    assert "substitution allowed" in printed
    assert "price at most $0.50" in printed


def test_a_record_of_a_newer_version_is_still_read(stage: Stage) -> None:
    completed(stage)
    real = stage.endpoints

    def newer(event: object) -> dict[str, object]:
        answer = real(event)  # type: ignore[arg-type]
        told = json.loads(str(answer["body"]))
        told["job"] |= {"status": "archived", "mood": "calm"}
        return answer | {"body": json.dumps(told)}

    stage.endpoints = newer  # type: ignore[assignment]
    assert "archived" in stage.run("show", ID).stdout
