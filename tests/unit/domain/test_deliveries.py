"""How often a delivery is tried, and when that ends."""

from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace
from tests.fakes import DAWN

from stillmotion.domain.deliveries import (
    GAPS_SECONDS,
    Delivery,
    DeliveryState,
    StillPending,
    answered,
    event_word,
    replayed,
    unanswered,
    wants,
)
from stillmotion.domain.request import Callback

DELIVERY = Delivery(
    id="e-1", job_id="j-1", tenant="ada", detail_type="Video Completed", detail={}, created_at=DAWN, url="https://a.b/"
)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_takes_it(status: int) -> None:
    taken = answered(DELIVERY, status, DAWN)

    assert (taken.state, taken.tries, taken.last_status, taken.ended_at) == (DeliveryState.DELIVERED, 1, status, DAWN)


@pytest.mark.parametrize("status", [100, 301, 307, 400, 401, 404, 429, 500, 503])
def test_any_other_answer_is_followed_by_another_try(status: int) -> None:
    tried = answered(DELIVERY, status, DAWN)

    assert (tried.state, tried.next_try_at) == (DeliveryState.PENDING, DAWN + timedelta(seconds=GAPS_SECONDS[0]))


def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    assert answered(DELIVERY, 410, DAWN).state is DeliveryState.UNWANTED


def test_what_cannot_be_answered_ever_is_given_up_at_once() -> None:
    tried = unanswered(DELIVERY, "no public address", DAWN, for_good=True)

    assert (tried.state, tried.last_error) == (DeliveryState.GIVEN_UP, "no public address")


def test_the_gaps_grow_and_fill_a_day() -> None:
    tried, now, tries = DELIVERY, DAWN, 0
    while tried.state is DeliveryState.PENDING:
        tried, tries = unanswered(tried, "silence", now), tries + 1
        now = tried.next_try_at or now

    assert tried.state is DeliveryState.GIVEN_UP
    assert tries == tried.tries == len(GAPS_SECONDS) + 1
    assert timedelta(hours=23) < now - DAWN <= timedelta(hours=24)
    assert all(earlier <= later for earlier, later in pairwise(GAPS_SECONDS))


def test_an_answer_forgets_the_error_of_the_try_before() -> None:
    tried = answered(unanswered(DELIVERY, "silence", DAWN), 500, DAWN)

    assert (tried.last_status, tried.last_error) == (500, None)


@pytest.mark.parametrize("state", [state for state in DeliveryState if state is not DeliveryState.PENDING])
def test_what_has_ended_is_replayed_as_on_its_first_day(state: DeliveryState) -> None:
    again = replayed(replace(DELIVERY, state=state, tries=13, ended_at=DAWN), DAWN)

    assert (again.state, again.tries, again.replays, again.ended_at) == (DeliveryState.PENDING, 0, 1, None)


def test_what_is_still_tried_is_not_replayed() -> None:
    due = DAWN + timedelta(hours=2)
    pending = replace(DELIVERY, tries=7, last_tried_at=DAWN, next_try_at=due)

    with pytest.raises(StillPending):
        replayed(pending, due + timedelta(minutes=59))


def test_what_the_queue_has_lost_is_replayed() -> None:
    assert replayed(DELIVERY, DAWN + timedelta(hours=1)).replays == 1


@pytest.mark.parametrize(
    ("detail_type", "standard", "vendors"),
    [
        ("Video Completed", "video.completed", "completed"),
        ("Video Failed", "video.failed", "failed"),
        ("Video Cancelled", "video.cancelled", "failed"),
        ("Video Needs Attention", "video.needs_attention", None),
        ("Something Else", None, None),
    ],
)
def test_each_dialect_has_its_own_words(detail_type: str, standard: str | None, vendors: str | None) -> None:
    assert event_word(detail_type, "standard") == standard
    assert event_word(detail_type, "apiframe") == event_word(detail_type, "wavespeed") == vendors


def test_a_callback_that_names_events_is_told_of_no_others() -> None:
    picky = Callback(url="https://a.b/", dialect="apiframe", events=("progress", "completed"))

    assert wants(picky, "Video Completed")
    assert not wants(picky, "Video Failed")
    assert not wants(picky, "Video Needs Attention")
