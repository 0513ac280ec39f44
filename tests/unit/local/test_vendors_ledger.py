"""The ledger tells what was accepted and billed, never a key, and a restart goes on where it stood."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillmotion_local.vendors.ledger import Ledger

PHOTO_URL = "https://pictures.example/photo.jpg"


def test_a_line_tells_what_was_asked_billed_fetched_and_read(vendors: Any) -> None:
    params = {"start_image": PHOTO_URL, "concepts": ["push_in"]}
    job_id = vendors.apiframe("a fox", key="k", lumaParams=params).json()["jobId"]
    vendors.settled(job_id)
    vendors.http.get(vendors.read(job_id).json()["result"]["videoUrl"])
    (line,) = vendors.ledger()["generations"]
    assert line["request_body"] == {"model": "luma-ray-flash-2", "prompt": "a fox", "lumaParams": params}
    assert (line["vendor"], line["billed"], line["currency"]) == ("apiframe", 51, "credits")
    assert (line["prompt"], line["idempotency_key"]) == ("a fox", "k")
    assert (line["status_reads"], line["downloads"], line["state"]) == (1, 1, "completed")
    (picture,) = line["pictures"]
    assert (picture["status"], len(picture["sha256"])) == (200, 64)


def test_no_key_is_ever_shown_or_written(vendors: Any, tmp_path: Path) -> None:
    vendors.apiframe(key="k")
    vendors.wavespeed()
    seen = json.dumps([vendors.ledger(), vendors.posts()]) + (tmp_path / "ledger.jsonl").read_text()
    assert "afk_offline" not in seen
    assert "ws_offline" not in seen


def test_refused_posts_are_listed_with_their_status(vendors: Any) -> None:
    vendors.wavespeed(size="9*9")
    vendors.http.post("/v2/videos/generate", json={})
    vendors.apiframe()
    assert [(post["vendor"], post["status"]) for post in vendors.posts()] == [
        ("wavespeed", 400),
        ("apiframe", 401),
        ("apiframe", 202),
    ]


def test_each_fault_is_told_with_the_generation_that_it_struck(start: Callable[..., Any]) -> None:
    vendors = start()
    vendors.apiframe("a fox [[fault:accept_then_500 times=1]]", key="k")
    vendors.wavespeed("a hare [[fault:unauthorized]]")
    struck = vendors.ledger()
    accepted = struck["generations"][0]["id"]
    assert struck["strikes"] == [
        {"fault": "accept_then_500", "vendor": "apiframe", "id": accepted},
        {"fault": "unauthorized", "vendor": "wavespeed", "id": None},
    ]
    vendors.stop()
    assert start().ledger()["strikes"] == struck["strikes"]


def test_peak_concurrency_is_the_most_that_ran_at_once(vendors: Any) -> None:
    for _ in range(3):
        vendors.wavespeed("[[fault:stuck]]")
    vendors.apiframe("[[fault:stuck]]")
    accounts = vendors.ledger()["vendors"]
    assert (accounts["wavespeed"]["peak_concurrency"], accounts["apiframe"]["peak_concurrency"]) == (3, 1)


def test_reset_forgets_everything(vendors: Any) -> None:
    vendors.wavespeed("[[fault:stuck]]")
    vendors.http.post("/_offline/reset")
    assert vendors.ledger()["generations"] == []
    assert vendors.posts() == []
    assert vendors.ledger()["vendors"]["wavespeed"]["peak_concurrency"] == 0


def test_what_was_accepted_before_a_restart_is_finished_after_it(start: Callable[..., Any]) -> None:
    first = start(seconds_per_video=3600.0)
    answer = first.apiframe("a fox", key="k", lumaParams={"start_image": PHOTO_URL})
    job_id = answer.json()["jobId"]
    first.stop()
    second = start()
    line = second.settled(job_id)
    assert line["state"] == "completed"
    assert second.apiframe("a fox", key="k", lumaParams={"start_image": PHOTO_URL}).json()["jobId"] == job_id
    assert second.ledger()["vendors"]["apiframe"]["accepted"] == 1
    assert [post["status"] for post in second.posts()] == [202, 202]


def test_half_a_line_left_by_a_killed_server_is_dropped(start: Callable[..., Any], tmp_path: Path) -> None:
    vendors = start()
    vendors.settled(vendors.apiframe().json()["jobId"])
    vendors.stop()
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"kind": "generation", "id": "ha')
    with closing(Ledger(tmp_path / "ledger.jsonl")) as ledger:
        assert len(list(ledger)) == 1


@pytest.mark.parametrize("path", ["health", "ledger", "requests", "faults"])
def test_the_judge_speaks_to_its_own_machine_only(vendors: Any, path: str) -> None:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(vendors.http.app, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://vendors.test") as stranger:
            return await stranger.get(f"/_offline/{path}")

    assert vendors.http.run(ask).status_code == 403
