"""Apiframe's own OpenAPI, and our answers in its dialect: they are valid by it, and the same bodies are refused."""

from decimal import Decimal
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from tests.fakes import DAWN
from tests.stills import image
from tests.unit.dialects.apiframe_calls import JOB, JOBS, ME, MODELS, ORDER, PICTURE, UPLOAD, Api, attempted, body

from stillmotion.dialects.apiframe.order_body import ApiframeOrder
from stillmotion.dialects.http import HttpRequest
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Generation, Status
from stillmotion.domain.request import Concept, InvalidRequest

NOBODYS = "0f0e0d0c-0b0a-8009-8807-060504030201"
MODEL = "luma-ray-flash-2"
FORMATS = FormatChecker()


@FORMATS.checks("uri", raises=ValueError)  # type: ignore[untyped-decorator]
def is_uri(value: object) -> bool:
    return not isinstance(value, str) or (bool(urlsplit(value).scheme) and " " not in value)


def validator(openapi: dict[str, Any], schema: dict[str, Any]) -> Any:
    return Draft202012Validator({**schema, "components": openapi["components"]}, format_checker=FORMATS)


class Checked:
    """The dialect, each of whose answers is checked by the schema that its route and status have in the document."""

    def __init__(self, openapi: dict[str, Any], api: Api) -> None:
        self.openapi, self.api = openapi, api

    def __call__(self, route: str, sent: object = None, *, status: int, **options: Any) -> Any:
        method, path = route.lower().split(maxsplit=1)
        given_status, answered = self.api(route, sent, **options)
        assert given_status == status, answered
        schema = self.openapi["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
        validator(self.openapi, schema).validate(answered)
        return answered


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def checked(openapi: dict[str, Any], api: Api) -> Checked:
    return Checked(openapi, api)


# --- answers


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("callback", [{}, {"webhookUrl": "https://shop.example/hook"}])
def test_a_job_in_every_state(checked: Checked, api: Api, status: Status, callback: dict[str, object]) -> None:
    accepted = checked(ORDER, body(lumaParams={"start_image": PICTURE}, **callback), status=202)
    job = api.world.jobs.only()
    api.turned(attempted(job, "0.205"), status=status, failure=Failure(FailureKind.MODERATED, "No."), ended_at=DAWN)
    assert checked(JOB, id=accepted["jobId"], status=200)["id"] == job.id
    assert len(checked(JOBS, query={"include_models": "true"}, status=200)["jobs"]) == 1


def test_a_completed_job(checked: Checked, api: Api) -> None:
    job = attempted(api.order(), "0.51", generation=Generation(id="g", accepted_at=DAWN, progress=100, credits=51))
    api.completed(api.turned(job))
    checked(JOB, id=job.id, status=200)
    checked(JOBS, status=200)


@pytest.mark.parametrize("status", Status)
def test_a_repeated_order_in_every_state(checked: Checked, api: Api, status: Status) -> None:
    headers = {"idempotency-key": "holiday"}
    checked(ORDER, body(), headers=headers, status=202)
    api.turned(api.world.jobs.only(), status=status)
    checked(ORDER, body(), headers=headers, status=202)


def test_pages_of_a_list(checked: Checked, api: Api) -> None:
    for number in range(3):
        api.world.clock.advance(1)
        api.order(prompt=str(number))
    page = checked(JOBS, query={"limit": "2"}, status=200)
    checked(JOBS, query={"limit": "2", "cursor": page["nextCursor"]}, status=200)


@pytest.mark.parametrize("budget", [None, Decimal("12.345")])
def test_the_account(checked: Checked, api: Api, budget: Decimal | None) -> None:
    api.budget = budget
    checked(ME, status=200)


@pytest.mark.parametrize("modality", ["video", "image"])
def test_the_catalogue(checked: Checked, modality: str) -> None:
    checked(MODELS, key=None, query={"modality": modality}, status=200)
    checked(MODELS, key=None, query={"modality": "smell"}, status=400)


def test_an_upload(openapi: dict[str, Any], api: Api) -> None:
    status, answered = api.upload(image())
    assert status == 201
    validator(openapi, {"$ref": "#/components/schemas/Upload"}).validate(answered)


def test_refusals(checked: Checked, api: Api) -> None:
    reader = api.minted("default", scopes=("read",))
    writer = api.minted("default", scopes=("write",))
    capped = api.minted("default", daily_dollars=Decimal("0.01"))
    checked(ORDER, {"model": MODEL}, status=400)
    checked(ORDER, [], status=400)
    checked(UPLOAD, b"", status=400)
    checked(JOBS, query={"limit": "0"}, status=400)
    checked(JOB, id="x", status=400)
    checked(JOB, id=NOBODYS, status=404)
    checked(ORDER, body(), key=capped, status=402)
    for route in (ORDER, UPLOAD):
        checked(route, body(), key=reader, status=403)
    for route in (JOB, JOBS, ME):
        checked(route, key=writer, id=NOBODYS, status=403)
    checked(JOBS, query={"scope": "team"}, key=reader, status=403)
    for route in (ORDER, UPLOAD, JOB, JOBS, ME):
        checked(route, body(), key=None, id=NOBODYS, status=401)


def test_an_order_over_the_days_budget(checked: Checked, api: Api) -> None:
    api.budget = Decimal("0.10")
    assert checked(ORDER, body(), status=402)["creditsAvailable"] == 10


# --- bodies

ODD: list[Any] = [
    None, True, False, 0, 1, 5, 9, 10, 5.0, 5.5, -5, "", " ", "x", "x" * 4000, "x" * 4001, "🦁" * 4000, "5", "16:9",
    "16:10", "pov", "completed", "started", "no url", "https://a.example/1.jpg", MODEL, "luma-ray-2", [], {}, [1],
    [None], ["pov"], ["pov", "fly"], ["pov", "pov"], ["completed"], ["completed", "started"], ["failed", "failed"],
    {"loop": True}, {"loop": 1}, {"size": "1280*720"}, {"duration": 9, "x": None},
]  # fmt: skip
URIS = [PICTURE, "https://a.example/1.jpg?a=b", "data:image/png;base64,AAAA", "http://localhost:1/a"]
RATIOS = ["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"]
EVENTS = st.sampled_from(["progress", "completed", "failed"])
PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "duration": st.sampled_from([5, 9, 5.0]),
    "aspect_ratio": st.sampled_from(RATIOS),
    "start_image": st.sampled_from(URIS),
    "end_image": st.sampled_from(URIS),
    "loop": st.booleans(),
    "concepts": st.lists(st.sampled_from(get_args(Concept)), max_size=3),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "model": st.just(MODEL),
    "prompt": st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    "lumaParams": st.fixed_dictionaries({}, optional=PARAMETERS),
    "webhookUrl": st.sampled_from(["https://shop.example/hook", "https://shop.example/hook?a=b"]),
    "webhookEvents": st.lists(EVENTS, min_size=1, max_size=3),
}


@pytest.fixture(scope="module")
def schema(openapi: dict[str, Any]) -> Any:
    return validator(openapi, openapi["components"]["schemas"]["GenerateVideoRequest"])


def is_valid(schema: Any, sent: dict[str, Any]) -> bool:
    """By Apiframe's schema; but for the one body that it allows and Luma refuses."""
    parameters = sent.get("lumaParams")
    contradicts = isinstance(parameters, dict) and parameters.get("loop") is True and "end_image" in parameters
    return schema.is_valid(sent) and sent["model"] == MODEL and not contradicts


def is_taken(sent: dict[str, Any]) -> bool:
    request = HttpRequest(
        route=ORDER, method="POST", path={}, query={}, headers={}, body=msgspec.json.encode(sent), arrived_at=DAWN
    )
    try:
        ApiframeOrder.read(request)
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize("name", [*FIELDS, "vendor"])
def test_whatever_stands_in_a_field_is_taken_or_refused_as_there(schema: Any, name: str) -> None:
    for value in ODD:
        sent = {"model": MODEL, "prompt": "a lake", name: value}
        assert is_taken(sent) == is_valid(schema, sent), sent


@pytest.mark.parametrize("name", [*PARAMETERS, "seed"])
def test_whatever_stands_in_a_parameter_is_taken_or_refused_as_there(schema: Any, name: str) -> None:
    for value in ODD:
        sent = {"model": MODEL, "prompt": "a lake", "lumaParams": {name: value}}
        assert is_taken(sent) == is_valid(schema, sent), sent


@pytest.mark.parametrize("missing", ["model", "prompt"])
def test_what_may_be_missing_is_the_same(schema: Any, missing: str) -> None:
    sent: dict[str, Any] = {name: value for name, value in body().items() if name != missing}
    assert not schema.is_valid(sent)
    assert not is_taken(sent)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies that are valid, or wrong in one or two places."""
    required = {name: FIELDS[name] for name in ("model", "prompt")}
    optional = {name: FIELDS[name] for name in FIELDS if name not in required}
    sent: dict[str, Any] = draw(st.fixed_dictionaries(required, optional=optional))
    parameters: dict[str, Any] = sent.get("lumaParams", {})
    for level, names in ((sent, [*FIELDS, "vendor"]), (parameters, [*PARAMETERS, "seed"])):
        if draw(st.booleans()):
            level[draw(st.sampled_from(names))] = draw(st.sampled_from(ODD))
    return sent


@settings(max_examples=500, deadline=None)
@given(sent=bodies())
def test_the_same_bodies_are_taken_and_refused(schema: Any, sent: dict[str, Any]) -> None:
    assert is_taken(sent) == is_valid(schema, sent)
