"""Routing: who can serve the whole request, cheapest first."""

from decimal import Decimal

import pytest

from stillmotion.domain.request import InvalidRequest, Request, VendorName, parse_request
from stillmotion.domain.routing import PriceTable, routes, shape

PRICES = PriceTable()
IMAGE = "https://a.example/1.jpg"


def chosen(fields: dict[str, object], prices: PriceTable = PRICES) -> VendorName:
    return routes(parse_request({"prompt": "a lake", **fields}), prices)[0].vendor


def objected(**fields: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        routes(parse_request({"prompt": "a lake", **fields}), PRICES)
    return {error.field: error.rule for error in caught.value.errors}


def test_the_cheaper_vendor_is_chosen_where_both_can() -> None:
    assert chosen({"image": IMAGE}) is VendorName.WAVESPEED
    assert chosen({"image": IMAGE}, PriceTable(apiframe_dollars_per_credit=Decimal("0.001"))) is VendorName.APIFRAME


def test_both_are_listed_with_their_quotes() -> None:
    listed = routes(Request(prompt="a lake", image=IMAGE), PRICES)
    assert [(route.vendor, route.quote) for route in listed] == [
        (VendorName.WAVESPEED, Decimal("0.20")),
        (VendorName.APIFRAME, Decimal("0.51")),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"image": IMAGE, "duration": 9},
        {"image": IMAGE, "aspect_ratio": "1:1"},
        {"image": IMAGE, "loop": True},
        {"image": IMAGE, "end_image": "https://a.example/2.jpg"},
        {"image": IMAGE, "concepts": ["push_in"]},
        {"image": IMAGE, "vendor": "apiframe"},
    ],
)
def test_what_only_apiframe_makes_goes_there(fields: dict[str, object]) -> None:
    assert chosen(fields) is VendorName.APIFRAME


def test_ten_seconds_go_to_wavespeed() -> None:
    assert chosen({"image": IMAGE, "duration": 10, "size": "720*1280"}) is VendorName.WAVESPEED


def test_what_nobody_makes_is_refused_with_each_vendors_reason() -> None:
    assert set(objected(image=IMAGE, duration=10, loop=True)) == {"duration", "loop"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "image"),
        ({"image": IMAGE, "duration": 9}, "duration"),
        ({"image": IMAGE, "aspect_ratio": "1:1"}, "aspect_ratio"),
        ({"image": IMAGE, "loop": True}, "loop"),
        ({"image": IMAGE, "concepts": ["push_in"]}, "concepts"),
        ({"image": IMAGE, "end_image": "https://a.example/2.jpg"}, "end_image"),
    ],
)
def test_a_named_vendor_that_cannot_is_refused_with_the_field(fields: dict[str, object], field: str) -> None:
    assert list(objected(vendor="wavespeed", **fields)) == [field]


def test_apiframe_makes_no_ten_seconds() -> None:
    assert list(objected(vendor="apiframe", duration=10)) == ["duration"]


@pytest.mark.parametrize(
    ("width", "height", "ratio"), [(400, 300, "16:9"), (300, 400, "9:16"), (300, 300, "16:9"), (None, None, "16:9")]
)
def test_the_image_decides_the_shape_where_the_request_does_not(
    width: int | None, height: int | None, ratio: str
) -> None:
    assert shape(Request(prompt="p"), width, height) == ratio
    assert shape(Request(prompt="p", aspect_ratio="1:1"), width, height) == "1:1"
