"""Pictures that are uploaded in Apiframe's dialect, and ordered with."""

import hashlib

import pytest
from tests.stills import image
from tests.unit.dialects.apiframe_calls import UPLOAD, Api, form
from tests.world import BUCKET, World

from stillmotion.aws.object_urls import place_of
from stillmotion.dialects.http import MAX_BODY_BYTES
from stillmotion.services.intake.input_images import InputImages


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_picture_is_kept_below_its_tenant_and_led_to_for_two_hours(api: Api) -> None:
    picture = image("PNG", 300, 200)
    status, told = api.upload(picture)
    key = f"uploads/default/{hashlib.sha256(picture).hexdigest()}.png"
    assert status == 201
    assert told["url"].startswith(f"https://{BUCKET}.s3.test/{key}?X-Amz-Expires=7200")
    assert (told["kind"], told["contentType"], told["byteSize"]) == ("image", "image/png", len(picture))
    assert told["expiresAt"] == "2026-05-04T08:00:00.000Z"
    assert api.world.objects.read(BUCKET, key, length=len(picture)) == picture


def test_the_same_picture_again_is_the_same_upload(api: Api) -> None:
    assert api.upload(image())[1]["id"] == api.upload(image())[1]["id"]


def test_the_url_is_taken_as_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    # The fake's signed URLs are of no host of S3's; the real ones are known by theirs.
    monkeypatch.setattr(World, "receiving", property(own_urls))
    api = Api()
    _, told = api.upload(image("PNG", 300, 200))
    job = api.order(lumaParams={"start_image": told["url"]})
    assert job.still is not None
    assert (job.still.bucket, job.still.width) == (BUCKET, 300)


def own_urls(world: World) -> InputImages:
    return InputImages(
        objects=world.objects,
        pictures=lambda: world.pictures,
        place_of=lambda url: place_of(url.replace(".s3.test/", ".s3.eu-west-1.amazonaws.com/"), BUCKET),
        clock=world.clock,
        input_bucket=BUCKET,
        inbox_tenant="default",
    )


def refusal(api: Api, sent: bytes, content_type: str) -> str:
    status, told = api(UPLOAD, sent, headers={"content-type": content_type})
    assert (status, told["error"], list(told["details"])) == (400, "Validation failed", ["file"])
    assert [key for _, key in api.world.objects.versions] == ["uploads/default/x"]
    words: str = told["details"]["file"][0]
    return words


def test_what_is_no_picture_is_refused_by_its_bytes(api: Api) -> None:
    assert "its bytes are none of these" in refusal(api, *form(b"GIF89a" + b"x" * 99))


def test_a_form_without_the_file_is_told(api: Api) -> None:
    assert refusal(api, *form(image(), name="picture")) == "No file provided"


def test_one_file_is_taken_at_a_time(api: Api) -> None:
    sent, content_type = form(image())
    twice = sent.removesuffix(b"--frontier--\r\n") + sent
    assert refusal(api, twice, content_type) == "Send one file"


def test_what_is_no_form_is_told(api: Api) -> None:
    assert refusal(api, b"{}", "application/json") == "The body must be multipart/form-data."


def test_who_sends_more_than_the_api_takes_is_shown_the_other_way(api: Api) -> None:
    words = refusal(api, *form(image() + bytes(MAX_BODY_BYTES)))
    assert "POST /v1/uploads" in words
    assert str(MAX_BODY_BYTES) in words


def test_a_key_for_reading_uploads_nothing(api: Api) -> None:
    assert api.upload(image(), key=api.minted("default", scopes=("read",)))[0] == 403
