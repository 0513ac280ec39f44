"""What a consumer on the stack's own event bus is told: a queue behind a rule, as a user would put it there."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from tests.e2e.conftest import LocalStack

from stillmotion_local import deployment

QUEUE = "announcements"
# Not for this stack's clock, only against an event that never comes.
LONG_POLL_SECONDS = 2

Told = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def told(local: LocalStack) -> Told:
    """Gives the first event that reached the queue about a job."""
    sqs, events = local.aws.sqs, local.aws.events
    queue = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = deployment.outputs(local.aws)["EventBusName"]
    events.put_rule(Name=QUEUE, EventBusName=bus, EventPattern=json.dumps({"source": ["stillmotion"]}))
    events.put_targets(Rule=QUEUE, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    received: dict[str, dict[str, Any]] = {}

    def look(job_id: str) -> dict[str, Any] | None:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=LONG_POLL_SECONDS)
        for message in answer.get("Messages", []):
            event = json.loads(message["Body"])
            received.setdefault(event["detail"]["job_id"], event)
        return received.get(job_id)

    def wait(job_id: str) -> dict[str, Any]:
        event: dict[str, Any] = local.wait_for(lambda: look(job_id), f"event about {job_id}")
        return event

    return wait


def test_a_completed_video_is_told_with_its_place(local: LocalStack, told: Told) -> None:
    fields = {"prompt": "tell me when it is done", "metadata": {"order": "81"}}
    job_id = local.api("POST", "/v1/videos", json=fields).json()["id"]
    event = told(job_id)
    assert (event["source"], event["detail-type"]) == ("stillmotion", "Video Completed")
    detail, job = event["detail"], local.job(job_id)
    assert (detail["tenant"], detail["status"], detail["metadata"]) == ("default", "completed", {"order": "81"})
    assert (detail["vendor"], detail["generation_id"]) == (job["attempts"][0]["vendor"], job["generation_id"])
    place = ("bucket", "key", "bytes", "sha256", "width", "height", "duration_milliseconds")
    assert detail["video"] == {name: job["video"][name] for name in place}
    assert len(local.stored(detail)) == detail["video"]["bytes"]
    assert datetime.fromisoformat(detail["completed_at"]) == datetime.fromisoformat(job["ended_at"])
    assert detail["event_id"]


def test_a_failed_video_is_told_with_what_to_do(local: LocalStack, told: Told) -> None:
    job_id = local.api("POST", "/v1/videos", json={"prompt": "no money [[fault:out_of_credits]]"}).json()["id"]
    event = told(job_id)
    assert event["detail-type"] == "Video Failed"
    detail = event["detail"]
    assert (detail["tenant"], detail["status"], detail["generation_id"]) == ("default", "failed", None)
    assert detail["failure"] == local.job(job_id)["failure"]
    assert (detail["failure"]["kind"], bool(detail["failure"]["advice"])) == ("out_of_credits", True)
    assert detail["event_id"]
    assert "video" not in detail


def test_an_upload_that_is_no_image_is_told_too(local: LocalStack, told: Told) -> None:
    local.drop("inbox/announced/notes.jpg", b"not an image", {"prompt": "never sent"})
    detail = told(local.upload_ended("inbox/announced/notes.jpg")["id"])["detail"]
    assert (detail["status"], detail["vendor"], detail["failure"]["kind"]) == ("failed", None, "invalid_input")


def test_a_video_that_needs_a_person_is_told_with_the_reason(local: LocalStack, told: Told) -> None:
    prompt = "nobody knows [[fault:drop_after_accept]] [[fault:webhook_lost]]"
    local.drop("inbox/announced/lost.jpg", metadata={"prompt": prompt, "vendor": "wavespeed"})
    event = told(local.upload_ended("inbox/announced/lost.jpg")["id"])
    assert event["detail-type"] == "Video Needs Attention"
    assert (event["detail"]["status"], event["detail"]["reason"]) == ("needs_attention", "outcome_unknown")


def test_a_stack_that_was_stopped_and_started_again_goes_on_telling(local: LocalStack, told: Told) -> None:
    told(local.api("POST", "/v1/videos", json={"prompt": "before the stop"}).json()["id"])
    local.restart()
    event = told(local.api("POST", "/v1/videos", json={"prompt": "after the stop"}).json()["id"])
    assert event["detail-type"] == "Video Completed"
