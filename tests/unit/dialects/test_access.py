"""Every route of the API, with every kind of key. The routes are those that are declared."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from tests.fakes import DAWN
from tests.unit.dialects.calling import REQUEST_ID, call
from tests.unit.dialects.stack import Stack, template

from stillmotion.dialects.catalogue import declared
from stillmotion.dialects.declared import Declared
from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.openapi.serving import Contract
from stillmotion.domain.access import Scope
from stillmotion.domain.keys import ApiKey
from stillmotion.services.keys.authentication import Authenticator

PROXIES = ("ANY /v1/{proxy+}", "ANY /v2/{proxy+}", "ANY /api/v3/{proxy+}")


def table(routes: Iterable[Declared]) -> dict[str, tuple[Scope, int | None]]:
    """What a route takes, and what another tenant's id is answered there: without an id it is the caller's own."""
    operations = [each.operation for each in routes]
    return {
        each.route: (each.scope, 404 if "{id}" in each.path else None) for each in operations if each.scope is not None
    }


TABLE: Mapping[str, tuple[Scope, int | None]] = {
    **table(declared()),
    **dict.fromkeys(PROXIES, (Scope.READ, None)),
}
OPEN = {"GET /v2/models"}
NOT_A_KEYS = {"POST /v1/webhooks/{vendor}/{job_id}/{attempt}/{token}", *Contract.routes}
BODIES = {"POST /v1/videos/{id}/resolve": {"action": "abandon"}, "POST /v1/keys": {"name": "ci"}}
UNUSED = "sm_" + "x" * 43
BAD_KEYS = {"none": None, "malformed": "sm_short", "unknown": UNUSED, "revoked": "", "expired": ""}


@pytest.fixture
def stack() -> Stack:
    return Stack()


@pytest.fixture
def endpoints(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Endpoints]:
    return stack.endpoints(monkeypatch)


def ask(endpoints: Mapping[str, Endpoints], route: str, key: str | None, id: str = "x") -> tuple[int, Any]:  # noqa: A002
    path = {"id": id} if "{id}" in route else None
    body = None if route.startswith("GET ") else BODIES.get(route, {})
    status, answer, _ = call(endpoints[route], route, key, body=body, path=path)
    return status, answer


def test_every_route_of_the_code_and_of_the_template_is_in_the_table(endpoints: Mapping[str, Endpoints]) -> None:
    deployed = {route["Properties"]["RouteKey"] for route in template().of_type("AWS::ApiGatewayV2::Route").values()}
    assert endpoints.keys() == TABLE.keys() | OPEN
    heads = {route for route in deployed if route.startswith("HEAD ")}
    assert deployed - heads == (TABLE.keys() | NOT_A_KEYS | OPEN) - heads


@pytest.mark.parametrize("route", TABLE)
@pytest.mark.parametrize("kind", BAD_KEYS)
def test_without_a_good_key_every_route_answers_alike(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str, kind: str
) -> None:
    bad = {"revoked": stack.key(revoked=True), "expired": stack.key(expires_at=DAWN)}
    status, answer = ask(endpoints, route, bad.get(kind, BAD_KEYS[kind]))
    words = "Invalid API key" if "/v2/" in route else "Send a valid key as Authorization: Bearer or X-API-Key."
    assert (status, said(answer)) == (401, words)
    assert answer == ask(endpoints, route, None)[1]
    assert stack.world.jobs.all() == []


@pytest.mark.parametrize("route", OPEN)
def test_what_is_open_needs_no_key(endpoints: Mapping[str, Endpoints], route: str) -> None:
    assert ask(endpoints, route, None)[0] == 200


@pytest.mark.parametrize("route", TABLE)
@pytest.mark.parametrize("scope", Scope)
def test_a_route_opens_to_its_scope_and_to_no_lesser(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str, scope: Scope
) -> None:
    status, answer = ask(endpoints, route, stack.key("acme", scopes=(scope,)))
    refused = status == 403 and said(answer) == f"This takes a key with the scope {TABLE[route][0]}."
    assert refused == (scope not in (TABLE[route][0], Scope.ADMIN))
    assert status != 401


@pytest.mark.parametrize("route", [route for route in [*TABLE, *OPEN] if route.startswith("GET ")])
@pytest.mark.parametrize("scopes", [(), *((scope,) for scope in Scope)])
def test_head_is_answered_as_get_is_and_without_a_body(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str, scopes: tuple[Scope, ...]
) -> None:
    key = stack.key("acme", scopes=scopes) if scopes else None
    status, answer, headers = call(endpoints[route], route, key, path={"id": "x"})
    assert call(endpoints[route], route.replace("GET", "HEAD"), key, path={"id": "x"}) == (status, None, headers)
    assert answer is not None


@pytest.mark.parametrize("route", [*TABLE, *OPEN])
def test_every_answer_names_its_call_as_the_gateways_log_does(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str
) -> None:
    for key in (None, stack.key()):
        assert call(endpoints[route], route, key, path={"id": "x"})[2]["x-request-id"] == REQUEST_ID


@pytest.mark.parametrize("route", [route for route in TABLE if TABLE[route][1] is not None])
def test_another_tenants_id_is_answered_as_one_that_is_not_there(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str
) -> None:
    mine, theirs = stack.key("default"), stack.key("acme")
    _, made = ask_for_a_video(endpoints, mine)
    own = _id(stack, mine, route, made["id"])
    absent = "0" * 12 if "/keys/" in route else "0f0e0d0c-0b0a-8009-8807-060504030201"
    before = stack.world.jobs.all(), dict(stack.keys.stored)

    status, answer = ask(endpoints, route, theirs, own)

    assert (status, answer) == ask(endpoints, route, theirs, absent)
    assert status == TABLE[route][1]
    assert (stack.world.jobs.all(), stack.keys.stored) == before


@pytest.mark.parametrize("route", [route for route in TABLE if TABLE[route][1] is not None])
def test_ones_own_id_is_there(stack: Stack, endpoints: Mapping[str, Endpoints], route: str) -> None:
    mine = stack.key("default")
    _, made = ask_for_a_video(endpoints, mine)
    own = _id(stack, stack.key("default"), route, made["id"])
    assert ask(endpoints, route, mine, own)[0] != 404


def test_another_tenants_lists_are_empty(stack: Stack, endpoints: Mapping[str, Endpoints]) -> None:
    mine, theirs = stack.key("default"), stack.key("acme")
    ask_for_a_video(endpoints, mine)
    assert len(ask(endpoints, "GET /v1/videos", mine)[1]["data"]) == 1
    assert ask(endpoints, "GET /v1/videos", theirs)[1]["data"] == []
    assert [key["tenant"] for key in ask(endpoints, "GET /v1/keys", theirs)[1]["data"]] == ["acme"]


@pytest.mark.parametrize(
    ("tenant", "scope", "status"), [("default", "admin", 200), ("default", "read", 403), ("acme", "admin", 403)]
)
def test_what_all_tenants_spend_takes_an_admin_key_of_the_stacks_owner(
    stack: Stack, endpoints: Mapping[str, Endpoints], tenant: str, scope: str, status: int
) -> None:
    route, key = "GET /v1/spend", stack.key(tenant, scopes=(Scope(scope),))
    assert call(endpoints[route], route, key, query={"scope": "stack"})[0] == status


@pytest.mark.parametrize("route", ["GET /v1/dead-letters", "POST /v1/dead-letters/replay"])
def test_what_is_the_stacks_takes_an_admin_key_of_its_owner(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str
) -> None:
    assert ask(endpoints, route, stack.key("acme"))[0] == 403


@pytest.mark.parametrize("route", ["POST /v1/videos/{id}/retry", "POST /v1/videos/{id}/resolve"])
def test_a_key_with_an_allowance_does_not_order_again(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str
) -> None:
    key = stack.key(daily_dollars=1)
    _, made = ask_for_a_video(endpoints, key)
    status, answer = ask(endpoints, route, key, made["id"])
    assert (status, answer["error"]["code"]) == (403, "key_is_capped")


@pytest.mark.parametrize("route", ["POST /v1/keys", "POST /v1/keys/{id}/rotate"])
@pytest.mark.parametrize("limit", [{"daily_dollars": 1}, {"rate_per_minute": 1}])
def test_a_key_with_a_limit_makes_no_key_without_it(
    stack: Stack, endpoints: Mapping[str, Endpoints], route: str, limit: dict[str, Any]
) -> None:
    limited, free = stack.key(**limit), stack.key()
    status, answer, _ = call(
        endpoints[route], route, limited, body=BODIES.get(route, {}), path={"id": _record(stack, free).id}
    )
    assert (status, answer["error"]["code"]) == (403, "key_is_capped")
    assert len(stack.keys.stored) == 2


def test_an_allowance_that_is_spent_is_told(stack: Stack, endpoints: Mapping[str, Endpoints]) -> None:
    key = stack.key(daily_dollars=0)
    status, answer = ask_for_a_video(endpoints, key)
    assert (status, answer["error"]["code"]) == (402, "key_allowance_spent")
    assert stack.world.jobs.all() == []


def said(answer: Any) -> object:
    """What a person is told of a refusal, in whichever dialect."""
    error = answer if "message" in answer else answer.get("error", {})
    return error if isinstance(error, str) else error.get("message")


def ask_for_a_video(endpoints: Mapping[str, Endpoints], key: str) -> tuple[int, Any]:
    status, answer, _ = call(endpoints["POST /v1/videos"], "POST /v1/videos", key, body={"prompt": "a lake"})
    return status, answer


def _id(stack: Stack, key: str, route: str, job_id: str) -> str:
    """What the id in a route is of: a key, a delivery, or a job."""
    if "/keys/" in route:
        return _record(stack, key).id
    if "/deliveries/" in route:
        stack.telling.outbound.subscribe("default", "https://hooks.example/")
        (job,) = [job for job in stack.world.jobs.all() if job.id == job_id]
        delivery = stack.telling.outbound.tell(stack.telling.event(job))
        assert delivery is not None
        return delivery.id
    return job_id


def _record(stack: Stack, key: str) -> ApiKey:
    return Authenticator(stack.keys, stack.world.clock)(key)
