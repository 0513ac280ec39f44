"""The contract is there for everybody, and changes with the code only."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dialects.stack import Stack
from tests.unit.template.document import ROOT

from stillmotion import composition
from stillmotion.dialects.openapi.document import operations
from stillmotion.dialects.openapi.page import page
from stillmotion.dialects.openapi.serving import Contract

BASE_URL = "https://api.example"
PREFLIGHTS = ["read-preflight", "read-apiframe-preflight", "read-wavespeed-preflight"]


@pytest.fixture
def contract() -> Contract:
    return Contract(BASE_URL)


def event(name: str, **headers: str) -> Mapping[str, Any]:
    """One of the examples in events/."""
    read: dict[str, Any] = json.loads((Path(ROOT) / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return {**read, "headers": {**read["headers"], **headers}}


def asked(contract: Contract, name: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
    answer: Any = contract(event(name, **headers))
    return answer["statusCode"], answer["body"], answer["headers"]


def test_the_document_is_served_without_a_key(contract: Contract) -> None:
    status, body, headers = asked(contract, "read-openapi")
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["openapi"] == "3.1.0"
    assert json.loads(body)["servers"] == [{"url": BASE_URL}]


@pytest.mark.parametrize("name", ["read-openapi", "read-docs"])
def test_who_has_it_already_is_not_sent_it_again(contract: Contract, name: str) -> None:
    _, first, headers = asked(contract, name)
    assert headers["cache-control"] == "public, max-age=300"
    status, body, again = asked(Contract(BASE_URL), name, **{"If-None-Match": f"W/{headers['etag']}"})
    assert (status, body, again["etag"]) == (304, "", headers["etag"])
    assert asked(contract, name, **{"if-none-match": '"other"'})[:2] == (200, first)


def test_the_page_shows_every_operation(contract: Contract) -> None:
    _, body, headers = asked(contract, "read-docs")
    assert headers["content-type"] == "text/html; charset=utf-8"
    shown = set(re.findall(r'<div id="(\w+)">', body))
    assert {operation.id for operation in operations()} <= shown


def test_the_page_fetches_and_runs_nothing(contract: Contract) -> None:
    _, body, headers = asked(contract, "read-docs")
    assert not re.search(r"<(script|link|img|iframe|object|embed|base|form)\b|\bon\w+=|url\(|@import", body)
    assert set(re.findall(r'href="([^#"][^"]*)"', body)) == {"openapi.json"}
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")


def test_what_is_shown_is_text() -> None:
    told: Any = {
        "info": {"title": "<b>", "description": "`<i>` **x**"},
        "servers": [{"url": BASE_URL}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {"Thing": {"enum": ["<u>"]}}},
    }
    shown = page(told)
    assert "<title>&lt;b&gt;</title>" in shown
    assert "<p><code>&lt;i&gt;</code> <b>x</b></p>" in shown
    assert "&lt;u&gt;" in shown


@pytest.mark.parametrize("name", PREFLIGHTS)
def test_browsers_that_ask_first_need_no_key(contract: Contract, name: str) -> None:
    assert asked(contract, name)[:2] == (204, "")


@pytest.mark.parametrize("name", ["read-openapi", "read-docs"])
def test_head_is_answered_as_get_is_and_without_a_body(contract: Contract, name: str) -> None:
    get = event(name)
    head: Any = contract(
        {
            **get,
            "routeKey": get["routeKey"].replace("GET", "HEAD"),
            "requestContext": {**get["requestContext"], "http": {"method": "HEAD"}},
        }
    )
    assert (head["statusCode"], head["body"], head["headers"]) == (200, "", asked(contract, name)[2])


@pytest.mark.parametrize("name", ["read-openapi", "read-docs", *PREFLIGHTS])
def test_every_answer_names_its_call_as_the_gateways_log_does(contract: Contract, name: str) -> None:
    assert asked(contract, name)[2]["x-request-id"] == event(name)["requestContext"]["requestId"]


@pytest.mark.parametrize(
    ("name", "status"), [("read-openapi", 200), ("read-docs", 200), *((name, 204) for name in PREFLIGHTS)]
)
def test_the_read_function_has_it(monkeypatch: pytest.MonkeyPatch, name: str, status: int) -> None:
    stack = Stack()
    stack.endpoints(monkeypatch)
    answer = composition.read_api.__wrapped__()(event(name))
    assert (answer["statusCode"], stack.keys.reads) == (status, 0)
