"""What no route takes is told in the words of its dialect: that nothing is there, or which methods there are."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.dialects.calling import call
from tests.unit.dialects.stack import Stack, template

from stillmotion.dialects.apiframe import APIFRAME
from stillmotion.dialects.declared import allowed_at
from stillmotion.dialects.fallback import operations
from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native import NATIVE
from stillmotion.dialects.openapi.serving import Contract
from stillmotion.dialects.wavespeed import MODEL, WAVESPEED

ID = "0f0e0d0c-0b0a-8009-8807-060504030201"


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def endpoints(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Endpoints]:
    return stack.endpoints(monkeypatch)


class Api:
    """Calls that the gateway has no other route for."""

    def __init__(self, stack: Stack, endpoints: Mapping[str, Endpoints]) -> None:
        self.key: str | None = stack.key()
        self._endpoints = endpoints

    def __call__(self, method: str, path: str) -> tuple[int, Any, Mapping[str, str]]:
        (dialect,) = [each for each in (NATIVE, WAVESPEED, APIFRAME) if path.startswith(each.prefix)]
        route, proxy = dialect.proxy, path.removeprefix(dialect.prefix)
        return call(self._endpoints[route], route, self.key, path={"proxy": proxy}, method=method, body={"a": "b"})


@pytest.fixture
def api(stack: Stack, endpoints: Mapping[str, Endpoints]) -> Api:
    return Api(stack, endpoints)


def test_the_addresses_are_those_that_are_deployed() -> None:
    deployed = {route["Properties"]["RouteKey"] for route in template().of_type("AWS::ApiGatewayV2::Route").values()}
    told = {operation.route for operation in operations()}
    told |= {route.replace("GET ", "HEAD ") for route in told}
    assert told == {*deployed} - {NATIVE.proxy, WAVESPEED.proxy, APIFRAME.proxy, *Contract.routes}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/videos", ["GET", "HEAD", "POST"]),
        (f"/v1/videos/{ID}", ["GET", "HEAD", "DELETE"]),
        (f"/v1/videos/{ID}/cancel", ["POST"]),
        (f"/v1/webhooks/wavespeed/{ID}/1/token", ["POST"]),
        ("/v1/videos/", []),
        (f"/v1/videos/{ID}/", []),
        (f"/v1/videos/{ID}/remix", []),
        ("/v1/videos/edits", []),
        ("/v1/videos/extensions", []),
        ("/v1/videos/characters", []),
        ("/v1/videos/characters/char_123", []),
        ("/v1//videos", []),
        ("/v1/" + "x" * 10_000, []),
    ],
)
def test_an_address_takes_its_methods(path: str, allowed: list[str]) -> None:
    assert list(allowed_at(path, operations())) == allowed


@pytest.mark.parametrize("path", ["/v1/nothing", "/api/v3/nothing", "/v2/nothing"])
def test_without_a_key_nobody_is_told_what_there_is(api: Api, path: str) -> None:
    api.key = None
    assert api("POST", path)[0] == 401


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_where_nothing_is_it_is_told_in_the_words_of_the_dialect(api: Api, method: str) -> None:
    nothing = "There is nothing at this address."
    status, native, _ = api(method, "/v1/nothing")
    assert (status, native["error"]["code"], native["detail"].startswith(nothing)) == (404, "not_found", True)
    assert api(method, "/v2/images/generate")[:2] == (404, {"error": nothing})
    told = {"code": 404, "message": f"{nothing} The one model here is {MODEL}.", "data": None}
    assert api(method, "/api/v3/luma/ray-2-flash-t2v")[:2] == (404, told)


def test_a_method_that_an_address_does_not_take_is_told_in_the_words_of_the_dialect(api: Api) -> None:
    status, native, headers = api("PATCH", f"/v1/videos/{ID}")
    assert (status, native["error"]["code"], headers["allow"]) == (405, "method_not_allowed", "GET, HEAD, DELETE")
    assert native["detail"] == "This address takes GET, HEAD, DELETE only."
    status, apiframe, headers = api("GET", "/v2/videos/generate")
    assert (status, apiframe, headers["allow"]) == (405, {"error": "This address takes POST only."}, "POST")
    status, wavespeed, headers = api("HEAD", f"/api/v3/{MODEL}")
    assert (status, wavespeed, headers["allow"]) == (405, None, "POST")


def test_an_address_that_the_gateway_knows_better_than_this_table_is_not_told_to_take_what_it_was_sent(
    api: Api,
) -> None:
    assert api("GET", "/v1/videos")[0] == 404
