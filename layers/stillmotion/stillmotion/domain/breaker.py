"""A vendor that keeps refusing or failing is rested for a while, and then tried with one job alone.

closed       jobs start; bad endings in a row are counted
resting      nothing starts until `rests_until`
half open    one job, the probe, may start; a good ending closes the breaker, a bad one of the probe's makes it rest
             for twice as long
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

MAX_REST_SECONDS = 1800
# A probe that says nothing for so long has lost its execution, or its vendor is slow: another one may try.
PROBE_SECONDS = 600
SHORTEST_LOOK_SECONDS = 5
MAX_LOOK_SECONDS = 60


class Breaker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`failures` in a row; `rest_seconds` is how long the latest rest was. Closed while `rests_until` is None."""

    failures: int = 0
    rest_seconds: int = 0
    rests_until: datetime | None = None
    probe: str | None = None
    probe_until: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.rests_until is None


def after_bad(breaker: Breaker, job_id: str, most_failures: int, first_rest_seconds: int, now: datetime) -> Breaker:
    """One more failure that is the vendor's. What had started before the rest and fails in it says nothing new."""
    if breaker.is_closed:
        failures = breaker.failures + 1
        if failures < most_failures:
            return replace(breaker, failures=failures)
        return _rested(failures, first_rest_seconds, now)
    if breaker.probe != job_id:
        return breaker
    return _rested(breaker.failures + 1, min(MAX_REST_SECONDS, 2 * breaker.rest_seconds), now)


def after_good(_breaker: Breaker) -> Breaker:
    """The vendor brought a video: it works, whichever job it was."""
    return Breaker()


def without_probe(breaker: Breaker, job_id: str) -> Breaker:
    """The breaker after a job ended that said nothing about the vendor: another one may be the probe."""
    return replace(breaker, probe=None, probe_until=None) if breaker.probe == job_id else breaker


def without_lost_probe(breaker: Breaker, now: datetime) -> Breaker:
    lost = breaker.probe is not None and breaker.probe_until is not None and breaker.probe_until <= now
    return replace(breaker, probe=None, probe_until=None) if lost else breaker


def probed_by(breaker: Breaker, job_id: str, now: datetime) -> Breaker:
    """The breaker when a job starts: it is the probe where one is wanted."""
    if breaker.is_closed:
        return breaker
    return replace(breaker, probe=job_id, probe_until=now + timedelta(seconds=PROBE_SECONDS))


def is_resting(breaker: Breaker, now: datetime) -> bool:
    """Whether a job that asks now would not be started."""
    return breaker.rests_until is not None and (now < breaker.rests_until or breaker.probe is not None)


def may_start_at(breaker: Breaker, job_id: str, now: datetime) -> datetime:
    """When a job may start, or should ask again: now, when it is or would be the probe."""
    if breaker.rests_until is None or breaker.probe == job_id:
        return now
    if now < breaker.rests_until:
        return breaker.rests_until
    if breaker.probe is None:
        return now
    look = max(SHORTEST_LOOK_SECONDS, min(MAX_LOOK_SECONDS, breaker.rest_seconds // 4))
    return now + timedelta(seconds=look)


def _rested(failures: int, seconds: int, now: datetime) -> Breaker:
    return Breaker(failures=failures, rest_seconds=seconds, rests_until=now + timedelta(seconds=seconds))
