"""Whatever is sent by the contract, or against it, is answered by it: no 5xx, no status and no body but those of the
document, and nothing taken that the document refuses.

Each operation is tried with so many cases, half of them against the contract. More than 2,000 of them all together:

    CONTRACT_CASES=60 .venv/bin/python -m pytest tests/contract/openapi
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.contract.openapi.gateway import Gateway
from tests.contract.openapi.stage import ADDRESSES, ADMIN_KEY, DELIVERIES, JOB_IDS, KEY_IDS

from stillmotion.dialects.openapi.document import operations
from stillmotion.dialects.openapi.schemas import Json

CASES = int(os.environ.get("CONTRACT_CASES", "10"))
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
KNOWN = {"uuid": JOB_IDS, "uri": ADDRESSES, "key-id": KEY_IDS, "delivery-id": list(DELIVERIES)}
"""What stands on the stage, by the format that the document gives it."""
NAMED = {"x-request-id": "call"}

Contracted = Callable[[Gateway], Any]


@pytest.fixture(scope="module")
def contracted(openapi: Json) -> Contracted:
    """The contract of an application: it is bound to the first that it is tried with."""
    for name, values in KNOWN.items():
        schemathesis.openapi.format(name, st.sampled_from(values))

    @cache
    def load(app: Gateway) -> Any:
        loaded = schemathesis.openapi.from_dict(openapi)
        loaded.app = app
        return loaded

    return load


def tried(contract: Any, route: str) -> None:
    """Raises FailureGroup with what the document does not tell of."""
    method, _, path = route.partition(" ")
    modes = [contract[path][method].as_strategy(generation_mode=mode) for mode in GenerationMode]

    @settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=st.one_of(modes))
    def answered(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers={"authorization": f"Bearer {ADMIN_KEY}"}, checks=CHECKS)

    answered()


@pytest.mark.parametrize("route", [operation.route for operation in operations()])
def test_what_is_answered_is_documented(contracted: Contracted, gateway: Gateway, route: str) -> None:
    tried(contracted(gateway), route)


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": 500, "headers": NAMED, "body": ""},
        {"statusCode": 418, "headers": NAMED, "body": ""},
        {"statusCode": 200, "headers": NAMED, "body": '{"models": [], "more": 1}'},
        {"statusCode": 200, "headers": {**NAMED, "content-type": "text/plain"}, "body": '{"models": []}'},
        {"statusCode": 200, "headers": {}, "body": '{"models": []}'},
    ],
    ids=["a fault", "another status", "another body", "another media type", "no name"],
)
def test_what_is_not_documented_is_found(contracted: Contracted, answer: dict[str, Any]) -> None:
    route = "GET /v2/models"
    with pytest.raises(FailureGroup):
        tried(contracted(Gateway(lambda: {route: lambda _event: answer})), route)


def test_what_ought_to_be_refused_is_found(contracted: Contracted) -> None:
    """Whatever it says, the filter is passed over."""
    route = "GET /v2/models"
    answer = {"statusCode": 200, "headers": NAMED, "body": '{"models": []}'}
    with pytest.raises(FailureGroup, match="Invalid data should have been rejected"):
        tried(contracted(Gateway(lambda: {route: lambda _event: answer})), route)
