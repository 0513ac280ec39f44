"""Routing: who can serve the whole request, cheapest first; then who makes something near it."""

from decimal import Decimal

import pytest

from stillmotion.domain.request import InvalidRequest, Request, VendorName
from stillmotion.domain.routing import PriceTable, Route, ratio_to_send, routes, shape
from stillmotion.edge.request import parse_request

PRICES = PriceTable()
IMAGE = "https://a.example/1.jpg"


def chosen(fields: dict[str, object], prices: PriceTable = PRICES) -> VendorName:
    return routes(parse_request({"prompt": "a lake", **fields}), prices)[0].vendor


def found(fields: dict[str, object]) -> list[Route]:
    return routes(parse_request({"prompt": "a lake", **fields}), PRICES)


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


def test_a_substitution_is_made_only_where_it_is_allowed() -> None:
    nine = {"image": IMAGE, "duration": 9}
    assert [route.vendor for route in found(nine)] == [VendorName.APIFRAME]
    first, second = found({**nine, "allow_substitution": True})
    assert (first.vendor, first.substitutions, first.request.duration) == (VendorName.APIFRAME, (), 9)
    assert (second.vendor, second.request.duration, second.quote) == (VendorName.WAVESPEED, 10, Decimal("0.40"))
    assert [(one.field, one.asked, one.given) for one in second.substitutions] == [("duration", "9 s", "10 s")]


def test_a_whole_route_goes_before_a_cheaper_near_one() -> None:
    both = found({"image": IMAGE, "concepts": ["push_in"], "allow_substitution": True})
    assert [(route.vendor, route.quote) for route in both] == [
        (VendorName.APIFRAME, Decimal("0.51")),
        (VendorName.WAVESPEED, Decimal("0.20")),
    ]


def test_a_named_vendor_makes_the_nearest_where_that_is_allowed() -> None:
    (route,) = found({"vendor": "apiframe", "duration": 10, "allow_substitution": True})
    assert (route.request.duration, route.quote) == (9, Decimal("0.92"))


def test_a_route_sends_the_request_as_it_is_unless_something_was_substituted() -> None:
    fields = {"image": IMAGE, "metadata": {"sku": "1"}, "allow_substitution": True}
    assert all(route.request == parse_request({"prompt": "a lake", **fields}) for route in found(fields))


def test_a_refusal_says_where_a_substitution_would_help() -> None:
    assert objected(image=IMAGE, vendor="wavespeed", duration=9)["duration"].endswith(
        "; allow_substitution would take 10 s instead"
    )
    told = objected(image=IMAGE, vendor="wavespeed", duration=9, concepts=["push_in"])
    assert told["concepts"].endswith('; allow_substitution would take the words "Camera: push in." instead')


def test_a_refusal_promises_nothing_that_a_substitution_would_not_mend() -> None:
    told = objected(image=IMAGE, vendor="wavespeed", duration=9, loop=True)
    assert set(told) == {"duration", "loop"}
    assert not any("allow_substitution" in rule for rule in told.values())


def test_where_substitutions_are_allowed_only_what_they_leave_is_told() -> None:
    told = objected(image=IMAGE, vendor="wavespeed", duration=9, loop=True, allow_substitution=True)
    assert told == {"loop": "is not made by wavespeed"}


def test_a_dearer_vendor_than_the_request_allows_is_left_out() -> None:
    assert [route.vendor for route in found({"image": IMAGE, "max_dollars": "0.51"})] == [
        VendorName.WAVESPEED,
        VendorName.APIFRAME,
    ]
    assert [route.vendor for route in found({"image": IMAGE, "max_dollars": "0.509999"})] == [VendorName.WAVESPEED]


def test_a_near_route_is_taken_where_a_whole_one_is_too_dear() -> None:
    (route,) = found({"image": IMAGE, "duration": 9, "max_dollars": 0.5, "allow_substitution": True})
    assert (route.vendor, route.request.duration) == (VendorName.WAVESPEED, 10)


def test_a_ceiling_below_every_price_is_told_with_the_cheapest() -> None:
    assert objected(image=IMAGE, max_dollars=0.19) == {"max_dollars": "is below the cheapest price, $0.20 at wavespeed"}


def test_a_ceiling_is_told_what_a_substitution_would_cost() -> None:
    told = objected(image=IMAGE, duration=9, max_dollars="0.50")["max_dollars"]
    assert told == "is below the cheapest price, $0.92 at apiframe; with allow_substitution it is $0.40 at wavespeed"


def test_a_request_that_nobody_serves_is_told_that_and_not_the_price() -> None:
    assert list(objected(duration=10, vendor="apiframe", max_dollars="0.01")) == ["duration"]


def test_the_ratio_to_send_is_the_routes_or_the_one_that_the_job_froze() -> None:
    (square,) = found({"image": IMAGE, "aspect_ratio": "1:1", "vendor": "wavespeed", "allow_substitution": True})
    assert ratio_to_send(square, "1:1") == "16:9"
    (unshaped,) = found({"image": IMAGE, "vendor": "wavespeed"})
    assert ratio_to_send(unshaped, "9:16") == "9:16"
    assert ratio_to_send(unshaped, None) == "16:9"


@pytest.mark.parametrize(
    ("width", "height", "ratio"), [(400, 300, "16:9"), (300, 400, "9:16"), (300, 300, "16:9"), (None, None, "16:9")]
)
def test_the_image_decides_the_shape_where_the_request_does_not(
    width: int | None, height: int | None, ratio: str
) -> None:
    assert shape(Request(prompt="p"), width, height) == ratio
    assert shape(Request(prompt="p", aspect_ratio="1:1"), width, height) == "1:1"
