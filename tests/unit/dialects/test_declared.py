"""A route is declared once: a small one is found wherever routes are told of."""

from typing import Annotated, Any, ClassVar

import pytest
from annotated_types import Ge, Le
from openapi_spec_validator import validate
from tests.fakes import FakeClock, InMemoryKeyStore
from tests.unit.dialects.calling import call
from tests.unit.dialects.test_access import table
from tests.unit.template.test_infrastructure import functions_of

from stillmotion.dialects import catalogue
from stillmotion.dialects.declared import Declared, Feature, InPath, allowed_at, operation
from stillmotion.dialects.http import Endpoints, HttpRequest
from stillmotion.dialects.models import JsonBody, Query, ResponseModel
from stillmotion.dialects.native import NATIVE, VIDEOS
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.openapi.document import document
from stillmotion.domain.access import Scope
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint

AlbumId = Annotated[str, InPath(name="id", schema={"type": "string"}, example="a1", description="The id of an album.")]


class AlbumRequest(JsonBody):
    """What an album is to hold."""

    EXAMPLES: ClassVar[dict[str, object]] = {"two": {"videos": 2}}

    videos: Annotated[int, Ge(1), Le(9)]


class AlbumQuery(Query):
    """How it is shown."""

    shuffled: bool = False


class AlbumView(ResponseModel):
    """An album."""

    id: str
    tenant: str
    videos: int
    shuffled: bool


class Albums(Feature):
    """A small feature."""

    TAG = VIDEOS
    DIALECT = NATIVE
    FUNCTION = "operate"

    @operation(
        "PUT",
        "/v1/albums/{id}",
        operation_id="putAlbum",
        summary="Keep an album",
        scope=Scope.ADMIN,
        status=201,
        errors=(400, 413),
    )
    def put(self, request: HttpRequest, album_id: AlbumId, query: AlbumQuery, body: AlbumRequest) -> AlbumView:
        return AlbumView(id=album_id, tenant=request.tenant, videos=body.videos, shuffled=query.shuffled)


ROUTE = "PUT /v1/albums/{id}"
EVERY: list[Declared] = [*catalogue.declared(), *Albums.declared()]
KEY, RECORD = mint("default", FakeClock().now())
READER, READERS = mint("default", FakeClock().now(), scopes=(Scope.READ, Scope.WRITE))


def ask(body: object, key: str | None = KEY, **query: str) -> tuple[int, Any]:
    authenticate = Authenticator(InMemoryKeyStore(RECORD, READERS), FakeClock())
    endpoints = Endpoints(authenticate, Albums().routes(), show_problem)
    status, answer, _ = call(endpoints, ROUTE, key, body=body, path={"id": "a1"}, query=query)
    return status, answer


def test_the_router_has_it() -> None:
    shown = {"id": "a1", "tenant": "default", "videos": 2, "shuffled": True}
    assert ask({"videos": 2}, shuffled="true") == (201, shown)


def test_its_scope_is_asked_for() -> None:
    assert [ask({"videos": 2}, key)[0] for key in (None, READER, KEY)] == [401, 403, 201]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("videos", "is required")]),
        ({"videos": 10}, [("videos", "must be a number from 1 to 9")]),
        ({"videos": "2"}, [("videos", "must be a number from 1 to 9")]),
        ({"videos": 2, "name": "x"}, [("name", "is not a field of this call")]),
    ],
)
def test_its_body_is_checked_with_words_that_follow_from_its_bounds(
    body: object, errors: list[tuple[str, str]]
) -> None:
    status, problem = ask(body)
    assert (status, [(each["field"], each["rule"]) for each in problem["errors"]]) == (400, errors)


def test_another_method_is_told_what_the_path_takes() -> None:
    operations = [each.operation for each in EVERY]
    assert list(allowed_at("/v1/albums/a1", operations)) == ["PUT"]
    assert list(allowed_at("/v1/albums/", operations)) == []


def test_the_access_table_has_it() -> None:
    assert table(EVERY)[ROUTE] == (Scope.ADMIN, 404)


def test_the_template_is_held_against_it() -> None:
    assert functions_of(EVERY)[ROUTE] == "OperateFunction"


def test_the_document_tells_of_it() -> None:
    told = document("https://api.example", EVERY)
    shown = told["paths"]["/v1/albums/{id}"]["put"]
    assert (shown["operationId"], shown["security"][0]) == ("putAlbum", {"bearer": [Scope.ADMIN]})
    assert [(one["name"], one["in"]) for one in shown["parameters"]] == [("id", "path"), ("shuffled", "query")]
    body = shown["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/AlbumRequest"}
    assert shown["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].endswith("/Album")
    assert {"400", "401", "403", "413", "429", "500", "503"} <= shown["responses"].keys()
    assert told["components"]["schemas"]["AlbumRequest"]["properties"]["videos"]["maximum"] == 9
    validate(told)
