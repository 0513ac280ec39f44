"""What a person does to a job, on the real stack: nothing is paid twice by it, and nothing that is paid for is lost."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import LocalStack

from stillmotion_local import deployment

# After a POST to WaveSpeed, nobody is told that it was never sent before the function's time-out and a margin.
NEVER_SENT_AFTER_SECONDS = 120


def dropped(local: LocalStack, prompt: str, vendor: str = "wavespeed") -> str:
    """Drops an image to be made a video; gives its key."""
    key = f"inbox/interventions/{abs(hash(prompt))}.jpg"
    local.drop(key, metadata={"prompt": prompt, "vendor": vendor})
    return key


def taken(local: LocalStack, key: str, status: str) -> dict[str, Any]:
    """The job of an upload, once it has this status."""
    job: dict[str, Any] = local.wait_for(
        lambda: next((job for job in local.jobs_of(key) if job["status"] == status), None), f"{key} {status}"
    )
    return job


def said(local: LocalStack, job: dict[str, Any], step: str, **body: object) -> dict[str, Any]:
    """The record after a step that is allowed."""
    answer = local.api("POST", f"/v1/videos/{job['id']}/{step}", json=body)
    assert answer.status_code == httpx.codes.OK, answer.text
    record: dict[str, Any] = answer.json()["job"]
    return record


def generations(local: LocalStack, prompt: str) -> list[str]:
    """What the vendors made of a prompt, by their own ledger."""
    return [post["generation_id"] for post in local.posts(prompt) if post.get("generation_id")]


def outcomes(job: dict[str, Any]) -> list[str]:
    return [attempt["outcome"] for attempt in job["attempts"]]


def test_a_job_that_waits_is_cancelled_and_never_sent(local: LocalStack) -> None:
    key = "inbox/interventions/no-prompt.jpg"
    local.drop(key)
    job = taken(local, key, "waiting")
    assert said(local, job, "cancel")["status"] == "cancelled"
    local.drop("inbox/interventions/no-prompt.jpg.json", json.dumps({"prompt": "too late for this"}).encode())
    assert local.ended(job["id"])["status"] == "cancelled"
    assert local.posts("too late for this") == []


def test_a_job_that_is_throttled_is_cancelled_at_once_and_its_execution_ends(local: LocalStack) -> None:
    prompt = "throttled for long [[fault:throttle retry_after=5 times=forever]]"
    job = taken(local, dropped(local, prompt), "dispatching")
    local.wait_for(lambda: outcomes(local.job(job["id"])) == ["refused"], "refusal")
    assert said(local, job, "cancel")["status"] == "cancelled"
    execution = local.description.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{job['id']}-1"
    local.wait_for(
        lambda: local.aws.stepfunctions.describe_execution(executionArn=execution)["status"] == "SUCCEEDED", "end of it"
    )
    assert generations(local, prompt) == []


def test_a_job_that_was_sent_is_taken_in_and_marked(local: LocalStack) -> None:
    prompt = "not wanted any more [[fault:slow seconds=4]]"
    job = taken(local, dropped(local, prompt), "generating")
    assert said(local, job, "cancel")["cancel_requested_at"]
    ended = local.ended(job["id"])
    assert (ended["status"], len(generations(local, prompt))) == ("completed", 1)
    assert ended["cancel_requested_at"]


def test_a_job_whose_generation_fails_after_it_was_cancelled_ends_cancelled(local: LocalStack) -> None:
    prompt = "nor this [[fault:slow seconds=4]] [[fault:generation_failed]]"
    job = taken(local, dropped(local, prompt), "generating")
    said(local, job, "cancel")
    assert local.ended(job["id"])["status"] == "cancelled"
    assert len(local.posts(prompt)) == 1


def test_a_failed_job_is_retried_at_the_price_that_was_told(local: LocalStack) -> None:
    prompt = "second try [[fault:out_of_credits times=1]]"
    job = taken(local, dropped(local, prompt), "failed")
    told = local.api("POST", f"/v1/videos/{job['id']}/retry", json={"dry_run": True}).json()
    for _ in range(2):
        again = said(local, job, "retry", run=told["run"], expect_dollars=told["price_dollars"])
        assert again["run"] == 2
    assert local.ended(job["id"])["status"] == "completed"
    assert len(generations(local, prompt)) == 1


def test_a_deleted_video_is_taken_in_again_and_not_generated_again(local: LocalStack) -> None:
    prompt = "deleted by mistake"
    job = taken(local, dropped(local, prompt), "completed")
    refused = local.api("POST", f"/v1/videos/{job['id']}/redrive")
    assert (refused.status_code, "is there" in refused.json()["detail"]) == (409, True)
    local.aws.s3.delete_object(Bucket=job["video"]["bucket"], Key=job["video"]["key"])
    said(local, job, "redrive", run=1)
    again = local.ended(job["id"])
    assert (again["status"], again["run"], again["video"]["sha256"]) == ("completed", 2, job["video"]["sha256"])
    assert len(local.stored(again)) == job["video"]["bytes"]
    assert len(local.posts(prompt)) == 1


@pytest.fixture(scope="module")
def lost(local: LocalStack) -> dict[str, dict[str, Any]]:
    """Jobs whose POST was taken and never answered, by how they are to be resolved."""
    marks = "[[fault:drop_after_accept times=1]] [[fault:webhook_lost times=1]]"
    keys = {name: dropped(local, f"lost, to be {name} {marks}") for name in ("adopted", "abandoned", "not sent")}
    return {name: taken(local, key, "needs_attention") for name, key in keys.items()}


def test_a_generation_that_a_person_found_is_adopted(local: LocalStack, lost: dict[str, dict[str, Any]]) -> None:
    job = lost["adopted"]
    (made,) = generations(local, job["request"]["prompt"])
    unknown = local.api("POST", f"/v1/videos/{job['id']}/resolve", json={"action": "adopt", "generation": "nowhere"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (409, "generation_not_shown")
    said(local, job, "resolve", action="adopt", generation=made, run=1)
    ended = local.ended(job["id"])
    assert (ended["status"], ended["generation_id"], outcomes(ended)) == ("completed", made, ["accepted"])
    assert len(local.posts(job["request"]["prompt"])) == 1


def test_a_generation_is_adopted_once(local: LocalStack, lost: dict[str, dict[str, Any]]) -> None:
    job, other = lost["abandoned"], taken(local, dropped(local, "has its own"), "completed")
    body = {"action": "adopt", "generation": other["generation_id"]}
    refused = local.api("POST", f"/v1/videos/{job['id']}/resolve", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_adopted")
    assert other["id"] not in refused.text


def test_an_abandoned_job_fails_and_is_not_retried(local: LocalStack, lost: dict[str, dict[str, Any]]) -> None:
    job = lost["abandoned"]
    ended = said(local, job, "resolve", action="abandon", run=1)
    assert (ended["status"], ended["failure"]["kind"], outcomes(ended)) == ("failed", "outcome_unknown", ["unknown"])
    assert local.api("POST", f"/v1/videos/{job['id']}/retry", json={}).status_code == httpx.codes.CONFLICT
    assert len(local.posts(job["request"]["prompt"])) == 1


def test_a_job_that_was_never_sent_goes_on_when_nobody_can_be_sending_it(
    local: LocalStack, lost: dict[str, dict[str, Any]]
) -> None:
    job = lost["not sent"]
    body = {"action": "not_sent", "run": 1}
    soon = local.api("POST", f"/v1/videos/{job['id']}/resolve", json=body)
    assert (soon.status_code, soon.json()["error"]["code"]) == (409, "too_soon")
    assert 0 < int(soon.headers["retry-after"]) <= NEVER_SENT_AFTER_SECONDS
    age_of_attempt(local, job["id"], NEVER_SENT_AFTER_SECONDS + 1)
    said(local, job, "resolve", **body)
    ended = local.ended(job["id"])
    assert (ended["status"], outcomes(ended)) == ("completed", ["not_sent", "accepted"])


def age_of_attempt(local: LocalStack, job_id: str, seconds: int) -> None:
    """Puts the POST of a job's attempt further into the past: two minutes are long to wait."""
    sent_at = datetime.now(UTC) - timedelta(seconds=seconds)
    local.aws.dynamodb.update_item(
        TableName=local.description.jobs_table,
        Key={"pk": {"S": f"job#{job_id}"}},
        UpdateExpression="SET attempts[0].sent_at = :then",
        ExpressionAttributeValues={":then": {"S": sent_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}},
    )


# --- dead letters


def put_dead(local: LocalStack, queue: str, body: object) -> str:
    """Puts a message into a queue of dead letters, by its output's name; gives its id."""
    url = deployment.outputs(local.aws)[queue]
    return local.aws.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))["MessageId"]


def letters(local: LocalStack) -> dict[str, dict[str, Any]]:
    """Dead letters by id."""
    return {letter["id"]: letter for letter in local.api("GET", "/v1/dead-letters").json()["data"]}


def replayed(local: LocalStack, queue: str, letter: str) -> dict[str, Any]:
    answer = local.api("POST", "/v1/dead-letters/replay", json={"queue": queue, "ids": [letter]})
    assert answer.status_code == httpx.codes.OK, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_an_upload_that_became_no_job_is_listed_and_replayed(local: LocalStack) -> None:
    key = "inbox/interventions/unheard of.jpg"
    rule = local.aws.cloudformation.describe_stack_resource(
        StackName=deployment.STACK_NAME, LogicalResourceId="InboxUploads"
    )["StackResourceDetail"]["PhysicalResourceId"]
    local.aws.events.disable_rule(Name=rule)
    version = local.drop(key, metadata={"prompt": "heard of at last"})
    local.aws.events.enable_rule(Name=rule)
    created = {"bucket": {"name": local.description.input_bucket}, "object": {"key": key, "version-id": version}}
    letter = put_dead(local, "InboxDeadLettersUrl", {"detail-type": "Object Created", "detail": created})
    assert letters(local)[letter]["subject"] == key
    assert local.jobs_of(key) == []
    assert replayed(local, "inbox", letter)["replayed"] == [letter]
    assert local.upload_ended(key)["status"] == "completed"
    assert letter not in letters(local)


def test_an_announcement_that_did_not_reach_the_bus_is_listed_and_replayed(local: LocalStack) -> None:
    job = taken(local, dropped(local, "told twice"), "completed")
    at = datetime.fromisoformat(job["ended_at"]).strftime("%Y-%m-%dT%H:%M:%SZ")
    batch = {"approximateArrivalOfFirstRecord": at, "approximateArrivalOfLastRecord": at, "batchSize": 1}
    failed = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": batch}
    letter = put_dead(local, "AnnouncementDeadLettersUrl", failed)
    assert "RetryAttemptsExhausted" in letters(local)[letter]["reason"]
    told = replayed(local, "announcements", letter)
    assert (told["replayed"], told["events"] >= 1) == ([letter], True)
    assert letter not in letters(local)
