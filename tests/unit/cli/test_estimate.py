"""`stillmotion estimate`: what an order would come to, with nothing ordered."""

import json

import pytest
from tests.unit.cli.stage import Stage, times

from stillmotion.domain.request import VendorName
from stillmotion.vendors.wavespeed import WaveSpeedVendor

LAKE = ("estimate", "lake.jpg", "--prompt", "waves roll in")


@pytest.fixture(autouse=True)
def nothing_is_ordered(stage: Stage) -> object:
    yield
    assert not stage.world.jobs.all()
    assert not stage.world.wavespeed.posts
    assert all(json.loads(order.content)["dry_run"] is True for order in stage.orders)


def test_vendor_price_and_body_are_printed(stage: Stage) -> None:
    stage.world.wavespeed.compose = WaveSpeedVendor("https://vendor.test", lambda: "key").compose  # type: ignore[method-assign]
    ended = stage.run(*LAKE)
    assert ended.exit_code == 0
    assert "Vendor  wavespeed\nPrice   $0.20\nVideo   5 s, 16:9\n" in ended.stdout
    assert "Or      apiframe, $0.51\n" in ended.stdout
    assert "Sends   POST /api/v3/luma/ray-2-flash-i2v\n{\n" in ended.stdout
    assert '  "prompt": "waves roll in",\n  "size": "1280*720",\n  "duration": 5\n}' in ended.stdout


def test_a_file_is_uploaded_as_for_an_order(stage: Stage) -> None:
    stage.run(*LAKE)
    (put,) = stage.calls("PUT", "input.s3.test")
    assert json.loads(stage.orders[0].content)["image"] == f"s3://input{put.url.path}"


def test_what_would_be_substituted_is_printed(stage: Stage) -> None:
    ended = stage.run(*LAKE, "--duration", "9", "--vendor", "wavespeed", "--allow-substitution")
    assert "Instead 10 s in place of duration 9 s\n" in ended.stdout
    ended = stage.run(*LAKE, "--duration", "9", "--allow-substitution")
    assert "Or      wavespeed, $0.40, 10 s in place of duration 9 s\n" in ended.stdout


def test_every_option_of_an_order_reaches_the_api_as_given(stage: Stage) -> None:
    stage.run(
        "estimate", "https://a.example/lake.jpg", "--prompt", "waves", "--duration", "9", "--aspect-ratio", "1:1",
        "--end-image", "https://a.example/end.jpg", "--concept", "push_in", "--vendor", "apiframe",
        "--allow-substitution", "--failover", "always", "--max-dollars", "1.50", "--priority", "high",
        "--when-over-budget", "fail", "--callback-url", "https://a.example/told", "--metadata", "shot=1",
    )  # fmt: skip
    assert json.loads(stage.orders[0].content) == {
        "prompt": "waves",
        "image": "https://a.example/lake.jpg",
        "end_image": "https://a.example/end.jpg",
        "duration": 9,
        "aspect_ratio": "1:1",
        "concepts": ["push_in"],
        "vendor": "apiframe",
        "allow_substitution": True,
        "failover": "always",
        "max_dollars": "1.50",
        "priority": "high",
        "when_over_budget": "fail",
        "callback_url": "https://a.example/told",
        "metadata": {"shot": "1"},
        "dry_run": True,
    }


def test_with_json_the_answer_alone_is_on_standard_output(stage: Stage) -> None:
    told = json.loads(stage.run(*LAKE, "--json").stdout)
    assert (told["object"], told["vendor"], told["price_dollars"]) == ("video.estimate", "wavespeed", "0.20")


def test_a_refusal_names_the_field(stage: Stage) -> None:
    ended = stage.run(*LAKE, "--max-dollars", "0.10")
    assert ended.exit_code == 2
    assert "max_dollars: is below the cheapest price, $0.20 at wavespeed" in ended.stderr


def test_a_stack_without_keys_says_so(stage: Stage) -> None:
    stage.world.keyless = set(VendorName)
    ended = stage.run(*LAKE)
    assert ended.exit_code == 2
    assert "no key of wavespeed or apiframe" in ended.stderr


def test_an_estimate_without_an_answer_is_asked_for_again(stage: Stage) -> None:
    stage.faults["POST /v1/videos"] = times(2, 502)
    assert stage.run(*LAKE).exit_code == 0
    assert len(stage.orders) == 3


def test_a_file_that_is_no_picture_is_refused_here(stage: Stage) -> None:
    assert stage.run("estimate", "gone.jpg", "--prompt", "waves").exit_code == 2
    assert not stage.sent
