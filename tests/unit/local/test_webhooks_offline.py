"""Webhooks carry signatures that anyone can check, and go wrong on demand."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

HOOK = "https://receiver.example/hook?job=1"
SECRET = b"offline_wavespeed_webhook_secret"


def wavespeed_is_genuine(request: httpx.Request) -> bool:
    signed = b".".join(
        [request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.content]
    )
    return request.headers["webhook-signature"] == "v3," + hmac.digest(SECRET, signed, "sha256").hex()


def apiframe_is_genuine(request: httpx.Request, key: bytes | None = None) -> bool:
    key = key or hashlib.sha256(b"afk_offline").digest()
    return request.headers["x-webhook-signature"] == "sha256=" + hmac.digest(key, request.content, "sha256").hex()


def told(vendors: Any, prompt: str = "a fox") -> list[httpx.Request]:
    prediction_id = vendors.wavespeed(prompt, webhook=HOOK).json()["data"]["id"]
    vendors.settled(prediction_id)
    return list(vendors.outside.hooks)


def test_wavespeed_webhook_is_signed_with_the_secret_that_the_api_tells(vendors: Any) -> None:
    answer = vendors.http.get("/api/v3/webhook/secret", headers={"Authorization": "Bearer ws_offline"})
    assert answer.json()["data"]["secret"] == f"whsec_{SECRET.decode()}"
    (hook,) = told(vendors)
    assert str(hook.url) == HOOK
    assert wavespeed_is_genuine(hook)
    assert abs(int(hook.headers["webhook-timestamp"]) - vendors.clock()) < 2
    body = json.loads(hook.content)
    assert (body["status"], body["input"]["prompt"], len(body["outputs"])) == ("completed", "a fox", 1)


def test_apiframe_webhook_is_signed_with_the_digest_of_the_key(vendors: Any) -> None:
    job_id = vendors.apiframe(webhookUrl=HOOK).json()["jobId"]
    vendors.settled(job_id)
    (hook,) = vendors.outside.hooks
    assert apiframe_is_genuine(hook)
    assert hook.headers["x-webhook-event"] == "completed"
    body = json.loads(hook.content)
    assert (body["jobId"], body["status"]) == (job_id, "COMPLETED")
    assert vendors.read(job_id).json()["webhookStatus"] == "delivered"


def test_apiframe_webhook_can_be_signed_by_the_other_reading(start: Callable[..., Any]) -> None:
    vendors = start(apiframe_webhook_key="hex_digest")
    vendors.settled(vendors.apiframe(webhookUrl=HOOK).json()["jobId"])
    (hook,) = vendors.outside.hooks
    assert apiframe_is_genuine(hook, hashlib.sha256(b"afk_offline").hexdigest().encode())


def test_apiframe_tells_only_the_events_that_were_asked_for(vendors: Any) -> None:
    asked = {"webhookUrl": HOOK, "webhookEvents": ["progress", "failed"]}
    vendors.settled(vendors.apiframe(**asked).json()["jobId"])
    vendors.settled(vendors.apiframe("[[fault:generation_failed]]", **asked).json()["jobId"])
    events = [hook.headers["x-webhook-event"] for hook in vendors.outside.hooks]
    assert events == ["progress", "progress", "failed"]


def test_a_webhook_that_is_not_taken_is_sent_again_under_the_same_id(vendors: Any) -> None:
    vendors.outside.refuse_hooks = 2
    hooks = told(vendors)
    assert len(hooks) == 3
    assert len({hook.headers["webhook-id"] for hook in hooks}) == 1
    assert all(wavespeed_is_genuine(hook) for hook in hooks)


def test_a_webhook_that_is_never_taken_is_given_up(vendors: Any) -> None:
    vendors.outside.refuse_hooks = 99
    job_id = vendors.apiframe(webhookUrl=HOOK).json()["jobId"]
    vendors.settled(job_id)
    assert len(vendors.outside.hooks) == 3
    assert vendors.read(job_id).json()["webhookStatus"] == "failed"


def test_a_lost_webhook_is_not_sent(vendors: Any) -> None:
    assert told(vendors, "[[fault:webhook_lost]]") == []
    assert vendors.ledger()["faults"] == {"webhook_lost": 1}


def test_a_doubled_webhook_is_the_same_message_twice(vendors: Any) -> None:
    (first, second) = told(vendors, "[[fault:webhook_doubled]]")
    assert (first.content, first.headers["webhook-id"]) == (second.content, second.headers["webhook-id"])


def test_a_replayed_webhook_is_the_same_message_later(vendors: Any) -> None:
    (first, second) = told(vendors, "[[fault:webhook_replayed seconds=0]]")
    assert (first.content, first.headers["webhook-signature"]) == (
        second.content,
        second.headers["webhook-signature"],
    )


def test_a_stale_webhook_is_rightly_signed_but_old(vendors: Any) -> None:
    (_, stale) = told(vendors, "[[fault:webhook_replayed seconds=0 age=400]]")
    assert wavespeed_is_genuine(stale)
    assert vendors.clock() - int(stale.headers["webhook-timestamp"]) > 399


def test_an_early_webhook_comes_before_the_answer_to_the_post(vendors: Any) -> None:
    answer = vendors.wavespeed("[[fault:webhook_early]] [[fault:stuck]]", webhook=HOOK)
    assert answer.json()["data"]["status"] in {"created", "processing"}
    (hook,) = vendors.outside.hooks
    assert wavespeed_is_genuine(hook)
    assert json.loads(hook.content)["status"] == "completed"


def test_a_forged_webhook_has_a_wrong_signature_and_a_video_from_elsewhere(vendors: Any) -> None:
    (forged, genuine) = told(vendors, "[[fault:webhook_forged]]")
    assert not wavespeed_is_genuine(forged)
    assert "forged.example" in json.loads(forged.content)["outputs"][0]
    assert wavespeed_is_genuine(genuine)


@pytest.mark.parametrize("url", ["nonsense", "ftp://receiver.example"])
def test_a_webhook_url_must_be_one(vendors: Any, url: str) -> None:
    assert vendors.wavespeed(webhook=url).status_code == 400
