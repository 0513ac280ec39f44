"""The breaker: failures in a row rest a vendor, and one job at a time finds out whether it works again."""

from datetime import UTC, datetime, timedelta

from stillmotion.domain.breaker import (
    MAX_REST_SECONDS,
    PROBE_SECONDS,
    Breaker,
    after_bad,
    after_good,
    is_resting,
    may_start_at,
    probed_by,
    without_lost_probe,
    without_probe,
)

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
AFTER = NOW + timedelta(seconds=60)


def failed(breaker: Breaker, job_id: str = "other", now: datetime = NOW) -> Breaker:
    return after_bad(breaker, job_id, most_failures=3, first_rest_seconds=60, now=now)


def opened() -> Breaker:
    return failed(failed(failed(Breaker())))


def test_a_vendor_rests_after_so_many_failures_in_a_row() -> None:
    assert not is_resting(failed(failed(Breaker())), NOW)
    assert is_resting(opened(), NOW)
    assert opened().rests_until == AFTER


def test_a_good_ending_begins_the_count_anew() -> None:
    assert not is_resting(failed(failed(after_good(failed(failed(Breaker()))))), NOW)


def test_nothing_starts_while_it_rests() -> None:
    assert may_start_at(opened(), "any", NOW + timedelta(seconds=10)) == AFTER


def test_one_job_may_start_when_the_rest_is_over() -> None:
    assert not is_resting(opened(), AFTER)
    assert may_start_at(opened(), "any", AFTER) == AFTER


def test_others_look_again_while_the_probe_is_under_way() -> None:
    probed = probed_by(opened(), "probe", AFTER)
    assert is_resting(probed, AFTER)
    assert may_start_at(probed, "probe", AFTER) == AFTER
    assert may_start_at(probed, "other", AFTER) == AFTER + timedelta(seconds=15)


def test_a_probe_that_fails_makes_it_rest_for_twice_as_long() -> None:
    again = failed(probed_by(opened(), "probe", AFTER), "probe", AFTER)
    assert (again.rest_seconds, again.rests_until, again.probe) == (120, AFTER + timedelta(seconds=120), None)


def test_no_rest_is_longer_than_half_an_hour() -> None:
    breaker = opened()
    for _ in range(10):
        breaker = failed(probed_by(breaker, "probe", NOW), "probe")
    assert breaker.rest_seconds == MAX_REST_SECONDS


def test_a_probe_that_succeeds_ends_the_rest() -> None:
    assert after_good(probed_by(opened(), "probe", AFTER)) == Breaker()


def test_what_started_before_the_rest_does_not_prolong_it() -> None:
    assert failed(opened(), "older", NOW + timedelta(seconds=30)) == opened()
    probed = probed_by(opened(), "probe", AFTER)
    assert failed(probed, "older", AFTER) == probed


def test_a_probe_that_says_nothing_of_the_vendor_makes_room_for_another() -> None:
    probed = probed_by(opened(), "probe", AFTER)
    assert without_probe(probed, "other") == probed
    assert may_start_at(without_probe(probed, "probe"), "next", AFTER) == AFTER


def test_a_probe_that_is_never_heard_of_again_makes_room_for_another() -> None:
    probed = probed_by(opened(), "probe", AFTER)
    over = AFTER + timedelta(seconds=PROBE_SECONDS)
    assert without_lost_probe(probed, over - timedelta(seconds=1)) == probed
    assert without_lost_probe(probed, over).probe is None


def test_while_the_vendor_works_no_job_is_a_probe() -> None:
    assert probed_by(Breaker(), "any", NOW) == Breaker()
