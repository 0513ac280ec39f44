"""The exact POST for an order: pure, deterministic, and nothing in it that was not asked for."""

from collections.abc import Callable

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stillmotion.domain.request import Request
from stillmotion.ports.vendor import VendorOrder
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor

Apiframe = Callable[..., ApiframeVendor]
WaveSpeed = Callable[..., WaveSpeedVendor]
STILL = "https://bucket.s3.amazonaws.com/inbox/a%20b.jpg?X-Amz-Signature=0f"
END = "https://bucket.s3.amazonaws.com/inbox/end.jpg?X-Amz-Signature=1e"
HOOK = "https://api.test/hooks/apiframe?job=1&token=a/b+c%20d"
SIMPLE = VendorOrder(request=Request(prompt="A calm sea", image="s3://bucket/a"), aspect_ratio="16:9", image_url=STILL)


def test_apiframe_gets_only_what_the_order_sets(apiframe: Apiframe) -> None:
    envelope = apiframe().compose(SIMPLE)
    assert envelope.path == "/v2/videos/generate"
    assert envelope.body == (
        '{"model":"luma-ray-flash-2","prompt":"A calm sea",'
        f'"lumaParams":{{"duration":5,"aspect_ratio":"16:9","start_image":"{STILL}"}}}}'
    )


def test_apiframe_gets_everything_that_the_order_sets(apiframe: Apiframe) -> None:
    request = Request(
        prompt="Dawn", image="s3://b/a", end_image="s3://b/e", duration=9, concepts=("orbit_left", "aerial")
    )
    order = VendorOrder(request=request, aspect_ratio="21:9", image_url=STILL, end_image_url=END, webhook_url=HOOK)
    assert msgspec.json.decode(apiframe().compose(order).body) == {
        "model": "luma-ray-flash-2",
        "prompt": "Dawn",
        "lumaParams": {
            "duration": 9,
            "aspect_ratio": "21:9",
            "start_image": STILL,
            "end_image": END,
            "concepts": ["orbit_left", "aerial"],
        },
        "webhookUrl": HOOK,
        "webhookEvents": ["completed", "failed"],
    }


def test_apiframe_makes_a_loop_from_a_prompt_alone(apiframe: Apiframe) -> None:
    order = VendorOrder(request=Request(prompt="Waves", loop=True), aspect_ratio="1:1")
    assert msgspec.json.decode(apiframe().compose(order).body)["lumaParams"] == {
        "duration": 5,
        "aspect_ratio": "1:1",
        "loop": True,
    }


@pytest.mark.parametrize("field", ["image", "end_image"])
def test_an_image_that_got_no_url_is_never_left_out_silently(field: str, apiframe: Apiframe) -> None:
    request = replace(Request(prompt="Dawn"), **{field: "s3://b/a"})
    with pytest.raises(ValueError, match="an image of the request has no URL"):
        apiframe().compose(VendorOrder(request=request, aspect_ratio="16:9"))


def test_wavespeed_gets_its_own_names(wavespeed: WaveSpeed) -> None:
    envelope = wavespeed().compose(SIMPLE)
    assert envelope.path == "/api/v3/luma/ray-2-flash-i2v"
    assert envelope.body == f'{{"image":"{STILL}","prompt":"A calm sea","size":"1280*720","duration":5}}'


def test_wavespeed_gets_a_portrait_of_ten_seconds(wavespeed: WaveSpeed) -> None:
    order = replace(SIMPLE, request=replace(SIMPLE.request, duration=10), aspect_ratio="9:16")
    body = msgspec.json.decode(wavespeed().compose(order).body)
    assert (body["size"], body["duration"]) == ("720*1280", 10)


def test_wavespeed_gets_the_webhook_percent_encoded_in_its_path(wavespeed: WaveSpeed) -> None:
    envelope = wavespeed().compose(replace(SIMPLE, webhook_url=HOOK))
    assert envelope.path == (
        "/api/v3/luma/ray-2-flash-i2v?webhook="
        "https%3A%2F%2Fapi.test%2Fhooks%2Fapiframe%3Fjob%3D1%26token%3Da%2Fb%2Bc%2520d"
    )
    assert httpx.URL("https://h" + envelope.path).params["webhook"] == HOOK


@pytest.mark.parametrize(
    "order",
    [
        replace(SIMPLE, image_url=None),
        replace(SIMPLE, aspect_ratio="1:1"),
        replace(SIMPLE, request=replace(SIMPLE.request, duration=9)),
        replace(SIMPLE, request=replace(SIMPLE.request, loop=True)),
        replace(SIMPLE, request=replace(SIMPLE.request, concepts=("aerial",))),
        replace(SIMPLE, end_image_url=END),
        replace(SIMPLE, request=replace(SIMPLE.request, end_image="s3://b/e")),
    ],
)
def test_wavespeed_is_never_asked_for_less_than_the_whole_request(order: VendorOrder, wavespeed: WaveSpeed) -> None:
    with pytest.raises(ValueError, match="wavespeed"):
        wavespeed().compose(order)


@given(prompt=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_any_prompt_survives_as_unescaped_utf_8(prompt: str) -> None:
    order = replace(SIMPLE, request=replace(SIMPLE.request, prompt=prompt))
    vendors = (ApiframeVendor("https://a.test", str), WaveSpeedVendor("https://w.test", str))
    for body in (vendor.compose(order).body for vendor in vendors):
        assert msgspec.json.decode(body.encode())["prompt"] == prompt
        assert not prompt.isalpha() or prompt in body


def test_the_same_order_composes_to_the_same_bytes(apiframe: Apiframe, wavespeed: WaveSpeed) -> None:
    assert apiframe().compose(SIMPLE) == apiframe().compose(SIMPLE)
    assert wavespeed().compose(SIMPLE) == wavespeed().compose(SIMPLE)


def test_composing_sends_nothing(apiframe: Apiframe, wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    apiframe().compose(SIMPLE)
    wavespeed().compose(SIMPLE)
    assert sent == []
