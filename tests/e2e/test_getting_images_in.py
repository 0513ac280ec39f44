"""Every way that an image comes in by, on the local stack; and what is not let in."""

import hashlib
from base64 import b64encode
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import LocalStack
from tests.stills import image

from stillmotion_local.vendor_access import OFFLINE_KEYS


def made(local: LocalStack, prompt: str, address: str, **headers: str) -> dict[str, Any]:
    """The record of a call that names an image."""
    answer = local.api("POST", "/v1/videos", json={"prompt": prompt, "image": address}, headers=headers)
    assert answer.status_code == httpx.codes.OK, answer.text
    record: dict[str, Any] = answer.json()["job"]
    return record


def served(local: LocalStack, picture: bytes) -> str:
    """An address beside the stack that serves the picture."""
    answer = local.http.post(
        f"{local.description.vendors_url}/v2/uploads",
        headers={"X-API-Key": OFFLINE_KEYS["APIFRAME"]},
        files={"file": ("picture.png", picture, "image/png")},
    )
    body = answer.json()
    address: str = next(value for value in body.values() if str(value).startswith("http"))
    return address


def check_kept(local: LocalStack, job: dict[str, Any], picture: bytes, suffix: str) -> None:
    key = f"uploads/default/{hashlib.sha256(picture).hexdigest()}{suffix}"
    assert job["still"]["key"] == key
    stored = local.aws.s3.get_object(
        Bucket=local.description.input_bucket, Key=key, VersionId=job["still"]["version_id"]
    )
    assert stored["Body"].read() == picture
    assert local.ended(job["id"])["status"] == "completed"


def test_a_data_uri_becomes_a_video_and_stands_in_no_record(local: LocalStack) -> None:
    picture = image("WEBP", 500, 300)
    job = made(local, "from a data URI", f"data:image/webp;base64,{b64encode(picture).decode()}")
    check_kept(local, job, picture, ".webp")
    assert job["request"]["image"] == job["still"]["address"]


def test_a_picture_of_a_local_origin_is_fetched_once_for_one_key(local: LocalStack) -> None:
    picture = image("PNG", 300, 500)
    address = served(local, picture)
    job = made(local, "from beside", address, **{"idempotency-key": "from-beside"})
    assert made(local, "from beside", address, **{"idempotency-key": "from-beside"})["id"] == job["id"]
    assert (job["request"]["image"], job["aspect_ratio"]) == (address, "9:16")
    check_kept(local, job, picture, ".png")


def test_the_buckets_own_signed_url_is_the_version_that_it_leads_to(local: LocalStack) -> None:
    bucket, key = local.description.input_bucket, "uploads/default/own url.jpg"
    first, second = (
        local.aws.s3.put_object(Bucket=bucket, Key=key, Body=image("JPEG", width, 300))["VersionId"]
        for width in (400, 500)
    )
    url = f"{local.description.aws_endpoint_url}/{bucket}/uploads/default/own%20url.jpg?X-Amz-Signature=expired"
    assert made(local, "own, latest", url)["still"]["version_id"] == second
    still = made(local, "own, first", f"{url}&versionId={first}")["still"]
    assert (still["version_id"], still["width"], still["address"]) == (first, 400, f"s3://{bucket}/{key}")


@pytest.mark.parametrize("version", ["gone", "00000000000000000000000000000000", "%00"])
def test_a_version_that_is_not_there_is_a_bad_request(local: LocalStack, version: str) -> None:
    bucket, key = local.description.input_bucket, "uploads/default/versions.jpg"
    local.aws.s3.put_object(Bucket=bucket, Key=key, Body=image())
    url = f"{local.description.aws_endpoint_url}/{bucket}/{key}?versionId={version}"
    answer = local.api("POST", "/v1/videos", json={"prompt": "never sent", "image": url})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "image")


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/a.jpg",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/a.jpg",
        "https://2130706433/a.jpg",
        "https://localhost/a.jpg",
        "https://no-such-name.invalid/a.jpg",
        "http://127.0.0.1:1/a.jpg",
    ],
)
def test_what_is_not_on_the_public_internet_is_refused_in_the_same_words(local: LocalStack, address: str) -> None:
    answer = local.api("POST", "/v1/videos", json={"prompt": "never sent", "image": address})
    assert answer.status_code in (400, 422)
    (error,) = answer.json()["errors"]
    assert (error["field"], "public internet" in error["rule"]) == ("image", True)
    assert local.posts("never sent") == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(image("PNG") + b"x", "image/png"), (image("PNG")[:-1], "image/png"), (image("PNG"), "text/html")],
)
def test_an_upload_of_another_length_or_type_is_refused(local: LocalStack, body: bytes, content_type: str) -> None:
    wanted = {"content_type": "image/png", "bytes": len(image("PNG"))}
    ticket = local.api("POST", "/v1/uploads", json=wanted).json()
    put = local.http.put(ticket["upload"]["url"], content=body, headers={"content-type": content_type})
    assert put.status_code == httpx.codes.FORBIDDEN
    answer = local.api("POST", "/v1/videos", json={"prompt": "never sent", "image": ticket["image"]})
    assert "does not exist" in answer.json()["errors"][0]["rule"]
