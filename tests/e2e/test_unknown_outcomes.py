"""Answers of WaveSpeed that were lost, webhooks and all: its history settles them where it can be no other's."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.e2e.conftest import LocalStack

from stillmotion_local.parameters import LOCAL_WAITS

LOST = "[[fault:drop_after_accept]] [[fault:webhook_lost]]"
# How long a sender may live, and the margin of the clocks on both sides.
WINDOW = timedelta(seconds=60 + 2 * int(LOCAL_WAITS["ReconcileMarginSeconds"]))


def order(local: LocalStack, key: str, prompt: str) -> dict[str, Any]:
    """The record of a job at WaveSpeed, once nobody knows what became of it."""
    local.drop(key, metadata={"prompt": prompt, "vendor": "wavespeed"})
    job = local.upload_ended(key)
    assert (job["status"], job["reason"]) == ("needs_attention", "outcome_unknown")
    return job


def made(local: LocalStack, prompt: str) -> str:
    """The generation that the vendor made of a prompt, by its own books."""
    ledger = local.http.get(f"{local.description.vendors_url}/_offline/ledger", params={"prompt": prompt}).json()
    (generation,) = ledger["generations"]
    return str(generation["id"])


def candidates(local: LocalStack, job: dict[str, Any]) -> set[str]:
    return {candidate["generation_id"] for candidate in local.job(job["id"])["attempts"][-1]["candidates"]}


@pytest.fixture
def alone(local: LocalStack) -> None:
    """No other attempt, of another test, is in doubt at this time."""
    table = local.description.jobs_table
    for page in local.aws.dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression="pk"):
        for item in page["Items"]:
            if item["pk"]["S"].startswith("doubt#"):
                local.aws.dynamodb.delete_item(TableName=table, Key=item)
    listed = local.api("GET", "/v1/videos?limit=100").json()["data"]
    attempts = [attempt for video in listed for attempt in video["job"]["attempts"]]
    sent = [attempt["sent_at"] for attempt in attempts if attempt["outcome"] in ("sending", "unknown")]
    over_at = datetime.fromisoformat(max(sent)) + WINDOW if sent else datetime.now(UTC)
    time.sleep(max(0.0, (over_at - datetime.now(UTC)).total_seconds() + 1))


@pytest.mark.usefixtures("alone")
def test_an_answer_that_was_lost_is_found_in_the_history_and_paid_once(local: LocalStack) -> None:
    prompt = f"lost for good {LOST}"
    job = order(local, "inbox/unknown/alone.jpg", prompt)

    def is_adopted() -> bool:
        # What is adopted may be another test's, which was in doubt until now.
        local.invoke("sweep", {})
        return bool(local.job(job["id"])["run"] > 1)

    local.wait_for(is_adopted, "adoption")
    job = local.ended(job["id"])
    assert (job["status"], job["run"], job["generation_id"]) == ("completed", 2, made(local, prompt))
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["accepted"]
    assert len(local.posts(prompt)) == 1


def test_two_answers_that_were_lost_at_once_are_shown_to_a_person(local: LocalStack) -> None:
    prompts = [f"lost with another {number} {LOST}" for number in range(2)]
    jobs = [order(local, f"inbox/unknown/{number}.jpg", prompt) for number, prompt in enumerate(prompts)]
    generations = {made(local, prompt) for prompt in prompts}

    def are_shown() -> bool:
        local.invoke("sweep", {})
        return all(generations <= candidates(local, job) for job in jobs)

    local.wait_for(are_shown, "candidates")
    for job, prompt in zip(jobs, prompts, strict=True):
        assert local.job(job["id"])["status"] == "needs_attention"
        assert len(local.posts(prompt)) == 1
