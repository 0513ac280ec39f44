"""Routing and the adapters agree: what a route says that a vendor is sent, the vendor's adapter composes."""

from collections.abc import Callable
from decimal import Decimal
from typing import get_args

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillmotion.domain.request import AspectRatio, Concept, InvalidRequest, Request, VendorName
from stillmotion.domain.routing import PriceTable, ratio_to_send, routes, shape
from stillmotion.ports.vendor import Vendor, VendorOrder
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor

IMAGE = "https://a.example/1.jpg"

requests = st.builds(
    Request,
    prompt=st.one_of(st.just("a lake"), st.just("x" * 3990)),
    image=st.sampled_from([None, IMAGE]),
    end_image=st.sampled_from([None, IMAGE]),
    duration=st.sampled_from([5, 9, 10]),
    aspect_ratio=st.sampled_from([None, *get_args(AspectRatio)]),
    loop=st.booleans(),
    concepts=st.lists(st.sampled_from(get_args(Concept)), max_size=3, unique=True).map(tuple),
    vendor=st.sampled_from(["auto", "apiframe", "wavespeed"]),
    allow_substitution=st.booleans(),
    max_dollars=st.sampled_from([None, Decimal("0.30"), Decimal("0.60")]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests, st.sampled_from([(None, None), (300, 200), (200, 300)]))
def test_every_route_of_every_request_can_be_composed(
    apiframe: Callable[..., ApiframeVendor],
    wavespeed: Callable[..., WaveSpeedVendor],
    request_: Request,
    pixels: tuple[int | None, int | None],
) -> None:
    vendors: dict[VendorName, Vendor] = {VendorName.APIFRAME: apiframe(), VendorName.WAVESPEED: wavespeed()}
    try:
        able = routes(request_, PriceTable(), *pixels)
    except InvalidRequest:
        return
    for route in able:
        order = VendorOrder(
            request=route.request,
            aspect_ratio=ratio_to_send(route, shape(request_, *pixels)),
            image_url=request_.image,
            end_image_url=request_.end_image,
        )
        body = msgspec.json.decode(vendors[route.vendor].compose(order).body)
        assert len(body["prompt"]) <= 4000
        assert bool(route.substitutions) is (route.request != request_)
        assert request_.allow_substitution or not route.substitutions
        assert request_.max_dollars is None or route.quote <= request_.max_dollars
