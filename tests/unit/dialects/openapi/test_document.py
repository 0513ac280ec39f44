"""The contract says what the code does: its routes and scopes, and the fields of its own types."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate
from tests.unit.dialects.stack import Stack, template

from stillmotion.dialects import native
from stillmotion.dialects.apiframe import APIFRAME
from stillmotion.dialects.catalogue import declared
from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.order_body import VideoOrder
from stillmotion.dialects.openapi.document import document, operations, schemas
from stillmotion.dialects.openapi.operation import KEYED
from stillmotion.dialects.openapi.schemas import Json
from stillmotion.dialects.openapi.serving import Contract
from stillmotion.dialects.wavespeed import WAVESPEED
from stillmotion.domain.request import InvalidRequest
from stillmotion.edge.request import HandlingFields, RequestFields, parse_request

ELSEWHERE = {native.NATIVE.proxy, WAVESPEED.proxy, APIFRAME.proxy}
WEBHOOKS = "POST /v1/webhooks/{vendor}/{job_id}/{attempt}/{token}"
TYPES = {"string": str, "integer": int, "boolean": bool}
SCHEMAS = schemas(declared())


def video_order() -> Json:
    return SCHEMAS["VideoOrder"]


def video_form() -> Json:
    return SCHEMAS["VideoForm"]


@pytest.fixture(scope="module")
def openapi() -> Json:
    """As it is sent."""
    decoded: Json = msgspec.json.decode(msgspec.json.encode(document("https://api.example")))
    return decoded


@pytest.fixture
def endpoints(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Endpoints]:
    return Stack().endpoints(monkeypatch)


def every_operation(openapi: Json) -> list[Json]:
    return [operation for methods in openapi["paths"].values() for operation in methods.values()]


def of_components(openapi: Json) -> Json:
    return {"components": openapi["components"]}


def within(part: Any) -> Iterator[Json]:
    """Every object in a part of the document."""
    if isinstance(part, dict):
        yield part
    members = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for member in members:
        yield from within(member)


def test_every_route_of_the_code_is_in_it_and_no_other(endpoints: Mapping[str, Endpoints]) -> None:
    told = [operation.route for operation in operations()]
    assert len(told) == len(set(told))
    assert set(told) == endpoints.keys() - ELSEWHERE | {WEBHOOKS}


def test_every_route_that_is_deployed_is_in_it_and_no_other() -> None:
    deployed = {route["Properties"]["RouteKey"] for route in template().of_type("AWS::ApiGatewayV2::Route").values()}
    told = {operation.route for operation in operations()}
    told |= {route.replace("GET ", "HEAD ") for route in told if route.startswith("GET ")}
    assert told == deployed - ELSEWHERE - set(Contract.routes)


def test_the_scopes_are_those_of_the_code(endpoints: Mapping[str, Endpoints]) -> None:
    for operation in operations():
        if operation.route != WEBHOOKS:
            assert operation.scope == endpoints[operation.route].routes[operation.route].scope
        else:
            assert operation.scope is None


def test_whoever_takes_a_key_says_what_becomes_of_those_without(openapi: Json) -> None:
    for operation in every_operation(openapi):
        if operation["security"]:
            assert {str(status) for status in KEYED} <= operation["responses"].keys()
            assert [next(iter(way)) for way in operation["security"]] == ["bearer", "apiKey"]


@pytest.mark.parametrize("status", ["429", "503"])
def test_whoever_is_to_wait_is_told_how_long(openapi: Json, status: str) -> None:
    for operation in every_operation(openapi):
        if operation["security"]:
            assert operation["responses"][status]["headers"]["retry-after"]["schema"]["type"] == "integer"


def test_errors_are_told_in_the_words_of_their_dialect(openapi: Json) -> None:
    words = {"/v1/": "Problem", "/v2/": "ApiframeError", "/api/v3/": "WavespeedError"}
    for path, methods in openapi["paths"].items():
        (word,) = [word for prefix, word in words.items() if path.startswith(prefix)]
        for operation in methods.values():
            for status, told in operation["responses"].items():
                contents = told.get("content", {}).values() if int(status) >= 400 else ()
                schemas = [
                    schema for content in contents for schema in content["schema"].get("anyOf", [content["schema"]])
                ]
                assert {schema["$ref"].rpartition("/")[2] for schema in schemas} <= {word, "GatewayMessage"}


def test_what_the_gateway_answers_by_itself_is_told_beside_the_words_of_the_dialect(openapi: Json) -> None:
    for operation in every_operation(openapi):
        for status in ("429", "500", *(("413",) if "requestBody" in operation else ())):
            told = operation["responses"][status]
            found = Draft202012Validator({**told["content"]["application/json"]["schema"], **of_components(openapi)})
            assert found.is_valid({"message": "Too Many Requests"})
            assert not [name for name, header in told["headers"].items() if header.get("required")]


def test_a_problem_is_still_one_beside_what_the_gateway_answers(openapi: Json) -> None:
    limited = {path: openapi["paths"][path]["get"]["responses"]["429"]["content"] for path in ("/v1/videos", "/v2/me")}
    assert limited["/v1/videos"].keys() == {"application/problem+json", "application/json"}
    told = Draft202012Validator({**limited["/v2/me"]["application/json"]["schema"], **of_components(openapi)})
    assert told.is_valid({"error": "Rate limit exceeded"})


def test_every_answer_of_a_function_names_its_call(openapi: Json) -> None:
    for operation in every_operation(openapi):
        for told in operation["responses"].values():
            assert told["headers"]["x-request-id"]["required"] == ("GatewayMessage" not in json.dumps(told))


def test_operations_have_names_of_their_own(openapi: Json) -> None:
    names = Counter(operation["operationId"] for operation in every_operation(openapi))
    assert set(names.values()) == {1}


def test_every_tag_is_told_of_and_used(openapi: Json) -> None:
    used = {tag for operation in every_operation(openapi) for tag in operation["tags"]}
    assert used == {tag["name"] for tag in openapi["tags"]}


def test_every_schema_is_one_and_used(openapi: Json) -> None:
    told = openapi["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(openapi))) == told.keys()
    for schema in told.values():
        Draft202012Validator.check_schema(schema)


def test_every_closed_set_is_of_one_type_and_says_so(openapi: Json) -> None:
    """Generators of clients leave out what has an enum of several."""
    for schema in within([openapi["paths"], openapi["components"]["schemas"]]):
        if isinstance(schema.get("enum"), list):
            assert {type(value) for value in schema["enum"]} == {TYPES[schema["type"]]}


def test_what_may_be_null_is_either_null_or_of_another_type(openapi: Json) -> None:
    for schema in within([openapi["paths"], openapi["components"]["schemas"]]):
        assert not isinstance(schema.get("type"), list)
        options = schema.get("anyOf", [])
        assert options.count({"type": "null"}) <= 1
        assert not any("anyOf" in option for option in options)


def test_each_path_has_its_parameters(openapi: Json) -> None:
    for path, methods in openapi["paths"].items():
        for operation in methods.values():
            told = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert told == set(re.findall(r"\{(\w+)\}", path))


def test_an_order_has_the_fields_of_a_request_and_openais() -> None:
    beside = {"model", "input_reference", "seconds", "dry_run"}
    assert VideoOrder.model_fields.keys() == RequestFields.model_fields.keys() | beside
    assert video_order()["properties"].keys() == VideoOrder.model_fields.keys()
    assert video_order()["required"] == ["prompt"]


def test_whatever_may_be_left_out_of_an_order_may_be_null_but_for_what_would_cost_money() -> None:
    fields = video_order()["properties"]
    takes_null = {name for name, schema in fields.items() if Draft202012Validator(schema).is_valid(None)}
    assert takes_null == fields.keys() - {"prompt", "dry_run"}


def test_what_is_left_out_of_an_order_is_what_the_code_takes_for_it() -> None:
    told = {name: schema["default"] for name, schema in video_order()["properties"].items() if "default" in schema}
    left_out = msgspec.to_builtins(parse_request({"prompt": "a lake"}))
    assert told == {name: left_out[name] for name in told.keys() - {"dry_run"}} | {"dry_run": False}
    assert {"duration", "vendor", "failover", "priority", "when_over_budget", "loop"} <= told.keys()


def test_an_order_at_wavespeed_takes_the_same_fields_beside_its_own_parameters() -> None:
    own, taken = video_order()["properties"], SCHEMAS["WavespeedOrder"]["properties"]
    assert HandlingFields.model_fields.keys() <= taken.keys()
    assert {name: taken[name] for name in HandlingFields.model_fields} == {
        name: own[name] for name in HandlingFields.model_fields
    }


def test_what_costs_nothing_may_be_left_out_of_a_price_and_not_of_an_order() -> None:
    order, inputs = SCHEMAS["WavespeedOrder"], SCHEMAS["WavespeedInputs"]
    assert (order["required"], inputs.get("required")) == (["image", "prompt"], None)
    for name in order["required"]:
        takes_null = [Draft202012Validator(each["properties"][name]).is_valid(None) for each in (order, inputs)]
        assert takes_null == [False, True]


def test_a_member_that_an_answer_may_lack_is_not_required_and_never_null() -> None:
    for name in ("WavespeedPrediction", "WavespeedListed"):
        assert "code" not in SCHEMAS[name]["required"]
        assert SCHEMAS[name]["properties"]["code"]["type"] == "integer"


def test_a_member_that_may_be_left_out_of_an_answer_is_never_null() -> None:
    shown = Draft202012Validator(SCHEMAS["ApiframeInput"])
    assert shown.is_valid({})
    assert not any(shown.is_valid({name: None}) for name in SCHEMAS["ApiframeInput"]["properties"])


def test_a_form_has_the_fields_of_an_order() -> None:
    assert video_form()["properties"].keys() | {"metadata"} == video_order()["properties"].keys()


def test_no_two_members_of_a_schema_are_one_name_in_a_program(openapi: Json) -> None:
    """Generators of clients leave out what has two of a name."""
    for schema in openapi["components"]["schemas"].values():
        names = Counter(re.sub(r"\W", "", name) for name in schema.get("properties", {}))
        assert set(names.values()) <= {1}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", " \n\u2003"),
        ("max_dollars", "much"),
        ("max_dollars", "1e2"),
        ("max_dollars", "0.0000001"),
        ("max_dollars", 1_000_001),
    ],
)
def test_what_the_code_refuses_of_an_order_the_document_refuses(field: str, value: object) -> None:
    assert not Draft202012Validator(video_order()).is_valid({"prompt": "a lake", field: value})
    with pytest.raises(InvalidRequest):
        parse_request({"prompt": "a lake", field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("prompt", " "), ("prompt", ""), ("dry_run", ""), ("dry_run", "yes"), ("max_dollars", "much")]
)
def test_what_the_code_refuses_of_a_form_the_document_refuses(field: str, value: str) -> None:
    assert not Draft202012Validator(video_form()).is_valid({"prompt": "a lake", field: value})


@pytest.mark.parametrize("name", ["concepts", "concepts[]"])
def test_a_form_says_concepts_either_way(name: str) -> None:
    assert Draft202012Validator(video_form()).is_valid({"prompt": "a lake", name: ["push_in", "static"]})


def test_it_says_where_the_api_is(openapi: Json) -> None:
    assert openapi["servers"] == [{"url": "https://api.example"}]


def test_it_is_an_openapi_document(openapi: Json) -> None:
    assert openapi["openapi"].startswith("3.1.")
    validate(openapi)


@pytest.mark.parametrize(
    "module", ["native.videos", "native.keys", "apiframe.jobs", "wavespeed.orders", "openapi.serving"]
)
def test_no_other_call_imports_what_it_is_made_of(module: str) -> None:
    asked = f"import sys; import stillmotion.composition; import stillmotion.dialects.{module}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603
    loaded: Any = set(ran.stdout.split())
    assert f"stillmotion.dialects.{module}" in loaded
    assert not {"stillmotion.dialects.openapi.document", "stillmotion.dialects.openapi.page"} & loaded
