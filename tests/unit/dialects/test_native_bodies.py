"""What OpenAI's clients send for a video, as JSON and as a form, and what is made of it."""

import base64
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.fakes import DAWN
from tests.unit.dialects.forms import CONTENT_TYPE, form

from stillmotion.dialects.http import HttpRequest, Problem
from stillmotion.dialects.native.order_body import Order, VideoOrder
from stillmotion.domain.request import Callback, InvalidRequest

PICTURE = "https://a.example/1.jpg"


def sent(body: bytes, content_type: str) -> HttpRequest:
    headers = {"content-type": content_type}
    return HttpRequest(
        route="POST /v1/videos", method="POST", path={}, query={}, headers=headers, body=body, arrived_at=DAWN
    )


def of_json(**fields: object) -> Order:
    body = {"prompt": "a lake", **fields}
    return VideoOrder.read(sent(json.dumps(body).encode(), "application/json")).order()


def of_form(*fields: tuple[str, str], files: Any = ()) -> Order:
    return VideoOrder.read(sent(form(("prompt", "a lake"), *fields, files=files), CONTENT_TYPE)).order()


def broken(**fields: object) -> set[str]:
    with pytest.raises(InvalidRequest) as raised:
        of_json(**fields)
    return {error.field for error in raised.value.errors}


def rule(**fields: object) -> str:
    with pytest.raises(InvalidRequest) as raised:
        of_json(**fields)
    return str(raised.value)


# --- seconds and size ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [5, "5", 5.0, "5.0"])
def test_seconds_are_the_duration_as_a_number_and_in_text(seconds: object) -> None:
    assert of_json(seconds=seconds).request.duration == 5
    assert of_form(("seconds", str(seconds))).request.duration == 5


@pytest.mark.parametrize("seconds", ["6", 16, "20", 0, -5, 7.5])
def test_other_seconds_are_refused_with_what_is_made(seconds: object) -> None:
    assert rule(seconds=seconds).startswith("seconds: must be one of 5, 9, 10; with allow_substitution")


@pytest.mark.parametrize(("asked", "made"), [("4", 5), ("8", 9), ("12", 9), (7, 5), (7.5, 9), (999, 9), (0.5, 5)])
def test_other_seconds_become_the_nearest_where_that_is_allowed_and_it_is_told(asked: object, made: int) -> None:
    order = of_json(seconds=asked, allow_substitution=True)
    told = f"{asked} seconds were asked for: {made} is the nearest that is sold."
    assert (order.request.duration, order.notes) == (made, (told,))


@pytest.mark.parametrize(("seconds", "made"), [("4", 5), ("8", 9), (12, 9)])
def test_openais_own_seconds_are_the_nearest_as_its_clients_can_say_no_others(seconds: object, made: int) -> None:
    order = of_json(seconds=seconds)
    told = f"{seconds} seconds were asked for: {made} is the nearest that is sold."
    assert (order.request.duration, order.request.allow_substitution, order.notes) == (made, False, (told,))
    assert of_form(("seconds", str(seconds))).request.duration == made


@pytest.mark.parametrize(("seconds", "vendor", "made"), [(12, "auto", 10), (12, "apiframe", 9), (8, "wavespeed", 10)])
def test_the_nearest_is_one_that_can_be_made_with_all_else(seconds: int, vendor: str, made: int) -> None:
    order = of_json(seconds=seconds, vendor=vendor, image="https://images.example/lake.jpg")
    assert order.request.duration == made
    assert f"{made} is the nearest" in order.notes[0]


@pytest.mark.parametrize("asked", [{"seconds": "8"}, {"size": "1792x1024"}])
def test_nothing_is_made_in_place_of_anything_where_the_caller_says_so(asked: dict[str, object]) -> None:
    assert broken(**asked, allow_substitution=False) == set(asked)


@pytest.mark.parametrize("seconds", [0, -1, True, "", "five", "\u0665", [], {}, "5" * 5000, 10**18, 1e300, "1e1", " 5"])
def test_what_are_no_seconds_is_refused_also_where_substitution_is_allowed(seconds: object) -> None:
    assert broken(seconds=seconds, allow_substitution=True) == {"seconds"}


def test_seconds_beside_another_duration_are_refused() -> None:
    assert broken(seconds="5", duration=9) == {"seconds"}
    assert broken(seconds="8", duration=9) == {"seconds"}
    assert of_json(seconds="9", duration=9).request.duration == 9


@pytest.mark.parametrize(("size", "ratio"), [("1280x720", "16:9"), ("720x1280", "9:16"), ("720*1280", "9:16")])
def test_a_size_is_a_shape(size: str, ratio: str) -> None:
    order = of_json(size=size)
    assert (order.request.aspect_ratio, order.notes) == (ratio, ())


@pytest.mark.parametrize(("size", "ratio"), [("1024x1792", "9:16"), ("1792x1024", "16:9")])
def test_openais_own_sizes_are_the_nearest_shape(size: str, ratio: str) -> None:
    order = of_json(size=size)
    told = f"The size {size} was asked for: {ratio} is the nearest shape that is sold."
    assert (order.request.aspect_ratio, order.notes) == (ratio, (told,))


@pytest.mark.parametrize("size", ["1024x1024", "1920x1080", "720p", "", "x", "0x0", 720, ["720x1280"], "9" * 5000])
def test_other_sizes_are_refused_with_what_is_made(size: object) -> None:
    assert rule(size=size).startswith("size: must be one of 1280x720, 720x1280")


@pytest.mark.parametrize(
    ("asked", "made"),
    [("1024x1792", "9:16"), ("1792x1024", "16:9"), ("1024x1024", "1:1"), ("1024x768", "4:3"), ("99999x10", "21:9")],
)
def test_other_sizes_become_the_nearest_shape_where_that_is_allowed_and_it_is_told(asked: str, made: str) -> None:
    order = of_json(size=asked, allow_substitution=True)
    told = f"The size {asked} was asked for: {made} is the nearest shape that is sold."
    assert (order.request.aspect_ratio, order.notes) == (made, (told,))


@pytest.mark.parametrize("size", ["720p", "0x0", 720])
def test_what_is_no_size_is_refused_also_where_substitution_is_allowed(size: object) -> None:
    assert broken(size=size, allow_substitution=True) == {"size"}


def test_a_size_beside_another_shape_is_refused() -> None:
    assert broken(size="1280x720", aspect_ratio="9:16") == {"size"}
    assert broken(size="1024x1792", aspect_ratio="16:9", allow_substitution=True) == {"size"}


# --- the model -------------------------------------------------------------------------------------------------------


def test_any_model_is_taken_and_another_is_told() -> None:
    assert of_json(model="luma-ray-2-flash").notes == ()
    assert of_json(model="sora-2").notes == ("The model sora-2 was asked for: luma-ray-2-flash makes the video.",)


@pytest.mark.parametrize("model", [2, ["sora-2"], "x" * 129])
def test_what_is_no_name_of_a_model_is_refused(model: object) -> None:
    assert broken(model=model) == {"model"}


# --- the image -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reference", [PICTURE, {"image_url": PICTURE}])
def test_a_reference_is_the_image(reference: object) -> None:
    assert of_json(input_reference=reference).request.image == PICTURE


def test_a_reference_in_a_form_is_a_file_or_an_address() -> None:
    content = b"\xff\xd8 any bytes \r\n--fron"
    held = f"data:image/unnamed;base64,{base64.b64encode(content).decode()}"
    assert of_form(files=[("input_reference", content)]).request.image == held
    assert of_form(("input_reference[image_url]", PICTURE)).request.image == PICTURE
    assert of_form(("input_reference", PICTURE)).request.image == PICTURE


def test_both_images_may_be_files() -> None:
    request = of_form(files=[("image", b"a"), ("end_image", b"b")]).request
    assert (request.image, request.end_image) == (
        "data:image/unnamed;base64,YQ==",
        "data:image/unnamed;base64,Yg==",
    )


@pytest.mark.parametrize("reference", [{"file_id": "file-1"}, {}, {"image_url": 1}, [], 7, {"image_url": "x", "a": 1}])
def test_what_is_no_reference_is_refused(reference: object) -> None:
    assert broken(input_reference=reference) == {"input_reference"}


def test_a_reference_beside_another_image_is_refused() -> None:
    assert broken(input_reference=PICTURE, image="https://a.example/2.jpg") == {"input_reference"}


def test_fields_are_called_as_the_caller_calls_them() -> None:
    for sent_as, own in (("seconds", "duration"), ("input_reference", "image")):
        body = json.dumps({"prompt": "a lake", sent_as: {"seconds": 5}.get(sent_as, PICTURE)}).encode()
        assert VideoOrder.read(sent(body, "application/json")).names == {own: sent_as}


# --- our own fields --------------------------------------------------------------------------------------------------

OWN = {
    "end_image": "https://a.example/2.jpg",
    "concepts": ["push_in", "low_angle"],
    "vendor": "apiframe",
    "metadata": {"take": "1", "empty": ""},
    "callback_url": "https://hooks.example/x",
    "dry_run": True,
    "allow_substitution": True,
    "failover": "always",
    "priority": "high",
    "max_dollars": "1.50",
    "when_over_budget": "fail",
    "duration": 9,
    "aspect_ratio": "21:9",
    "loop": False,
}
IN_A_FORM = [
    ("end_image", "https://a.example/2.jpg"),
    ("concepts[]", "push_in"),
    ("concepts[]", "low_angle"),
    ("vendor", "apiframe"),
    ("metadata[take]", "1"),
    ("metadata[empty]", ""),
    ("callback_url", "https://hooks.example/x"),
    ("dry_run", "true"),
    ("allow_substitution", "true"),
    ("failover", "always"),
    ("priority", "high"),
    ("max_dollars", "1.50"),
    ("when_over_budget", "fail"),
    ("duration", "9"),
    ("aspect_ratio", "21:9"),
    ("loop", "false"),
]


def test_every_field_of_a_request_may_stand_beside_openais() -> None:
    order = of_json(input_reference=PICTURE, **OWN)
    request = order.request
    assert order.dry_run
    assert (request.concepts, request.metadata) == (("push_in", "low_angle"), {"take": "1", "empty": ""})
    assert (request.max_dollars, request.callback) == (Decimal("1.50"), Callback(url="https://hooks.example/x"))
    assert (request.duration, request.aspect_ratio, request.failover) == (9, "21:9", "always")


def test_a_form_says_the_same_as_json() -> None:
    assert of_form(("input_reference", PICTURE), *IN_A_FORM) == of_json(input_reference=PICTURE, **OWN)


OPTIONAL = sorted(VideoOrder.model_fields.keys() - {"prompt", "dry_run"})


@pytest.mark.parametrize("name", OPTIONAL)
def test_none_is_left_out_of_json_and_is_an_empty_text_in_a_form(name: str) -> None:
    assert of_json(**{name: None}) == of_json()
    assert of_form((name, "")) == of_json()


@pytest.mark.parametrize("names", [("concepts", "concepts"), ("concepts[]", "concepts[]"), ("concepts[]", "concepts")])
def test_concepts_are_spelt_either_way_in_a_form(names: tuple[str, str]) -> None:
    given = of_form(*zip(names, ("push_in", "static"), strict=True)).request.concepts
    assert sorted(given) == ["push_in", "static"]


def test_a_list_that_is_empty_in_a_form_is_none() -> None:
    assert of_form(("concepts[]", "")) == of_json()


@pytest.mark.parametrize("name", ["prompt", "dry_run", "seed"])
def test_null_is_no_prompt_and_neither_true_nor_false_and_no_field_that_is_not_known(name: str) -> None:
    assert broken(**{name: None}) == {name}


def test_an_empty_dry_run_is_no_order() -> None:
    with pytest.raises(InvalidRequest, match="dry_run: must be true or false"):
        of_form(("dry_run", ""))


@pytest.mark.parametrize("key", ["a[b]", "[", "]", "a]b[c", 'a"b', 'a\\"b', "a;b=c", "a\r\nb", "\u00e9 \U0001f981"])
def test_a_key_of_metadata_may_be_sent_by_form_as_httpx_spells_it(key: str) -> None:
    sent_by_client = httpx.Request(
        "POST", "https://a.example/", data={"prompt": "a lake", f"metadata[{key}]": "x"}, files={"image": b"y"}
    )
    held = VideoOrder.read(sent(sent_by_client.read(), sent_by_client.headers["content-type"])).order()
    assert held.request.metadata == of_json(metadata={key: "x"}).request.metadata == {key: "x"}


@pytest.mark.parametrize("name", ["seed", "user", "concepts[0]", "metadata[]", "metadata[a][b]", "prompt[]", "[]"])
def test_a_field_that_is_not_known_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="is not a field of a request"):
        of_form((name, "1"))


@pytest.mark.parametrize(
    "fields",
    [
        [("seconds", "5"), ("seconds", "5")],
        [("prompt", "a sea")],
        [("metadata[a]", "1"), ("metadata[a]", "2")],
        [("metadata", "x"), ("metadata[a]", "2")],
        [("metadata[a]", "2"), ("metadata", "x")],
    ],
)
def test_what_is_given_twice_in_a_form_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem, match="is given twice"):
        of_form(*fields)


@pytest.mark.parametrize("files", [[("prompt", b"x")], [("photo", b"x")], [("image", b"x"), ("image", b"y")]])
def test_a_file_that_has_no_place_is_refused(files: list[tuple[str, bytes]]) -> None:
    with pytest.raises(Problem) as raised:
        of_form(files=files)
    assert raised.value.errors[0].field == files[0][0]


def test_a_file_beside_an_address_of_the_same_name_is_refused() -> None:
    with pytest.raises(Problem, match="input_reference: is given twice"):
        of_form(("input_reference", PICTURE), files=[("input_reference", b"x")])


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert broken(seconds=6, size="1x1", model=1, loop="yes", dry_run=1) == {
        "seconds",
        "size",
        "model",
        "loop",
        "dry_run",
    }
