"""The door of every dialect: who is let in, what a key's scopes open, and how often it may call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.fakes import FakeClock, InMemoryKeyStore, InMemoryRateStore
from tests.unit.dialects.calling import call

from stillmotion.dialects.http import MAX_VALUES, Endpoints, HttpRequest, HttpResponse, Problem, Route
from stillmotion.domain.access import Scope
from stillmotion.domain.keys import ApiKey
from stillmotion.ports import StoreError
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.limits import RateLimit
from stillmotion.services.keys.minting import mint


@dataclass
class Shown:
    """A route that shows who calls."""

    scope: Scope | None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        assert request.caller is not None
        return HttpResponse(body={"tenant": request.tenant, "scopes": request.caller.scopes})


def show(problem: Problem) -> HttpResponse:
    """Another dialect's words."""
    return HttpResponse(status=problem.status, headers={"x-dialect": "other"}, body={"msg": problem.code})


@dataclass
class Taking:
    """A route that keeps the bodies of its calls."""

    scope: Scope | None
    taken: list[Mapping[str, object]] = field(default_factory=list)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.taken.append(request.json())
        return HttpResponse()


ROUTES: Mapping[str, Route] = {
    "GET /a": Shown(Scope.READ),
    "POST /a": Shown(Scope.WRITE),
    "GET /secret": Shown(Scope.ADMIN),
}


class BrokenRateStore(InMemoryRateStore):
    def count(self, key_id: str, minute: int) -> int:
        raise StoreError(f"{key_id} cannot be counted in {minute}")


class BrokenKeyStore(InMemoryKeyStore):
    def find(self, key_hash: str) -> ApiKey | None:
        raise StoreError(f"{key_hash} cannot be read")


def door(*keys: ApiKey, store: InMemoryKeyStore | None = None, rates: InMemoryRateStore | None = None) -> Endpoints:
    limit = RateLimit(rates or InMemoryRateStore())
    return Endpoints(Authenticator(store or InMemoryKeyStore(*keys), FakeClock(), limit), ROUTES, show)


def key_with(*scopes: Scope, **fields: Any) -> tuple[str, ApiKey]:
    return mint("acme", FakeClock().now(), scopes=scopes, **fields)


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_a_key_comes_either_way_and_tells_tenant_and_scopes(header: str) -> None:
    key, stored = key_with(Scope.READ)
    sent = {header: f"Bearer {key}" if header == "authorization" else key}
    status, body, _ = call(door(stored), "GET /a", headers=sent)
    assert (status, body) == (200, {"tenant": "acme", "scopes": ["read"]})


@pytest.mark.parametrize(
    ("scope", "opened"),
    [(Scope.READ, {"GET /a"}), (Scope.WRITE, {"POST /a"}), (Scope.ADMIN, {"GET /a", "POST /a", "GET /secret"})],
)
def test_a_scope_opens_its_routes_and_no_others(scope: Scope, opened: set[str]) -> None:
    key, stored = key_with(scope)
    statuses = {route: call(door(stored), route, key)[0] for route in ROUTES}
    assert statuses == {route: 200 if route in opened else 403 for route in ROUTES}


def test_a_missing_scope_is_named_in_the_dialects_words() -> None:
    key, stored = key_with(Scope.READ)
    status, body, headers = call(door(stored), "POST /a", key)
    assert (status, body, headers["x-dialect"]) == (403, {"msg": "insufficient_scope"}, "other")


def test_too_many_calls_are_told_when_to_come_again_in_the_dialects_words() -> None:
    key, stored = key_with(Scope.READ, rate_per_minute=1)
    endpoints = door(stored)
    assert call(endpoints, "GET /a", key)[0] == 200
    status, body, headers = call(endpoints, "GET /a", key)
    assert (status, body, headers["x-dialect"]) == (429, {"msg": "rate_limit_exceeded"}, "other")
    assert headers["retry-after"] == "60"


def test_a_call_that_a_scope_refuses_counts_too() -> None:
    key, stored = key_with(Scope.READ, rate_per_minute=1)
    endpoints = door(stored)
    assert [call(endpoints, route, key)[0] for route in ("POST /a", "GET /a")] == [403, 429]


@pytest.mark.parametrize("broken", [{"store": BrokenKeyStore()}, {"rates": BrokenRateStore()}])
def test_nobody_is_let_in_while_the_table_does_not_answer(
    broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    key, stored = key_with(Scope.READ, rate_per_minute=1)
    status, body, headers = call(door(stored, **broken), "GET /a", key)
    assert (status, body, headers["retry-after"]) == (503, {"msg": "unavailable"}, "2")
    assert "keys cannot be read" in caplog.text
    assert key not in caplog.text


def test_whatever_is_wrong_with_a_key_is_answered_alike() -> None:
    now = FakeClock().now()
    revoked_key, revoked = mint("acme", now, revoked=True)
    expired_key, expired = mint("acme", now, expires_at=now)
    endpoints = door(revoked, expired)
    answers = [call(endpoints, "GET /a", key) for key in (None, "", "x", "sm_" + "x" * 43, revoked_key, expired_key)]
    assert all(each == answers[0] for each in answers)
    assert answers[0][:2] == (401, {"msg": "invalid_api_key"})


@pytest.mark.parametrize(
    ("scope", "opened"), [(Scope.READ, {"/a"}), (Scope.WRITE, set()), (Scope.ADMIN, {"/a", "/secret"})]
)
def test_head_takes_the_scope_of_get_and_has_no_body(scope: Scope, opened: set[str]) -> None:
    key, stored = key_with(scope)
    answers = {path: call(door(stored), f"HEAD {path}", key) for path in ("/a", "/secret")}
    assert {path for path, (status, _, _) in answers.items() if status == 200} == opened
    assert [body for _, body, _ in answers.values()] == [None, None]


def test_head_of_what_has_no_get_is_not_there() -> None:
    key, stored = key_with(Scope.ADMIN)
    assert call(door(stored), "HEAD /b", key)[0] == 404


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b'{"run": 3.0}', {"run": 3}),
        (b'{"within": {"a list": [1.0, 1.5, "1.0", true]}}', {"within": {"a list": [1, 1.5, "1.0", True]}}),
        (b'{"large": 1e300, "minus": -2.0}', {"large": 1e300, "minus": -2}),
    ],
)
def test_a_number_is_an_integer_however_it_is_written(sent: bytes, read: dict[str, Any]) -> None:
    route = Taking(Scope.ADMIN)
    key, record = key_with(Scope.ADMIN)
    endpoints = Endpoints(Authenticator(InMemoryKeyStore(record), FakeClock()), {"POST /a": route}, show)
    call(endpoints, "POST /a", key, body=sent)
    assert repr(route.taken) == repr([read])


def body_of(sent: bytes) -> HttpRequest:
    """A call with this body."""
    return HttpRequest(
        route="POST /", method="POST", path={}, query={}, headers={}, body=sent, arrived_at=FakeClock().now()
    )


def refusal(sent: bytes) -> str:
    with pytest.raises(Problem) as raised:
        body_of(sent).json()
    assert raised.value.status == 400
    return raised.value.detail


MANY = {
    "lists": b"[]",
    "objects": b"{}",
    "lists of one": b"[1]",
    "texts": b'""',
    "texts with quotes in them": rb'"\""',
    "texts that end with a backslash": rb'"\\"',
}


@pytest.mark.parametrize("member", MANY.values(), ids=MANY)
def test_a_body_of_more_values_than_an_order_can_have_is_not_decoded(
    member: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("msgspec.json.decode", lambda _body: pytest.fail("it was decoded"))
    assert refusal(b'{"a":[' + (member + b",") * MAX_VALUES + b"1]}") == "The body has more than 10000 values."


def test_of_so_many_names_none_is_checked() -> None:
    names = ",".join(f'"n{number}":1' for number in range(70_000))
    assert refusal(f"{{{names}}}".encode()) == "The body has more than 10000 values."


def test_commas_and_brackets_within_texts_are_no_values() -> None:
    text = r",[{\"\\" * MAX_VALUES
    assert body_of(f'{{"prompt": "{text}"}}'.encode()).json() == {"prompt": ',[{"\\' * MAX_VALUES}


def test_a_body_may_have_as_many_values_as_the_bound_says() -> None:
    # The object, the list, and its members.
    assert body_of(b'{"a":[' + b"1," * (MAX_VALUES - 3) + b"1]}").json() == {"a": [1] * (MAX_VALUES - 2)}
