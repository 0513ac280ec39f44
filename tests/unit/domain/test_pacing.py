"""The pace: what was taken and what is planned decide when the next job may start."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.pacing import (
    GRACE,
    MAX_PLANNED,
    WINDOW,
    Start,
    may_start_at,
    planned,
    still_counting,
    taken,
    without_last_taken,
    without_plan,
)

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_without_a_limit_a_job_starts_at_once() -> None:
    starts = taken(taken((), "a", NOW), "b", NOW)
    assert may_start_at(starts, "c", NOW, 0) == NOW


def test_up_to_the_limit_jobs_start_at_once() -> None:
    assert may_start_at(taken((), "a", NOW), "b", NOW, 2) == NOW


def test_over_the_limit_a_job_starts_when_the_first_is_a_minute_and_a_margin_old() -> None:
    starts = taken(taken((), "a", NOW), "b", later(10))
    assert may_start_at(starts, "c", later(20), 2) == NOW + WINDOW
    assert timedelta(seconds=62) <= WINDOW <= timedelta(seconds=65)


def test_a_job_is_planned_behind_those_that_were_planned_before() -> None:
    starts = planned(taken((), "a", NOW), "b", NOW + WINDOW)
    assert may_start_at(starts, "c", NOW, 1) == NOW + 2 * WINDOW


def test_a_job_that_comes_before_its_time_does_not_overtake() -> None:
    starts = planned(planned((), "first", later(5)), "second", later(5))
    assert may_start_at(starts, "second", later(5), 1) == later(5) + WINDOW
    assert may_start_at(starts, "first", later(5), 1) == later(5)


def test_a_job_that_is_planned_anew_keeps_its_turn() -> None:
    starts = planned(planned((), "first", later(5)), "second", later(9))
    moved = planned(starts, "first", later(20))
    assert [start.job_id for start in moved] == ["first", "second"]
    assert may_start_at(moved, "second", later(9), 1) == later(20) + WINDOW


def test_a_start_takes_the_place_of_its_plan() -> None:
    assert taken(planned((), "a", later(5)), "a", later(7)) == (Start("a", later(7), taken=True),)


def test_a_plan_whose_job_does_not_come_is_given_up() -> None:
    starts = planned((), "a", NOW)
    assert still_counting(starts, NOW + GRACE - timedelta(seconds=1)) == starts
    assert still_counting(starts, NOW + GRACE) == ()


def test_a_start_counts_for_the_whole_window() -> None:
    starts = taken((), "a", NOW)
    assert still_counting(starts, NOW + WINDOW - timedelta(seconds=1)) == starts
    assert still_counting(starts, NOW + WINDOW) == ()


def test_only_so_many_are_planned() -> None:
    starts = tuple(Start(str(number), NOW, taken=False) for number in range(MAX_PLANNED))
    assert planned(starts, "one more", NOW) == starts


def test_the_start_of_which_nothing_came_is_the_latest() -> None:
    starts = taken(taken((), "a", NOW), "a", later(5))
    assert without_last_taken(starts, "a") == (Start("a", NOW, taken=True),)
    assert without_last_taken(starts, "a", unless_before=later(5)) == starts
    assert without_last_taken(starts, "b") == starts


def test_what_was_taken_stays_when_a_plan_is_dropped() -> None:
    starts = planned(taken((), "a", NOW), "a", later(70))
    assert without_plan(starts, "a") == (Start("a", NOW, taken=True),)


@given(
    per_minute=st.integers(1, 5),
    asks=st.lists(st.tuples(st.integers(0, 9), st.floats(0, 40)), min_size=1, max_size=60),
)
def test_no_minute_has_more_starts_than_the_limit(per_minute: int, asks: list[tuple[int, float]]) -> None:
    starts: tuple[Start, ...] = ()
    real: list[datetime] = []
    now = NOW
    for job, pause in asks:
        now += timedelta(seconds=pause)
        starts = still_counting(starts, now)
        at = may_start_at(starts, str(job), now, per_minute)
        if at > now:
            starts = planned(starts, str(job), at)
        else:
            starts = taken(starts, str(job), now)
            real.append(now)
        assert sum(now - start < timedelta(minutes=1) for start in real) <= per_minute
