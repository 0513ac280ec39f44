"""Which generations of a vendor's history an unanswered attempt may have made, and when there is no doubt about it.

Only for a vendor that knows no keys: where they are known, the same POST is sent again. A generation that an attempt
made was created while its sender lived, give or take what the vendor's clock is off. So each attempt has a window, and
what was created in it, and belongs to no attempt yet, is a candidate.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from stillmotion.domain.job.records import Attempt, Candidate, Job, Outcome, Reason, Status
from stillmotion.domain.sweeping import KEYS_REMEMBERED, MAX_GAP, RETENTION

# Enough to choose from, and a record has to hold them.
MAX_CANDIDATES = 20
PERIOD = timedelta(minutes=10)
# Longer than any window reaches from its attempt's POST: the template bounds its parts.
DOUBT = timedelta(minutes=10)


class Reach(msgspec.Struct, frozen=True):
    """How far a generation may be from the POST that made it: how long a sender lives, and what clocks may be off."""

    sender: timedelta
    margin: timedelta


class Window(msgspec.Struct, frozen=True):
    """When the generation of an attempt was created, if there is one; both ends belong to it."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end

    def overlaps(self, other: "Window") -> bool:
        return self.start <= other.end and other.start <= self.end


def has_no_answer(attempt: Attempt) -> bool:
    """Whether nobody knows what became of the attempt, and asking its vendor again would buy another."""
    return attempt.vendor not in KEYS_REMEMBERED and attempt.outcome in (Outcome.SENDING, Outcome.UNKNOWN)


def awaiting_history(job: Job) -> Attempt | None:
    """The attempt for whose outcome the job was handed to a person; None for any other job."""
    attempt = job.attempt
    unknown = job.status is Status.NEEDS_ATTENTION and job.reason is Reason.OUTCOME_UNKNOWN
    return attempt if unknown and attempt is not None and has_no_answer(attempt) else None


def window(attempt: Attempt, reach: Reach) -> Window:
    return Window(attempt.sent_at - reach.margin, attempt.sent_at + reach.sender + reach.margin)


def is_to_be_looked_for(
    attempt: Attempt, looked_at: datetime | None, now: datetime, *, after: timedelta, reach: Reach
) -> bool:
    """Whether it is time for a look at the history: the first `after` the POST, then at doubling distances.

    Never while a sender may be alive, and not when the vendor has forgotten what it made then.
    """
    if attempt.outcome is Outcome.SENDING:
        after = max(after, reach.sender + reach.margin)
    if looked_at is None:
        first = attempt.sent_at + after
        return first <= now < attempt.sent_at + RETENTION[attempt.vendor]
    gap = min(MAX_GAP, max(after, looked_at - attempt.sent_at))
    return looked_at + gap <= now < attempt.sent_at + RETENTION[attempt.vendor]


def candidates(
    attempt: Attempt, made: Iterable[Candidate], reach: Reach, is_taken: Callable[[str], bool]
) -> tuple[Candidate, ...]:
    """Those of `made` that the attempt may have made, in the order of their making; the nearest where there are many.

    `is_taken` says whether some attempt has a generation, by its id.
    """
    within = window(attempt, reach)
    near = sorted(
        (one for one in made if within.holds(one.created_at)), key=lambda one: abs(one.created_at - attempt.sent_at)
    )
    free: list[Candidate] = []
    for one in near:
        if len(free) == MAX_CANDIDATES:
            break
        if not is_taken(one.generation_id):
            free.append(one)
    return tuple(sorted(free, key=lambda one: (one.created_at, one.generation_id)))


def is_old_enough(candidate: Candidate, reach: Reach, now: datetime) -> bool:
    """Whether whoever made it is to be seen in the indexes by now, which run behind as clocks do."""
    return now - candidate.created_at >= 2 * reach.margin


def may_be_anothers(job: Job, other: Job, reach: Reach) -> bool:
    """Whether a candidate of a job's latest attempt may be what another attempt, of whatever job, has made."""
    assert job.attempt is not None  # noqa: S101 - only such a job has candidates
    own = window(job.attempt, reach)
    return any(
        has_no_answer(attempt) and window(attempt, reach).overlaps(own)
        for attempt in other.attempts
        if (other.id, attempt.number) != (job.id, job.attempt.number)
    )


# --- what a person settled


def disputed_periods(attempt: Attempt) -> tuple[datetime, ...]:
    """The starts of the periods that a person's word on an attempt marks: people may be wrong about what was sent."""
    return _periods(Window(attempt.sent_at - DOUBT, attempt.sent_at + DOUBT))


def periods_to_check(attempt: Attempt, reach: Reach) -> tuple[datetime, ...]:
    """The starts of the periods any of which, if it is marked, says that a candidate may be of an attempt that a person
    settled."""
    return _periods(window(attempt, reach))


def _periods(within: Window) -> tuple[datetime, ...]:
    first = int(within.start.timestamp() // PERIOD.total_seconds())
    last = int(within.end.timestamp() // PERIOD.total_seconds())
    return tuple(datetime.fromtimestamp(number * PERIOD.total_seconds(), UTC) for number in range(first, last + 1))
