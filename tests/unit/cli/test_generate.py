"""`stillmotion generate` from an order to a file."""

import json
from pathlib import Path

import httpx
import pytest
from tests.unit.cli.stage import LOST, MOVIE, Fault, Stage, times

LAKE = ("generate", "lake.jpg", "--prompt", "waves roll in")


def test_a_photograph_becomes_a_file_whose_path_is_printed_last(stage: Stage) -> None:
    stage.goes_well()
    ended = stage.run(*LAKE)
    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[-1] == "lake.mp4"
    assert Path("lake.mp4").read_bytes() == MOVIE
    assert not list(Path().glob("*.part"))


def test_the_summary_tells_vendor_length_price_and_place(stage: Stage) -> None:
    stage.goes_well()
    printed = stage.run(*LAKE).stdout
    job = stage.world.jobs.only()
    assert "wavespeed, generation generation-1" in printed
    assert "5 s, 1280x720, 10.2 kB" in printed
    assert "$0.20 quoted, $0.20 charged" in printed
    assert f"s3://output/videos/default/{job.id}/generation-1.mp4" in printed


def test_a_file_is_uploaded_by_its_bytes_type_and_named_in_the_order(stage: Stage) -> None:
    stage.goes_well()
    Path("lake.jpg").rename("lake.txt")
    stage.run("generate", "lake.txt", "--prompt", "waves")
    (put,) = stage.calls("PUT", "input.s3.test")
    order = json.loads(stage.orders[0].content)
    assert put.headers["content-type"] == "image/jpeg"
    assert order == {"prompt": "waves", "image": f"s3://input{put.url.path}"}


def test_every_option_reaches_the_api_as_given(stage: Stage) -> None:
    stage.run(
        "generate", "https://a.example/lake.jpg", "--prompt", "waves", "--duration", "9", "--aspect-ratio", "1:1",
        "--end-image", "https://a.example/end.jpg", "--concept", "push_in", "--concept", "static",
        "--vendor", "apiframe", "--metadata", "shot=a=1", "--metadata", "take=", "--no-wait",
    )  # fmt: skip
    assert json.loads(stage.orders[0].content) == {
        "prompt": "waves",
        "image": "https://a.example/lake.jpg",
        "end_image": "https://a.example/end.jpg",
        "duration": 9,
        "aspect_ratio": "1:1",
        "concepts": ["push_in", "static"],
        "vendor": "apiframe",
        "metadata": {"shot": "a=1", "take": ""},
    }


def test_size_and_loop_reach_the_api(stage: Stage) -> None:
    stage.run("generate", "--prompt", "waves", "--size", "720x1280", "--loop", "--no-wait")
    assert json.loads(stage.orders[0].content) == {"prompt": "waves", "size": "720x1280", "loop": True}


def test_what_may_be_done_for_the_order_reaches_the_api(stage: Stage) -> None:
    stage.run(
        "generate", "--prompt", "waves", "--allow-substitution", "--failover", "never", "--max-dollars", "0.60",
        "--priority", "low", "--when-over-budget", "fail", "--callback-url", "https://a.example/told", "--no-wait",
    )  # fmt: skip
    assert json.loads(stage.orders[0].content) == {
        "prompt": "waves",
        "allow_substitution": True,
        "failover": "never",
        "max_dollars": "0.60",
        "priority": "low",
        "when_over_budget": "fail",
        "callback_url": "https://a.example/told",
    }


def test_a_prompt_alone_makes_a_video_named_by_its_job(stage: Stage) -> None:
    stage.goes_well()
    stage.world.apiframe.readings = stage.world.wavespeed.readings
    ended = stage.run("generate", "--prompt", "waves")
    assert ended.stdout.splitlines()[-1] == f"{stage.world.jobs.only().id}.mp4"


def test_a_file_of_the_default_name_is_not_overwritten(stage: Stage) -> None:
    stage.goes_well()
    Path("lake.mp4").write_bytes(b"holidays")
    ended = stage.run(*LAKE)
    assert Path("lake.mp4").read_bytes() == b"holidays"
    assert ended.stdout.splitlines()[-1] == f"lake-{stage.world.jobs.only().id}.mp4"


def test_a_named_file_is_replaced(stage: Stage) -> None:
    stage.goes_well()
    Path("out.mp4").write_bytes(b"old")
    assert stage.run(*LAKE, "-o", "out.mp4").stdout.splitlines()[-1] == "out.mp4"
    assert Path("out.mp4").read_bytes() == MOVIE


def test_a_named_folder_takes_the_file(stage: Stage) -> None:
    stage.goes_well()
    Path("films").mkdir()
    assert stage.run(*LAKE, "-o", "films").stdout.splitlines()[-1] == "films/lake.mp4"


def test_with_json_only_the_record_and_the_path_are_on_standard_output(stage: Stage) -> None:
    stage.goes_well()
    told = json.loads(stage.run(*LAKE, "--json").stdout)
    assert (told["status"], told["saved_to"], told["job"]["vendor"]) == ("completed", "lake.mp4", "wavespeed")


def test_without_waiting_only_the_id_is_on_standard_output(stage: Stage) -> None:
    ended = stage.run(*LAKE, "--no-wait")
    assert ended.exit_code == 0
    assert ended.stdout == f"{stage.world.jobs.only().id}\n"
    assert not stage.calls("GET")


def test_without_waiting_and_with_json_the_record_is_printed(stage: Stage) -> None:
    assert json.loads(stage.run(*LAKE, "--no-wait", "--json").stdout)["status"] == "queued"


def test_progress_is_told_once_for_each_change_and_on_standard_error(stage: Stage) -> None:
    stage.goes_well()
    stage.steps[1:1] = [lambda: None, lambda: None]
    ended = stage.run(*LAKE)
    told = [line.split("  ")[-1] for line in ended.stderr.splitlines()]
    assert told[2:-1] == [
        "dispatching",
        "generating",
        "attempt 1: accepted by wavespeed",
        "wavespeed: processing, 40 %",
        "finalizing",
        "wavespeed: completed",
        "completed",
    ]


def test_an_order_carries_a_fresh_key_each_time(stage: Stage) -> None:
    stage.run("generate", "--prompt", "waves", "--no-wait")
    stage.run("generate", "--prompt", "waves", "--no-wait")
    first, second = (order.headers["idempotency-key"] for order in stage.orders)
    assert len(first) == 36
    assert first != second


@pytest.mark.parametrize("fault", [LOST, 502, 429, httpx.ConnectError("refused")], ids=str)
def test_an_order_without_an_answer_is_repeated_with_its_key_and_makes_one_job(stage: Stage, fault: Fault) -> None:
    stage.faults["POST /v1/videos"] = times(2, fault)
    ended = stage.run("generate", "--prompt", "waves", "--no-wait")
    assert ended.exit_code == 0
    assert len({order.headers["idempotency-key"] for order in stage.orders}) == 1
    assert len(stage.orders) == 3
    assert stage.world.jobs.only()


def test_a_key_that_is_given_is_sent(stage: Stage) -> None:
    stage.run("generate", "--prompt", "waves", "--no-wait", "--idempotency-key", "monday-1")
    assert stage.orders[0].headers["idempotency-key"] == "monday-1"


def test_the_api_key_never_reaches_the_store_of_files(stage: Stage) -> None:
    stage.goes_well()
    stage.run(*LAKE)
    stored = [request for request in stage.sent if request.url.host != "api.test"]
    assert [request.method for request in stored] == ["PUT", "GET"]
    assert all("authorization" not in request.headers for request in stored)


def test_looks_at_the_job_grow_rarer(stage: Stage) -> None:
    stage.goes_well()
    stage.steps[0:0] = [lambda: None] * 100
    stage.run(*LAKE)
    assert [stage.slept[0], stage.slept[45], stage.slept[-1]] == [1, 2, 5]
