"""An estimate tells what would be sent and what it would cost; it sends nothing and writes nothing."""

import json
from typing import Any

import pytest
from tests.stills import image
from tests.world import BUCKET, World

from stillmotion.domain.request import InvalidRequest, VendorName
from stillmotion.edge.request import parse_request
from stillmotion.services.intake.estimate import Estimated, NoKey
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor

ADDRESS = f"s3://{BUCKET}/uploads/default/x"


@pytest.fixture(autouse=True)
def nothing_happens(world: World) -> Any:
    """Whatever is estimated: no vendor hears of it, and no record or execution is made."""
    yield
    assert not world.jobs.all()
    assert not world.workflow.started
    for vendor in (world.apiframe, world.wavespeed):
        assert (vendor.posts, vendor.uploads, vendor.reads) == ([], [], [])


def estimated(world: World, tenant: str = "default", **fields: object) -> Estimated:
    return world.estimate(tenant, parse_request({"prompt": "a lake", **fields}))


def test_the_vendor_that_would_be_first_is_told_with_the_others(world: World) -> None:
    told = estimated(world, image="https://a.example/1.jpg")
    assert told.route.vendor is VendorName.WAVESPEED
    assert [route.vendor for route in told.alternatives] == [VendorName.APIFRAME]


def test_a_vendor_without_a_key_cannot_be_chosen(world: World) -> None:
    world.keyless.add(VendorName.WAVESPEED)
    told = estimated(world, image="https://a.example/1.jpg")
    assert (told.route.vendor, told.alternatives) == (VendorName.APIFRAME, ())


def test_where_nobody_who_could_make_it_has_a_key_that_is_told(world: World) -> None:
    world.keyless.add(VendorName.APIFRAME)
    with pytest.raises(NoKey, match="no key of apiframe"):
        estimated(world)


def test_the_body_is_the_one_that_dispatch_would_send(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/x", image("JPEG", 200, 320))
    for vendor, maker in (("apiframe", ApiframeVendor), ("wavespeed", WaveSpeedVendor)):
        scripted = getattr(world, vendor)
        scripted.compose = maker("https://vendor.test", lambda: "key").compose
        told = estimated(world, image=ADDRESS, vendor=vendor)
        body = json.loads(told.envelope.body)
        signed = body["image"] if vendor == "wavespeed" else body["lumaParams"]["start_image"]
        query = "X-Amz-Expires=21600&versionId=v1&response-content-type=image/jpeg&X-Amz-Signature=get"
        assert signed == f"https://{BUCKET}.s3.test/uploads/default/x?{query}"
        assert told.aspect_ratio == "9:16"


def test_a_square_for_wavespeed_is_as_the_image_is_turned(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/x", image("JPEG", 200, 320))
    told = estimated(world, image=ADDRESS, aspect_ratio="1:1", vendor="wavespeed", allow_substitution=True)
    assert told.aspect_ratio == "9:16"
    assert [(one.asked, one.given) for one in told.route.substitutions] == [("1:1", "9:16")]


def test_nothing_is_uploaded_and_the_answer_says_so(world: World) -> None:
    world.image_transfer = "upload"
    world.objects.put(BUCKET, "uploads/default/x", image())
    told = estimated(world, image=ADDRESS)
    assert json.loads(told.envelope.body)["image_url"] == ADDRESS
    assert any("own storage" in note for note in told.notes)


def test_a_picture_from_elsewhere_is_only_named_and_the_answer_says_so(world: World) -> None:
    told = estimated(world, image="https://a.example/1.jpg")
    assert json.loads(told.envelope.body)["image_url"] == "https://a.example/1.jpg"
    assert any("copied into the input bucket" in note for note in told.notes)


def test_a_prompt_alone_has_no_note_about_images(world: World) -> None:
    (note,) = estimated(world).notes
    assert "webhook" in note


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"duration": 10}, "duration"),
        ({"max_dollars": "0.01"}, "max_dollars"),
        ({"image": f"s3://{BUCKET}/uploads/other/x"}, "image"),
        ({"image": f"s3://{BUCKET}/uploads/default/gone"}, "image"),
    ],
)
def test_what_an_order_would_be_refused_for_an_estimate_is_too(
    world: World, fields: dict[str, object], field: str
) -> None:
    world.objects.put(BUCKET, "uploads/other/x", image())
    with pytest.raises(InvalidRequest, match=f"{field}:"):
        world.estimate("default", parse_request({"prompt": "a lake", **fields}))
