"""The webhooks of the contract are those that are sent: their bodies, headers and the events in them."""

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from tests.deliveries import Telling
from tests.fakes import DAWN
from tests.unit.services.test_event_schemas import MADE, schema

from stillmotion.dialects.openapi.document import document
from stillmotion.dialects.openapi.schemas import Json
from stillmotion.domain.deliveries import Delivery, event_word

DETAIL_TYPES = ("Video Completed", "Video Failed", "Video Cancelled", "Video Needs Attention")


@pytest.fixture(scope="module")
def openapi() -> Json:
    """As it is sent."""
    decoded: Json = msgspec.json.decode(msgspec.json.encode(document("https://api.example")))
    return decoded


def null_apart(schema: Any) -> Any:
    """A schema of docs/events as the contract has it: null is an option of its own, and each enum says its type."""
    match schema:
        case {"enum": [*values], **rest} if None in values:
            return {"anyOf": [{"type": "string", "enum": values[:-1]}, {"type": "null"}], **rest}
        case {"enum": [*values], **rest}:
            return {"type": "string", "enum": values, **rest}
        case {"type": [kind, "null"], "description": description, **rest}:
            option = {"type": kind, **{name: null_apart(part) for name, part in rest.items()}}
            return {"anyOf": [option, {"type": "null"}], "description": description}
        case dict():
            return {name: null_apart(part) for name, part in schema.items()}
        case _:
            return schema


def test_there_is_one_for_each_event_of_the_standard_dialect(openapi: Json) -> None:
    assert openapi["webhooks"].keys() == {event_word(detail_type, "standard") for detail_type in DETAIL_TYPES}


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
def test_what_is_told_of_an_event_is_what_its_schema_in_the_docs_says(openapi: Json, detail_type: str) -> None:
    in_docs = null_apart(schema(detail_type))
    told = openapi["components"]["schemas"][detail_type.replace(" ", "")]
    assert told.items() >= {"type": "object", "required": in_docs["required"]}.items()
    assert told["properties"] == in_docs["properties"]


@pytest.mark.parametrize("case", MADE)
def test_what_is_sent_is_as_the_contract_says(openapi: Json, case: str) -> None:
    announce, job = MADE[case]
    event = announce(job, DAWN)
    delivery = Delivery(
        id=event.id,
        job_id=job.id,
        tenant=job.tenant,
        detail_type=event.detail_type,
        detail=event.detail,
        created_at=event.created_at,
        url="https://shop.example/videos",
    )
    message = Telling().composer(delivery, None, DAWN)
    assert message is not None

    told = openapi["webhooks"][delivery.event]["post"]
    body = told["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**body, "components": openapi["components"]}).validate(json.loads(message.body))
    headers = {one["name"]: one for one in told["parameters"]}
    assert headers.keys() == message.headers.keys()
    for name, value in message.headers.items():
        assert headers[name]["required"]
        Draft202012Validator(headers[name]["schema"]).validate(value)
