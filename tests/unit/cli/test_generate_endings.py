"""`stillmotion generate` when there is no file at the end: what it says, and how it exits."""

import json
from pathlib import Path

import httpx
import pytest
from tests.unit.cli.stage import LOST, Stage, times

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.lifecycle import marked_overdue, needs_attention
from stillmotion.domain.job.records import Reason
from stillmotion.ports.vendor import Declared, Refused, Running, Unanswered

LAKE = ("generate", "lake.jpg", "--prompt", "waves roll in")


def fail(stage: Stage) -> None:
    stage.world.close(stage.world.jobs.only().id, Failure(FailureKind.GENERATION_FAILED, "It failed."))


def test_a_failed_job_tells_kind_message_and_advice(stage: Stage) -> None:
    moderated = Failure(FailureKind.MODERATED, "The image was declined.")
    stage.world.wavespeed.readings = [Declared(vendor_status="failed", failure=moderated)]
    stage.steps = [stage.dispatch, stage.check, lambda: fail(stage)]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 1
    assert "moderated: The image was declined." in ended.stderr
    assert moderated.advice in ended.stderr
    assert ended.stdout == ""


def test_a_failed_job_is_printed_as_json_when_asked(stage: Stage) -> None:
    stage.world.wavespeed.submissions = [Refused(failure=Failure(FailureKind.OUT_OF_CREDITS, "No credits."))]
    stage.steps = [stage.dispatch, lambda: fail(stage)]
    ended = stage.run(*LAKE, "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["job"]["failure"]["kind"] == "out_of_credits"


def test_a_throttled_attempt_is_told_as_tried_again(stage: Stage) -> None:
    throttled = Refused(failure=Failure(FailureKind.THROTTLED, "Slow down."), retry_after=1)
    stage.goes_well()
    stage.world.wavespeed.submissions = [throttled]
    stage.steps.insert(1, stage.dispatch)
    ended = stage.run(*LAKE)
    assert "attempt 1: wavespeed: throttled, trying again" in ended.stderr
    assert ended.exit_code == 0


def test_an_unknown_outcome_needs_a_person_and_is_never_to_be_paid_again(stage: Stage) -> None:
    stage.world.wavespeed.submissions = [Unanswered(detail="no answer", resendable=False)]
    stage.steps = [stage.dispatch, lambda: fail(stage)]
    ended = stage.run(*LAKE)
    assert stage.world.jobs.only().reason is Reason.OUTCOME_UNKNOWN
    assert ended.exit_code == 3
    assert "Look up in the vendor's dashboard whether the generation exists" in ended.stderr
    assert "would be paid for twice" in ended.stderr
    assert "ubmit it again" not in ended.stderr


@pytest.mark.parametrize("reason", [Reason.CORRUPT_VIDEO, Reason.VIDEO_UNREACHABLE, Reason.WORKFLOW_FAILED])
def test_a_paid_generation_that_needs_a_person_is_named_with_its_vendor(stage: Stage, reason: Reason) -> None:
    def stop() -> None:
        job, now = stage.world.jobs.only(), stage.world.clock.now()
        stage.world.jobs.save(needs_attention(job, reason, Failure(FailureKind.EXPIRED, "Gone."), now))

    stage.steps = [stage.dispatch, stop]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 3
    assert "generation generation-1 at wavespeed" in ended.stderr
    assert "ubmit it again" not in ended.stderr


def test_an_overdue_job_is_not_waited_for_for_ever(stage: Stage) -> None:
    def grow_late() -> None:
        stage.world.jobs.save(marked_overdue(stage.world.jobs.only(), stage.world.clock.now()))

    stage.steps = [stage.dispatch, grow_late]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 3
    assert "not finished by the deadline" in ended.stderr


def test_what_the_api_refuses_is_printed_as_fields_and_rules(stage: Stage) -> None:
    ended = stage.run("generate", "--prompt", "waves", "--size", "8x8", "--concept", "sideways", "--no-wait")
    assert ended.exit_code == 2
    assert "  size: must be one of 1280x720, 720x1280" in ended.stderr
    assert "  concepts: each must be one of truck_left" in ended.stderr
    assert ended.stdout == ""


def test_a_key_of_another_order_is_refused(stage: Stage) -> None:
    stage.run("generate", "--prompt", "waves", "--no-wait", "--idempotency-key", "monday-1")
    ended = stage.run("generate", "--prompt", "hills", "--no-wait", "--idempotency-key", "monday-1")
    assert ended.exit_code == 2
    assert "used with another body" in ended.stderr


def test_a_wrong_api_key_is_told_and_never_printed(stage: Stage) -> None:
    stage.environment["STILLMOTION_API_KEY"] = "sm_wrong-secret"
    ended = stage.run(*LAKE)
    assert ended.exit_code == 2
    assert "does not take the key in STILLMOTION_API_KEY" in ended.stderr
    assert "`stillmotion keys list`" in ended.stderr
    assert "`stillmotion keys bootstrap --stack NAME`" in ended.stderr
    assert "wrong-secret" not in ended.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--metadata", "novalue"), "not NAME=VALUE"),
        (("--metadata", "a=1", "--metadata", "a=2"), "names 'a' twice"),
        (("--idempotency-key", "zwölf"), "must be 1 to 255 ASCII characters"),
        (("-o", "nowhere/out.mp4"), "There is no folder nowhere"),
        (("-o", "x" * 300), "File name too long"),
        (("-o", "out.mp4", "--no-wait"), "leave out -o"),
        (("--prompt", ""), "--prompt must be text of 1 to 4000 characters"),
        (("--prompt", " "), "--prompt must be text of 1 to 4000 characters"),
        (("--prompt", "x" * 4001), "--prompt must be text of 1 to 4000 characters"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_called(
    stage: Stage, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = stage.run(*LAKE, *arguments)
    assert ended.exit_code == 2
    assert sentence in ended.stderr
    assert not stage.sent


@pytest.mark.parametrize(("option", "value"), [("--duration", "6"), ("--vendor", "luma"), ("--aspect-ratio", "2:1")])
def test_a_choice_that_does_not_exist_is_told_before_anything_is_called(stage: Stage, option: str, value: str) -> None:
    assert stage.run(*LAKE, option, value).exit_code == 2
    assert not stage.sent


def test_an_order_that_is_never_answered_tells_how_to_find_out_without_paying_twice(stage: Stage) -> None:
    stage.faults["POST /v1/videos"] = times(10, LOST)
    ended = stage.run(*LAKE)
    assert ended.exit_code == 4
    assert "The order may have been taken." in ended.stderr
    assert f"--idempotency-key {stage.orders[0].headers['idempotency-key']}" in ended.stderr
    assert json.loads(stage.orders[0].content)["image"] in ended.stderr


def test_an_api_that_is_not_there_is_told_and_not_feared_to_have_the_order(stage: Stage) -> None:
    stage.faults["POST /v1/videos"] = times(10, httpx.ConnectError("Connection refused"))
    ended = stage.run("generate", "--prompt", "waves")
    assert ended.exit_code == 4
    assert "does not answer: Connection refused" in ended.stderr
    assert "may have been taken" not in ended.stderr


def test_an_api_that_is_gone_for_a_while_is_waited_for(stage: Stage) -> None:
    stage.goes_well()
    stage.faults["GET /v1/videos/{id}"] = [503, httpx.ReadTimeout("slow"), httpx.ConnectError("refused")]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 0
    assert ended.stderr.count("The job goes on by itself; looking again.") == 1


def test_an_api_that_is_gone_for_minutes_is_given_up_and_the_job_is_named(stage: Stage) -> None:
    stage.faults["GET /v1/videos/{id}"] = times(100, 503)
    ended = stage.run(*LAKE)
    assert ended.exit_code == 4
    assert f"stillmotion show {stage.world.jobs.only().id}" in ended.stderr


def interrupt() -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_waiting_says_that_the_job_goes_on(stage: Stage) -> None:
    stage.while_sleeping = interrupt
    ended = stage.run(*LAKE)
    assert ended.exit_code == 130
    assert "the job goes on by itself" in ended.stderr
    assert f"stillmotion show {stage.world.jobs.only().id}" in ended.stderr


def test_ctrl_c_while_uploading_says_that_nothing_was_ordered(stage: Stage) -> None:
    stage.faults["PUT"] = [KeyboardInterrupt()]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 130
    assert "nothing was ordered" in ended.stderr
    assert not stage.orders


def test_ctrl_c_while_ordering_tells_how_to_find_out_without_paying_twice(stage: Stage) -> None:
    stage.faults["POST /v1/videos"] = [KeyboardInterrupt()]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 130
    assert f"--idempotency-key {stage.orders[0].headers['idempotency-key']}" in ended.stderr


def test_ctrl_c_while_downloading_leaves_no_half_file(stage: Stage) -> None:
    stage.goes_well()
    stage.faults["GET"] = [KeyboardInterrupt()]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 130
    assert "kept in the output bucket" in ended.stderr
    assert [path.name for path in Path().iterdir()] == ["lake.jpg"]


def test_control_characters_in_a_vendors_message_do_not_reach_the_terminal(stage: Stage) -> None:
    spoken = Failure(FailureKind.GENERATION_FAILED, "\x1b[2Jgone [bold]")
    stage.world.wavespeed.readings = [
        Running(vendor_status="\x1b]0;x\x07"),
        Declared(vendor_status="failed", failure=spoken),
    ]
    stage.steps = [stage.dispatch, stage.check, stage.check, lambda: fail(stage)]
    ended = stage.run(*LAKE)
    assert "\x1b" not in ended.output
    assert "gone [bold]" in ended.stderr


def test_a_completed_job_whose_video_cannot_be_had_tells_where_it_is(stage: Stage) -> None:
    stage.goes_well()
    stage.faults["GET"] = times(10, httpx.ReadError("reset"))
    ended = stage.run(*LAKE)
    assert ended.exit_code == 4
    assert "is safe in s3://output/videos/default/" in ended.stderr
    assert "-o FILE" in ended.stderr
