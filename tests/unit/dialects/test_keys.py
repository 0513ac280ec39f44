"""`/v1/keys`."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes import FakeClock, InMemoryKeyStore
from tests.unit.dialects.calling import call

from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.keys import NAME_PATTERN, Keys
from stillmotion.dialects.native.problems import show_problem
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.key_ring import KeyRing
from stillmotion.services.keys.minting import mint


class Api:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.key, self.owner = mint("default", self.clock.now())
        self.acme_key, self.acme = mint("acme", self.clock.now())
        self.keys = InMemoryKeyStore(self.owner, self.acme)
        routes = Keys(KeyRing(self.keys, self.clock, "default")).routes()
        self.endpoints = Endpoints(Authenticator(self.keys, self.clock), routes, show_problem)

    def __call__(self, route: str, body: object = None, *, id: str = "", key: str | None = None) -> tuple[int, Any]:  # noqa: A002
        self.clock.advance(1)
        status, answer, _ = call(self.endpoints, route, key or self.key, body=body, path={"id": id} if id else None)
        return status, answer


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_key_is_made_and_shown_once(api: Api) -> None:
    status, made = api(
        "POST /v1/keys",
        {
            "name": "ci",
            "tenant": "acme",
            "scopes": ["write", "read"],
            "expires_in_seconds": 3600,
            "rate_per_minute": 60,
            "daily_dollars": "5.50",
        },
    )
    assert status == 201
    assert made["object"] == "key"
    assert (made["name"], made["tenant"], made["scopes"]) == ("ci", "acme", ["read", "write"])
    assert (made["rate_per_minute"], made["daily_dollars"]) == (60, "5.50")
    assert made["expires_at"] == "2026-05-04T07:00:01Z"
    assert made["key"].startswith(made["prefix"])
    _, listing = api("GET /v1/keys")
    assert listing["data"][0] == {name: value for name, value in made.items() if name != "key"}
    assert made["key"] not in str(listing)


def test_a_key_reads_and_writes_for_its_makers_tenant_unless_told_otherwise(api: Api) -> None:
    _, made = api("POST /v1/keys", {"name": "ci"}, key=api.acme_key)
    assert (made["tenant"], made["scopes"], made["expires_at"]) == ("acme", ["read", "write"], None)


def test_no_answer_holds_a_hash(api: Api) -> None:
    _, made = api("POST /v1/keys", {"name": "ci"})
    answers = [made, api("GET /v1/keys")[1], api("POST /v1/keys/{id}/revoke", id=made["id"])[1]]
    assert not [stored.hash for stored in api.keys.stored.values() if stored.hash in str(answers)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 65),
        ("name", "a\nb"),
        ("name", "ci\n"),
        ("name", "a\x85b"),
        ("name", "a\u2028b"),
        ("name", "a\u202eb"),
        ("name", "a\u2066b"),
        ("name", "a\ufeffb"),
        ("name", "a\U000e0041b"),
        ("tenant", "A/B"),
        ("scopes", []),
        ("scopes", ["root"]),
        ("scopes", "read"),
        ("expires_in_seconds", 0),
        ("expires_in_seconds", 10**18),
        ("expires_in_seconds", "90d"),
        ("rate_per_minute", -1),
        ("rate_per_minute", True),
        ("daily_dollars", "0"),
        ("daily_dollars", -1),
        ("daily_dollars", "NaN"),
        ("daily_dollars", "1e9"),
        ("daily_dollars", "0.0000001"),
        ("surprise", 1),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(api: Api, field: str, value: object) -> None:
    status, problem = api("POST /v1/keys", {"name": "ci", field: value})
    assert (status, [error["field"] for error in problem["errors"]]) == (400, [field])
    assert len(api.keys.stored) == 2


@pytest.mark.parametrize("name", ["Ada's laptop", "Bücher 🎬", "サーバー", "x" * 64])
def test_a_name_may_be_any_text_that_can_be_printed(api: Api, name: str) -> None:
    status, made = api("POST /v1/keys", {"name": name})
    assert (status, made["name"]) == (201, name)


def test_what_the_pattern_of_names_refuses_cannot_be_printed() -> None:
    pattern = re.compile(NAME_PATTERN)
    refused = [chr(code) for code in range(0x110000) if not pattern.search(chr(code))]
    assert {"\x7f", "\x85", "\u202e", "\u2066"} <= set(refused)
    assert not [character for character in refused if character.isprintable()]


def test_a_name_is_required(api: Api) -> None:
    assert api("POST /v1/keys", {})[1]["errors"] == [{"field": "name", "rule": "is required"}]


def test_a_revoked_key_says_since_when(api: Api) -> None:
    _, made = api("POST /v1/keys", {"name": "ci"})
    status, revoked = api("POST /v1/keys/{id}/revoke", id=made["id"])
    assert (status, revoked["revoked"], revoked["revoked_at"]) == (200, True, "2026-05-04T06:00:02Z")
    assert "key" not in revoked


def test_a_rotated_key_names_its_successor(api: Api) -> None:
    _, made = api("POST /v1/keys", {"name": "ci"})
    status, new = api("POST /v1/keys/{id}/rotate", {"grace_seconds": 60}, id=made["id"])
    assert (status, new["rotated_from"]) == (201, made["id"])
    old = next(key for key in api("GET /v1/keys")[1]["data"] if key["id"] == made["id"])
    assert (old["rotated_to"], old["expires_at"]) == (new["id"], "2026-05-04T06:01:02Z")
    status, problem = api("POST /v1/keys/{id}/rotate", id=made["id"])
    assert (status, problem["error"]["code"]) == (409, "key_ended")
    assert new["id"] in problem["detail"]


def test_a_grace_of_a_year_is_refused(api: Api) -> None:
    _, made = api("POST /v1/keys", {"name": "ci"})
    assert api("POST /v1/keys/{id}/rotate", {"grace_seconds": 365 * 86400}, id=made["id"])[0] == 400


@pytest.mark.parametrize("route", ["POST /v1/keys/{id}/revoke", "POST /v1/keys/{id}/rotate"])
def test_another_tenants_key_is_not_there(api: Api, route: str) -> None:
    _, made = api("POST /v1/keys", {"name": "ci"})
    assert api(route, id=made["id"], key=api.acme_key) == api(route, id="0" * 12, key=api.acme_key)
    assert api(route, id=made["id"], key=api.acme_key)[0] == 404


def test_a_key_for_another_tenant_is_the_stack_owners_to_make(api: Api) -> None:
    status, problem = api("POST /v1/keys", {"name": "ci", "tenant": "default"}, key=api.acme_key)
    assert (status, problem["error"]["code"]) == (403, "not_your_tenant")
    assert len(api.keys.stored) == 2


@pytest.mark.parametrize(("field", "value"), [("daily_dollars", "5"), ("rate_per_minute", 60)])
def test_a_limit_of_an_admin_key_is_refused_by_its_name(api: Api, field: str, value: object) -> None:
    status, problem = api("POST /v1/keys", {"name": "ci", "scopes": ["read", "admin"], field: value})
    assert (status, [error["field"] for error in problem["errors"]]) == (400, [field])
    assert "scope admin" in problem["detail"]
    assert len(api.keys.stored) == 2


def test_a_key_of_old_with_a_limit_is_told_that_it_makes_no_keys(api: Api) -> None:
    api.keys.put(replace(api.owner, daily_dollars=Decimal(5)))
    for route, body, key_id in (("POST /v1/keys", {"name": "ci"}, ""), ("POST /v1/keys/{id}/rotate", {}, api.acme.id)):
        status, problem = api(route, body, id=key_id)
        assert (status, problem["error"]["code"]) == (403, "key_is_capped")
    assert len(api.keys.stored) == 2


def test_a_key_that_ends_is_told_when_what_it_makes_has_to(api: Api) -> None:
    api.keys.put(replace(api.owner, expires_at=api.clock.now() + timedelta(hours=1)))
    for route, body, key_id in (("POST /v1/keys", {"name": "ci"}, ""), ("POST /v1/keys/{id}/rotate", {}, api.acme.id)):
        status, problem = api(route, body, id=key_id)
        assert (status, problem["error"]["code"]) == (403, "key_outlives_yours")
        assert "2026-05-04T07:00:00Z" in problem["detail"]
    assert api("POST /v1/keys", {"name": "ci", "expires_in_seconds": 600})[0] == 201


def test_a_listing_shows_a_tenants_own_keys(api: Api) -> None:
    assert {key["tenant"] for key in api("GET /v1/keys", key=api.acme_key)[1]["data"]} == {"acme"}
    assert {key["tenant"] for key in api("GET /v1/keys")[1]["data"]} == {"acme", "default"}


def listed(api: Api, key: str | None = None, **query: str) -> tuple[int, Any]:
    status, answer, _ = call(api.endpoints, "GET /v1/keys", key or api.key, query=query)
    return status, answer


def test_a_listing_has_pages_that_follow_each_other_newest_first(api: Api) -> None:
    made = [api("POST /v1/keys", {"name": f"key {number}"})[1]["id"] for number in range(3)]

    _, first = listed(api, limit="2")
    _, last = listed(api, limit="100", after=first["next"])

    assert [key["id"] for key in first["data"]] == made[:0:-1]
    assert (first["has_more"], last["has_more"], last["next"]) == (True, False, None)
    assert (last["data"][0]["id"], len(last["data"])) == (made[0], 3)


def test_a_page_is_of_20_keys_unless_told_otherwise(api: Api) -> None:
    for _ in range(20):
        api("POST /v1/keys", {"name": "ci"})
    _, answer = listed(api)
    assert (len(answer["data"]), answer["has_more"]) == (20, True)


@pytest.mark.parametrize(
    ("field", "value"), [("limit", "0"), ("limit", "101"), ("limit", "x"), ("limit", "٣"), ("after", "nowhere")]
)
def test_a_page_that_cannot_be_is_refused(api: Api, field: str, value: str) -> None:
    status, problem = listed(api, **{field: value})
    assert (status, [error["field"] for error in problem["errors"]]) == (400, [field])
