"""What is read in WaveSpeed's dialect: predictions and the balance; and who may read it."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from tests.deliveries import ROOT
from tests.fakes import DAWN
from tests.unit.dialects.wavespeed_calls import BASE_URL, ORDER, PICTURE, RESULT, Api, finished
from tests.world import BUCKET

from stillmotion.dialects.by_path import Dialects
from stillmotion.dialects.http import encoded
from stillmotion.dialects.wavespeed import views
from stillmotion.domain.access import Scope
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Generation, Job, Reason, Status
from stillmotion.domain.request import Callback
from stillmotion.ports.records import Budget
from stillmotion.services.webhooks.signing_secrets import derived
from stillmotion.vendors.wavespeed import FAILURES

BALANCE = "GET /api/v3/balance"
SECRET = "GET /api/v3/webhook/secret"


@pytest.fixture
def api() -> Api:
    return Api()


def webhook(job: Job, video_url: str | None = None) -> Any:
    """The body of a webhook as it is sent."""
    return json.loads(encoded(views.webhook_body(job, BASE_URL, video_url)))


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        (Status.WAITING, Reason.SLOT, "created"),
        (Status.WAITING, Reason.BUDGET, "created"),
        (Status.DISPATCHING, None, "created"),
        (Status.GENERATING, None, "processing"),
        (Status.FINALIZING, None, "processing"),
        (Status.NEEDS_ATTENTION, Reason.OUTCOME_UNKNOWN, "processing"),
    ],
)
def test_a_job_under_way_has_no_outputs_and_no_error(
    api: Api, status: Status, reason: Reason | None, word: str
) -> None:
    failure = Failure(FailureKind.OVER_BUDGET, "The budget is spent.")
    job = api.world.jobs.put(replace(api.order(), status=status, reason=reason, failure=failure))
    told = api.result(job)
    assert (told["status"], told["outputs"], told["error"], told["has_nsfw_contents"]) == (word, [], "", [])
    assert "code" not in told


def test_outputs_lead_to_the_copy_in_the_users_bucket_for_a_while(api: Api) -> None:
    told = api.result(finished(api, api.order()))
    (url,) = told["outputs"]
    assert url.startswith("https://output.s3.test/videos/default/1.mp4?X-Amz-Expires=3600&versionId=v7")
    assert (told["status"], told["has_nsfw_contents"], told["error"]) == ("completed", [False], "")
    assert told["urls"] == {"get": f"{BASE_URL}/api/v3/predictions/{told['id']}/result"}


def test_both_paths_of_a_prediction_answer_alike(api: Api) -> None:
    job = finished(api, api.order())
    assert api("GET /api/v3/predictions/{id}", id=job.id) == api(RESULT, id=job.id)


def test_the_vendors_own_url_is_nowhere(api: Api) -> None:
    job = api.order()
    api.world.dispatch(job.id)
    accepted = api.world.jobs.get(job.id)
    assert accepted is not None
    assert accepted.attempt is not None
    assert accepted.generation is not None
    secret = replace(accepted.generation, video_url="https://cdn.vendor.example/secret.mp4", nsfw=True)
    done = finished(api, replace(accepted, attempts=(replace(accepted.attempt, generation=secret),)))
    _, answer = api(RESULT, id=job.id)
    assert "vendor.example" not in str(answer)
    assert answer["data"]["has_nsfw_contents"] == [True]
    assert "vendor.example" not in str(webhook(done, "https://output.example/"))


@pytest.mark.parametrize("kind", FailureKind)
def test_a_failed_job_is_told_with_200_and_a_documented_code(api: Api, kind: FailureKind) -> None:
    failed = replace(api.order(), status=Status.FAILED, failure=Failure(kind, "It did not work."))
    told = api.result(api.world.jobs.put(failed))
    assert (told["status"], told["error"], told["outputs"]) == (
        "failed",
        Failure(kind, "It did not work.").public_message,
        [],
    )
    assert told["code"] in (1200, 1401, 1402, 1403, 1405, 5000, 5003)


@pytest.mark.parametrize("kind", FailureKind)
@pytest.mark.parametrize("message", ["HTTP 500: gone", "HTTP 429", "It was not taken: HTTP 503: HTTP 429"])
def test_no_failure_is_told_in_words_at_which_wavespeeds_client_orders_again(
    api: Api, kind: FailureKind, message: str
) -> None:
    failed = replace(api.order(), status=Status.FAILED, failure=Failure(kind, message))
    for told in (api.result(api.world.jobs.put(failed)), webhook(failed)):
        assert "HTTP 5" not in str(told)
        assert "HTTP 429" not in str(told)


@pytest.mark.parametrize("kind", [FailureKind.UNAUTHORIZED, FailureKind.OUT_OF_CREDITS])
def test_the_operators_account_at_a_vendor_is_none_of_the_callers_concern(api: Api, kind: FailureKind) -> None:
    message = "HTTP 402: Insufficient credits: needs 51 credits, has 7"
    failed = replace(api.order(), status=Status.FAILED, failure=Failure(kind, message))
    for told in (api.result(api.world.jobs.put(failed)), webhook(failed)):
        assert "credits" not in str(told["error"])


@pytest.mark.parametrize("kind", sorted({*FAILURES.values()} - {FailureKind.GENERATION_FAILED}))
def test_a_code_that_wavespeed_told_us_is_told_on_as_one_of_the_same_kind(api: Api, kind: FailureKind) -> None:
    failed = replace(api.order(), status=Status.FAILED, failure=Failure(kind, "It did not work."))
    assert FAILURES[api.result(api.world.jobs.put(failed))["code"]] is kind


def test_what_is_moderated_is_flagged(api: Api) -> None:
    failed = replace(api.order(), status=Status.FAILED, failure=Failure(FailureKind.MODERATED, "No."))
    assert api.result(api.world.jobs.put(failed))["has_nsfw_contents"] == [True]


def test_a_cancelled_job_is_not_one_that_a_client_orders_again(api: Api) -> None:
    job = replace(api.order(), status=Status.CANCELLED, failure=Failure(FailureKind.CANCELLED, "It was cancelled."))
    assert api.result(api.world.jobs.put(job))["status"] == "cancelled"


@pytest.mark.parametrize(("measured", "told"), [(41_000, 41_000), (None, 75_250)])
def test_timings_are_the_vendors_or_as_they_were_seen(api: Api, measured: int | None, told: int) -> None:
    job = api.order()
    api.world.dispatch(job.id)
    accepted = api.world.jobs.get(job.id)
    assert accepted is not None
    assert accepted.attempt is not None
    ended = Generation(
        id="g",
        accepted_at=DAWN,
        ended_at=DAWN + timedelta(seconds=75.25),
        inference_milliseconds=measured,
    )
    done = finished(api, replace(accepted, attempts=(replace(accepted.attempt, generation=ended),)))
    assert api.result(done)["timings"] == {"inference": told}


@pytest.mark.parametrize("given", ["nothing", "", "x" * 3000, "\ud800", "0f0e0d0c-0b0a-8009-8807-060504030201"])
def test_what_is_not_there_is_404(api: Api, given: str) -> None:
    status, answer = api(RESULT, id=given)
    assert (status, answer) == (
        404,
        {"code": 404, "message": "There is no prediction with this id.", "data": None},
    )


def test_an_id_may_be_in_capitals(api: Api) -> None:
    job = api.order()
    assert api(RESULT, id=job.id.upper())[1]["data"]["id"] == job.id


def test_another_tenants_prediction_is_not_there(api: Api) -> None:
    job = api.order()
    assert api(RESULT, id=job.id, key=api.other_key) == api(RESULT, id="nothing", key=api.other_key)


def test_the_balance_is_what_is_left_of_the_tenants_day(api: Api) -> None:
    api.budget = Budget(tenant_dollars=Decimal(1))
    assert api(BALANCE)[1]["data"] == {"balance": 1.0, "currency": "USD"}
    job = api.order(duration=10)
    api.world.dispatch(job.id)
    assert api(BALANCE)[1]["data"]["balance"] == 0.6
    assert api(BALANCE, key=api.other_key)[1]["data"]["balance"] == 1.0


def test_the_balance_is_what_the_keys_own_allowance_has_left(api: Api) -> None:
    assert api(BALANCE, key=api.minted("default", daily_dollars=Decimal("0.60")))[1]["data"]["balance"] == 0.6


def test_a_balance_is_never_below_nothing(api: Api) -> None:
    job = api.order()
    api.world.dispatch(job.id)
    api.budget = Budget(tenant_dollars=Decimal("0.05"))
    assert api(BALANCE)[1]["data"]["balance"] == 0.0


def test_a_tenant_without_a_limit_has_a_balance_that_stays(api: Api) -> None:
    assert api(BALANCE) == (
        200,
        {"code": 200, "message": "success", "data": {"balance": 1_000_000.0, "currency": "USD"}},
    )


def test_a_webhook_tells_the_prediction_with_what_was_asked(api: Api) -> None:
    api(ORDER, {"image": PICTURE, "prompt": "a lake"}, query={"webhook": "https://callee.example/"})
    job = finished(api, api.world.jobs.only())
    told = webhook(job, "https://output.example/1.mp4")
    assert told["input"] == {
        "image": f"s3://{BUCKET}/uploads/default/x",
        "prompt": "a lake",
        "size": "1280*720",
        "duration": 5,
    }
    assert (told["id"], told["status"], told["outputs"]) == (job.id, "completed", ["https://output.example/1.mp4"])
    assert job.request is not None
    assert isinstance(job.request.callback, Callback)


def test_a_bad_key_is_told_in_this_dialect(api: Api) -> None:
    status, answer = api(BALANCE, key="sm_" + "x" * 43)
    assert (status, answer["code"], answer["data"]) == (401, 401, None)


@pytest.mark.parametrize(
    ("route", "spoken"),
    [
        ("GET /api/v3/balance", "other"),
        ("POST /api/v3/luma/ray-2-flash-i2v", "other"),
        ("GET /v1/videos", "native"),
        ("$default", "native"),
        ("GET /api/v33", "native"),
    ],
)
def test_the_path_says_which_dialect_is_spoken(route: str, spoken: str) -> None:
    made: list[str] = []

    def endpoints(name: str) -> Callable[[], object]:
        def make() -> object:
            made.append(name)
            return lambda _event: {"name": name}

        return make

    dialects = Dialects(endpoints("native"), {"/api/v3/": endpoints("other")})  # type: ignore[arg-type, dict-item]
    assert dialects({"routeKey": route}) == {"name": spoken}
    assert made == [spoken]


def test_the_webhook_secret_is_the_tenants_own_and_an_admins_to_see(api: Api) -> None:
    admin, stranger = api.minted("default", scopes=(Scope.ADMIN,)), api.minted("other", scopes=(Scope.ADMIN,))
    told = [api(SECRET, key=key)[1]["data"]["secret"] for key in (admin, stranger)]
    assert told == [derived(ROOT, "default"), derived(ROOT, "other")]
    assert api(SECRET, key=api.minted("default", scopes=(Scope.READ, Scope.WRITE)))[0] == 403
