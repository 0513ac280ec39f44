"""Waiting: to when such a video usually ends, then short, then longer, never past the deadline."""

from hypothesis import given
from hypothesis import strategies as st

from stillmotion.domain.waiting import WaitPolicy, backoff

POLICY = WaitPolicy(usual_seconds=60, short_wait_seconds=10, longest_wait_seconds=100, deadline_seconds=1000)


def test_the_first_wait_is_until_such_a_video_usually_ends() -> None:
    assert POLICY.first(5) == 60
    assert POLICY.first(10) == 120


def test_waits_are_short_around_the_usual_end_then_grow_to_the_longest() -> None:
    assert [POLICY.next(elapsed, 5) for elapsed in (60, 100, 140, 200, 600)] == [10, 10, 40, 70, 100]


def test_a_look_before_the_usual_end_waits_for_it() -> None:
    assert POLICY.next(20, 5) == 40


@given(elapsed=st.integers(0, 999), duration=st.sampled_from([5, 9, 10]))
def test_no_wait_goes_past_the_deadline_or_stands_still(elapsed: int, duration: int) -> None:
    wait = POLICY.next(elapsed, duration)
    assert 1 <= wait <= max(1, POLICY.deadline_seconds - elapsed)


def test_backoff_doubles_and_is_bounded() -> None:
    assert [backoff(tries) for tries in (1, 2, 3, 7, 500)] == [5, 10, 20, 300, 300]


def test_webhooks_are_waited_for_longer_the_longer_it_lasts() -> None:
    policy = WaitPolicy(slow_poll_seconds=10)
    assert [policy.slow(elapsed) for elapsed in (0, 100, 1000, 3000)] == [10, 10, 100, 300]
