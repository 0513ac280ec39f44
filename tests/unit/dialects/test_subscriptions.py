"""`/v1/webhooks`."""

from typing import Any

import pytest
from tests.deliveries import ROOT, ScriptedPoster, Telling
from tests.fakes import DAWN, InMemoryKeyStore
from tests.unit.dialects.calling import call

from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.native.webhooks import Webhooks
from stillmotion.domain.access import Scope
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint
from stillmotion.services.webhooks.signing_secrets import SigningSecrets, derived

LIST = "GET /v1/webhooks/deliveries"
REPLAY = "POST /v1/webhooks/deliveries/{id}/replay"
URL = "https://hooks.example/all"


class Api:
    """The routes, and a key of each tenant that asks."""

    def __init__(self) -> None:
        self.telling = Telling()
        self.keys = InMemoryKeyStore()
        secrets = SigningSecrets(lambda: self.telling.roots)
        routes = Webhooks(lambda: self.telling.outbound, lambda: secrets).routes()
        authenticate = Authenticator(self.keys, self.telling.world.clock)
        self.endpoints = Endpoints(authenticate, routes, show_problem)

    def __call__(
        self, route: str, *, tenant: str = "default", scope: Scope = Scope.ADMIN, **sent: Any
    ) -> tuple[int, Any]:
        key, record = mint(tenant, DAWN, scopes=(scope,))
        self.keys.put(record)
        status, body, _ = call(self.endpoints, route, key, **sent)
        return status, body

    def delivered(self, number: int = 1) -> None:
        """So many events, each delivered a second after the other."""
        job = self.telling.job()
        for each in range(number):
            self.telling.world.clock.advance(1)
            self.telling.outbound.tell(self.telling.event(job, identity=f"e-{each}"))
            self.telling.deliver(f"e-{each}")


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_webhook_is_set_seen_and_taken_away(api: Api) -> None:
    assert api("GET /v1/webhooks")[1]["url"] is None
    assert api("PUT /v1/webhooks", body={"url": URL})[1]["url"] == URL
    assert api("GET /v1/webhooks", scope=Scope.READ)[1]["url"] == URL
    assert api("GET /v1/webhooks", tenant="acme")[1]["url"] is None

    assert api("PUT /v1/webhooks", body={"url": URL.replace("https:", "HTTPS:")})[1]["url"] == URL
    api("PUT /v1/webhooks", body={"url": None})
    assert api("GET /v1/webhooks")[1]["url"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://hooks.example/"}, "url"),
        ({"url": "https://me:secret@hooks.example/"}, "url"),
        ({"url": 5}, "url"),
        ({"url": URL, "secret": "mine"}, "secret"),
    ],
)
def test_a_webhook_that_breaks_a_rule_is_refused(api: Api, body: object, field: str) -> None:
    status, told = api("PUT /v1/webhooks", body=body)

    assert (status, [error["field"] for error in told["errors"]]) == (400, [field])
    assert api.telling.subscriptions.stored == {}


def test_the_secret_is_the_tenants_own(api: Api) -> None:
    assert api("GET /v1/webhooks/secret")[1]["secret"] == derived(ROOT, "default")
    assert api("GET /v1/webhooks/secret", tenant="acme")[1]["secret"] == derived(ROOT, "acme")


def test_while_the_root_is_changed_both_secrets_are_shown(api: Api) -> None:
    assert api("GET /v1/webhooks/secret")[1]["previous_secret"] is None
    api.telling.roots = ("a new root of thirty-two characters", ROOT)

    assert api("GET /v1/webhooks/secret")[1]["previous_secret"] == derived(ROOT, "default")


@pytest.mark.parametrize(
    ("route", "scope"), [("GET /v1/webhooks/secret", Scope.WRITE), ("PUT /v1/webhooks", Scope.WRITE)]
)
def test_only_an_admin_key_sees_the_secret_or_sets_a_webhook(api: Api, route: str, scope: Scope) -> None:
    assert api(route, scope=scope, body={"url": URL})[0] == 403


def test_deliveries_are_listed_newest_first_page_by_page(api: Api) -> None:
    api("PUT /v1/webhooks", body={"url": URL})
    api.delivered(3)

    first = api(LIST, query={"limit": "2"})[1]
    rest = api(LIST, query={"limit": "2", "after": first["next"]})[1]
    assert [each["id"] for each in (*first["data"], *rest["data"])] == ["e-2", "e-1", "e-0"]
    assert (first["has_more"], rest["has_more"], rest["next"]) == (True, False, None)


def test_a_delivery_is_shown_with_what_became_of_it_and_without_its_content(api: Api) -> None:
    api("PUT /v1/webhooks", body={"url": URL})
    api.telling.poster = ScriptedPoster(500)
    api.delivered()

    (shown,) = api(LIST)[1]["data"]
    assert {name: shown[name] for name in ("event", "url", "state", "tries", "last_status", "job_id")} == {
        "event": "video.completed",
        "url": URL,
        "state": "pending",
        "tries": 1,
        "last_status": 500,
        "job_id": "job-1",
    }
    assert shown["next_try_at"] > shown["last_tried_at"]
    assert not {"tenant", "detail", "version"} & shown.keys()


def test_another_tenants_deliveries_are_not_there(api: Api) -> None:
    api("PUT /v1/webhooks", body={"url": URL})
    api.delivered()

    assert api(LIST, tenant="acme")[1]["data"] == []
    assert api(REPLAY, tenant="acme", path={"id": "e-0"})[0] == 404


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"after": "nothing"}])
def test_a_page_that_there_is_not_is_refused(api: Api, query: dict[str, str]) -> None:
    assert api(LIST, query=query)[0] == 400


def test_a_delivery_is_replayed_when_it_has_ended(api: Api) -> None:
    api("PUT /v1/webhooks", body={"url": URL})
    api.delivered()

    status, told = api(REPLAY, scope=Scope.WRITE, path={"id": "e-0"})
    assert (status, told["state"], told["replays"]) == (200, "pending", 1)
    again, problem = api(REPLAY, path={"id": "e-0"})
    assert (again, problem["error"]["code"]) == (409, "delivery_pending")


def test_a_delivery_that_there_is_not_is_not_replayed(api: Api) -> None:
    status, problem = api(REPLAY, path={"id": "nothing"})

    assert (status, problem["error"]["code"]) == (404, "delivery_not_found")
