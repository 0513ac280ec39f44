"""Who is tried next, when an attempt came to nothing: the same vendor again, the other one, or nobody.

What time mends (a throttled or an unreachable vendor) is tried again there. Any other failure ends with that vendor for
this run of the job, and the other follows where the kind of failure, or the request, allows it.
"""

from itertools import takewhile

from stillmotion.domain.failures import RULES, FailureKind
from stillmotion.domain.job.records import Attempt, Job, Outcome
from stillmotion.domain.request import InvalidRequest, Request, VendorName
from stillmotion.domain.routing import PriceTable, Route, routes

TRANSIENT = frozenset({FailureKind.THROTTLED, FailureKind.UNAVAILABLE})
UNAVAILABLE_IN_A_ROW = 3
"""So often a vendor is found unavailable before the other one goes first."""
# They are about what was asked, which the other vendor would be asked as well.
_ONLY_WHEN_ASKED = frozenset({FailureKind.MODERATED, FailureKind.INVALID_INPUT})


def next_routes(job: Job, prices: PriceTable, *, patient: bool = True) -> list[Route]:
    """Where the job may be sent now, in order of preference: keys, slots and resting vendors are not looked at.

    Empty while an attempt may still bring a video, after one whose video a person had taken in again, and when nobody
    is left. Once the caller is not `patient` any
    more, no vendor is tried a second time. Raises InvalidRequest for a job that was never sent and that nobody serves
    any more, as when prices went above its `max_dollars`.
    """
    if job.request is None or (job.attempt is not None and not job.attempt.is_settled):
        return []
    width, height = (job.still.width, job.still.height) if job.still else (None, None)
    if not job.tries:
        return routes(job.request, prices, width, height)
    try:
        able = routes(job.request, prices, width, height)
    except InvalidRequest:
        return []
    last = job.tries[-1]
    if last.generation is not None and last.generation.is_redriven:
        return []
    left = able if _may_go_elsewhere(job.request, last) else [route for route in able if route.vendor is last.vendor]
    left = [route for route in left if not _is_over(job, route.vendor, patient=patient)]
    first_elsewhere = _unavailable_in_a_row(job) >= UNAVAILABLE_IN_A_ROW
    return sorted(left, key=lambda route: (route.vendor is last.vendor) is first_elsewhere)


def ending(attempt: Attempt) -> FailureKind:
    """What a settled attempt came to: its generation's failure, where the vendor took it."""
    if attempt.outcome is Outcome.NOT_SENT:
        return FailureKind.UNAVAILABLE
    if attempt.generation is not None:
        failure = attempt.generation.failure
        return failure.kind if failure is not None else FailureKind.GENERATION_FAILED
    return attempt.failure.kind if attempt.failure is not None else FailureKind.OUTCOME_UNKNOWN


def _is_transient(attempt: Attempt) -> bool:
    """Whether the same vendor may be tried again. Not once it took the attempt: another may be billed as well."""
    return attempt.outcome is not Outcome.ACCEPTED and ending(attempt) in TRANSIENT


def _may_go_elsewhere(request: Request, attempt: Attempt) -> bool:
    kind = ending(attempt)
    match request.failover:
        case "never":
            return False
        case "always" if kind in _ONLY_WHEN_ASKED:
            return True
        case _:
            return RULES[kind].allows_failover


def _is_over(job: Job, vendor: VendorName, *, patient: bool) -> bool:
    """Whether a vendor is spent for this run of the job."""
    here = [attempt for attempt in job.tries if attempt.vendor is vendor]
    return any(not patient or not _is_transient(attempt) for attempt in here)


def _unavailable_in_a_row(job: Job) -> int:
    """How often the vendor of the last attempt was found unavailable since anything else happened."""
    last = job.tries[-1].vendor
    alike = takewhile(
        lambda attempt: (
            attempt.vendor is last and _is_transient(attempt) and ending(attempt) is FailureKind.UNAVAILABLE
        ),
        reversed(job.tries),
    )
    return sum(1 for _ in alike)
