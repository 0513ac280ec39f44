"""Which jobs stand in a line, and which slots are still in use."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.governing import needs_slot, stands_in_line, turn
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, attempt_ended, generation_read
from stillmotion.domain.job.lifecycle import failed, lined_up, moved, needs_attention, started, waiting
from stillmotion.domain.job.records import Job, Outcome, Reason, Status, Verdict
from stillmotion.domain.request import Request, VendorName

NOW = datetime(2026, 5, 4, 6, tzinfo=UTC)
HERE, ELSEWHERE = VendorName.WAVESPEED, VendorName.APIFRAME
FAULT = Failure(FailureKind.THROTTLED, "too many")


def in_line() -> Job:
    empty = Job(id="job-1", tenant="t", status=Status.WAITING, created_at=NOW, updated_at=NOW)
    return started(empty, Request(prompt="x"), "16:9", NOW, HERE)


def begun(job: Job, vendor: VendorName = HERE) -> Job:
    return attempt_begun(job, NOW, vendor=vendor, quote=Decimal(0), path="/", body="{}", idempotency_key="k")


def accepted() -> Job:
    return attempt_accepted(begun(in_line()), 1, "g-1", NOW, None)


def refused(vendor: VendorName = HERE) -> Job:
    return attempt_ended(begun(in_line(), vendor), 1, Outcome.REFUSED, FAULT, NOW)


def ended(verdict: Verdict) -> Job:
    job = accepted()
    assert job.generation is not None
    return generation_read(job, replace(job.generation, verdict=verdict, ended_at=NOW), NOW)


@pytest.mark.parametrize(
    ("job", "in_use"),
    [
        (in_line(), True),
        (waiting(in_line(), Reason.SLOT, NOW), True),
        (begun(in_line()), True),
        (attempt_ended(begun(in_line()), 1, Outcome.UNKNOWN, FAULT, NOW), True),
        (needs_attention(begun(in_line()), Reason.OUTCOME_UNKNOWN, FAULT, NOW), True),
        (accepted(), True),
        (refused(), True),
        (None, False),
        (moved(in_line(), Status.CANCELLED, NOW), False),
        (replace(in_line(), cancel_requested_at=NOW), False),
        (waiting(in_line(), Reason.BUDGET, NOW), False),
        (waiting(refused(), Reason.BUDGET, NOW), False),
        (lined_up(in_line(), ELSEWHERE, NOW), False),
        (lined_up(refused(), ELSEWHERE, NOW), False),
        (begun(in_line(), ELSEWHERE), False),
        (refused(ELSEWHERE), False),
        (ended(Verdict.SUCCEEDED), False),
        (ended(Verdict.FAILED), False),
        (failed(refused(), FAULT, NOW), False),
    ],
)
def test_a_slot_is_in_use_while_its_job_may_send_or_has_something_under_way(job: Job | None, in_use: bool) -> None:  # noqa: FBT001 - a case
    assert needs_slot(job, HERE) is in_use


def test_a_job_stands_in_the_line_of_one_vendor() -> None:
    assert stands_in_line(in_line(), HERE)
    assert not stands_in_line(in_line(), ELSEWHERE)
    assert not stands_in_line(begun(in_line()), HERE)
    assert not stands_in_line(replace(in_line(), cancel_requested_at=NOW), HERE)


def test_of_jobs_made_at_once_the_id_decides() -> None:
    assert turn(in_line()) < turn(replace(in_line(), id="job-2"))
