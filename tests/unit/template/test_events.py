"""The examples in events/: one for each way that a function is called, and none that its trigger would not send."""

import json
from collections.abc import Callable, Mapping

import pytest
from tests.unit.finalize.conftest import Scene
from tests.unit.template.document import ROOT, JsonObject, Template
from tests.world import WORKFLOW_FAULT, World

from stillmotion.aws.items import event_item, event_of
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.ports.records import Event
from stillmotion.ports.vendor import Declared

EVENTS = {path.stem: path for path in (ROOT / "events").glob("*.json")}
UPLOADS = [name for name in EVENTS if name.endswith("-created")]
HEAD = "HEAD /v1/videos/{id}"
CAUSES = ["fail", "fail-caught"]


def read(name: str) -> JsonObject:
    found: JsonObject = json.loads(EVENTS[name].read_text(encoding="utf-8"))
    return found


def test_every_function_has_an_example_and_every_example_a_function(template: Template) -> None:
    assert {name.partition("-")[0] for name in EVENTS} == template.functions.keys()


def test_every_route_has_an_example(template: Template) -> None:
    """HEAD comes as its GET does, but for the method: one example stands for all."""
    routes = {route["Properties"]["RouteKey"] for route in template.of_type("AWS::ApiGatewayV2::Route").values()}
    examples = {read(name).get("routeKey") for name in EVENTS}

    assert {route for route in routes if not route.startswith("HEAD ")} | {HEAD} == examples - {None}
    assert HEAD in routes


@pytest.mark.parametrize("name", UPLOADS)
def test_uploads_are_what_the_rule_lets_through(template: Template, name: str) -> None:
    pattern = template.properties("InboxUploads")["EventPattern"]
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


def completed_event() -> Event:
    scene = Scene()
    scene.run()
    (event,) = scene.jobs.events
    return event


def failed_event() -> Event:
    """Of a generation that the vendor declared failed."""
    world = World()
    job = world.dispatching()
    world.dispatch(job.id)
    failure = Failure(FailureKind.GENERATION_FAILED, "The vendor could not make it.")
    world.wavespeed.readings = [Declared(vendor_status="failed", failure=failure)]
    world.check(job.id)
    world.close(job.id, WORKFLOW_FAULT)
    (event,) = world.jobs.events
    return event


def shape(value: object) -> object:
    """The names and types in a value; the members of `metadata` are the caller's own."""
    if isinstance(value, Mapping):
        return {name: dict if name == "metadata" else shape(member) for name, member in value.items()}
    return type(value)


@pytest.mark.parametrize("written", [completed_event, failed_event])
def test_announced_records_are_what_the_code_writes(written: Callable[[], Event]) -> None:
    event = written()
    images = [record["dynamodb"]["NewImage"] for record in read("announce")["Records"]]
    (image,) = [image for image in images if image["detail_type"]["S"] == event.detail_type]

    assert shape(image) == shape(event_item(event))
    assert shape(event_of(image).detail) == shape(event.detail)
    assert event_of(image).job_id == event_of(image).detail["job_id"]
