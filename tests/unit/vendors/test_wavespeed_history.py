"""WaveSpeed's history is read whole or not at all: what was overlooked could be what somebody paid for."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.ports.vendor import Listed, ReadFailed
from stillmotion.vendors.answers import Answer
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor
from stillmotion.vendors.wavespeed_history import HISTORY_SECONDS, MAX_PAGES, MODEL, PAGE_SIZE, read_history

WaveSpeed = Callable[..., WaveSpeedVendor]
SINCE = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)


def item(task_id: str, seconds: float = 0, **changed: object) -> dict[str, object]:
    """A task that was made so many seconds after the moment that is asked for."""
    created = (SINCE + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return {"id": task_id, "model": MODEL, "status": "completed", "created_at": created} | changed


def page(*items: object) -> httpx.Response:
    return httpx.Response(200, json={"code": 200, "message": "success", "data": {"items": items}})


def ids(listed: Sequence[Listed] | None) -> list[str]:
    assert listed is not None
    return [one.generation_id for one in listed]


def test_what_was_made_since_is_told_newest_first(wavespeed: WaveSpeed) -> None:
    listed = wavespeed(page(item("t3", 20), item("t2", 0), item("t1", -1)), page()).history(SINCE)
    assert ids(listed) == ["t3", "t2"]
    assert listed is not None
    assert listed[1] == Listed(generation_id="t2", model=MODEL, created_at=SINCE, vendor_status="completed")


def test_the_list_is_asked_for_page_by_page(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    wavespeed(page(item("t2", 20)), page(item("t1", 10)), page(item("t0", -1))).history(SINCE)
    assert [request.method for request in sent] == ["POST"] * 3
    assert {request.url.path for request in sent} == {"/api/v3/predictions"}
    assert [json.loads(request.content) for request in sent] == [
        {"page": number, "page_size": PAGE_SIZE} for number in (1, 2, 3)
    ]
    assert sent[0].headers["Authorization"] == "Bearer ws_0123456789abcdef"


def test_reading_ends_where_all_is_older(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    wavespeed(page(item("t2", -1), item("t1", -2))).history(SINCE)
    assert len(sent) == 1


def test_a_page_on_which_only_the_last_is_older_does_not_end_it(wavespeed: WaveSpeed) -> None:
    # Clocks of several machines need not agree to the millisecond.
    listed = wavespeed(page(item("t3", 9), item("t1", -1)), page(item("t2", 1)), page()).history(SINCE)
    assert ids(listed) == ["t3", "t2"]


def test_a_short_page_does_not_end_it(wavespeed: WaveSpeed) -> None:
    assert ids(wavespeed(page(item("t2", 2)), page(item("t1", 1)), page()).history(SINCE)) == ["t2", "t1"]


def test_a_last_page_that_repeats_ends_it(wavespeed: WaveSpeed) -> None:
    assert ids(wavespeed(page(item("t2", 2)), page(item("t1", 1)), page(item("t1", 1))).history(SINCE)) == ["t2", "t1"]


def test_what_moved_to_a_later_page_meanwhile_is_told_once(wavespeed: WaveSpeed) -> None:
    pages = page(item("t3", 3), item("t2", 2)), page(item("t2", 2), item("t1", 1)), page()
    assert ids(wavespeed(*pages).history(SINCE)) == ["t3", "t2", "t1"]


def test_a_page_that_moved_as_a_whole_does_not_end_it(wavespeed: WaveSpeed) -> None:
    pages = page(item("t3", 3), item("t2", 2)), page(item("t2", 2)), page(item("t1", 1)), page()
    assert ids(wavespeed(*pages).history(SINCE)) == ["t3", "t2", "t1"]


def test_other_models_are_passed_over(wavespeed: WaveSpeed) -> None:
    other = item("t2", 2, model="wavespeed-ai/flux-dev")
    nameless = item("", 1, model="wavespeed-ai/flux-dev", created_at=None, id=None)
    assert ids(wavespeed(page(item("t3", 3), other, nameless), page()).history(SINCE)) == ["t3"]


@pytest.mark.parametrize("items", [[], None])
def test_an_account_that_made_nothing_is_no_error(items: object, wavespeed: WaveSpeed) -> None:
    assert wavespeed(httpx.Response(200, json={"code": 200, "data": {"items": items}})).history(SINCE) == []


def test_more_than_can_be_read_is_told_as_nothing(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    pages = [page(item(f"t{number}", 1000 - number)) for number in range(MAX_PAGES + 1)]
    assert wavespeed(*pages).history(SINCE) is None
    assert len(sent) == MAX_PAGES


def test_a_list_that_takes_too_long_is_told_as_nothing() -> None:
    asked: list[int] = []

    def ask(number: int) -> Answer:
        asked.append(number)
        return Answer(200, {"data": {"items": [item(f"t{number}", 1000 - number)]}})

    assert read_history(ask, SINCE, lambda _: None, lambda: HISTORY_SECONDS / 3 * len(asked)) is None
    assert asked == [1, 2, 3]


@pytest.mark.parametrize(
    "shown",
    [
        item("t1", 1, model=None),
        item("t1", 1, id=None),
        item("t1", 1, id="../other"),
        item("t1", 1, created_at=None),
        item("t1", 1, created_at="yesterday"),
        item("t1", 1, created_at="2026-05-04T06:00:01"),
        item("t1", 1, created_at=1777874401),
        "t1",
    ],
)
def test_an_item_that_cannot_be_understood_is_not_overlooked(shown: object, wavespeed: WaveSpeed) -> None:
    with pytest.raises(ReadFailed):
        wavespeed(page(item("t2", 2), shown), page()).history(SINCE)


@pytest.mark.parametrize(
    "document",
    [{"code": 200, "data": {}}, {"code": 200, "data": {"items": {}}}, {"code": 500, "message": "no"}, [], None, "busy"],
)
def test_an_answer_without_a_list_is_no_empty_list(document: object, wavespeed: WaveSpeed) -> None:
    with pytest.raises(ReadFailed):
        wavespeed(httpx.Response(200, json=document)).history(SINCE)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(401, json={"code": 401, "message": "bad key"}), FailureKind.UNAUTHORIZED),
        (httpx.Response(429, headers={"Retry-After": "7"}), FailureKind.THROTTLED),
        (httpx.Response(502, text="<html>"), FailureKind.UNAVAILABLE),
        (httpx.ReadTimeout("silence"), FailureKind.UNAVAILABLE),
        (httpx.ConnectError("nobody there"), FailureKind.UNAVAILABLE),
    ],
)
def test_a_list_that_is_not_given_is_a_failed_read(
    answer: httpx.Response | Exception, kind: FailureKind, wavespeed: WaveSpeed
) -> None:
    with pytest.raises(ReadFailed) as failed:
        wavespeed(page(item("t2", 2)), answer).history(SINCE)
    assert failed.value.kind is kind


def test_apiframe_tells_no_history_and_is_not_asked(
    apiframe: Callable[..., ApiframeVendor], sent: list[httpx.Request]
) -> None:
    assert apiframe().history(SINCE) is None
    assert sent == []
