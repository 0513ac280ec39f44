"""Webhooks wake a job at once, go wrong in every way, and change nothing by it; without them it is only later."""

from typing import Any

import httpx
import pytest
from tests.e2e.conftest import LocalStack

VENDORS = ("apiframe", "wavespeed")
Keys = dict[tuple[str, str], str]
NOWHERE = "00000000-0000-4000-8000-000000000000"


# All of them wait at once, as each waits for most of its time.
ORDERS = (
    "told",
    "never told [[fault:webhook_lost]]",
    "told of failure [[fault:generation_failed]]",
    "told twice [[fault:webhook_doubled]]",
    "told too early [[fault:webhook_early]]",
    "told lies [[fault:webhook_forged]]",
    "told later again [[fault:webhook_replayed seconds=5]]",
)


def order(local: LocalStack, prompt: str, vendor: str) -> str:
    """Drops an image to be made a video at this vendor; gives its key."""
    key = f"inbox/webhooks/{abs(hash((prompt, vendor)))}.jpg"
    local.drop(key, metadata={"prompt": prompt, "vendor": vendor})
    return key


@pytest.fixture(scope="module")
def keys(local: LocalStack) -> Keys:
    """Every order at both vendors, made."""
    return {(prompt, vendor): order(local, prompt, vendor) for prompt in ORDERS for vendor in VENDORS}


def generation(local: LocalStack, generation_id: str) -> dict[str, Any]:
    """A generation in the vendors' own ledger, once it has no webhook left to send."""

    def look() -> dict[str, Any] | None:
        ledger = local.http.get(f"{local.description.vendors_url}/_offline/ledger").json()
        found = next(entry for entry in ledger["generations"] if entry["id"] == generation_id)
        return dict(found) if found["webhook_settled"] else None

    found: dict[str, Any] = local.wait_for(look, f"last webhook of {generation_id}")
    return found


def ledger_of(local: LocalStack, job: dict[str, Any]) -> dict[str, Any]:
    return generation(local, job["attempts"][-1]["generation"]["id"])


def answers(entry: dict[str, Any]) -> dict[str, int | None]:
    """What the stack answered to each kind of webhook in the end: vendors repeat what was throttled."""
    return {delivery["kind"]: delivery["status"] for delivery in entry["webhooks"]}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_job_reads_its_vendor_twice_at_most(local: LocalStack, keys: Keys, vendor: str) -> None:
    job = local.upload_ended(keys["told", vendor])
    entry = ledger_of(local, job)
    assert job["status"] == "completed"
    assert entry["status_reads"] <= 2
    assert answers(entry) == {"genuine": 200}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_job_none_of_whose_webhooks_comes_is_finished_by_the_slow_poll(
    local: LocalStack, keys: Keys, vendor: str
) -> None:
    job = local.upload_ended(keys["never told [[fault:webhook_lost]]", vendor])
    entry = ledger_of(local, job)
    assert job["status"] == "completed"
    assert answers(entry) == {}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_failure_is_told_too(local: LocalStack, keys: Keys, vendor: str) -> None:
    job = local.upload_ended(keys["told of failure [[fault:generation_failed]]", vendor])
    assert job["status"] == "failed"
    assert ledger_of(local, job)["status_reads"] <= 2


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_webhook_that_comes_twice_does_once(local: LocalStack, keys: Keys, vendor: str) -> None:
    job = local.upload_ended(keys["told twice [[fault:webhook_doubled]]", vendor])
    entry = ledger_of(local, job)
    assert job["status"] == "completed"
    assert entry["status_reads"] <= 2
    assert answers(entry) == {"genuine": 200, "doubled": 200}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_webhook_that_comes_too_early_is_not_believed(local: LocalStack, keys: Keys, vendor: str) -> None:
    job = local.upload_ended(keys["told too early [[fault:webhook_early]]", vendor])
    entry = ledger_of(local, job)
    assert job["status"] == "completed"
    assert len(job["attempts"]) == 1
    assert answers(entry) == {"early": 200, "genuine": 200}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_forged_webhook_is_refused_and_the_genuine_one_taken(local: LocalStack, keys: Keys, vendor: str) -> None:
    job = local.upload_ended(keys["told lies [[fault:webhook_forged]]", vendor])
    entry = ledger_of(local, job)
    assert job["status"] == "completed"
    assert answers(entry) == {"forged": 401, "genuine": 200}


def test_a_stale_webhook_is_refused(local: LocalStack) -> None:
    job = local.upload_ended(order(local, "told again [[fault:webhook_replayed age=400 seconds=1]]", "wavespeed"))
    assert job["status"] == "completed"
    assert answers(ledger_of(local, job)) == {"genuine": 200, "replayed": 401}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_replayed_webhook_of_a_finished_job_does_nothing(local: LocalStack, keys: Keys, vendor: str) -> None:
    job = local.upload_ended(keys["told later again [[fault:webhook_replayed seconds=5]]", vendor])
    entry = ledger_of(local, job)
    assert answers(entry) == {"genuine": 200, "replayed": 200}
    assert entry["status_reads"] <= 2
    assert local.job(job["id"])["history"] == job["history"]


def test_a_lost_answer_at_wavespeed_is_settled_by_the_webhook(local: LocalStack) -> None:
    prompt = "lost and told [[fault:drop_after_accept]]"
    key = "inbox/webhooks/lost-and-told.jpg"
    local.drop(key, metadata={"prompt": prompt, "vendor": "wavespeed"})
    job: dict[str, Any] = local.wait_for(
        lambda: next((job for job in local.jobs_of(key) if job["status"] == "completed"), None), "video after all"
    )
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["accepted"]
    assert len(local.posts(prompt)) == 1


def test_a_stranger_learns_nothing(local: LocalStack) -> None:
    job = local.upload_ended(order(local, "nobody's business", "wavespeed"))
    told = {
        (answer.status_code, answer.content)
        for job_id in (job["id"], NOWHERE)
        for vendor in (*VENDORS, "other")
        for headers in ({}, {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v3,00"})
        if (answer := _call(local, vendor, job_id, headers)) or answer.is_error
    }
    assert told == {(401, b"")}


def _call(local: LocalStack, vendor: str, job_id: str, headers: dict[str, str]) -> httpx.Response:
    url = f"{local.description.api_url}/v1/webhooks/{vendor}/{job_id}/1/guess"
    return local.http.post(url, headers=headers, json={"id": "generation-1", "status": "completed"})
