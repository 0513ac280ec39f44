"""How many jobs may start in a minute: a log of the starts that were taken, and of those that are planned.

A job that has to wait is planned: it is told when to come again, and nobody who asked after it starts before it. One
that does not come loses its place after `GRACE`. Every start is held against those that were really taken, so that no
plan, however late its job comes, makes more than the limit.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

WINDOW = timedelta(seconds=64)
"""A minute, and a margin: the POST leaves a moment after its start was taken."""
GRACE = timedelta(seconds=30)
# What is planned further ahead would make the item too large: those jobs ask again.
MAX_PLANNED = 500


class Start(msgspec.Struct, frozen=True, array_like=True):
    """One start, `taken` or planned. The planned ones stand in the log in the order in which they were asked for."""

    job_id: str
    at: datetime
    taken: bool


Starts = tuple[Start, ...]


def still_counting(starts: Starts, now: datetime) -> Starts:
    """The starts that may still keep another from its own."""
    return tuple(start for start in starts if start.at > now - (WINDOW if start.taken else GRACE))


def may_start_at(starts: Starts, job_id: str, earliest: datetime, per_minute: int) -> datetime:
    """When a job may start: not before `earliest`, nor before those planned before it. `per_minute` 0 is no limit."""
    if not per_minute:
        return earliest
    own = next((place for place, start in enumerate(starts) if _is_plan_of(start, job_id)), len(starts))
    times = sorted(start.at for place, start in enumerate(starts) if start.taken or place < own)
    if len(times) < per_minute:
        return earliest
    # Of all these at most `per_minute - 1` are then within one window of it.
    return max(earliest, times[-per_minute] + WINDOW)


def planned(starts: Starts, job_id: str, at: datetime) -> Starts:
    """The log with a job planned; one that is planned already keeps its place in the order."""
    plan = Start(job_id, at, taken=False)
    if any(_is_plan_of(start, job_id) for start in starts):
        return tuple(plan if _is_plan_of(start, job_id) else start for start in starts)
    if sum(not start.taken for start in starts) >= MAX_PLANNED:
        return starts
    return (*starts, plan)


def taken(starts: Starts, job_id: str, now: datetime) -> Starts:
    """The log with a start that is taken now, in place of the job's plan."""
    return (*without_plan(starts, job_id), Start(job_id, now, taken=True))


def without_plan(starts: Starts, job_id: str) -> Starts:
    return tuple(start for start in starts if not _is_plan_of(start, job_id))


def without_last_taken(starts: Starts, job_id: str, unless_before: datetime | None = None) -> Starts:
    """The log without the job's latest start, of which nothing came; kept if it was taken by `unless_before`."""
    last = _last_taken(starts, job_id)
    if last is None or (unless_before is not None and last.at <= unless_before):
        return starts
    return tuple(start for start in starts if start is not last)


def _last_taken(starts: Sequence[Start], job_id: str) -> Start | None:
    return next((start for start in reversed(starts) if start.taken and start.job_id == job_id), None)


def _is_plan_of(start: Start, job_id: str) -> bool:
    return start.job_id == job_id and not start.taken
