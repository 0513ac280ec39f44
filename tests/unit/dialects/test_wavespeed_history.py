"""The history in WaveSpeed's dialect: which predictions a call is told, and what it may ask for."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes import DAWN
from tests.unit.dialects.wavespeed_calls import HISTORY, Api, finished

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Generation, Job, Status
from stillmotion.ports.records import Page

FIRST_PAGE = "GET /api/v3/predictions"
MODEL = "luma/ray-2-flash-i2v"


@pytest.fixture
def api() -> Api:
    return Api()


def several(api: Api, number: int) -> list[Job]:
    """Jobs a second apart, newest first."""
    made = []
    for _ in range(number):
        api.world.clock.advance(1)
        made.append(api.order())
    return made[::-1]


def items(api: Api, **body: object) -> Any:
    status, answer = api(HISTORY, body)
    assert status == 200, answer
    return answer["data"]["items"]


def ids(found: Any) -> list[str]:
    return [item["id"] for item in found]


def named(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


def test_it_is_newest_first_and_only_the_tenants(api: Api) -> None:
    made = named(several(api, 5))
    assert ids(items(api)) == made
    assert ids(items(api, page=1, page_size=2)) == made[:2]
    assert ids(items(api, page=2, page_size=2)) == made[2:4]
    assert ids(items(api, page=3, page_size=2)) == made[4:]
    assert ids(items(api, page=4, page_size=2)) == []
    assert api(HISTORY, {}, key=api.other_key)[1]["data"]["items"] == []


def test_a_page_has_a_hundred_unless_another_size_is_asked_for(api: Api) -> None:
    _, answer = api(HISTORY)
    assert (answer["data"]["page"], answer["data"]["page_size"]) == (1, 100)


def test_a_page_that_is_far_back_is_found_in_few_reads(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = several(api, 250)
    reads = counted(api, monkeypatch)
    assert ids(items(api, page=250, page_size=1)) == named(made)[249:]
    assert reads == [100, 100, 50]


def test_no_more_is_read_than_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    several(api, 5)
    reads = counted(api, monkeypatch)
    items(api, page=2, page_size=2)
    assert reads == [4]


def counted(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many jobs each read of the store asks for."""
    asked: list[int] = []
    read = api.world.jobs.of_tenant

    def of_tenant(tenant: str, limit: int, after: str | None = None) -> Page:
        asked.append(limit)
        return read(tenant, limit, after)

    monkeypatch.setattr(api.world.jobs, "of_tenant", of_tenant)
    return asked


def test_an_item_says_what_a_prediction_says_and_how_long_it_took(api: Api) -> None:
    job = api.order()
    api.world.dispatch(job.id)
    accepted = api.world.jobs.get(job.id)
    assert accepted is not None
    assert accepted.attempt is not None
    ended = Generation(id="g", accepted_at=DAWN, ended_at=DAWN, inference_milliseconds=41_000)
    done = finished(api, replace(accepted, attempts=(replace(accepted.attempt, generation=ended),)))
    (item,) = items(api)
    assert item.pop("outputs")[0].startswith("https://output.s3.test/")
    assert item.pop("executionTime") == 41_000
    assert item == {name: value for name, value in api.result(done).items() if name != "outputs"}


def test_an_item_that_failed_has_its_code(api: Api) -> None:
    failure = Failure(FailureKind.MODERATED, "The vendor declined it.")
    api.world.jobs.put(replace(api.order(), status=Status.FAILED, failure=failure))
    (item,) = items(api)
    assert (item["code"], item["error"], item["has_nsfw_contents"]) == (1200, "The vendor declined it.", [True])


def test_a_job_of_the_inbox_that_waits_for_its_prompt_is_in_it(api: Api) -> None:
    api.world.drop("inbox/photo.jpg")
    assert [item["status"] for item in items(api)] == ["created"]


@pytest.mark.parametrize("nothing", [{}, {"page": None, "page_size": None}])
def test_a_filter_that_is_null_is_none(api: Api, nothing: dict[str, object]) -> None:
    made = several(api, 2)
    filters = dict.fromkeys(("model", "status", "created_after", "created_before"))
    assert ids(items(api, **filters, **nothing)) == named(made)


def test_predictions_are_found_by_their_status(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = several(api, 130)
    for job in made[::50]:
        finished(api, job)
    reads = counted(api, monkeypatch)
    assert ids(items(api, status="completed")) == named(made[::50])
    assert ids(items(api, status="completed", page=2, page_size=2)) == named(made)[100:101]
    assert len(items(api, status="created")) == 100
    assert items(api, status="failed") == []
    assert set(reads) == {100}


def test_there_is_one_model(api: Api) -> None:
    made = several(api, 2)
    assert ids(items(api, model=MODEL)) == named(made)
    assert items(api, model="wavespeed-ai/flux-dev") == []


def test_predictions_are_found_by_when_they_were_created(api: Api) -> None:
    made = several(api, 3)
    moment = made[1].created_at.isoformat()
    assert ids(items(api, created_after=moment)) == named(made[:2])
    assert ids(items(api, created_before=moment)) == named(made[2:])
    assert items(api, created_after=moment, created_before=moment) == []
    tomorrow = (DAWN + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ids(items(api, created_before=tomorrow)) == named(made)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"page": 0}, "page"),
        ({"page": "1"}, "page"),
        ({"page": True}, "page"),
        ({"page": 11}, "page"),
        ({"page": 11, "page_size": 100}, "page"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 101}, "page_size"),
        ({"page_size": "many"}, "page_size"),
        ({"status": "Completed"}, "status"),
        ({"status": ["completed"]}, "status"),
        ({"model": 5}, "model"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": 1696118400}, "created_after"),
        ({"created_before": "2023-10-01T00:00:00"}, "created_before"),
        ({"search": "x"}, "search"),
    ],
)
def test_what_cannot_be_asked_for_is_told(api: Api, body: dict[str, object], field: str) -> None:
    status, answer = api(HISTORY, body)
    assert (status, answer["code"]) == (400, 400)
    assert answer["message"].startswith(f"Invalid parameters: {field}: ")


def test_the_first_page_is_had_by_a_get(api: Api) -> None:
    several(api, 2)
    assert api(FIRST_PAGE) == api(HISTORY)
    assert api(FIRST_PAGE)[0] == 200


def test_a_get_of_anything_else_is_told_and_not_answered_by_the_first_page(api: Api) -> None:
    status, answer = api(FIRST_PAGE, query={"page": "2"})
    assert (status, answer["message"]) == (400, "Invalid parameters: page: is not a parameter here: POST it as JSON")
