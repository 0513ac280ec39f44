"""The history, between WaveSpeed's adapter and the offline server, over a real connection."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stillmotion.ports.vendor import Accepted, Envelope, Unanswered
from stillmotion.vendors.wavespeed import GENERATE_PATH, WaveSpeedVendor
from stillmotion.vendors.wavespeed_history import PAGE_SIZE


@pytest.fixture
def wavespeed(server: Any) -> WaveSpeedVendor:
    return WaveSpeedVendor(f"http://127.0.0.1:{server.port}", lambda: "ws_offline")


def submit(wavespeed: WaveSpeedVendor, photo_url: str, prompt: str) -> Any:
    body = f'{{"image": "{photo_url}", "prompt": "{prompt}"}}'
    return wavespeed.submit(Envelope(GENERATE_PATH, body), "none")


def test_what_was_accepted_without_an_answer_is_in_the_history(wavespeed: WaveSpeedVendor, photo_url: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert isinstance(submit(wavespeed, photo_url, "a hill [[fault:drop_after_accept]]"), Unanswered)
    listed = wavespeed.history(before)
    assert listed is not None
    assert [one.model for one in listed] == ["luma/ray-2-flash-i2v"]
    assert before <= listed[0].created_at <= datetime.now(UTC)
    assert wavespeed.read(listed[0].generation_id).vendor_status


def test_what_was_made_before_is_not_asked_for(wavespeed: WaveSpeedVendor, photo_url: str) -> None:
    submit(wavespeed, photo_url, "a hill")
    assert wavespeed.history(datetime.now(UTC) + timedelta(seconds=5)) == []


def test_more_than_a_page_is_told_whole_and_in_order(wavespeed: WaveSpeedVendor, photo_url: str) -> None:
    before = datetime.now(UTC)
    made = [submit(wavespeed, photo_url, f"hill {number} [[fault:stuck]]") for number in range(PAGE_SIZE + 5)]
    ids = [one.generation_id for one in made if isinstance(one, Accepted)]
    listed = wavespeed.history(before)
    assert listed is not None
    assert [one.generation_id for one in listed] == ids[::-1]
