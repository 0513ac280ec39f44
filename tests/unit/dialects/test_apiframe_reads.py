"""What is read in Apiframe's dialect: jobs, lists, the account, the catalogue; and who may read it."""

from decimal import Decimal
from typing import Any, get_args

import pytest
from tests.fakes import DAWN
from tests.unit.dialects.apiframe_calls import JOB, JOBS, ME, MODELS, ORDER, PICTURE, Api, attempted, body

from stillmotion.dialects.apiframe import views
from stillmotion.dialects.apiframe.jobs import MAX_PAGES
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Generation, Job, Outcome, Reason, Status, Verdict
from stillmotion.domain.request import VendorName
from stillmotion.domain.routing import PriceTable

NOBODYS = "0f0e0d0c-0b0a-8009-8807-060504030201"


@pytest.fixture
def api() -> Api:
    return Api()


def webhook(job: Job, event: str, video_url: str | None = None) -> dict[str, Any]:
    """The body of one."""
    return views.webhook_body(job, event, PriceTable(), video_url).model_dump(by_alias=True)


# --- a job


def test_a_new_job_is_queued(api: Api) -> None:
    job = api.order(lumaParams={"duration": 9, "start_image": PICTURE, "concepts": ["pov"], "loop": True})
    assert api.read(job) == {
        "id": job.id,
        "status": "QUEUED",
        "model": "luma-ray-flash-2",
        "progress": 0,
        "result": None,
        "error": None,
        "creditCost": None,
        "webhookStatus": None,
        "createdAt": "2026-05-04T06:00:00.000Z",
        "completedAt": None,
        "expired": False,
        "input": {
            "prompt": "a lake",
            "duration": 9,
            "aspect_ratio": "16:9",
            "start_image": PICTURE,
            "loop": True,
            "concepts": ["pov"],
        },
    }


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_word_of_apiframes(api: Api, status: Status) -> None:
    job = api.turned(api.order(), status=status)
    assert api.read(job)["status"] in get_args(views.JobStatus)


def test_a_job_that_a_person_must_look_at_is_still_being_processed(api: Api) -> None:
    failure = Failure(FailureKind.OUTCOME_UNKNOWN, "Nobody knows.")
    job = api.turned(api.order(), status=Status.NEEDS_ATTENTION, reason=Reason.OUTCOME_UNKNOWN, failure=failure)
    read = api.read(job)
    assert (read["status"], read["error"], read["completedAt"]) == ("PROCESSING", None, None)


def test_a_completed_job_leads_to_the_copy_in_the_users_bucket(api: Api) -> None:
    read = api.read(api.completed(api.order()))
    assert (read["status"], read["progress"], read["completedAt"]) == ("COMPLETED", 100, "2026-05-04T06:00:00.000Z")
    assert list(read["result"]) == ["videoUrl"]
    assert read["result"]["videoUrl"].startswith("https://output.s3.test/videos/default/1.mp4?X-Amz-Expires=3600")
    assert "versionId=v7" in read["result"]["videoUrl"]


def test_a_failed_job_says_why(api: Api) -> None:
    failure = Failure(FailureKind.MODERATED, "The vendor declined it.")
    job = api.turned(api.order(), status=Status.FAILED, failure=failure, ended_at=DAWN)
    read = api.read(job)
    assert (read["status"], read["error"], read["result"]) == ("FAILED", "The vendor declined it.", None)
    assert (read["progress"], read["completedAt"]) == (None, "2026-05-04T06:00:00.000Z")


@pytest.mark.parametrize("kind", [FailureKind.UNAUTHORIZED, FailureKind.OUT_OF_CREDITS])
def test_the_operators_account_at_a_vendor_is_none_of_the_callers_concern(api: Api, kind: FailureKind) -> None:
    failure = Failure(kind, "HTTP 402: Insufficient credits: needs 51 credits, has 7")
    job = api.turned(api.order(), status=Status.FAILED, failure=failure, ended_at=DAWN)
    for told in (api.read(job), webhook(job, "failed")):
        assert "credits" not in str(told["error"])


@pytest.mark.parametrize("kind", FailureKind)
def test_no_error_tells_the_status_of_a_vendors_answer(api: Api, kind: FailureKind) -> None:
    failure = Failure(kind, "HTTP 500: It was answered: HTTP 429")
    job = api.turned(api.order(), status=Status.FAILED, failure=failure, ended_at=DAWN)
    for told in (api.read(job), webhook(job, "failed")):
        assert "HTTP" not in str(told["error"])


@pytest.mark.parametrize(("told", "shown"), [(None, 0), (40, 40), (100, 99)])
def test_progress_is_the_vendors_and_never_100_before_the_copy_is_there(api: Api, told: int | None, shown: int) -> None:
    generation = Generation(id="g", accepted_at=DAWN, progress=told)
    job = attempted(api.order(), "0.20", generation=generation)
    assert api.read(api.turned(job, status=Status.FINALIZING))["progress"] == shown


def test_a_job_of_another_tenant_is_not_there(api: Api) -> None:
    job = api.order()
    missing = api(JOB, id=NOBODYS, key=api.other_key)
    assert api(JOB, id=job.id, key=api.other_key) == missing == (404, {"error": "Job not found"})


@pytest.mark.parametrize("given", ["", "1", f"{NOBODYS}\n", "x" * 3000, "\ud800"])
def test_an_id_that_is_no_uuid_is_told_and_not_looked_for(
    api: Api, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.world.jobs, "get", lambda job_id: pytest.fail(f"{job_id!r} was looked for"))
    assert api(JOB, id=given) == (400, {"error": "Invalid job ID"})


def test_a_uuid_may_be_in_capitals(api: Api) -> None:
    job = api.order()
    assert api(JOB, id=job.id.upper())[1]["id"] == job.id


def test_a_job_of_which_nobody_has_said_what_is_wanted_has_no_input(api: Api) -> None:
    job = api.turned(api.order(), status=Status.WAITING, request=None)
    assert api.read(job)["input"] is None


def test_a_webhook_is_pending_until_the_job_ends(api: Api) -> None:
    job = api.order(webhookUrl="https://shop.example/hook")
    assert api.read(job)["webhookStatus"] == "pending"
    assert api.read(api.completed(job))["webhookStatus"] is None


# --- what it cost


def test_what_is_under_way_costs_what_it_is_expected_to(api: Api) -> None:
    job = attempted(api.order(), "0.20", generation=Generation(id="g", accepted_at=DAWN))
    assert api.read(api.turned(job))["creditCost"] == 20


def test_what_the_vendor_charged_is_the_truth(api: Api) -> None:
    generation = Generation(id="g", accepted_at=DAWN, verdict=Verdict.SUCCEEDED, credits=48, charged=Decimal("0.47"))
    job = attempted(api.order(), "0.51", vendor=VendorName.APIFRAME, generation=generation)
    assert api.read(api.turned(job))["creditCost"] == 48


def test_a_part_of_a_credit_is_a_credit(api: Api) -> None:
    generation = Generation(id="g", accepted_at=DAWN, verdict=Verdict.SUCCEEDED, charged=Decimal("0.201"))
    assert api.read(api.turned(attempted(api.order(), "0.20", generation=generation)))["creditCost"] == 21


def test_a_refusal_cost_nothing(api: Api) -> None:
    job = attempted(api.order(), "0.20", outcome=Outcome.REFUSED)
    assert api.read(api.turned(job))["creditCost"] == 0


def test_credits_that_are_free_of_charge_divide_nothing() -> None:
    free = PriceTable(apiframe_dollars_per_credit=Decimal(0))
    assert views.needed(Decimal("0.20"), free) == 0
    assert views.available(Decimal("0.20"), free) == views.UNLIMITED_CREDITS


# --- lists


def several(api: Api, number: int) -> list[Job]:
    """Jobs, newest first."""
    made = []
    for index in range(number):
        api.world.clock.advance(1)
        made.append(api.order(prompt=f"lake {index}"))
    return made[::-1]


def listed(api: Api, **query: str) -> Any:
    status, answered = api(JOBS, query=query)
    assert status == 200, answered
    return answered


def ids(page: Any) -> list[str]:
    return [job["id"] for job in page["jobs"]]


def test_the_list_is_newest_first_in_pages_and_without_inputs(api: Api) -> None:
    made = several(api, 3)
    page = listed(api, limit="2")
    assert (ids(page), page["hasMore"]) == ([job.id for job in made[:2]], True)
    assert all("input" not in job for job in page["jobs"])
    rest = listed(api, limit="2", cursor=page["nextCursor"])
    assert (ids(rest), rest["hasMore"], rest["nextCursor"]) == ([made[2].id], False, None)


def test_a_list_by_status_misses_none_and_repeats_none(api: Api) -> None:
    made = several(api, 9)
    for job in made[::2]:
        api.completed(job)
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(9):
        page = listed(api, status="COMPLETED", limit="2", **cursor)
        found += ids(page)
        if not page["hasMore"]:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert found == [job.id for job in made[::2]]


def test_a_search_for_what_is_rare_ends_and_can_be_gone_on_with(api: Api) -> None:
    made = several(api, MAX_PAGES + 2)
    api.completed(made[-1])
    page = listed(api, status="COMPLETED", limit="1")
    assert (page["jobs"], page["hasMore"]) == ([], True)
    assert ids(listed(api, status="COMPLETED", limit="1", cursor=page["nextCursor"])) == [made[-1].id]


def test_the_list_is_the_tenants_own(api: Api) -> None:
    job = api.order()
    assert api(JOBS, key=api.other_key)[1]["jobs"] == []
    assert api(JOBS, key=api.other_key, query={"search": job.id})[1]["jobs"] == []


def test_one_job_is_found_by_its_id(api: Api) -> None:
    made = several(api, 2)
    assert ids(listed(api, search=made[1].id.upper())) == [made[1].id]
    assert ids(listed(api, search=made[1].id, status="FAILED")) == []


def test_there_is_one_model(api: Api) -> None:
    several(api, 1)
    page = listed(api, model="luma-ray-flash-2", include_models="true")
    assert (len(page["jobs"]), page["models"]) == (1, ["luma-ray-flash-2"])
    assert listed(api, model="kling-3")["jobs"] == []


def test_the_team_is_listed_for_who_manages_it(api: Api) -> None:
    job = api.order()
    member = api.minted("default", scopes=("read",))
    manager = api.minted("default", scopes=("admin",))
    assert api(JOBS, key=member, query={"scope": "team"})[0] == 403
    assert ids(api(JOBS, key=manager, query={"scope": "team"})[1]) == [job.id]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "queued"),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "many"),
        ("limit", "1" * 5000),
        ("limit", "٣"),
        ("scope", "world"),
        ("search", "x"),
        ("include_models", "yes"),
        ("cursor", "garbage"),
        ("cursor", ""),
    ],
)
def test_a_bad_parameter_is_told(api: Api, name: str, value: str) -> None:
    status, answered = api(JOBS, query={name: value})
    assert (status, answered["error"], list(answered["details"])) == (400, "Validation failed", [name])


def test_a_parameter_that_nobody_knows_is_passed_over(api: Api) -> None:
    assert listed(api, colour="red")["jobs"] == []


# --- the account


def test_the_caller_is_shown_his_tenant_and_the_beginning_of_his_key(api: Api) -> None:
    key = api.minted("default", name="shop", scopes=("admin",))
    _, told = api(ME, key=key)
    assert (told["user"]["email"], told["user"]["role"]) == ("default@stillmotion.invalid", "OWNER")
    assert (told["team"]["name"], told["apiKey"]["name"]) == ("default", "shop")
    assert key.startswith(told["apiKey"]["prefix"])
    assert key not in str(told)


def test_two_keys_of_a_tenant_are_one_user(api: Api) -> None:
    _, one = api(ME)
    _, two = api(ME, key=api.minted("default", scopes=("read",)))
    assert one["user"]["id"] == two["user"]["id"]
    assert (one["user"]["role"], two["user"]["role"]) == ("OWNER", "MEMBER")
    assert one["apiKey"]["id"] != two["apiKey"]["id"]


def test_credits_are_without_end_where_no_budget_is_set(api: Api) -> None:
    assert api(ME)[1]["team"]["credits"] == views.UNLIMITED_CREDITS


def test_credits_are_what_is_left_of_the_days_budget(api: Api) -> None:
    api.budget = Decimal(1)
    api.world.dispatch(api.order().id)
    assert api(ME)[1]["team"]["credits"] == 49
    assert api(ME, key=api.other_key)[1]["team"]["credits"] == 100


def test_credits_are_what_the_keys_own_allowance_has_left(api: Api) -> None:
    capped = api.minted("default", daily_dollars=Decimal("0.60"))
    assert api(ME, key=capped)[1]["team"]["credits"] == 60
    assert api(ORDER, body(), key=capped)[0] == 202
    assert api(ME, key=capped)[1]["team"]["credits"] == 9
    api.budget = Decimal("0.05")
    assert api(ME, key=capped)[1]["team"]["credits"] == 5


def test_a_budget_that_was_lowered_leaves_nothing_and_owes_nothing(api: Api) -> None:
    api.world.dispatch(api.order().id)
    api.budget = Decimal("0.10")
    assert api(ME)[1]["team"]["credits"] == 0


# --- the catalogue


def test_anybody_may_see_the_catalogue(api: Api) -> None:
    status, told = api(MODELS, key=None)
    (entry,) = told["models"]
    assert (status, entry["id"], entry["modality"]) == (200, "luma-ray-flash-2", "video")
    assert (entry["costMin"], entry["costMax"]) == (20, 92)


def test_the_catalogue_can_be_asked_for_one_kind(api: Api) -> None:
    assert len(api(MODELS, key=None, query={"modality": "video"})[1]["models"]) == 1
    assert api(MODELS, key=None, query={"modality": "music"})[1]["models"] == []
    status, told = api(MODELS, key=None, query={"modality": "smell"})
    assert (status, list(told["details"])) == (400, ["modality"])


@pytest.mark.parametrize("route", [JOB, JOBS, ME, ORDER])
def test_nothing_else_is_shown_to_anybody(api: Api, route: str) -> None:
    assert api(route, body(), key=None, id=NOBODYS)[0] == 401


# --- the body of a webhook


def test_a_webhook_tells_the_job_by_both_names_of_its_id(api: Api) -> None:
    job = api.completed(api.order())
    told = webhook(job, "completed", "https://a.example/1.mp4")
    assert (told["event"], told["jobId"], told["id"]) == ("completed", job.id, job.id)
    assert told["result"] == {"videoUrl": "https://a.example/1.mp4"}
    assert "input" not in told


def test_a_webhook_has_the_members_of_an_item_of_the_list_after_its_own() -> None:
    own = list(views.ApiframeWebhookView.model_fields)
    assert own == ["event", "job_id", *views.ApiframeListedJobView.model_fields]
