"""`GET /v1/spend`: a tenant sees its own books, the stack's owner all of them."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes import FakeClock, InMemoryKeyStore
from tests.unit.dialects.calling import context

from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native import spending
from stillmotion.dialects.native.problems import show_problem
from stillmotion.domain.access import Scope
from stillmotion.domain.job.records import Booking
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import Tally
from stillmotion.ports.records import Budget
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint

TODAY = date(2026, 5, 4)
YESTERDAY = TODAY - timedelta(days=1)
BUDGET = Budget(tenant_dollars=Decimal("5.00"))


class HeldBooks:
    """Books that are as they are; `wanted` is what was asked for."""

    def __init__(self, *tallies: Tally) -> None:
        self.held = {(tally.day, tally.tenant): tally for tally in tallies}
        self.wanted: list[tuple[date, str | None]] = []

    def read(self, wanted: Sequence[tuple[date, str | None]]) -> Sequence[Tally]:
        self.wanted += wanted
        return [self.held[place] for place in wanted if place in self.held]


def tally(day: date, tenant: str | None, *tenants: str) -> Tally:
    reserved = Booking(reserved=Decimal("0.51"))
    ended = Booking(charged=Decimal("0.40"), wasted=Decimal("0.20"))
    vendors = {VendorName.WAVESPEED: ended, VendorName.APIFRAME: reserved}
    return Tally(day=day, tenant=tenant, tenants=frozenset(tenants), vendors=vendors, attempts=3)


class Api:
    """The route behind the key check, for three callers."""

    def __init__(self, books: HeldBooks) -> None:
        clock = FakeClock()
        self.time = clock.now()
        minted = {
            "owner": mint("default", clock.now()),
            "bob": mint("bob", clock.now()),
            "reader": mint("default", clock.now(), scopes=(Scope.READ,)),
        }
        self.keys = {name: key for name, (key, _) in minted.items()}
        authenticate = Authenticator(InMemoryKeyStore(*(stored for _, stored in minted.values())), clock)
        self.endpoints = Endpoints(authenticate, spending.Spending(books, BUDGET, "default").routes(), show_problem)

    def __call__(self, caller: str = "owner", **query: str) -> tuple[int, Any]:
        event = {
            "routeKey": "GET /v1/spend",
            "headers": {"authorization": f"Bearer {self.keys[caller]}"},
            "queryStringParameters": query,
            "requestContext": context("GET /v1/spend", self.time),
        }
        answer = self.endpoints(event)
        return int(str(answer["statusCode"])), json.loads(str(answer["body"]))


AMOUNTS = {"reserved": "0.51", "charged": "0.40", "wasted": "0.20"}
SUMS = {
    "attempts": 3,
    "committed": "0.91",
    **AMOUNTS,
    "vendors": {
        "apiframe": {"reserved": "0.51", "charged": "0", "wasted": "0"},
        "wavespeed": {"reserved": "0", "charged": "0.40", "wasted": "0.20"},
    },
}


def test_a_tenant_sees_its_own_days() -> None:
    books = HeldBooks(tally(TODAY, "bob"), tally(YESTERDAY, "default"), tally(TODAY, None, "bob"))

    assert Api(books)("bob") == (
        200,
        {
            "object": "spend",
            "scope": "tenant",
            "currency": "usd",
            "tenant": "bob",
            "from": "2026-04-28",
            "to": "2026-05-04",
            "daily_caps": {"tenant": "5.00"},
            "days": [{"day": "2026-05-04", **SUMS}],
        },
    )


def test_only_the_callers_books_are_read() -> None:
    books = HeldBooks()

    Api(books)("bob", days="2")

    assert books.wanted == [(TODAY, "bob"), (YESTERDAY, "bob")]


def test_the_stacks_owner_sees_every_tenant() -> None:
    books = HeldBooks(tally(TODAY, None, "default", "bob"), tally(TODAY, "bob"), tally(TODAY, "default"))

    status, told = Api(books)(scope="stack")

    assert status == 200
    assert told["daily_caps"] == {"tenant": "5.00", "stack": None}
    assert told["complete"] is True
    (day,) = told["days"]
    assert [each["tenant"] for each in day["tenants"]] == ["bob", "default"]
    assert day["committed"] == "0.91"
    assert "tenant" not in told


@pytest.mark.parametrize("caller", ["bob", "reader"])
def test_nobody_else_does(caller: str) -> None:
    books = HeldBooks(tally(TODAY, None, "default"))

    status, problem = Api(books)(caller, scope="stack")

    assert (status, problem["error"]["code"]) == (403, "not_allowed")
    assert books.wanted == []


def test_a_reader_sees_its_own_tenants_days() -> None:
    assert Api(HeldBooks())("reader")[0] == 200


def test_too_many_tenants_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending, "MAX_TENANTS_BOOKS", 1)
    books = HeldBooks(
        tally(TODAY, None, "bob"), tally(TODAY, "bob"), tally(YESTERDAY, None, "ada"), tally(YESTERDAY, "ada")
    )

    _, told = Api(books)(scope="stack")

    assert told["complete"] is False
    assert [len(day["tenants"]) for day in told["days"]] == [1, 0]


@pytest.mark.parametrize("days", ["0", "93", "-1", "1.5", "", "week", "٣", "1" * 5000])
def test_days_outside_of_the_range_are_refused(days: str) -> None:
    books = HeldBooks()

    status, problem = Api(books)(days=days)

    assert (status, problem["error"]["param"]) == (400, "days")
    assert books.wanted == []


def test_the_longest_range_is_one_read_of_the_table() -> None:
    books = HeldBooks()

    Api(books)(days="92")

    assert len(books.wanted) == 92


def test_an_unknown_scope_is_refused() -> None:
    status, problem = Api(HeldBooks())(scope="world")

    assert (status, problem["error"]["param"]) == (400, "scope")
