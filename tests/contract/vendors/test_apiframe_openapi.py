"""Apiframe's OpenAPI document takes every body that is composed, and describes every shape that is recorded."""

import itertools
import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from stillmotion.domain.request import AspectRatio, Concept, Request
from stillmotion.ports.vendor import VendorOrder
from stillmotion.vendors.apiframe import ApiframeVendor

SHAPES = Path(__file__).parent / "shapes"
STILL = "https://bucket.s3.amazonaws.com/a.jpg?X-Amz-Signature=0f"
CONCEPTS: tuple[Concept, ...] = get_args(Concept)
SCHEMA_OF_SHAPE = {
    "apiframe-submit-accepted": "JobAccepted",
    "apiframe-submit-replayed": "JobAccepted",
    "apiframe-submit-invalid": "ValidationError",
    "apiframe-submit-unauthorized": "ErrorResponse",
    "apiframe-submit-out-of-credits": "InsufficientCredits",
    "apiframe-submit-forbidden": "ErrorResponse",
    "apiframe-submit-throttled": "ErrorResponse",
    "apiframe-submit-unavailable": "ErrorResponse",
    "apiframe-job-queued": "Job",
    "apiframe-job-processing": "Job",
    "apiframe-job-completed": "Job",
    "apiframe-job-completed-bare": "Job",
    "apiframe-job-completed-list": "Job",
    "apiframe-job-expired": "Job",
    "apiframe-job-failed": "Job",
    "apiframe-job-cancelled": "Job",
    "apiframe-job-not-found": "ErrorResponse",
    "apiframe-upload": "Upload",
}


def validate(openapi: dict[str, Any], schema: str, value: object) -> None:
    """Raises jsonschema.ValidationError."""
    referring = {**openapi, "$ref": f"#/components/schemas/{schema}"}
    Draft202012Validator(referring, format_checker=FormatChecker()).validate(value)


def composed(**order: Any) -> Any:
    envelope = ApiframeVendor("https://api.apiframe.ai", str).compose(VendorOrder(**order))
    return envelope.path, msgspec.json.decode(envelope.body)


@pytest.mark.parametrize(
    "order",
    [
        {"request": Request(prompt="x"), "aspect_ratio": "16:9"},
        {"request": Request(prompt="y" * 4000, loop=True, concepts=CONCEPTS), "aspect_ratio": "1:1"},
        {
            "request": Request(prompt="🦁", image="s3://b/a", end_image="s3://b/e", duration=9),
            "aspect_ratio": "21:9",
            "image_url": STILL,
            "end_image_url": STILL,
            "webhook_url": "https://api.example.com/hooks?job=1",
        },
    ],
)
def test_apiframe_takes_the_composed_body(order: dict[str, Any], openapi: dict[str, Any]) -> None:
    path, body = composed(**order)
    assert "post" in openapi["paths"][path]
    validate(openapi, "GenerateVideoRequest", body)


def test_apiframe_takes_every_shape_and_length_that_a_request_may_have(openapi: dict[str, Any]) -> None:
    requests = (Request(prompt="x", duration=5), Request(prompt="x", duration=9))
    for ratio, request in itertools.product(get_args(AspectRatio), requests):
        _, body = composed(request=request, aspect_ratio=ratio)
        validate(openapi, "GenerateVideoRequest", body)


def test_a_request_knows_just_the_concepts_and_ratios_that_apiframe_does(openapi: dict[str, Any]) -> None:
    flash = openapi["components"]["schemas"]["GenerateVideoRequest"]["oneOf"][1]["properties"]
    parameters = flash["lumaParams"]["properties"]
    assert set(parameters["concepts"]["items"]["enum"]) == set(CONCEPTS)
    assert set(parameters["aspect_ratio"]["enum"]) == set(get_args(AspectRatio))


@pytest.mark.parametrize("name", SCHEMA_OF_SHAPE)
def test_apiframe_describes_the_recorded_shape(name: str, openapi: dict[str, Any]) -> None:
    recorded = json.loads((SHAPES / f"{name}.json").read_text())
    validate(openapi, SCHEMA_OF_SHAPE[name], recorded["body"])
