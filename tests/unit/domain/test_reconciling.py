"""Whose a generation in a vendor's history may be: windows, gaps between looks, and the periods that a doubt covers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stillmotion.domain.job.records import Attempt, Candidate, Outcome
from stillmotion.domain.reconciling import (
    DOUBT,
    MAX_CANDIDATES,
    Reach,
    candidates,
    disputed_periods,
    has_no_answer,
    is_to_be_looked_for,
    periods_to_check,
    window,
)
from stillmotion.domain.request import VendorName
from stillmotion.domain.sweeping import MAX_GAP, RETENTION

SENT = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
REACH = Reach(timedelta(seconds=60), timedelta(seconds=90))
AFTER = timedelta(seconds=300)
ATTEMPT = Attempt(
    number=1,
    vendor=VendorName.WAVESPEED,
    outcome=Outcome.UNKNOWN,
    started_at=SENT,
    sent_at=SENT,
    path="/generate",
    body="{}",
    idempotency_key="key",
    quote=Decimal("0.20"),
)


def after(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


def made(*seconds: float) -> list[Candidate]:
    """Generations that were made so many seconds after the POST."""
    return [Candidate(generation_id=f"g{number}", created_at=after(at)) for number, at in enumerate(seconds)]


def is_due(attempt: Attempt, looked: float | None, now: float) -> bool:
    looked_at = None if looked is None else after(looked)
    return is_to_be_looked_for(attempt, looked_at, after(now), after=AFTER, reach=REACH)


def found(*seconds: float, taken: tuple[str, ...] = ()) -> list[str]:
    return [one.generation_id for one in candidates(ATTEMPT, made(*seconds), REACH, taken.__contains__)]


# --- who is looked for, and when


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.SENDING, True),
        (Outcome.UNKNOWN, True),
        (Outcome.ACCEPTED, False),
        (Outcome.NOT_SENT, False),
        (Outcome.REFUSED, False),
    ],
)
def test_only_an_attempt_without_an_answer_is_looked_for(outcome: Outcome, expected: bool) -> None:  # noqa: FBT001
    assert has_no_answer(replace(ATTEMPT, outcome=outcome)) is expected


def test_where_keys_are_known_the_same_is_sent_again_instead() -> None:
    assert not has_no_answer(replace(ATTEMPT, vendor=VendorName.APIFRAME))


def test_the_webhook_goes_first() -> None:
    assert [is_due(ATTEMPT, None, seconds) for seconds in (0, 299, 300)] == [False, False, True]


def test_whoever_may_still_be_sending_is_waited_for() -> None:
    sending = replace(ATTEMPT, outcome=Outcome.SENDING)
    at = [
        is_to_be_looked_for(sending, None, after(now), after=timedelta(seconds=20), reach=REACH)
        for now in (20, 149, 150)
    ]
    assert at == [False, False, True]


def test_the_gaps_double_up_to_the_longest() -> None:
    looks, now = [300.0], 300.0
    while now < RETENTION[VendorName.WAVESPEED].total_seconds():
        now += 300
        if is_due(ATTEMPT, looks[-1], now):
            looks.append(now)
    gaps = [later - earlier for earlier, later in pairwise(looks)]
    assert gaps[:4] == [300, 600, 1200, 2400]
    assert max(gaps) == MAX_GAP.total_seconds()
    assert len(looks) < 40


def test_what_the_vendor_has_forgotten_is_looked_for_no_more() -> None:
    week = RETENTION[VendorName.WAVESPEED].total_seconds()
    assert is_due(ATTEMPT, None, week - 1)
    assert not is_due(ATTEMPT, None, week)
    assert not is_due(ATTEMPT, week - 7 * 3600, week)


# --- what it may have made


@pytest.mark.parametrize(("seconds", "expected"), [(-91, []), (-90, ["g0"]), (0, ["g0"]), (150, ["g0"]), (150.1, [])])
def test_a_candidate_was_made_while_the_sender_lived_give_or_take_the_clocks(
    seconds: float, expected: list[str]
) -> None:
    assert found(seconds) == expected


def test_what_some_attempt_has_is_no_candidate() -> None:
    assert found(1, 2, taken=("g0",)) == ["g1"]


def test_candidates_are_told_in_the_order_of_their_making() -> None:
    assert found(5, -3, 9) == ["g1", "g0", "g2"]


def test_of_too_many_the_nearest_are_told() -> None:
    told = found(*range(100, -80, -1))
    assert len(told) == MAX_CANDIDATES
    assert told[:2] == ["g109", "g108"]
    assert told[-1] == "g90"


# --- what a person's word leaves behind


@given(st.integers(-2000, 2000), st.integers(1, 300))
def test_an_attempt_that_a_person_settled_casts_doubt_wherever_windows_overlap(seconds: int, margin: int) -> None:
    reach = Reach(timedelta(seconds=60), timedelta(seconds=margin))
    other = replace(ATTEMPT, sent_at=after(seconds))
    if window(other, reach).overlaps(window(ATTEMPT, reach)):
        assert set(disputed_periods(other)) & set(periods_to_check(ATTEMPT, reach))


def test_a_doubt_ends_some_minutes_away() -> None:
    far = replace(ATTEMPT, sent_at=SENT + 4 * DOUBT)
    assert not set(disputed_periods(far)) & set(periods_to_check(ATTEMPT, REACH))


def test_a_doubt_takes_few_items() -> None:
    assert len(disputed_periods(ATTEMPT)) <= 3
