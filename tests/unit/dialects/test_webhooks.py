"""The webhook route: nothing is looked up before the signature is right, and all that is wrong is answered alike."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from tests.world import World

from stillmotion.dialects.native.vendor_webhooks import VendorWebhooks
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import VendorName
from stillmotion.ports.vendor import Accepted, Unanswered

EVENT = Path(__file__).parents[3] / "events" / "webhook-completed.json"
API_KEY = "afk_test"
SECRET = "whsec_test"
HEADERS = {"cache-control": "no-store", "x-request-id": "SXk2fgU7FiAEJbQ="}
REFUSED = {"statusCode": 401, "headers": HEADERS, "body": ""}
TAKEN = {"statusCode": 200, "headers": HEADERS, "body": ""}
LOST = Unanswered(detail="the connection broke", resendable=False)


@pytest.fixture
def world() -> World:
    return World(webhook_base_url="https://api.example")


@pytest.fixture
def webhooks(world: World) -> VendorWebhooks:
    keys: dict[VendorName, tuple[str | None, ...]] = {
        VendorName.APIFRAME: (API_KEY,),
        VendorName.WAVESPEED: (SECRET,),
    }
    return VendorWebhooks(nudge=world.nudge, keys=lambda: keys, clock=world.clock)


@pytest.fixture
def job(world: World) -> Job:
    job = world.dispatching()
    world.workflow.start(job)
    world.wavespeed.submissions = [Accepted(generation_id="task-7")]
    world.dispatch(job.id)
    world.jobs.faults.calls.clear()
    return world.jobs.only()


def event(world: World, job: Job, **changed: str) -> dict[str, Any]:
    """The call that WaveSpeed makes, with the URL changed as told and signed after that."""
    given: dict[str, Any] = json.loads(EVENT.read_text(encoding="utf-8"))
    attempt = job.attempts[-1]
    body, sent_at = '{"id": "task-7"}', str(int(world.clock.now().timestamp()))
    signed = f"delivery-1.{sent_at}.{body}".encode()
    signature = hmac.new(SECRET.removeprefix("whsec_").encode(), signed, hashlib.sha256).hexdigest()
    headers = {"webhook-id": "delivery-1", "webhook-timestamp": sent_at, "webhook-signature": f"v3,{signature}"}
    path = {
        "vendor": "wavespeed",
        "job_id": job.id,
        "attempt": str(attempt.number),
        "token": attempt.webhook_token or "",
        **changed,
    }
    return given | {"headers": headers, "body": body, "pathParameters": path}


def test_a_webhook_with_signature_and_token_is_taken(world: World, webhooks: VendorWebhooks, job: Job) -> None:
    assert webhooks(event(world, job)) == TAKEN
    assert world.parking.counts == {job.id: 1}


def test_a_signature_alone_is_not_enough(world: World, webhooks: VendorWebhooks, job: Job) -> None:
    assert webhooks(event(world, job, token="guess")) == REFUSED
    assert webhooks(event(world, job, job_id="job-2")) == REFUSED


def test_a_token_alone_is_not_enough_and_nothing_is_looked_up(world: World, webhooks: VendorWebhooks, job: Job) -> None:
    forged = event(world, job)
    forged["headers"]["webhook-signature"] = "v3," + "0" * 64
    assert webhooks(forged) == REFUSED
    assert world.jobs.faults.calls == []


def test_a_body_that_was_changed_is_refused(world: World, webhooks: VendorWebhooks, job: Job) -> None:
    assert webhooks(event(world, job) | {"body": '{"id": "task-8"}'}) == REFUSED


def test_a_body_is_verified_as_the_bytes_that_came(world: World, webhooks: VendorWebhooks, job: Job) -> None:
    encoded = event(world, job) | {"body": "eyJpZCI6ICJ0YXNrLTcifQ==", "isBase64Encoded": True}
    assert webhooks(encoded) == TAKEN
    assert webhooks(encoded | {"body": "not base64!"}) == REFUSED


@pytest.mark.parametrize(
    "changed",
    [{"vendor": "other"}, {"vendor": ""}, {"vendor": "apiframe"}, {"attempt": "one"}, {"attempt": ""},
     {"attempt": "-1"}, {"attempt": "1" * 999}, {"attempt": "²"}],
)  # fmt: skip
def test_a_url_that_nobody_was_given_is_refused(
    world: World, webhooks: VendorWebhooks, job: Job, changed: dict[str, str]
) -> None:
    assert webhooks(event(world, job, **changed)) == REFUSED
    assert world.jobs.faults.calls == []


def test_a_stale_webhook_is_refused(world: World, webhooks: VendorWebhooks, job: Job) -> None:
    stale = event(world, job)
    world.clock.advance(301)
    assert webhooks(stale) == REFUSED


def test_a_vendor_that_cannot_be_read_is_asked_to_call_again(world: World, webhooks: VendorWebhooks) -> None:
    job = world.dispatching()
    world.workflow.start(job)
    world.wavespeed.submissions = [LOST]
    world.dispatch(job.id)
    world.wavespeed.readings = [world.wavespeed.unreadable()]
    assert webhooks(event(world, world.jobs.only()))["statusCode"] == 503


def test_what_came_of_it_is_told_to_the_log_only(world: World, job: Job) -> None:
    told: list[str] = []
    webhooks = VendorWebhooks(
        nudge=world.nudge,
        keys=lambda: {VendorName.WAVESPEED: (SECRET,), VendorName.APIFRAME: ()},
        clock=world.clock,
        tell=lambda _address, nudged: told.append(nudged.result),
    )
    assert webhooks(event(world, job))["body"] == ""
    assert told == ["counted"]
