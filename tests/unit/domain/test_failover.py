"""Who is tried next: the same vendor for what time mends, the other one for what it may mend, or nobody."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.fakes import DAWN

from stillmotion.domain.failover import next_routes
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Attempt, Generation, Job, Outcome, Status, Still, Verdict
from stillmotion.domain.request import InvalidRequest, VendorName
from stillmotion.domain.routing import PriceTable
from stillmotion.edge.request import parse_request

PRICES = PriceTable()
WAVESPEED, APIFRAME = VendorName.WAVESPEED, VendorName.APIFRAME
UNPAID = [Outcome.NOT_SENT, Outcome.REFUSED]


@dataclass(frozen=True)
class Try:
    """One attempt in short: accepted ones have a generation that its vendor declared failed."""

    vendor: VendorName
    kind: FailureKind
    outcome: Outcome = Outcome.REFUSED


def attempt(number: int, tried: Try) -> Attempt:
    failure = Failure(tried.kind, "no")
    accepted = tried.outcome is Outcome.ACCEPTED
    generation = Generation(id=f"g{number}", accepted_at=DAWN, verdict=Verdict.FAILED, failure=failure)
    return Attempt(
        number=number,
        vendor=tried.vendor,
        outcome=tried.outcome,
        started_at=DAWN,
        sent_at=DAWN,
        path="",
        body="",
        idempotency_key="key",
        quote=Decimal("0.20"),
        failure=None if accepted else failure,
        generation=generation if accepted else None,
    )


def job(*tries: Try, **fields: object) -> Job:
    return Job(
        id="job",
        tenant="default",
        status=Status.DISPATCHING,
        created_at=DAWN,
        updated_at=DAWN,
        request=parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg", **fields}),
        attempts=tuple(attempt(number, tried) for number, tried in enumerate(tries, 1)),
    )


def following(*tries: Try, patient: bool = True, **fields: object) -> list[VendorName]:
    return [route.vendor for route in next_routes(job(*tries, **fields), PRICES, patient=patient)]


def times(count: int, vendor: VendorName, kind: FailureKind) -> list[Try]:
    return [Try(vendor, kind)] * count


def test_a_job_that_was_never_sent_has_all_its_routes() -> None:
    assert following() == [WAVESPEED, APIFRAME]


def test_a_throttled_vendor_stays_first_however_often() -> None:
    assert following(*times(20, WAVESPEED, FailureKind.THROTTLED)) == [WAVESPEED, APIFRAME]


@pytest.mark.parametrize("kind", [FailureKind.THROTTLED, FailureKind.UNAVAILABLE])
def test_without_patience_nobody_is_tried_twice(kind: FailureKind) -> None:
    assert following(Try(WAVESPEED, kind), patient=False) == [APIFRAME]
    assert following(Try(WAVESPEED, kind), Try(APIFRAME, kind), patient=False) == []


@pytest.mark.parametrize("outcome", UNPAID)
def test_after_three_times_unavailable_the_other_goes_first(outcome: Outcome) -> None:
    down = Try(WAVESPEED, FailureKind.UNAVAILABLE, outcome)
    assert following(down, down) == [WAVESPEED, APIFRAME]
    assert following(down, down, down) == [APIFRAME, WAVESPEED]


def test_what_was_proven_unsent_counts_as_unavailable_whatever_it_says() -> None:
    unsent = Try(WAVESPEED, FailureKind.OUTCOME_UNKNOWN, Outcome.NOT_SENT)
    assert following(unsent) == [WAVESPEED, APIFRAME]
    assert following(unsent, unsent, unsent) == [APIFRAME, WAVESPEED]


def test_something_else_in_between_begins_the_count_anew() -> None:
    down = times(2, WAVESPEED, FailureKind.UNAVAILABLE)
    assert following(*down, Try(WAVESPEED, FailureKind.THROTTLED), *down) == [WAVESPEED, APIFRAME]
    assert following(*down, Try(APIFRAME, FailureKind.UNAVAILABLE), *down) == [WAVESPEED, APIFRAME]


def test_the_count_begins_anew_at_the_other_vendor() -> None:
    down = times(3, WAVESPEED, FailureKind.UNAVAILABLE)
    assert following(*down, Try(APIFRAME, FailureKind.UNAVAILABLE)) == [APIFRAME, WAVESPEED]


ELSEWHERE = [
    FailureKind.INPUT_UNREACHABLE,
    FailureKind.OUT_OF_CREDITS,
    FailureKind.UNAUTHORIZED,
    FailureKind.GENERATION_FAILED,
    FailureKind.TIMED_OUT,
]


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.ACCEPTED])
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_final_failure_that_allows_it_moves_the_job_to_the_other_vendor(kind: FailureKind, outcome: Outcome) -> None:
    assert following(Try(WAVESPEED, kind, outcome)) == [APIFRAME]


@pytest.mark.parametrize("kind", [FailureKind.MODERATED, FailureKind.INVALID_INPUT])
@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.ACCEPTED])
def test_what_was_asked_does_not_shop_around_unless_asked_to(kind: FailureKind, outcome: Outcome) -> None:
    assert following(Try(WAVESPEED, kind, outcome)) == []
    assert following(Try(WAVESPEED, kind, outcome), failover="never") == []
    assert following(Try(WAVESPEED, kind, outcome), failover="always") == [APIFRAME]


@pytest.mark.parametrize(
    "kind", [FailureKind.EXPIRED, FailureKind.CORRUPT_VIDEO, FailureKind.CANCELLED, FailureKind.OVER_BUDGET]
)
def test_what_another_vendor_cannot_mend_ends_the_job_also_with_failover_always(kind: FailureKind) -> None:
    assert following(Try(WAVESPEED, kind, Outcome.ACCEPTED), failover="always") == []


@pytest.mark.parametrize("kind", [FailureKind.THROTTLED, FailureKind.UNAVAILABLE])
def test_a_vendor_that_took_it_and_failed_is_not_paid_again(kind: FailureKind) -> None:
    assert following(Try(WAVESPEED, kind, Outcome.ACCEPTED)) == [APIFRAME]


def test_without_failover_the_job_stays_where_it_was_sent() -> None:
    assert following(*times(5, WAVESPEED, FailureKind.UNAVAILABLE), failover="never") == [WAVESPEED]
    assert following(Try(APIFRAME, FailureKind.THROTTLED), failover="never") == [APIFRAME]
    assert following(Try(WAVESPEED, FailureKind.UNAUTHORIZED), failover="never") == []
    assert following(Try(WAVESPEED, FailureKind.THROTTLED), failover="never", patient=False) == []


def test_a_named_vendor_is_never_left() -> None:
    assert following(*times(5, WAVESPEED, FailureKind.UNAVAILABLE), vendor="wavespeed") == [WAVESPEED]
    assert following(Try(WAVESPEED, FailureKind.UNAUTHORIZED), vendor="wavespeed", failover="always") == []


def test_a_spent_vendor_stays_spent() -> None:
    refused = Try(WAVESPEED, FailureKind.UNAUTHORIZED)
    assert following(refused, Try(APIFRAME, FailureKind.THROTTLED)) == [APIFRAME]
    assert following(refused, Try(APIFRAME, FailureKind.GENERATION_FAILED, Outcome.ACCEPTED)) == []


def test_a_new_run_begins_with_all_vendors() -> None:
    ran = replace(job(Try(WAVESPEED, FailureKind.UNAUTHORIZED)), earlier_attempts=1)
    assert [route.vendor for route in next_routes(ran, PRICES)] == [WAVESPEED, APIFRAME]


@pytest.mark.parametrize("outcome", [Outcome.SENDING, Outcome.UNKNOWN])
@pytest.mark.parametrize("earlier_attempts", [0, 1])
def test_nothing_is_sent_anywhere_while_an_attempt_may_bring_a_video(outcome: Outcome, earlier_attempts: int) -> None:
    asked = job(Try(WAVESPEED, FailureKind.UNAVAILABLE, outcome), failover="always")
    assert next_routes(replace(asked, earlier_attempts=earlier_attempts), PRICES) == []


@pytest.mark.parametrize("verdict", [Verdict.RUNNING, Verdict.SUCCEEDED])
def test_nothing_is_sent_anywhere_beside_a_generation(verdict: Verdict) -> None:
    asked = job(Try(WAVESPEED, FailureKind.UNAVAILABLE, Outcome.ACCEPTED), failover="always")
    (taken,) = asked.attempts
    assert taken.generation is not None
    taken = replace(taken, generation=replace(taken.generation, verdict=verdict, failure=None))
    assert next_routes(replace(asked, attempts=(taken,)), PRICES) == []


def test_the_other_vendor_is_sent_what_it_makes_only_where_that_is_allowed() -> None:
    refused = Try(WAVESPEED, FailureKind.OUT_OF_CREDITS)
    assert following(refused, duration=10) == []
    (route,) = next_routes(job(refused, duration=10, allow_substitution=True), PRICES)
    assert (route.vendor, route.request.duration, route.substitutions[0].given) == (APIFRAME, 9, "9 s")


def test_a_square_follows_the_jobs_image() -> None:
    asked = job(aspect_ratio="1:1", vendor="wavespeed", allow_substitution=True)
    tall = Still(address="s3://b/k", width=300, height=400)
    assert next_routes(asked, PRICES)[0].request.aspect_ratio == "16:9"
    assert next_routes(replace(asked, still=tall), PRICES)[0].request.aspect_ratio == "9:16"


def test_prices_that_rose_above_the_requests_ceiling_end_the_job() -> None:
    dear = PriceTable(wavespeed_dollars_5_seconds=Decimal(9), apiframe_dollars_per_credit=Decimal(1))
    with pytest.raises(InvalidRequest, match="max_dollars"):
        next_routes(job(max_dollars="0.30"), dear)
    assert next_routes(job(Try(WAVESPEED, FailureKind.THROTTLED), max_dollars="0.30"), dear) == []


def test_a_job_without_a_request_goes_nowhere() -> None:
    assert next_routes(replace(job(), request=None), PRICES) == []


tries = st.lists(
    st.builds(
        Try,
        st.sampled_from(VendorName),
        st.sampled_from(FailureKind),
        st.sampled_from([Outcome.NOT_SENT, Outcome.REFUSED, Outcome.ACCEPTED]),
    ),
    max_size=6,
)


@given(tries, st.sampled_from(["normal", "always", "never"]), st.sampled_from(["auto", *VendorName]), st.booleans())
def test_whatever_happened_no_vendor_that_was_paid_is_tried_again(
    ran: list[Try],
    failover: str,
    vendor: str,
    patient: bool,  # noqa: FBT001 - drawn
) -> None:
    left = following(*ran, failover=failover, vendor=vendor, patient=patient)
    paid = {tried.vendor for tried in ran if tried.outcome is Outcome.ACCEPTED}
    assert not paid & set(left)
    assert len(set(left)) == len(left)
    if vendor != "auto":
        assert set(left) <= {vendor}
    if ran and failover == "never":
        assert set(left) <= {ran[-1].vendor}
    if not patient:
        assert not {tried.vendor for tried in ran} & set(left)
