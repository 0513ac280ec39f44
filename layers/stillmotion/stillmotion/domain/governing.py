"""What is known of one vendor, to keep within what its account allows: who has a slot, when the last jobs started,
whether it asked to be left alone, and whether it rests.

A job in line is granted a slot, its *lease*, and starts when pace, pause and breaker let it. These are values and
functions of them; whoever stores the state compares its version (`ports.workflow.GovernorStore`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

import msgspec
from msgspec.structs import replace

from stillmotion.domain import breaker, pacing
from stillmotion.domain.breaker import Breaker
from stillmotion.domain.job.records import Job, Reason, Verdict
from stillmotion.domain.pacing import Starts
from stillmotion.domain.request import Priority, VendorName

MAX_PAUSE_SECONDS = 300
# A vendor that asks for more is asked again.
MAX_RETRY_AFTER_SECONDS = 3600
MAX_HALVINGS = 10
_PRIORITIES: Mapping[Priority, int] = {"high": 0, "normal": 1, "low": 2}


class Ending(StrEnum):
    """How a slot was given back: what it says of the vendor. `unsent`: nothing; its start is given back too."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"
    UNSENT = "unsent"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's account allows, 0 for no limit; and the governor's own times, in seconds."""

    concurrency: int
    per_minute: int
    lease_seconds: int
    pause_seconds: int
    lowered_seconds: int
    breaker_failures: int
    breaker_rest_seconds: int


class Lease(msgspec.Struct, frozen=True, array_like=True):
    """A slot that a job has `since` it was granted or, later, since the job last started."""

    since: datetime
    has_started: bool = False


class GovernorState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One vendor's. `halvings` of concurrency and pace hold until `lowered_until`. `version` counts its writes."""

    version: int = 0
    leases: dict[str, Lease] = {}
    starts: Starts = ()
    pause_until: datetime | None = None
    halvings: int = 0
    lowered_until: datetime | None = None
    breaker: Breaker = Breaker()


def turn(job: Job) -> tuple[int, datetime, str]:
    """What a job's place in line is sorted by: first its priority, then when it was made."""
    priority: Priority = job.request.priority if job.request else "normal"
    return _PRIORITIES[priority], job.created_at, job.id


def stands_in_line(job: Job, vendor: VendorName) -> bool:
    """Whether a slot of this vendor would be of use to the job."""
    return job.is_sendable and job.line is vendor and job.cancel_requested_at is None


def needs_slot(job: Job | None, vendor: VendorName) -> bool:
    """Whether a slot that the job has here is still in use, or about to be."""
    if job is None or job.is_final:
        return False
    attempt = job.attempt
    here = attempt is not None and attempt.vendor is vendor
    if here and attempt is not None and not attempt.is_settled:
        return attempt.generation is None or attempt.generation.verdict is Verdict.RUNNING
    # A job that was throttled keeps its slot, although it is in no line.
    was_throttled = here and job.is_sendable and job.line is None and job.reason is not Reason.BUDGET
    return stands_in_line(job, vendor) or was_throttled


def current(state: GovernorState, limits: Limits, now: datetime) -> GovernorState:
    """The state as it is now: without what has ended by itself."""
    since = now - timedelta(seconds=limits.lease_seconds)
    state = replace(
        state,
        leases={job_id: lease for job_id, lease in state.leases.items() if lease.since > since},
        starts=pacing.still_counting(state.starts, now),
        breaker=breaker.without_lost_probe(state.breaker, now),
    )
    if state.pause_until is not None and state.pause_until <= now:
        state = replace(state, pause_until=None)
    if state.lowered_until is not None and state.lowered_until <= now:
        state = replace(state, lowered_until=None, halvings=0)
    return state


def free_slots(state: GovernorState, limits: Limits) -> int:
    """How many slots may be granted; 0 too where there is no limit, and so no slot.

    While the vendor is not known to work, one job is enough: it looks again when the rest is over.
    """
    if not limits.concurrency:
        return 0
    free = max(0, _lowered(limits.concurrency, state) - len(state.leases))
    if state.breaker.is_closed:
        return free
    someone_waits = any(not lease.has_started for lease in state.leases.values())
    return 0 if someone_waits else min(1, free)


def granted(state: GovernorState, limits: Limits, job_ids: Iterable[str], now: datetime) -> GovernorState:
    """Slots for these jobs, the first in line first; with a limited pace their starts are planned in this order."""
    for job_id in job_ids:
        state = replace(state, leases={**state.leases, job_id: Lease(now)})
        per_minute = _pace(state, limits)
        if per_minute:
            earliest = max(_unpaused(state, now), breaker.may_start_at(state.breaker, job_id, now))
            at = pacing.may_start_at(state.starts, job_id, earliest, per_minute)
            state = replace(state, starts=pacing.planned(state.starts, job_id, at))
    return state


def admitted(
    state: GovernorState, limits: Limits, job_id: str, now: datetime, begun_at: datetime | None = None
) -> tuple[GovernorState, int]:
    """A job that has a slot, or needs none, starts; or the whole seconds, above 0, after which it should ask again.

    `begun_at` is when its latest attempt began: of a start that was taken after it, nothing has come yet, and it is
    taken anew instead of once more.
    """
    starts = pacing.without_last_taken(state.starts, job_id, unless_before=begun_at)
    per_minute = _pace(state, limits)
    look = breaker.may_start_at(state.breaker, job_id, now)
    at = pacing.may_start_at(starts, job_id, max(_unpaused(state, now), look), per_minute)
    if at > now:
        if per_minute:
            # A start of which nothing has come may still be another invocation's: it stays in the log.
            state = replace(state, starts=pacing.planned(state.starts, job_id, at))
        return state, ceil((at - now) / timedelta(seconds=1))
    if per_minute:
        state = replace(state, starts=pacing.taken(starts, job_id, now))
    if limits.concurrency:
        state = replace(state, leases={**state.leases, job_id: Lease(now, has_started=True)})
    return replace(state, breaker=breaker.probed_by(state.breaker, job_id, now)), 0


def released(state: GovernorState, limits: Limits, job_id: str, ending: Ending, now: datetime) -> GovernorState:
    """The slot is free. A repetition changes nothing: where there are slots, only who had one can end badly."""
    counts = job_id in state.leases or not limits.concurrency
    starts = pacing.without_plan(state.starts, job_id)
    if ending is Ending.UNSENT:
        starts = pacing.without_last_taken(starts, job_id)
    leases = {holder: lease for holder, lease in state.leases.items() if holder != job_id}
    state = replace(state, leases=leases, starts=starts)
    match ending:
        case Ending.GOOD:
            return replace(state, breaker=breaker.after_good(state.breaker))
        case Ending.BAD:
            return failing(state, limits, job_id, now) if counts else state
        case Ending.NEUTRAL | Ending.UNSENT:
            return replace(state, breaker=breaker.without_probe(state.breaker, job_id))


def failing(state: GovernorState, limits: Limits, job_id: str, now: datetime) -> GovernorState:
    """One more failure that is the vendor's; slots stay as they are."""
    tried = breaker.after_bad(state.breaker, job_id, limits.breaker_failures, limits.breaker_rest_seconds, now)
    return replace(state, breaker=tried)


def throttled(state: GovernorState, limits: Limits, retry_after: int | None, now: datetime) -> GovernorState:
    """A 429 came all the same: nothing starts for `retry_after` seconds, and then for a while half as much as before.

    Several that come at once are one: who is paused already is not halved again.
    """
    halvings = state.halvings if state.pause_until is not None else min(MAX_HALVINGS, state.halvings + 1)
    own = min(MAX_PAUSE_SECONDS, limits.pause_seconds << max(0, halvings - 1))
    pause = min(MAX_RETRY_AFTER_SECONDS, retry_after) if retry_after else own
    until = now + timedelta(seconds=pause)
    until = max(until, state.pause_until or until)
    lowered_until = until + timedelta(seconds=limits.lowered_seconds)
    return replace(state, pause_until=until, halvings=halvings, lowered_until=lowered_until)


def _unpaused(state: GovernorState, now: datetime) -> datetime:
    return max(now, state.pause_until or now)


def _pace(state: GovernorState, limits: Limits) -> int:
    return _lowered(limits.per_minute, state) if limits.per_minute else 0


def _lowered(limit: int, state: GovernorState) -> int:
    return max(1, limit >> state.halvings)
