"""What docs/keys.md and docs/operations.md say that a key opens is what the code asks for."""

import re
from collections.abc import Mapping

import pytest
from tests.unit.dialects.test_access import OPEN, TABLE
from tests.unit.docs.pages import code_in, page, prose, rows, section

from stillmotion.domain.access import Scope

ROUTE = re.compile(r"(?:GET|POST|PUT|DELETE) /[^?\s]+")
SCOPES: Mapping[str, str] = {code_in(row[0])[0]: row[1] for row in rows(page("docs/keys.md"), "scope")}


def named(scope: Scope) -> set[str]:
    """The routes that a scope's row names; a path by itself is all that is at it and below it."""
    found = code_in(SCOPES[scope])
    paths = tuple(word for word in found if word.startswith("/"))
    below = {route for route in TABLE if paths and route.split()[1].startswith(paths)}
    return below | {word for word in found if ROUTE.fullmatch(word)}


def told(route: str) -> Scope:
    """The scope that the page gives a route: it names exceptions, and a rule for the rest."""
    for scope in (Scope.ADMIN, Scope.WRITE, Scope.READ):
        if route in named(scope):
            return scope
    return Scope.READ if route.startswith(("GET ", "ANY ")) else Scope.WRITE


@pytest.mark.parametrize("route", TABLE)
def test_the_page_gives_each_route_the_scope_that_it_takes(route: str) -> None:
    assert told(route) is TABLE[route][0]


@pytest.mark.parametrize("scope", Scope)
def test_the_page_names_no_route_that_there_is_not(scope: Scope) -> None:
    assert named(scope) <= TABLE.keys()


@pytest.mark.parametrize("route", sorted(OPEN))
def test_the_page_names_what_needs_no_key(route: str) -> None:
    assert route in code_in(prose("docs/keys.md"))


STEPS = rows(section("docs/operations.md", "What a person does to a job"), "command, and `POST /v1/videos/{id}/…`")


@pytest.mark.parametrize("row", STEPS, ids=lambda row: row[0])
def test_a_persons_step_is_told_with_the_scope_that_it_takes(row: list[str]) -> None:
    step = code_in(row[0])[-1] if not row[0].startswith("`…") else "resolve"
    assert row[1] == TABLE[f"POST /v1/videos/{{id}}/{step}"][0]
