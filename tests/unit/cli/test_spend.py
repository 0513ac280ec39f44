"""`stillmotion spend`."""

import json
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.unit.cli.stage import Stage

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, generation_read
from stillmotion.domain.job.records import Job, Verdict
from stillmotion.domain.request import VendorName


def begin(stage: Stage, job_id: str, tenant: str, vendor: VendorName, quote: str) -> Job:
    """A job of that tenant whose attempt is under way."""
    ready = replace(stage.world.dispatching(), id=job_id, tenant=tenant)
    now = stage.world.clock.now()
    begun = attempt_begun(
        stage.world.jobs.put(ready), now, vendor=vendor, quote=Decimal(quote), path="/", body="", idempotency_key="k"
    )
    return stage.world.jobs.save(begun)


def fail(stage: Stage, job: Job, charged: str) -> None:
    """The vendor made nothing of it, and billed it."""
    now = stage.world.clock.now()
    running = stage.world.jobs.save(attempt_accepted(job, 1, f"generation-of-{job.id}", now, None))
    assert running.generation is not None
    failure = Failure(FailureKind.GENERATION_FAILED, "broke")
    broken = replace(running.generation, verdict=Verdict.FAILED, charged=Decimal(charged), failure=failure)
    stage.world.jobs.save(generation_read(running, broken, now))


@pytest.fixture
def spent(stage: Stage) -> Stage:
    """Two days: on the first one failure that was billed, on the second two tenants at work."""
    fail(stage, begin(stage, "job-a", "default", VendorName.APIFRAME, "0.51"), "0.4625")
    stage.world.clock.advance(24 * 3600)
    begin(stage, "job-b", "default", VendorName.WAVESPEED, "0.20")
    begin(stage, "job-c", "bob", VendorName.WAVESPEED, "0.40")
    return stage


def rows(printed: str) -> list[list[str]]:
    return [line.split() for line in printed.splitlines()]


def test_days_vendors_and_totals_are_shown(spent: Stage) -> None:
    assert rows(spent.run("spend").stdout) == [
        ["Day", "Tenant", "Vendor", "Reserved", "Charged", "Wasted"],
        ["2026-05-05", "default", "wavespeed", "$0.20", "$0.00", "$0.00"],
        ["2026-05-04", "default", "apiframe", "$0.00", "$0.4625", "$0.4625"],
        ["Total", "$0.20", "$0.4625", "$0.4625"],
    ]


def test_all_tenants_are_shown_to_the_stacks_owner(spent: Stage) -> None:
    assert rows(spent.run("spend", "--all").stdout)[1:] == [
        ["2026-05-05", "bob", "wavespeed", "$0.40", "$0.00", "$0.00"],
        ["2026-05-05", "default", "wavespeed", "$0.20", "$0.00", "$0.00"],
        ["2026-05-04", "default", "apiframe", "$0.00", "$0.4625", "$0.4625"],
        ["Total", "$0.60", "$0.4625", "$0.4625"],
    ]


def test_only_so_many_days_are_shown(spent: Stage) -> None:
    assert "2026-05-04" not in spent.run("spend", "--days", "1").stdout


def test_what_is_left_of_a_budget_can_be_seen(spent: Stage) -> None:
    assert "Of today's budget of $5.00, $0.20 is taken." in spent.run("spend").stderr
    assert "Of today's budget of $20.00, $0.60 is taken by all tenants." in spent.run("spend", "--all").stderr


def test_with_json_the_days_are_printed_as_they_came(spent: Stage) -> None:
    told = json.loads(spent.run("spend", "--json").stdout)

    assert [(day["day"], day["committed"]) for day in told["days"]] == [
        ("2026-05-05", "0.20"),
        ("2026-05-04", "0.4625"),
    ]


def test_no_spending_is_no_failure(stage: Stage) -> None:
    ended = stage.run("spend", "--days", "30")

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "Nothing was spent in 30 days." in ended.stderr


@pytest.mark.parametrize("days", ["0", "93", "week"])
def test_days_outside_of_the_range_are_refused_before_any_call(stage: Stage, days: str) -> None:
    assert stage.run("spend", "--days", days).exit_code == 2
    assert stage.sent == []
