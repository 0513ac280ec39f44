"""The examples in events/: one for each way that a function is called, and none that its trigger would not send."""

import json

import pytest
from tests.unit.template.document import ROOT, JsonObject, Template

EVENTS = {path.stem: path for path in (ROOT / "events").glob("*.json")}
UPLOADS = [name for name in EVENTS if name.endswith("-created")]
CAUSES = ["fail", "fail-caught"]


def read(name: str) -> JsonObject:
    found: JsonObject = json.loads(EVENTS[name].read_text(encoding="utf-8"))
    return found


def test_every_function_has_an_example_and_every_example_a_function(template: Template) -> None:
    assert {name.partition("-")[0] for name in EVENTS} == template.functions.keys()


def test_every_route_has_an_example(template: Template) -> None:
    routes = {route["Properties"]["RouteKey"] for route in template.of_type("AWS::ApiGatewayV2::Route").values()}
    examples = {read(name).get("routeKey") for name in EVENTS}

    assert routes == examples - {None}


@pytest.mark.parametrize("name", UPLOADS)
def test_uploads_are_what_the_rule_lets_through(template: Template, name: str) -> None:
    pattern = template.properties("SubmitFunction")["Events"]["InboxUpload"]["Properties"]["Pattern"]
    event = read(name)

    assert event["source"] in pattern["source"]
    assert event["detail-type"] in pattern["detail-type"]
    assert event["detail"]["object"]["key"].startswith(pattern["detail"]["object"]["key"][0]["prefix"])
    assert event["detail"]["object"]["version-id"]


@pytest.mark.parametrize("name", ["dispatch", "check", "finalize", *CAUSES])
def test_the_state_machine_sends_what_its_definition_says(definition: JsonObject, name: str) -> None:
    state = "Close" if name in CAUSES else name.title()

    assert read(name).keys() == definition["States"][state]["Arguments"]["Payload"].keys()


@pytest.mark.parametrize("name", CAUSES)
def test_the_fail_function_is_told_an_error_and_a_message(name: str) -> None:
    assert read(name)["cause"].keys() == {"error", "message"}


def test_announced_records_are_what_the_filter_lets_through(template: Template) -> None:
    (filtered,) = template.properties("Announcements")["FilterCriteria"]["Filters"]
    pattern = json.loads(filtered["Pattern"])
    prefix = pattern["dynamodb"]["Keys"]["pk"]["S"][0]["prefix"]

    for record in read("announce")["Records"]:
        assert record["eventName"] in pattern["eventName"]
        assert record["dynamodb"]["Keys"]["pk"]["S"].startswith(prefix)
