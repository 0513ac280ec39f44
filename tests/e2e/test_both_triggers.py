"""From a trigger to a video in the bucket, on both vendors, with every parameter as the vendor wants it."""

import hashlib
import json
from typing import Any

import pytest
from tests.e2e.conftest import LocalStack, play
from tests.stills import image


def check_completed(local: LocalStack, job: dict[str, Any]) -> bytes:
    """A completed job's promises: the object exists, has the recorded length and checksum, and plays."""
    assert job["status"] == "completed", job["failure"]
    video = job["video"]
    body = local.stored(job)
    assert (len(body), hashlib.sha256(body).hexdigest()) == (video["bytes"], video["sha256"])
    assert video["key"] == f"videos/default/{job['id']}/{job['generation_id']}.mp4"
    film = play(body)
    assert film.codec == "h264"
    assert (film.width, film.height) == (video["width"], video["height"])
    assert film.seconds == pytest.approx(job["request"]["duration"], abs=0.1)
    assert [change["status"] for change in job["history"]] == ["dispatching", "generating", "finalizing", "completed"]
    return body


def test_an_image_in_the_inbox_becomes_a_video_at_wavespeed(local: LocalStack) -> None:
    local.drop("inbox/wavespeed/a b+c%20d 🌊.jpg", image("JPEG", 480, 640), {"prompt": "first light", "duration": "10"})
    job = local.upload_ended("inbox/wavespeed/a b+c%20d 🌊.jpg")
    check_completed(local, job)
    (post,) = local.posts("first light")
    assert post["vendor"] == "wavespeed"
    body = post["body"]
    assert "a%20b%2Bc%2520d%20%F0%9F%8C%8A.jpg" in body.pop("image")
    assert body == {"prompt": "first light", "size": "720*1280", "duration": 10}
    assert (job["video"]["width"], job["video"]["height"]) == (720, 1280)


def test_a_key_of_a_thousand_bytes_becomes_a_video(local: LocalStack) -> None:
    folder = "inbox/long/"
    letters = "é日🌊"
    room = 1000 - len(f"{folder}.jpg".encode())
    name = letters * (room // len(letters.encode())) + "-" * (room % len(letters.encode()))
    key = f"{folder}{name}.jpg"
    assert len(key.encode()) == 1000 > len(key)
    local.drop(key, metadata={"prompt": "a long way down"})
    job = local.upload_ended(key)
    check_completed(local, job)
    assert job["still"]["key"] == key


def test_an_image_in_the_inbox_becomes_a_video_at_apiframe_with_every_parameter(local: LocalStack) -> None:
    parameters = {
        "prompt": "a slow turn",
        "duration": 9,
        "aspect_ratio": "21:9",
        "loop": True,
        "concepts": ["orbit_left", "push_in"],
        "vendor": "apiframe",
    }
    local.drop("inbox/apiframe/lake.json", json.dumps(parameters).encode())
    local.drop("inbox/apiframe/lake.png", image("PNG"))
    job = local.upload_ended("inbox/apiframe/lake.png")
    check_completed(local, job)
    (post,) = local.posts("a slow turn")
    body = post["body"]
    assert body["lumaParams"].pop("start_image").startswith("http")
    assert body.pop("webhookUrl").startswith(f"{local.description.api_url}/v1/webhooks/apiframe/{job['id']}/1/")
    assert body.pop("webhookEvents") == ["completed", "failed"]
    assert body == {
        "model": "luma-ray-flash-2",
        "prompt": "a slow turn",
        "lumaParams": {"duration": 9, "aspect_ratio": "21:9", "loop": True, "concepts": ["orbit_left", "push_in"]},
    }
    assert job["attempts"][0]["generation"]["credits"] == 92


@pytest.mark.parametrize("vendor", ["wavespeed", "apiframe"])
def test_a_call_becomes_a_video_that_its_content_leads_to(local: LocalStack, vendor: str) -> None:
    ticket = local.api("POST", "/v1/uploads", json={"content_type": "image/webp", "bytes": len(image("WEBP"))}).json()
    put = local.http.put(ticket["upload"]["url"], content=image("WEBP"), headers={"content-type": "image/webp"})
    assert put.is_success, put.text
    fields = {"prompt": f"a call to {vendor}", "image": ticket["image"], "vendor": vendor, "metadata": {"sku": "42"}}
    made = local.api("POST", "/v1/videos", json=fields)
    assert made.status_code == 200, made.text
    job = local.ended(made.json()["id"])
    body = check_completed(local, job)
    assert job["attempts"][0]["vendor"] == vendor
    assert job["request"]["metadata"] == {"sku": "42"}
    content = local.api("GET", f"/v1/videos/{job['id']}/content")
    assert content.status_code == 302
    assert local.http.get(content.headers["location"]).content == body


def test_a_prompt_alone_and_two_images_reach_apiframe(local: LocalStack) -> None:
    alone = local.api("POST", "/v1/videos", json={"prompt": "words alone"}).json()["id"]
    local.drop("inbox/two/start.jpg", image("JPEG", 400, 300), {"prompt": "never mind"})
    local.drop("inbox/two/end.jpg", image("JPEG", 400, 300), {"prompt": "never mind either"})
    bucket = local.description.input_bucket
    images = {"image": f"s3://{bucket}/inbox/two/start.jpg", "end_image": f"s3://{bucket}/inbox/two/end.jpg"}
    both = local.api("POST", "/v1/videos", json={"prompt": "from here to there", **images}).json()["id"]
    check_completed(local, local.ended(alone))
    check_completed(local, local.ended(both))
    assert set(local.posts("from here to there")[0]["body"]["lumaParams"]) >= {"start_image", "end_image"}


def test_provenance_lies_beside_the_video_and_holds_no_secret(local: LocalStack) -> None:
    local.drop("inbox/provenance.jpg", metadata={"prompt": "where from"})
    job = local.upload_ended("inbox/provenance.jpg")
    key = job["video"]["key"].removesuffix(".mp4") + ".json"
    text = local.aws.s3.get_object(Bucket=job["video"]["bucket"], Key=key)["Body"].read().decode()
    assert json.loads(text)["request"]["prompt"] == "where from"
    assert job["video"]["sha256"] in text
    assert "Signature" not in text
