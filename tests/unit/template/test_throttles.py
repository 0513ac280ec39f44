"""Limits of the gateway: what takes no key has its own, so that a flood of it refuses no caller with one."""

from typing import Any

import pytest
from tests.unit.template.document import Template

from stillmotion.dialects.catalogue import declared
from stillmotion.dialects.openapi.serving import Contract

# Of a dialect whose routes are not declared yet.
UNDECLARED = {"GET /v2/models"}


def keyless() -> set[str]:
    """The routes that take no key, with the HEAD of each GET."""
    found = {each.operation.route for each in declared() if each.operation.scope is None}
    found |= UNDECLARED | set(Contract.routes)
    return found | {route.replace("GET ", "HEAD ") for route in found if route.startswith("GET ")}


@pytest.fixture
def stage(template: Template) -> Any:
    return template.properties("ApiStage")


@pytest.fixture
def settings(stage: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = stage["RouteSettings"]
    return found


def test_what_takes_no_key_has_limits_of_its_own_and_nothing_else_has(settings: dict[str, Any]) -> None:
    # FAULTS T3.
    assert settings.keys() == keyless()


def test_limits_of_a_route_say_all_that_they_replace(stage: Any, settings: dict[str, Any]) -> None:
    """A setting that is left out is AWS's default, and not the stage's."""
    assert all(each.keys() == stage["DefaultRouteSettings"].keys() for each in settings.values())


def test_what_takes_no_key_is_called_less_often_than_what_takes_one(
    template: Template, settings: dict[str, dict[str, Any]]
) -> None:
    rate, burst = (template.parameters[name]["Default"] for name in ("ApiRateLimit", "ApiBurstLimit"))
    assert all(0 < each["ThrottlingRateLimit"] < rate for each in settings.values())
    assert all(0 < each["ThrottlingBurstLimit"] <= burst for each in settings.values())


def test_the_stage_is_made_after_the_routes_that_it_has_settings_for(
    template: Template, settings: dict[str, Any]
) -> None:
    routes = template.of_type("AWS::ApiGatewayV2::Route")
    named = {name for name, route in routes.items() if route["Properties"]["RouteKey"] in settings}
    assert set(template.body["Resources"]["ApiStage"]["DependsOn"]) == named
