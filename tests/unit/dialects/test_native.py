"""`/v1/videos`: the routes behind the one key check, in the shape of OpenAI's API; problems name the field."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace
from tests import ledgers
from tests.fakes import InMemoryKeyStore
from tests.stills import image
from tests.unit.dialects.calling import context
from tests.unit.dialects.forms import CONTENT_TYPE, form
from tests.world import BUCKET, PRICES, World

from stillmotion.dialects.fallback import fallback
from stillmotion.dialects.http import MAX_BODY_BYTES, Endpoints
from stillmotion.dialects.native import NATIVE
from stillmotion.dialects.native.orders import Orders
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.native.videos import Deletion, Videos
from stillmotion.dialects.native.views import View
from stillmotion.domain.job.records import Job, Outcome, Still
from stillmotion.domain.request import VendorName
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint
from stillmotion.services.operations.delete import Delete
from stillmotion.services.operations.interventions import Interventions, InterventionSettings

ID = "0f0e0d0c-0b0a-8009-8807-060504030201"
ROUTES = [
    "POST /v1/videos",
    "POST /v1/uploads",
    "GET /v1/videos",
    "GET /v1/videos/{id}",
    "GET /v1/videos/{id}/content",
    "DELETE /v1/videos/{id}",
    "ANY /v1/{proxy+}",
]
OF_A_JOB = [route for route in ROUTES if "{id}" in route]


class Api:
    """Both functions' endpoints, called as API Gateway calls them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.key, mine = mint("default", world.clock.now())
        self.other_key, other = mint("other", world.clock.now())
        authenticate = Authenticator(InMemoryKeyStore(mine, other), world.clock)
        made = Orders(world.submit_call, lambda: world.estimate, View()).routes()
        routes = {**made, **Videos(world.jobs, world.objects, View()).routes(), **fallback(NATIVE)}
        cancel = Interventions(
            jobs=world.jobs,
            objects=world.objects,
            vendors=world.vendors,
            parking=world.parking,
            workflow=world.workflow,
            clock=world.clock,
            prices=PRICES,
            settings=InterventionSettings(),
        ).cancel
        delete = Delete(jobs=world.jobs, objects=world.objects, cancel=cancel, clock=world.clock)
        routes |= Deletion(delete).routes()
        self.endpoints = Endpoints(authenticate, routes, show_problem)

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
            "requestContext": context(route, self.world.clock.now()),
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


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'{"prompt": "a lake", "prompt": "a sea"}', "prompt"),
        (b'{"prompt": "a lake", "dry_run": true, "dry_\\u0072un": false}', "dry_run"),
        (b'{"prompt": "a lake", "metadata": {"take": "1", "take": "2"}}', "take"),
    ],
)
def test_a_name_that_stands_twice_in_a_body_is_told(api: Api, raw: bytes, name: str) -> None:
    status, problem, _ = api("POST /v1/videos", raw=raw)
    assert (status, problem["error"]["code"]) == (400, "invalid_json")
    assert problem["detail"] == f"The body says twice what {name} is."
    assert api.world.jobs.all() == []


@pytest.mark.parametrize("levels", [31, 400, 900])
@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_body_that_is_nested_deeper_than_any_call_needs_is_told(
    api: Api, levels: int, opened: bytes, closed: bytes
) -> None:
    nested = opened * levels + b"1" + closed * levels
    status, problem, _ = api("POST /v1/videos", raw=b'{"prompt": "a lake", "metadata": ' + nested + b"}")
    assert (status, problem["error"]["code"]) == (400, "invalid_json" if levels > 31 else "invalid_request")


def test_numbers_of_thousands_of_digits_are_told(api: Api) -> None:
    for number in (b"1" * 5000, b"1e5000", b"0." + b"1" * 5000):
        assert api("POST /v1/videos", raw=b'{"prompt": "a lake", "duration": ' + number + b"}")[0] == 400


def test_a_body_that_is_too_large_is_told(api: Api) -> None:
    status, problem, _ = api("POST /v1/videos", raw=b" " * (MAX_BODY_BYTES + 1))
    assert (status, problem["error"]["code"]) == (413, "body_too_large")
    assert "POST /v1/uploads" in problem["detail"]


def test_a_form_that_is_too_large_is_told_where_large_files_go(api: Api) -> None:
    raw = form(("prompt", "a lake"), files=[("input_reference", b"x" * MAX_BODY_BYTES)])
    status, problem, _ = api("POST /v1/videos", raw=raw, headers={"content-type": CONTENT_TYPE})
    assert (status, problem["error"]["code"]) == (413, "form_too_large")
    assert "POST /v1/uploads" in problem["detail"]


def test_a_data_uri_may_fill_the_body(api: Api) -> None:
    picture = image() + b"\0" * 3_000_000
    held = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"
    status, made, _ = api("POST /v1/videos", {"prompt": "a lake", "input_reference": {"image_url": held}})
    assert (status, made["job"]["still"]["bytes"]) == (200, len(picture))


@pytest.mark.parametrize(("text", "encoded"), [("\ud800", False), ("é", True), ("=", True)])
def test_a_body_that_is_not_what_its_event_says_is_told(api: Api, text: str, *, encoded: bool) -> None:
    status, problem, _ = api("POST /v1/videos", raw=b"{}", event={"body": text, "isBase64Encoded": encoded})
    assert (status, problem["error"]["code"]) == (400, "invalid_body")


@pytest.mark.parametrize("route", ["POST /v1/videos", "POST /v1/uploads"])
def test_an_answer_to_very_many_unknown_fields_stays_small(api: Api, route: str) -> None:
    fields: dict[str, object] = {
        f"{number:05}{'x' * 100}" if number == 7 else str(number): 1 for number in range(9_000)
    }
    status, problem, _ = api(route, fields)
    assert (status, len(problem["errors"])) == (400, 20)
    assert len(json.dumps(problem)) < 8000


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "\ud800", "tab\tbed", "a\x7f"])
def test_an_idempotency_key_that_is_not_printable_ascii_is_told(api: Api, key: str) -> None:
    for dry_run in (False, True):
        fields = {"prompt": "a lake", "dry_run": dry_run}
        status, problem, _ = api("POST /v1/videos", fields, headers={"idempotency-key": key})
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


@pytest.mark.parametrize("route", OF_A_JOB)
def test_another_tenants_job_is_not_there(api: Api, route: str) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    assert api(route, id=made["id"], key=api.other_key)[:2] == api(route, id="nothing", key=api.other_key)[:2]
    assert api(route, id=made["id"], key=api.other_key)[0] == 404
    assert api("GET /v1/videos", key=api.other_key)[1]["data"] == []


def test_content_that_is_not_ready_is_told(api: Api) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    status, problem, _ = api("GET /v1/videos/{id}/content", id=made["id"])
    assert (status, problem["error"]["code"]) == (409, "video_not_ready")


def test_who_asks_for_the_head_of_content_is_led_to_where_he_may_ask_for_it(api: Api) -> None:
    api.world.jobs.put(replace(ledgers.done(), id=ID))
    ways = {method: api(f"{method} /v1/videos/{{id}}/content", id=ID)[2]["location"] for method in ("GET", "HEAD")}
    assert [way.rpartition("=")[2] for way in ways.values()] == ["get", "head"]


def test_the_list_is_newest_first_and_has_pages(api: Api) -> None:
    made = []
    for number in range(3):
        api.world.clock.advance(1)
        made.append(api("POST /v1/videos", {"prompt": f"lake {number}"})[1]["id"])
    _, page, _ = api("GET /v1/videos", query={"limit": "2"})
    assert ([video["id"] for video in page["data"]], page["has_more"]) == ([made[2], made[1]], True)
    _, rest, _ = api("GET /v1/videos", query={"limit": "2", "after": page["next"]})
    assert ([video["id"] for video in rest["data"]], rest["has_more"]) == ([made[0]], False)


def test_a_page_goes_on_after_the_id_of_a_video_in_both_orders(api: Api) -> None:
    made = []
    for number in range(3):
        api.world.clock.advance(1)
        made.append(api("POST /v1/videos", {"prompt": f"lake {number}"})[1]["id"])
    _, page, _ = api("GET /v1/videos", query={"limit": "2", "order": "asc"})
    assert [video["id"] for video in page["data"]] == made[:2]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[0], made[1], True)
    _, rest, _ = api("GET /v1/videos", query={"order": "asc", "after": page["last_id"]})
    assert ([video["id"] for video in rest["data"]], rest["has_more"]) == ([made[2]], False)
    _, older, _ = api("GET /v1/videos", query={"order": "desc", "after": made[1]})
    assert [video["id"] for video in older["data"]] == [made[0]]


def test_an_empty_list_has_no_ids(api: Api) -> None:
    _, page, _ = api("GET /v1/videos")
    assert (page["data"], page["first_id"], page["last_id"], page["has_more"]) == ([], None, None, False)


@pytest.mark.parametrize("order", ["", "ASC", "newest"])
def test_an_order_that_is_none_is_told(api: Api, order: str) -> None:
    status, problem, _ = api("GET /v1/videos", query={"order": order})
    assert (status, problem["error"]["param"]) == (400, "order")


@pytest.mark.parametrize("limit", ["", "0", "101", "many", "-1", "1" * 5000, "٣"])
def test_a_bad_limit_is_told(api: Api, limit: str) -> None:
    assert api("GET /v1/videos", query={"limit": limit})[1]["error"]["param"] == "limit"


@pytest.mark.parametrize("after", ["", "garbage", "\ud800", "x" * 10_000])
def test_a_page_that_was_never_given_out_is_told(api: Api, after: str) -> None:
    status, problem, _ = api("GET /v1/videos", query={"after": after})
    assert (status, problem["error"]["param"]) == (400, "after")


@pytest.mark.parametrize("route", OF_A_JOB)
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


def test_a_dry_run_tells_what_would_be_sent_and_makes_nothing(api: Api) -> None:
    fields = {"prompt": "a lake", "image": "https://a.example/1.jpg", "duration": 9, "allow_substitution": True}
    status, told, _ = api("POST /v1/videos", {**fields, "dry_run": True})
    assert status == 200
    assert (told["object"], told["vendor"], told["price_dollars"]) == ("video.estimate", "apiframe", "0.92")
    assert (told["method"], told["path"], told["duration"]) == ("POST", "/apiframe/generate", 9)
    assert (told["aspect_ratio"], told["substitutions"]) == ("16:9", [])
    assert told["body"]["request"]["duration"] == 9
    instead = {"field": "duration", "asked": "9 s", "given": "10 s"}
    assert told["alternatives"] == [{"vendor": "wavespeed", "price_dollars": "0.40", "substitutions": [instead]}]
    assert api.world.jobs.all() == []
    assert api.world.workflow.started == []


def test_a_dry_run_does_not_use_up_its_idempotency_key(api: Api) -> None:
    headers = {"idempotency-key": "k"}
    api("POST /v1/videos", {"prompt": "a lake", "dry_run": True}, headers=headers)
    status, made, _ = api("POST /v1/videos", {"prompt": "a sea", "dry_run": False}, headers=headers)
    assert (status, made["object"]) == (200, "video")


@pytest.mark.parametrize("given", ["true", 1, None])
def test_a_dry_run_is_true_or_false(api: Api, given: object) -> None:
    status, problem, _ = api("POST /v1/videos", {"prompt": "a lake", "dry_run": given})
    assert (status, problem["error"]["param"]) == (400, "dry_run")
    assert api.world.jobs.all() == []


def test_a_dry_run_is_refused_for_what_an_order_would_be(api: Api) -> None:
    status, problem, _ = api("POST /v1/videos", {"prompt": "a lake", "max_dollars": "0.10", "dry_run": True})
    assert (status, problem["error"]["param"]) == (400, "max_dollars")


def test_a_dry_run_without_a_vendors_key_is_told(api: Api) -> None:
    api.world.keyless = {VendorName.APIFRAME}
    status, problem, _ = api("POST /v1/videos", {"prompt": "a lake", "dry_run": True})
    assert (status, problem["error"]["code"]) == (409, "vendor_key_missing")
    assert "no key of apiframe" in problem["detail"]


def test_an_attempt_tells_what_was_substituted(api: Api) -> None:
    api.world.objects.put(BUCKET, "uploads/default/x", image())
    fields = {"prompt": "a lake", "image": f"s3://{BUCKET}/uploads/default/x", "duration": 9, "vendor": "wavespeed"}
    _, made, _ = api("POST /v1/videos", {**fields, "allow_substitution": True})
    api.world.dispatch(made["id"])
    _, read, _ = api("GET /v1/videos/{id}", id=made["id"])
    instead = {"field": "duration", "asked": "9 s", "given": "10 s"}
    assert read["job"]["attempts"][0]["substitutions"] == [instead]


def test_a_video_is_as_long_all_along_as_its_vendor_makes_it(api: Api) -> None:
    """Without an image only Apiframe makes it, and no 10 seconds."""
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake", "seconds": 10, "allow_substitution": True})
    api.world.dispatch(made["id"])
    _, read, _ = api("GET /v1/videos/{id}", id=made["id"])
    assert (made["seconds"], read["seconds"]) == ("9", "9")
    assert read["job"]["attempts"][0]["substitutions"] == [{"field": "duration", "asked": "10 s", "given": "9 s"}]


def test_no_note_says_that_what_another_vendor_makes_is_made(api: Api) -> None:
    wanted = {"prompt": "a lake", "seconds": "12"}
    told = "12 seconds were asked for: 9 is the nearest that is sold."
    _, estimated, _ = api("POST /v1/videos", {**wanted, "dry_run": True})
    _, made, _ = api("POST /v1/videos", wanted)
    assert (estimated["duration"], estimated["notes"][0]) == (9, told)
    assert [note["text"] for note in made["job"]["notes"]] == [told]


# --- as OpenAI's clients send it


def ordered_by_form(api: Api, *fields: tuple[str, str], photo: bytes | None = None, **headers: str) -> tuple[int, Any]:
    files = [("input_reference", photo)] if photo is not None else []
    raw = form(("prompt", "a lake"), *fields, files=files)
    status, answer, _ = api("POST /v1/videos", raw=raw, headers={"content-type": CONTENT_TYPE, **headers})
    return status, answer


def test_a_file_in_a_form_is_kept_in_the_input_bucket(api: Api) -> None:
    photo = image("JPEG", 360, 640)
    status, made = ordered_by_form(api, ("model", "sora-2"), ("seconds", "5"), photo=photo)
    still = made["job"]["still"]
    assert (status, made["model"], made["seconds"], made["size"]) == (200, "luma-ray-2-flash", "5", "720x1280")
    assert api.world.objects.body(BUCKET, still["key"]) == photo
    assert [note["text"] for note in made["job"]["notes"]] == [
        "The model sora-2 was asked for: luma-ray-2-flash makes the video."
    ]


def test_a_form_that_is_sent_again_makes_one_job_and_stores_nothing_again(api: Api) -> None:
    photo = image()
    first = ordered_by_form(api, photo=photo, **{"x-stainless-retry-count": "0"})[1]
    second = ordered_by_form(api, photo=photo, **{"x-stainless-retry-count": "1"})[1]
    assert (second["id"], len(api.world.objects.all_keys(BUCKET))) == (first["id"], 1)


def test_a_dry_run_by_form_stores_nothing_and_tells_what_is_made_instead(api: Api) -> None:
    fields = [("dry_run", "true"), ("seconds", "8"), ("allow_substitution", "true")]
    status, told = ordered_by_form(api, *fields, photo=image())
    assert (status, told["object"], told["notes"][0]) == (
        200,
        "video.estimate",
        "8 seconds were asked for: 9 is the nearest that is sold.",
    )
    assert api.world.objects.all_keys(BUCKET) == []


def test_a_file_that_is_no_picture_is_told_in_the_callers_words(api: Api) -> None:
    status, problem = ordered_by_form(api, photo=b"<svg/>")
    assert (status, problem["error"]["param"]) == (400, "input_reference")
    assert problem["detail"].startswith("input_reference: must be")


def test_what_no_vendor_makes_is_told_in_the_callers_words(api: Api) -> None:
    status, problem = ordered_by_form(api, ("seconds", "9"), ("vendor", "wavespeed"), photo=image())
    assert (status, problem["error"]["param"]) == (400, "seconds")


def test_an_image_that_cannot_be_fetched_is_unprocessable(api: Api) -> None:
    wanted = {"prompt": "a lake", "input_reference": {"image_url": "https://a.example/gone.jpg"}}
    status, problem, _ = api("POST /v1/videos", wanted)
    assert (status, problem["error"]["code"]) == (422, "input_unreachable")
    assert problem["error"]["param"] == "input_reference"
    assert api.world.jobs.all() == []


def test_a_conflict_is_not_to_be_tried_again(api: Api) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    _, _, headers = api("GET /v1/videos/{id}/content", id=made["id"])
    assert headers["x-should-retry"] == "false"


def test_who_looks_at_a_video_under_way_is_told_when_to_look_again(api: Api) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    assert api("GET /v1/videos/{id}", id=made["id"])[2]["openai-poll-after-ms"] == "5000"
    api.world.jobs.put(replace(ledgers.done(), id=ID))
    assert "openai-poll-after-ms" not in api("GET /v1/videos/{id}", id=ID)[2]


def test_a_video_that_nobody_has_sent_is_deleted_and_gone(api: Api) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    gone = {"id": made["id"], "object": "video.deleted", "deleted": True}
    assert api("DELETE /v1/videos/{id}", id=made["id"])[:2] == (200, gone)
    assert api("DELETE /v1/videos/{id}", id=made["id"])[:2] == (200, gone)
    assert api("GET /v1/videos/{id}", id=made["id"])[0] == 404
    assert api("GET /v1/videos/{id}/content", id=made["id"])[0] == 404
    assert api("GET /v1/videos")[1]["data"] == []


def test_a_video_under_way_is_not_deleted(api: Api) -> None:
    _, made, _ = api("POST /v1/videos", {"prompt": "a lake"})
    api.world.dispatch(made["id"])
    status, problem, headers = api("DELETE /v1/videos/{id}", id=made["id"])
    assert (status, problem["error"]["code"]) == (409, "video_in_progress")
    assert headers["x-should-retry"] == "false"
    assert api("GET /v1/videos/{id}", id=made["id"])[1]["status"] == "in_progress"


def content(api: Api, job: Job, variant: str, *, method: str = "GET") -> tuple[int, str | None]:
    """The status, and where the answer leads to."""
    api.world.jobs.put(replace(job, id=ID))
    event = {"requestContext": context("GET /v1/videos/{id}/content", method=method)}
    status, _, headers = api("GET /v1/videos/{id}/content", id=ID, query={"variant": variant}, event=event)
    return status, headers.get("location")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_thumbnail_is_the_still_that_the_video_begins_with(api: Api, method: str) -> None:
    still = Still(address=f"s3://{BUCKET}/uploads/default/x", bucket=BUCKET, key="uploads/default/x", version_id="v3")
    status, address = content(api, replace(ledgers.done(), still=still), "thumbnail", method=method)
    assert status == 302
    assert address is not None
    assert address.startswith(f"https://{BUCKET}.s3.test/uploads/default/x?X-Amz-Expires=900&versionId=v3")


@pytest.mark.parametrize(("variant", "status"), [("thumbnail", 404), ("spritesheet", 404), ("poster", 400), ("", 400)])
def test_a_video_of_a_prompt_alone_has_no_thumbnail_and_none_has_a_spritesheet(
    api: Api, variant: str, status: int
) -> None:
    assert content(api, replace(ledgers.done(), still=None), variant) == (status, None)


@pytest.mark.parametrize("variant", ["video", "thumbnail", "spritesheet"])
def test_what_is_not_completed_has_no_content(api: Api, variant: str) -> None:
    assert content(api, ledgers.generating(), variant)[0] == 409


def test_remixes_and_edits_are_not_there(api: Api) -> None:
    status, problem, _ = api("ANY /v1/{proxy+}", {"prompt": "x"}, event={"pathParameters": {"proxy": "videos/edits"}})
    assert (status, problem["error"]["code"]) == (404, "not_found")
    assert problem["detail"].endswith("Videos are neither remixed, edited nor extended here.")
