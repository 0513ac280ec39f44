"""The contract is there for everybody, and changes with the code only."""

import base64
import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.unit.dialects.stack import Stack
from tests.unit.template.document import ROOT

from stillmotion import composition
from stillmotion.dialects.openapi.serving import Contract

BASE_URL = "https://api.example"
PREFLIGHTS = ["read-preflight", "read-apiframe-preflight", "read-wavespeed-preflight"]


@pytest.fixture
def contract() -> Contract:
    return Contract(BASE_URL)


def event(name: str, **headers: str) -> Mapping[str, Any]:
    """One of the examples in events/."""
    read: dict[str, Any] = json.loads((Path(ROOT) / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return {**read, "headers": {**read["headers"], "accept-encoding": "br", **headers}}


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


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "*", "gzip, identity;q=0"])
def test_who_takes_gzip_is_sent_less(contract: Contract, accepted: str) -> None:
    _, plain, as_it_is = asked(contract, "read-openapi", **{"accept-encoding": "br"})
    answer: Any = contract(event("read-openapi", **{"accept-encoding": accepted}))
    assert answer["isBase64Encoded"]
    assert answer["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(answer["body"])).decode() == plain
    assert len(answer["body"]) < len(plain) / 4
    assert answer["headers"]["etag"] != as_it_is["etag"]
    assert "content-encoding" not in as_it_is
    assert answer["headers"]["vary"] == as_it_is["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    "accepted", ["", "br", "gzip;q=0", "gzip; q=0.000, br", "*;q=0", "gzip;q=0, *", f"{',' * 1000}gzip"]
)
def test_who_does_not_take_gzip_is_sent_it_as_it_is(contract: Contract, accepted: str) -> None:
    answer: Any = contract(event("read-openapi", **{"accept-encoding": accepted}))
    assert "content-encoding" not in answer["headers"]
    assert json.loads(answer["body"])["openapi"] == "3.1.0"


@pytest.mark.parametrize("accepted", ["br", "gzip"])
@pytest.mark.parametrize("name", ["read-openapi", "read-docs"])
def test_each_form_of_it_is_known_again(contract: Contract, name: str, accepted: str) -> None:
    _, _, headers = asked(contract, name, **{"accept-encoding": accepted})
    again = asked(contract, name, **{"accept-encoding": accepted, "if-none-match": headers["etag"]})
    assert again[:2] == (304, "")
    assert again[2]["etag"] == headers["etag"]


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
