"""Pages of other sites: nobody's may call, unless AllowedOrigins says whose."""

from typing import Any

import pytest
from tests.unit.template.document import Template

ORIGINS = {"Fn::Split": [",", {"Ref": "AllowedOrigins"}]}
NONE = {"Ref": "AWS::NoValue"}


def when_allowed(template: Template, resource: str) -> Any:
    condition, allowed, otherwise = template.properties(resource)["CorsConfiguration"]["Fn::If"]
    assert (condition, otherwise) == ("AllowsOrigins", NONE)
    return allowed


def test_none_is_allowed_by_itself(template: Template) -> None:
    assert template.parameters["AllowedOrigins"]["Default"] == ""


def test_the_api_takes_the_headers_that_keys_come_in(template: Template) -> None:
    allowed = when_allowed(template, "Api")
    assert allowed["AllowOrigins"] == ORIGINS
    assert {"authorization", "x-api-key", "content-type", "idempotency-key"} <= set(allowed["AllowHeaders"])
    assert "AllowCredentials" not in allowed


def test_the_api_takes_the_methods_of_its_routes(template: Template) -> None:
    routes = [route["Properties"]["RouteKey"] for route in template.of_type("AWS::ApiGatewayV2::Route").values()]
    methods = {route.partition(" ")[0] for route in routes} - {"ANY", "OPTIONS"}
    assert set(when_allowed(template, "Api")["AllowMethods"]) == methods


@pytest.mark.parametrize(("bucket", "methods"), [("InputBucket", ["PUT"]), ("OutputBucket", ["GET", "HEAD"])])
def test_signed_urls_work_from_the_same_pages(template: Template, bucket: str, methods: list[str]) -> None:
    (rule,) = when_allowed(template, bucket)["CorsRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (ORIGINS, methods)


def test_browsers_that_ask_first_reach_no_route_that_takes_a_key(template: Template) -> None:
    """`ANY` takes OPTIONS too, and goes behind a route that names the method."""
    routes = [route["Properties"]["RouteKey"] for route in template.of_type("AWS::ApiGatewayV2::Route").values()]
    caught = {route.partition(" ")[2] for route in routes if route.startswith("ANY ")}
    assert caught == {route.partition(" ")[2] for route in routes if route.startswith("OPTIONS ")}
