"""What cannot be processed ends in its own error or failed record, and no vendor hears of it."""

import json

import pytest
from tests.e2e.conftest import LocalStack
from tests.stills import image

GOOD = {"prompt": "never sent"}


@pytest.mark.parametrize(
    ("name", "body", "metadata", "told"),
    [
        ("text", b"not an image at all, whatever its name says", GOOD, "must be a JPEG, PNG or WebP"),
        ("empty", b"", GOOD, "must not be empty"),
        ("large", image() + bytes(20 * 1024 * 1024), GOOD, "must be at most 20971520 bytes"),
        ("tiny", image("PNG", 32, 32), GOOD, "must be 64 to 16384 pixels"),
        ("nobody", image(), {**GOOD, "duration": "10", "concepts": "pov"}, "concepts"),
        ("duration", image(), {**GOOD, "duration": "7"}, "duration: must be one of 5, 9, 10"),
    ],
)
def test_a_bad_upload_is_a_failed_record(
    local: LocalStack, name: str, body: bytes, metadata: dict[str, str], told: str
) -> None:
    key = f"inbox/bad/{name}.jpg"
    local.drop(key, body, metadata)
    job = local.upload_ended(key)
    assert (job["status"], job["failure"]["kind"]) == ("failed", "invalid_input")
    assert told in job["failure"]["message"]
    assert job["failure"]["advice"]
    assert local.posts("never sent") == []


def test_a_broken_sidecar_is_a_failed_record(local: LocalStack) -> None:
    local.drop("inbox/bad/sidecar.json", b'{"prompt": ')
    local.drop("inbox/bad/sidecar.jpg", image("JPEG", 333, 222))
    job = local.upload_ended("inbox/bad/sidecar.jpg")
    assert "sidecar.json: must be JSON" in job["failure"]["message"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "prompt"),
        ({"prompt": "never sent", "duration": 6}, "duration"),
        ({"prompt": "never sent", "image": "http://plain.example/a.jpg"}, "image"),
        ({"prompt": "never sent", "vendor": "wavespeed"}, "image"),
        ({"prompt": "never sent", "colour": "red"}, "colour"),
        ({"prompt": "never sent", "duration": 10, "loop": True}, "duration"),
    ],
)
def test_a_bad_call_is_told_the_field_and_the_rule(local: LocalStack, fields: dict[str, object], field: str) -> None:
    answer = local.api("POST", "/v1/videos", content=json.dumps(fields))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert answer.json()["error"]["message"]
    assert local.posts("never sent") == []


def test_no_key_is_told_no_more_than_a_wrong_one(local: LocalStack) -> None:
    wrong = local.api("POST", "/v1/videos", json=GOOD, key="sm_wrong")
    none = local.http.post(f"{local.description.api_url}/v1/videos", json=GOOD)
    assert wrong.status_code == none.status_code == 401
    assert wrong.json() == none.json()
