"""The request: what it takes, and that every refusal names the field and the rule."""

from decimal import Decimal
from typing import get_args

import pytest

from stillmotion.domain.request import CALLBACK_RULE, Concept, InvalidRequest, Request
from stillmotion.edge.request import parse_request


def refused(**fields: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        parse_request({"prompt": "a lake", **fields})
    return {error.field: error.rule for error in caught.value.errors}


def test_a_prompt_alone_is_a_request() -> None:
    assert parse_request({"prompt": "a lake"}) == Request(prompt="a lake")


def test_every_field_is_taken() -> None:
    fields = {
        "prompt": "a lake",
        "image": "s3://bucket/inbox/lake 1.jpg",
        "duration": 9,
        "aspect_ratio": "21:9",
        "loop": True,
        "concepts": ["push_in", "tilt_up"],
        "vendor": "apiframe",
        "metadata": {"sku": "42"},
        "allow_substitution": True,
        "failover": "always",
        "priority": "high",
        "max_dollars": 0.3,
        "when_over_budget": "fail",
    }
    request = parse_request(fields)
    assert request.concepts == ("push_in", "tilt_up")
    assert (request.image, request.duration, request.aspect_ratio, request.loop, request.vendor, request.metadata) == (
        "s3://bucket/inbox/lake 1.jpg", 9, "21:9", True, "apiframe", {"sku": "42"},
    )  # fmt: skip
    assert (request.allow_substitution, request.failover, request.priority) == (True, "always", "high")
    assert (request.max_dollars, request.when_over_budget) == (Decimal("0.3"), "fail")


def test_every_field_can_be_read_from_text() -> None:
    fields = {
        "prompt": "a lake",
        "duration": "9",
        "loop": "true",
        "allow_substitution": "true",
        "failover": "never",
        "priority": "low",
        "max_dollars": "0.45",
        "when_over_budget": "fail",
    }
    request = parse_request(fields, text_values=True)
    assert (request.duration, request.loop, request.allow_substitution, request.failover) == (9, True, True, "never")
    assert (request.priority, request.max_dollars, request.when_over_budget) == ("low", Decimal("0.45"), "fail")


@pytest.mark.parametrize(
    "ceiling",
    [
        0,
        -1,
        "nan",
        "inf",
        "1E-7",
        "0.0000001",
        1_000_001,
        "much",
        True,
        [1],
        "1e-99999999",
        "1e2",
        " 1",
        "+1",
        "1_0",
        "\u0663",
        ".5",
        "",
    ],
)
def test_a_ceiling_that_is_no_price_is_refused(ceiling: object) -> None:
    assert refused(max_dollars=ceiling) == {
        "max_dollars": "must be more than 0 and at most 1000000 US dollars, with at most 6 decimals"
    }


def test_all_34_concepts_are_known() -> None:
    concepts = list(get_args(Concept))
    assert len(concepts) == 34
    assert parse_request({"prompt": "a lake", "concepts": concepts}).concepts == tuple(concepts)


@pytest.mark.parametrize(
    ("size", "ratio"), [("1280*720", "16:9"), ("1280x720", "16:9"), ("720*1280", "9:16"), ("720X1280", "9:16")]
)
def test_a_size_is_a_ratio(size: str, ratio: str) -> None:
    assert parse_request({"prompt": "a lake", "size": size}).aspect_ratio == ratio


@pytest.mark.parametrize("field", ["image", "end_image"])
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("HTTPS://A.example/HTTPS://1.JPG", "https://A.example/HTTPS://1.JPG"),
        ("S3://bucket/S3://Key", "s3://bucket/S3://Key"),
        ("Http://localhost:8080/1.jpg", "http://localhost:8080/1.jpg"),
    ],
)
def test_a_scheme_is_one_in_capitals_too(field: str, given: str, taken: str) -> None:
    request = parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg", field: given})
    assert getattr(request, field) == taken


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", "   "),
        ("prompt", "x" * 4001),
        ("prompt", 7),
        ("prompt", "a\ud800lake"),
        ("image", "http://example.com/a.jpg"),
        ("image", "https://user:secret@example.com/a.jpg"),
        ("image", "file:///etc/passwd"),
        ("image", "s3://bucket"),
        ("duration", 6),
        ("duration", "5"),
        ("duration", True),
        ("aspect_ratio", "2:1"),
        ("size", "1920*1080"),
        ("loop", "yes"),
        ("concepts", ["fly"]),
        ("concepts", ["push_in", "push_in"]),
        ("vendor", "luma"),
        ("allow_substitution", "yes"),
        ("failover", "sometimes"),
        ("priority", 1),
        ("when_over_budget", "pay"),
        ("metadata", {"a": 1}),
        ("metadata", {"a": "\ud800"}),
        ("metadata", {"": "x"}),
        ("metadata", {"a": "x" * 513}),
        ("metadata", {str(number): "x" for number in range(17)}),
        ("colour", "red"),
    ],
)
def test_a_broken_rule_names_its_field(field: str, value: object) -> None:
    errors = refused(**{field: value})
    assert list(errors) == [field]
    assert errors[field]


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("prompt", "must be text of 1 to 4000 characters"),
        ("image", "must be an https:// URL without user info, a data: URI, or s3://bucket/key"),
        ("size", "must be one of 1280*720, 720*1280"),
        ("loop", "must be true or false"),
        ("metadata", "must be texts of at most 512 characters, under names of 1 to 64"),
        ("callback_url", CALLBACK_RULE),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_the_rule_in_plain_words(field: str, rule: str) -> None:
    assert refused(**{field: 5}) == {field: rule}


@pytest.mark.parametrize("field", Request.__struct_fields__)
def test_no_rule_is_in_the_words_of_a_program(field: str) -> None:
    name = "callback_url" if field == "callback" else field
    values: tuple[object, ...] = ([[]], {"a": []}, "")
    for value in values:
        with pytest.raises(InvalidRequest) as caught:
            parse_request({"prompt": "a lake", name: value})
        assert "Expected" not in str(caught.value)


@pytest.mark.parametrize("field", ["image", "end_image"])
def test_a_key_that_s3_would_not_take_is_refused(field: str) -> None:
    taken = {"image": "https://a.example/1.jpg", field: "s3://bucket/" + "é" * 512}
    assert parse_request({"prompt": "a lake", **taken})
    assert refused(**taken | {field: "s3://bucket/" + "é" * 512 + "x"})[field].endswith("at most 1024 bytes")


def test_of_very_many_broken_rules_20_are_shown_the_last_of_which_counts_the_others() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request({"prompt": "a lake"} | {f"field {number}": 1 for number in range(100_000)})
    assert len(caught.value.errors) == 20
    assert str(caught.value.errors[-1]) == "request: breaks 99981 more rules"


def test_of_20_broken_rules_all_are_shown() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request({"prompt": "a lake"} | {f"field {number}": 1 for number in range(20)})
    assert [error.field for error in caught.value.errors] == [f"field {number}" for number in range(20)]


def test_a_long_field_name_is_told_by_its_start() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request({"prompt": "a lake", "x" * 100_000: 1})
    assert caught.value.errors[0].field == "x" * 63 + "…"


def test_what_a_record_is_told_of_broken_rules_is_bounded() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request({"prompt": "a lake"} | {f"{number} {'x' * 100}": 1 for number in range(100)})
    assert len(str(caught.value)) <= 2000


def test_a_choice_names_what_may_be_chosen() -> None:
    assert refused(duration=6) == {"duration": "must be one of 5, 9, 10"}


def test_every_broken_rule_is_told_at_once() -> None:
    assert set(refused(duration=6, vendor="luma", colour="red")) == {"duration", "vendor", "colour"}


def test_a_missing_prompt_is_told() -> None:
    with pytest.raises(InvalidRequest, match="prompt: is required"):
        parse_request({})


def test_loop_with_an_end_image_is_refused() -> None:
    errors = refused(loop=True, image="https://a.example/1.jpg", end_image="https://a.example/2.jpg")
    assert list(errors) == ["loop"]


def test_an_end_image_needs_an_image() -> None:
    assert list(refused(end_image="https://a.example/2.jpg")) == ["end_image"]


def test_a_size_that_contradicts_the_ratio_is_refused() -> None:
    assert list(refused(size="1280*720", aspect_ratio="9:16")) == ["size"]
    assert parse_request({"prompt": "p", "size": "720*1280", "aspect_ratio": "9:16"}).aspect_ratio == "9:16"
