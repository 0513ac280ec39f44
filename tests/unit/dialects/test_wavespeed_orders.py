"""What is ordered in WaveSpeed's dialect, what it costs, and how a file gets into the bucket first."""

import hashlib
from typing import Any

import pytest
from msgspec.structs import replace
from tests.stills import image
from tests.unit.dialects import forms
from tests.unit.dialects.wavespeed_calls import BASE_URL, ORDER, PICTURE, Api
from tests.world import BUCKET

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.job.records import Status
from stillmotion.domain.request import Callback

PRICE = "POST /api/v3/model/price"
UPLOAD = "POST /api/v3/media/uploads"
BINARY = "POST /api/v3/media/upload/binary"
FORM = {"content-type": forms.CONTENT_TYPE}


@pytest.fixture
def api() -> Api:
    return Api()


def refused(api: Api, route: str, body: object, **options: Any) -> str:
    """What a call is told that is refused; nothing was made of it."""
    status, answer = api(route, body, **options)
    assert (status, answer["code"], answer["data"]) == (400, 400, None)
    assert api.world.jobs.all() == []
    assert api.world.workflow.started == []
    message: str = answer["message"]
    return message


def test_an_order_is_answered_with_the_whole_envelope(api: Api) -> None:
    status, answer = api(ORDER, {"image": PICTURE, "prompt": "a lake"})
    job = api.world.jobs.only()
    assert status == 200
    assert answer == {
        "code": 200,
        "message": "success",
        "data": {
            "id": job.id,
            "model": "luma/ray-2-flash-i2v",
            "outputs": [],
            "urls": {"get": f"{BASE_URL}/api/v3/predictions/{job.id}/result"},
            "has_nsfw_contents": [],
            "status": "created",
            "created_at": "2026-05-04T06:00:00.000Z",
            "error": "",
            "timings": {"inference": 0},
        },
    }
    assert is_job_id(job.id)
    assert api.world.workflow.started == [job.execution_name]


def test_what_is_left_out_is_as_at_wavespeed(api: Api) -> None:
    request = api.order(size=None, duration=None).request
    assert request is not None
    assert (request.duration, request.aspect_ratio, request.vendor) == (5, "16:9", "auto")


@pytest.mark.parametrize("duration", [10, "10", 10.0])
def test_size_and_duration_are_taken_as_older_and_newer_clients_send_them(api: Api, duration: object) -> None:
    request = api.order(size="720*1280", duration=duration).request
    assert request is not None
    assert (request.duration, request.aspect_ratio) == (10, "9:16")


@pytest.mark.parametrize("missing", ["image", "prompt"])
@pytest.mark.parametrize("null", [True, False])
def test_image_and_prompt_are_required(api: Api, missing: str, *, null: bool) -> None:
    body: dict[str, object] = {"image": PICTURE, "prompt": "a lake"}
    body = {name: value for name, value in body.items() if name != missing} | ({missing: None} if null else {})
    assert refused(api, ORDER, body) == f"Invalid parameters: {missing}: is required"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration", 9),
        ("duration", "9"),
        ("duration", True),
        ("duration", [5]),
        ("duration", 5.5),
        ("size", "1280x720"),
        ("size", "640*480"),
        ("size", {}),
        ("prompt", ""),
        ("prompt", 7),
        ("image", "ftp://a.example/1.jpg"),
        ("image", ["https://a.example/1.jpg"]),
        ("vendor", "luma"),
        ("max_dollars", -1),
    ],
)
def test_a_bad_value_names_its_parameter(api: Api, field: str, value: object) -> None:
    message = refused(api, ORDER, {"image": PICTURE, "prompt": "a lake", field: value})
    assert message.startswith(f"Invalid parameters: {field}: ")
    assert message.count(f"{field}: ") == 1


@pytest.mark.parametrize("name", ["seed", "loop", "end_image", "concepts", "aspect_ratio", "metadatas"])
def test_a_parameter_that_nobody_here_knows_is_refused_before_it_costs(api: Api, name: str) -> None:
    message = refused(api, ORDER, {"image": PICTURE, "prompt": "a lake", name: 1})
    assert message == f"Invalid parameters: {name}: is not a parameter here"


def test_a_parameter_that_is_null_is_left_out_whatever_its_name(api: Api) -> None:
    assert api.order(seed=None, vendor=None, metadata=None).request is not None


def test_very_many_unknown_parameters_are_answered_shortly(api: Api) -> None:
    assert len(refused(api, ORDER, {str(number): 1 for number in range(50_000)})) < 3000


@pytest.mark.parametrize("switch", ["enable_sync_mode", "enable_base64_output"])
def test_a_switch_that_changes_nothing_may_be_off_and_not_on(api: Api, switch: str) -> None:
    for on in (True, 1, 0, "false"):
        message = refused(api, ORDER, {"image": PICTURE, "prompt": "a lake", switch: on})
        assert message.startswith(f"Invalid parameters: {switch}: cannot be true here")
    assert api.order(**{switch: False}).request is not None


def test_the_fields_that_say_how_it_is_carried_out_are_taken_beside_wavespeeds(api: Api) -> None:
    job = api.order(vendor="apiframe", max_dollars="1.00", metadata={"album": "holiday"}, priority="low")
    assert job.request is not None
    assert (job.request.vendor, job.request.priority, job.request.metadata) == ("apiframe", "low", {"album": "holiday"})


def test_what_no_vendor_makes_is_told(api: Api) -> None:
    message = refused(api, ORDER, {"image": PICTURE, "prompt": "a lake", "vendor": "apiframe", "duration": 10})
    assert message.startswith("Invalid parameters: duration: 10 s is not made by apiframe")


def test_a_picture_that_is_not_there_is_told(api: Api) -> None:
    message = refused(api, ORDER, {"image": f"s3://{BUCKET}/uploads/default/none", "prompt": "a lake"})
    assert message == "Invalid parameters: image: does not exist in the input bucket"


def test_a_picture_of_another_tenant_is_not_read(api: Api) -> None:
    message = refused(api, ORDER, {"image": PICTURE, "prompt": "a lake"}, key=api.other_key)
    assert message.startswith("Invalid parameters: image: must be an object that this key may read")


def test_a_webhook_is_kept_with_the_job_in_this_dialect(api: Api) -> None:
    url = "https://callee.example/videos?album=holiday"
    api(ORDER, {"image": PICTURE, "prompt": "a lake"}, query={"webhook": url})
    request = api.world.jobs.only().request
    assert request is not None
    assert request.callback == Callback(url=url, dialect="wavespeed", events=("completed", "failed"))


@pytest.mark.parametrize(
    "url", ["", "x", "http://callee.example/", "https://user:word@callee.example/", "s3://a/b", "https://é.example/"]
)
def test_a_webhook_that_could_not_be_called_is_refused(api: Api, url: str) -> None:
    message = refused(api, ORDER, {"image": PICTURE, "prompt": "a lake"}, query={"webhook": url})
    assert message.startswith("Invalid parameters: webhook: must be an https:// URL")


def test_a_misspelled_query_is_refused(api: Api) -> None:
    message = refused(api, ORDER, {"image": PICTURE, "prompt": "a lake"}, query={"webhok": "https://a.example/"})
    assert message == "Invalid parameters: webhok: is not a parameter here"


def test_the_same_order_twice_is_two_videos_as_at_wavespeed(api: Api) -> None:
    assert api.order().id != api.order().id


def test_an_idempotency_key_makes_one_job_of_two_orders(api: Api) -> None:
    body, headers = {"image": PICTURE, "prompt": "a lake"}, {"idempotency-key": "k"}
    first, second = (api(ORDER, body, headers=headers)[1] for _ in range(2))
    assert first == second
    status, answer = api(ORDER, {**body, "duration": 10}, headers=headers)
    assert (status, answer["code"]) == (409, 409)


def test_an_order_that_is_repeated_when_its_job_has_failed_is_answered_as_it_was(api: Api) -> None:
    body, headers = {"image": PICTURE, "prompt": "a lake"}, {"idempotency-key": "k"}
    first = api(ORDER, body, headers=headers)
    failure = Failure(FailureKind.MODERATED, "No.")
    api.world.jobs.put(replace(api.world.jobs.only(), status=Status.FAILED, failure=failure))
    assert api(ORDER, body, headers=headers) == first


def test_an_idempotency_key_that_is_not_printable_is_refused(api: Api) -> None:
    body = {"image": PICTURE, "prompt": "a lake"}
    assert "Idempotency-Key" in refused(api, ORDER, body, headers={"idempotency-key": "é"})


def test_a_key_whose_allowance_is_spent_may_not_order(api: Api) -> None:
    key = api.minted("default", daily_dollars=0)
    status, answer = api(ORDER, {"image": PICTURE, "prompt": "a lake"}, key=key)
    assert (status, answer["code"], answer["data"]) == (403, 403, None)
    assert "$0" in answer["message"]


@pytest.mark.parametrize(("inputs", "dollars"), [({}, 0.20), ({"duration": 10}, 0.40), ({"duration": "5"}, 0.20)])
@pytest.mark.parametrize("route", [PRICE, "POST /api/v3/model/pricing"])
def test_a_price_is_that_of_the_route_which_an_order_takes_first(
    api: Api, route: str, inputs: dict[str, object], dollars: float
) -> None:
    status, answer = api(route, {"model_id": "luma/ray-2-flash-i2v", "inputs": inputs})
    prices = dict.fromkeys(("price", "discounted_price", "unit_price"), dollars)
    assert (status, answer["data"]) == (200, {"model_id": "luma/ray-2-flash-i2v", **prices, "currency": "USD"})


def test_a_price_at_one_vendor_is_that_vendors(api: Api) -> None:
    _, answer = api(PRICE, {"model_id": "luma/ray-2-flash-i2v", "inputs": {"vendor": "apiframe", "prompt": None}})
    assert answer["data"]["unit_price"] == 0.51


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "model_id"),
        ({"model_id": "luma/ray-3"}, "model_id"),
        ({"model_id": []}, "model_id"),
        ({"model_id": "luma/ray-2-flash-i2v", "inputs": 5}, "inputs"),
        ({"model_id": "luma/ray-2-flash-i2v", "inputs": {"duration": 7}}, "duration"),
        ({"model_id": "luma/ray-2-flash-i2v", "input": {}}, "input"),
    ],
)
def test_what_has_no_price_is_told(api: Api, body: object, field: str) -> None:
    assert refused(api, PRICE, body).startswith(f"Invalid parameters: {field}: ")


def test_an_upload_is_a_ticket_and_then_an_image(api: Api) -> None:
    picture = image("PNG")
    status, answer = api(UPLOAD, {"filename": "a.png", "size": len(picture), "content_type": "image/png"})
    upload, address = answer["data"]["upload"], answer["data"]["download_url"]
    assert (status, upload["method"], upload["headers"]) == (200, "PUT", {"Content-Type": "image/png"})
    assert f"type=image/png&length={len(picture)}" in upload["url"]
    key = upload["url"].split("?")[0].removeprefix(f"https://{BUCKET}.s3.test/")
    assert key.startswith("uploads/default/")
    assert address.startswith(f"https://{BUCKET}.s3.test/{key}?")

    api.world.objects.put(BUCKET, key, picture)
    job = api.order(image=address.replace("s3.test", "s3.amazonaws.com"))
    assert job.still is not None
    assert job.still.key == key


@pytest.mark.parametrize(
    ("filename", "kind"),
    [
        ("a.JPG", "image/jpeg"),
        ("a.jpeg", "image/jpeg"),
        ("a.jfif", "image/jpeg"),
        ("b.webp", "image/webp"),
        ("a.b.png", "image/png"),
        ("upload", "application/octet-stream"),
        ("photo.heic", "application/octet-stream"),
        ("png", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("given", [None, "", "application/octet-stream"])
def test_a_file_without_a_type_is_what_its_name_says_or_unknown(
    api: Api, filename: str, kind: str, given: str | None
) -> None:
    _, answer = api(UPLOAD, {"filename": filename, "size": 10, "content_type": given})
    upload = answer["data"]["upload"]
    assert upload["headers"] == {"Content-Type": kind}
    assert f"type={kind}&length=10" in upload["url"]


@pytest.mark.parametrize("given", ["image/jpg", "image/pjpeg"])
def test_a_jpeg_under_another_name_is_a_jpeg(api: Api, given: str) -> None:
    _, answer = api(UPLOAD, {"filename": "a", "size": 10, "content_type": given})
    assert answer["data"]["upload"]["headers"] == {"Content-Type": "image/jpeg"}


def test_a_file_of_no_known_type_is_told_by_its_bytes_when_it_is_ordered(api: Api) -> None:
    _, answer = api(UPLOAD, {"filename": "upload", "size": 10})
    key = answer["data"]["upload"]["url"].split("?")[0].removeprefix(f"https://{BUCKET}.s3.test/")
    address = f"s3://{BUCKET}/{key}"
    api.world.objects.put(BUCKET, key, b"GIF89a" + b"x" * 99, "application/octet-stream")
    message = refused(api, ORDER, {"image": address, "prompt": "a lake"})
    assert message == "Invalid parameters: image: must be a JPEG, PNG or WebP image: its bytes are none of these"
    api.world.objects.put(BUCKET, key, image("PNG"), "application/octet-stream")
    assert api.order(image=address).still is not None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"size": 1, "content_type": "image/png"}, "filename"),
        ({"filename": "", "size": 1, "content_type": "image/png"}, "filename"),
        ({"filename": "a.png", "size": 1, "content_type": "text/html"}, "content_type"),
        ({"filename": "a.gif", "size": 1, "content_type": "image/gif"}, "content_type"),
        ({"filename": "a.mp4", "size": 1, "content_type": "video/mp4"}, "content_type"),
        ({"filename": "a.png", "size": 1, "content_type": []}, "content_type"),
        ({"filename": "a.png"}, "size"),
        ({"filename": "a.png", "size": 0}, "size"),
        ({"filename": "a.png", "size": True}, "size"),
        ({"filename": "a.png", "size": 20 * 1024 * 1024 + 1}, "size"),
        ({"filename": "a.png", "size": 1, "folder": "x"}, "folder"),
    ],
)
def test_an_upload_that_would_not_be_taken_is_told_before_it_is_made(
    api: Api, body: dict[str, object], field: str
) -> None:
    assert refused(api, UPLOAD, body).startswith(f"Invalid parameters: {field}: ")


def test_a_file_in_a_form_is_kept_and_led_to_as_older_clients_want_it(api: Api) -> None:
    picture = image("PNG")
    status, answer = api(BINARY, forms.form(files=[("file", picture)]), headers=FORM)
    key = f"uploads/default/{hashlib.sha256(picture).hexdigest()}.png"
    address = answer["data"].pop("download_url")
    assert (status, answer) == (
        200,
        {
            "code": 200,
            "message": "success",
            "data": {"type": "image", "filename": "photo.jpg", "size": len(picture)},
        },
    )
    assert address.startswith(f"https://{BUCKET}.s3.test/{key}?X-Amz-Expires=3600")
    assert api.world.objects.read(BUCKET, key, length=len(picture)) == picture


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ([], "must be one file"),
        ([("image", image())], "must be one file"),
        ([("file", image()), ("file", image())], "must be one file"),
        ([("file", b"GIF89a" + b"x" * 99)], "its bytes are none of these"),
    ],
)
def test_a_form_without_one_picture_is_told(api: Api, files: list[tuple[str, bytes]], rule: str) -> None:
    message = refused(api, BINARY, forms.form(files=files), headers=FORM)
    assert message.startswith("Invalid parameters: file: ")
    assert message.endswith(rule)
    assert [key for _, key in api.world.objects.versions] == ["uploads/default/x"]


def test_an_upload_that_is_no_form_is_told_in_this_dialect(api: Api) -> None:
    assert api(BINARY, {}) == (415, {"code": 415, "message": "The body must be multipart/form-data.", "data": None})


def test_an_upload_takes_a_key_that_may_write(api: Api) -> None:
    sent = forms.form(files=[("file", image())])
    assert api(BINARY, sent, headers=FORM, key=api.minted("default", scopes=("read",)))[0] == 403


def test_a_body_that_is_no_object_is_told(api: Api) -> None:
    for route in (ORDER, PRICE, UPLOAD):
        assert refused(api, route, []) == "The body must be a JSON object."
