"""`/v1/videos`: the routes behind the one key check, in the shape of OpenAI's API; problems name the field."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from tests.fakes import InMemoryKeyStore
from tests.stills import image
from tests.world import BUCKET, World

from stillmotion.dialects import native
from stillmotion.dialects.http import Endpoints
from stillmotion.domain.job import Job, Outcome
from stillmotion.services.keys import Authenticator, mint

ID = "0f0e0d0c-0b0a-8009-8807-060504030201"
ROUTES = ["POST /v1/videos", "POST /v1/uploads", "GET /v1/videos", "GET /v1/videos/{id}", "GET /v1/videos/{id}/content"]


class Api:
    """Both functions' endpoints, called as API Gateway calls them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.key, mine = mint("default", world.clock.now())
        self.other_key, other = mint("other", world.clock.now())
        authenticate = Authenticator(InMemoryKeyStore(mine, other), world.clock)
        routes = {**native.submit_routes(world.submit_call), **native.read_routes(world.jobs, world.objects)}
        self.endpoints = Endpoints(authenticate, routes, native.show_problem)

    def __call__(
        self,
        route: str,
        body: object = None,
        *,
        key: str | None = "mine",
        id: str = "",  # noqa: A002 - the path's own name
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        event: Mapping[str, object] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {self.key if key == 'mine' else key}"
        called = {
            "version": "2.0",
            "routeKey": route,
            "headers": sent,
            "pathParameters": {"id": id} if id else None,
            "queryStringParameters": query,
            "requestContext": {"timeEpoch": int(self.world.clock.now().timestamp() * 1000)},
            "isBase64Encoded": raw is not None,
            "body": base64.b64encode(raw).decode() if raw is not None else None if body is None else json.dumps(body),
        }
        answer = self.endpoints(called | dict(event or {}))
        text = str(answer["body"])
        return int(str(answer["statusCode"])), json.loads(text) if text else None, answer["headers"]  # type: ignore[return-value]


@pytest.fixture
def api(world: World) -> Api:
    return Api(world)


@pytest.fixture
def world() -> World:
    return World()


def test_a_video_is_ordered_and_read_in_openais_shape(api: Api) -> None:
    status, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    assert status == 200
    assert (made["object"], made["status"], made["seconds"], made["size"]) == ("video", "queued", "5", "1280x720")
    assert made["job"]["status"] == "dispatching"
    status, read, _ = api("GET /v1/videos/{id}", id=made["id"])
    assert (status, read) == (200, made)


def test_a_key_comes_either_way(api: Api) -> None:
    assert api("GET /v1/videos", key=None, headers={"x-api-key": api.key})[0] == 200
    assert api("GET /v1/videos")[0] == 200


@pytest.mark.parametrize("route", [*ROUTES, "GET /nowhere", "$default"])
@pytest.mark.parametrize("key", [None, "", "sm_forged", "x", "sm_é", "sm_\ud800"])
def test_no_route_can_be_reached_without_a_good_key(api: Api, route: str, key: str | None) -> None:
    status, problem, headers = api(route, {"prompt": "a lake"}, key=key, id="x")
    assert (status, problem["error"]["code"]) == (401, "invalid_api_key")
    assert headers["www-authenticate"] == "Bearer"
    assert api.world.jobs.all() == []


def test_validation_names_the_field_and_the_rule(api: Api) -> None:
    status, problem, headers = api("POST /v1/videos", {"prompt": "", "duration": 6})
    assert status == 400
    assert headers["content-type"] == "application/problem+json"
    assert {error["field"] for error in problem["errors"]} == {"prompt", "duration"}
    assert problem["error"]["type"] == "invalid_request_error"
    assert problem["error"]["param"] in ("prompt", "duration")
    assert problem["error"]["message"] == problem["detail"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"[" * 100_000, b'{"a":' * 100_000])
def test_a_body_that_is_no_json_object_is_told(api: Api, raw: bytes) -> None:
    status, problem, _ = api("POST /v1/videos", raw=raw)
    assert (status, problem["error"]["code"]) == (400, "invalid_json")


def test_a_body_that_is_too_large_is_told(api: Api) -> None:
    assert api("POST /v1/videos", raw=b" " * 2_000_000)[0] == 413


@pytest.mark.parametrize(("text", "encoded"), [("\ud800", False), ("é", True), ("=", True)])
def test_a_body_that_is_not_what_its_event_says_is_told(api: Api, text: str, *, encoded: bool) -> None:
    status, problem, _ = api("POST /v1/videos", raw=b"{}", event={"body": text, "isBase64Encoded": encoded})
    assert (status, problem["error"]["code"]) == (400, "invalid_body")


@pytest.mark.parametrize("route", ["POST /v1/videos", "POST /v1/uploads"])
def test_an_answer_to_very_many_unknown_fields_stays_small(api: Api, route: str) -> None:
    fields: dict[str, object] = {
        f"{number:05}{'x' * 100}" if number == 7 else str(number): 1 for number in range(70_000)
    }
    status, problem, _ = api(route, fields)
    assert (status, len(problem["errors"])) == (400, 21)
    assert len(json.dumps(problem)) < 8000


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "\ud800", "tab\tbed", "a\x7f"])
def test_an_idempotency_key_that_is_not_printable_ascii_is_told(api: Api, key: str) -> None:
    status, problem, _ = api("POST /v1/videos", {"prompt": "a lake"}, headers={"idempotency-key": key})
    assert (status, problem["error"]["param"]) == (400, "Idempotency-Key")
    assert api.world.jobs.all() == []


def test_a_retry_count_of_thousands_of_digits_says_nothing(api: Api) -> None:
    headers = {"x-stainless-retry-count": "1" * 5000}
    assert api("POST /v1/videos", {"prompt": "a lake"}, headers=headers)[0] == 200


def test_a_key_reused_with_another_body_is_a_conflict(api: Api) -> None:
    headers = {"idempotency-key": "k"}
    _, first, _ = api("POST /v1/videos", {"prompt": "a lake"}, headers=headers)
    assert api("POST /v1/videos", {"prompt": "a lake"}, headers=headers)[1]["id"] == first["id"]
    status, problem, _ = api("POST /v1/videos", {"prompt": "a sea"}, headers=headers)
    assert (status, problem["error"]["code"]) == (409, "idempotency_key_reused")


def test_openais_client_that_tries_again_gets_the_same_job(api: Api) -> None:
    _, first, _ = api("POST /v1/videos", {"prompt": "a lake"}, headers={"x-stainless-retry-count": "0"})
    _, second, _ = api("POST /v1/videos", {"prompt": "a lake"}, headers={"x-stainless-retry-count": "1"})
    assert first["id"] == second["id"]


@pytest.mark.parametrize("route", ["GET /v1/videos/{id}", "GET /v1/videos/{id}/content"])
def test_another_tenants_job_is_not_there(api: Api, route: str) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    assert api(route, id=made["id"], key=api.other_key)[:2] == api(route, id="nothing", key=api.other_key)[:2]
    assert api(route, id=made["id"], key=api.other_key)[0] == 404
    assert api("GET /v1/videos", key=api.other_key)[1]["data"] == []


def test_content_that_is_not_ready_is_told(api: Api) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    status, problem, _ = api("GET /v1/videos/{id}/content", id=made["id"])
    assert (status, problem["error"]["code"]) == (409, "video_not_ready")


def test_the_list_is_newest_first_and_has_pages(api: Api) -> None:
    made = []
    for number in range(3):
        api.world.clock.advance(1)
        made.append(api("POST /v1/videos", {"prompt": f"lake {number}"})[1]["id"])
    _, page, _ = api("GET /v1/videos", query={"limit": "2"})
    assert ([video["id"] for video in page["data"]], page["has_more"]) == ([made[2], made[1]], True)
    _, rest, _ = api("GET /v1/videos", query={"limit": "2", "after": page["next"]})
    assert ([video["id"] for video in rest["data"]], rest["has_more"]) == ([made[0]], False)


@pytest.mark.parametrize("limit", ["", "0", "101", "many", "-1", "1" * 5000, "٣"])
def test_a_bad_limit_is_told(api: Api, limit: str) -> None:
    assert api("GET /v1/videos", query={"limit": limit})[1]["error"]["param"] == "limit"


@pytest.mark.parametrize("after", ["", "garbage", "\ud800", "x" * 10_000])
def test_a_page_that_was_never_given_out_is_told(api: Api, after: str) -> None:
    status, problem, _ = api("GET /v1/videos", query={"after": after})
    assert (status, problem["error"]["param"]) == (400, "after")


@pytest.mark.parametrize("route", ["GET /v1/videos/{id}", "GET /v1/videos/{id}/content"])
@pytest.mark.parametrize("given", ["x" * 3000, "a\x00b", "\ud800", "nothing", f"{ID}\n", ""])
def test_what_cannot_be_an_id_is_not_there_and_is_not_looked_for(
    api: Api, route: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(job_id: str) -> Job | None:
        pytest.fail(f"{job_id!r} was looked for")

    monkeypatch.setattr(api.world.jobs, "get", read)
    status, problem, _ = api(route, id=given)
    assert (status, problem["error"]["code"]) == (404, "video_not_found")


def test_an_upload_ticket_pins_type_and_size(api: Api) -> None:
    status, ticket, _ = api("POST /v1/uploads", {"content_type": "image/png", "bytes": 1000})
    assert status == 201
    assert ticket["image"].startswith(f"s3://{BUCKET}/uploads/default/")
    assert ticket["upload"]["method"] == "PUT"
    assert "type=image/png&length=1000" in ticket["upload"]["url"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content_type": "image/gif", "bytes": 1}, "content_type"),
        ({"content_type": [], "bytes": 1}, "content_type"),
        ({"content_type": {}, "bytes": 1}, "content_type"),
        ({"content_type": "image/png", "bytes": 0}, "bytes"),
        ({"content_type": "image/png", "bytes": True}, "bytes"),
        ({"content_type": "image/png", "bytes": 20 * 1024 * 1024 + 1}, "bytes"),
        ({"content_type": "image/png", "bytes": 1, "name": "x"}, "name"),
    ],
)
def test_an_upload_that_would_not_be_taken_is_told_before_it_is_made(
    api: Api, body: dict[str, object], field: str
) -> None:
    status, problem, _ = api("POST /v1/uploads", body)
    assert (status, problem["error"]["param"]) == (400, field)


def test_the_record_shows_attempts_but_no_signed_url(api: Api) -> None:
    api.world.objects.put(BUCKET, "uploads/default/x", image())
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake", "image": f"s3://{BUCKET}/uploads/default/x"})
    api.world.dispatch(made["id"])
    _, read, _ = api("GET /v1/videos/{id}", id=made["id"])
    assert read["status"] == "in_progress"
    assert read["job"]["attempts"][0]["outcome"] == Outcome.ACCEPTED
    assert read["job"]["vendor"] == "wavespeed"
    assert "X-Amz-Signature" in api.world.wavespeed.posts[0][0].body
    assert "X-Amz-Signature" not in json.dumps(read)
