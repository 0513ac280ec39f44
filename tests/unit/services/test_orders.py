"""Orders: the request as a vendor is sent it, and its images where the vendor can fetch them."""

from decimal import Decimal

import pytest
from tests.stills import image
from tests.world import BUCKET, PRICES, World

from stillmotion.domain.failover import next_routes
from stillmotion.domain.job.records import Job, Still
from stillmotion.domain.request import VendorName
from stillmotion.domain.routing import Route, routes
from stillmotion.edge.request import parse_request
from stillmotion.ports.vendor import VendorOrder

KEY = "inbox/lake 1.jpg"


@pytest.fixture
def job(world: World) -> Job:
    """A job of an image in the bucket, whose version is named."""
    world.drop(KEY, metadata={"prompt": "a lake"})
    return world.jobs.only()


def order(world: World, job: Job) -> VendorOrder:
    (route, *_) = next_routes(job, PRICES)
    return world.orders.ready(job, route, world.vendors[route.vendor], webhook_url="https://hook.test/1")


def test_an_image_of_our_own_is_given_by_a_signed_url_of_its_version(world: World, job: Job) -> None:
    made = order(world, job)
    assert made.image_url is not None
    assert made.image_url.startswith(f"https://{BUCKET}.s3.test/{KEY}?")
    assert "versionId=v1" in made.image_url
    assert "X-Amz-Expires=21600" in made.image_url
    assert "response-content-type=image/jpeg" in made.image_url
    assert (made.end_image_url, made.webhook_url) == (None, "https://hook.test/1")


def test_an_image_is_uploaded_where_the_stack_says_so(world: World, job: Job) -> None:
    world.image_transfer = "upload"
    made = order(world, job)
    assert made.image_url == "https://uploads.wavespeed.test/1/lake 1.jpg"
    assert world.wavespeed.uploads == [(image(), "image/jpeg", "lake 1.jpg")]


def test_an_image_of_somebody_elses_is_given_as_it_was_named(world: World) -> None:
    world.image_transfer = "upload"
    request = parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg"})
    (route, *_) = routes(request, PRICES)
    assert world.orders.sketched(route, "16:9", Still(address="https://a.example/1.jpg"), None).image_url == (
        "https://a.example/1.jpg"
    )


@pytest.mark.parametrize("transfer", ["signed_url", "upload"])
def test_a_sketch_hands_nothing_over(world: World, job: Job, transfer: str) -> None:
    world.image_transfer = transfer
    (route, *_) = next_routes(job, PRICES)
    sketched = world.orders.sketched(route, "16:9", job.still, None)
    assert not world.wavespeed.uploads
    query = "X-Amz-Expires=21600&versionId=v1&response-content-type=image/jpeg&X-Amz-Signature=get"
    signed = f"https://{BUCKET}.s3.test/{KEY}?{query}"
    assert sketched.image_url == (signed if transfer == "signed_url" else f"s3://{BUCKET}/{KEY}")


def test_what_is_sent_is_what_the_route_has_in_place_of_the_request(world: World, job: Job) -> None:
    request = parse_request({"prompt": "a lake", "image": f"s3://{BUCKET}/{KEY}", "aspect_ratio": "16:9"})
    route = Route(VendorName.WAVESPEED, Decimal("0.20"), request)
    made = world.orders.ready(job, route, world.wavespeed)
    assert (made.request, made.aspect_ratio) == (request, "16:9")
