"""The examples of the contract run: each is valid by its schema, and answered as one that goes well.

Those of answers, of errors and of webhooks are valid by theirs.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.contract.openapi.conftest import Theatre
from tests.contract.openapi.gateway import Gateway
from tests.contract.openapi.stage import ADMIN_KEY, BASE_URL
from tests.stills import image
from tests.unit.dialects.forms import CONTENT_TYPE, form

from stillmotion.dialects.openapi.document import document
from stillmotion.dialects.openapi.schemas import Json

DOCUMENT = document(BASE_URL)
# Which state of `ledgers` the job of the examples has to be in; it waits to be dispatched for all others.
STATES: Mapping[str, str] = {
    "getVideoContent": "done",
    "retryVideo": "declared_failed",
    "redriveVideo": "unreachable",
    "resolveVideo": "unknown",
}
UPLOADS = ("apiframeUpload", "wavespeedUploadBinary")
# Only a vendor can sign it; what it is answered is tested in tests/unit/dialects/test_webhooks.py.
SIGNED = "receiveVendorWebhook"


@dataclass(frozen=True)
class Example:
    """A call that the document shows; of operations without a body, one with the examples of all parameters."""

    name: str
    method: str
    path: str
    operation: Json
    media_type: str | None = None
    value: Any = None

    @property
    def id(self) -> str:
        return str(self.operation["operationId"])

    @property
    def parameters(self) -> list[Json]:
        return [one for one in self.operation.get("parameters", []) if "example" in one]

    def sent(self) -> dict[str, Any]:
        """As WSGI has it."""
        path = self.path
        for one in self.parameters:
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
        body, content_type = b"", self.media_type or ""
        if self.media_type == "application/json":
            body = json.dumps(self.value).encode()
        elif self.media_type is not None:
            files = [("file", image())] if self.id in UPLOADS else []
            body, content_type = form(*(self.value or {}).items(), files=files), CONTENT_TYPE
        return {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": path,
            "QUERY_STRING": urlencode({one["name"]: one["example"] for one in self.parameters if one["in"] == "query"}),
            "HTTP_AUTHORIZATION": f"Bearer {ADMIN_KEY}",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }


def _examples() -> Iterator[Example]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            for media_type, body in content.items():
                for name, shown in body.get("examples", {"file": {"value": None}}).items():
                    yield Example(name, method.upper(), path, operation, media_type, shown["value"])
            if not content:
                yield Example("call", method.upper(), path, operation)


EXAMPLES = [example for example in _examples() if example.id != SIGNED]
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.id}-{example.name}")


def validator(schema: Json) -> Any:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_every_operation_has_one() -> None:
    ids = {operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()}
    assert {example.id for example in EXAMPLES} == ids - {SIGNED}


@each
def test_it_is_valid(example: Example) -> None:
    for one in example.parameters:
        validator(one["schema"]).validate(one["example"])
    if example.value is not None:
        validator(example.operation["requestBody"]["content"][example.media_type]["schema"]).validate(example.value)


@each
def test_it_goes_well(theatre: Theatre, example: Example) -> None:
    theatre.prepare = lambda stage: stage.turned(STATES.get(example.id, "dispatching"))
    told: list[Any] = []

    answer = Gateway(theatre.handlers)(example.sent(), lambda status, headers: told.extend((status, dict(headers))))

    body, status, headers = b"".join(answer), told[0].split()[0], told[1]
    assert int(status) < 400, body
    documented = example.operation["responses"][status]
    assert {name for name, header in documented.get("headers", {}).items() if header.get("required")} <= headers.keys()
    if body:
        (content,) = documented["content"].values()
        validator(content["schema"]).validate(json.loads(body))


def _shown(content: Json) -> Iterator[tuple[Json, Any]]:
    """The examples of a body, each with the schema that it is to be valid by."""
    for example in content.get("examples", {}).values():
        name = example["$ref"].removeprefix("#/components/examples/")
        yield content["schema"], DOCUMENT["components"]["examples"][name]["value"]


ANSWERS = {
    f"{operation['operationId']}-{status}": answer["content"]["application/json"]
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
    for status, answer in operation["responses"].items()
    if int(status) < 300 and "content" in answer
}
TOLD = {name: item["post"] for name, item in DOCUMENT["webhooks"].items()}


@pytest.mark.parametrize("answer", ANSWERS)
def test_each_answer_with_a_body_has_examples_that_are_valid(answer: str) -> None:
    shown = list(_shown(ANSWERS[answer]))
    assert shown
    for schema, value in shown:
        validator(schema).validate(value)


@pytest.mark.parametrize("webhook", TOLD)
def test_each_webhook_has_examples_that_are_valid(webhook: str) -> None:
    ((schema, value),) = _shown(TOLD[webhook]["requestBody"]["content"]["application/json"])
    validator(schema).validate(value)
    assert value["type"] == webhook
    for header in TOLD[webhook]["parameters"]:
        validator(header["schema"]).validate(header["example"])


@pytest.mark.parametrize("error", ["Problem", "ApiframeError", "WavespeedError"])
def test_each_dialect_has_an_example_of_an_error_that_is_valid(error: str) -> None:
    schema = DOCUMENT["components"]["schemas"][error]
    assert schema["examples"]
    for value in schema["examples"]:
        validator(schema).validate(value)


def test_every_example_is_shown_somewhere() -> None:
    named = set(re.findall(r'"#/components/examples/(\w+)"', json.dumps(DOCUMENT)))
    assert named == DOCUMENT["components"]["examples"].keys()
