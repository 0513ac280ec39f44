"""What is ordered in Apiframe's dialect: bodies that it takes are taken, others are refused in its words."""

import urllib.parse
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from tests.stills import image
from tests.unit.dialects.apiframe_calls import ORDER, PICTURE, Api, body
from tests.world import BUCKET

from stillmotion.domain.identity import is_job_id
from stillmotion.domain.job.records import Status
from stillmotion.domain.request import MAX_ADDRESS, Callback, VendorName


@pytest.fixture
def api() -> Api:
    return Api()


def test_an_order_is_accepted_with_the_id_that_the_job_has_in_every_dialect(api: Api) -> None:
    status, answered = api(ORDER, body())
    job = api.world.jobs.only()
    assert (status, answered) == (202, {"jobId": job.id, "status": "QUEUED"})
    assert is_job_id(job.id)
    assert api.world.workflow.started == [job.execution_name]


def test_every_parameter_is_taken(api: Api) -> None:
    request = api.order(
        lumaParams={
            "duration": 9,
            "aspect_ratio": "21:9",
            "start_image": PICTURE,
            "end_image": PICTURE,
            "loop": False,
            "concepts": ["push_in", "low_angle"],
        }
    ).request
    assert request is not None
    assert (request.image, request.end_image, request.duration) == (PICTURE, PICTURE, 9)
    assert (request.aspect_ratio, request.loop, request.concepts) == ("21:9", False, ("push_in", "low_angle"))


def test_nine_seconds_go_to_apiframe_and_five_with_an_image_to_the_cheaper_vendor(api: Api) -> None:
    nine = api.order(lumaParams={"duration": 9, "start_image": PICTURE})
    five = api.order(lumaParams={"start_image": PICTURE})
    assert nine.request is not None
    assert nine.request.vendor == "auto"
    assert (nine.line, five.line) == (VendorName.APIFRAME, VendorName.WAVESPEED)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"duration": 5.0},
        {"end_image": PICTURE},
        {"concepts": []},
        {"loop": True, "start_image": PICTURE},
    ],
)
def test_what_the_schema_allows_is_taken(api: Api, parameters: dict[str, object]) -> None:
    assert api.order(lumaParams=parameters).status is Status.DISPATCHING


@pytest.mark.parametrize("prompt", [" ", "x" * 4000, "🦁" * 4000, "\x00"])
def test_every_prompt_of_1_to_4000_characters_is_taken(api: Api, prompt: str) -> None:
    assert api.order(prompt=prompt).status is Status.DISPATCHING


def test_a_concept_said_twice_is_meant_once(api: Api) -> None:
    request = api.order(lumaParams={"concepts": ["pov", "static", "pov"]}).request
    assert request is not None
    assert request.concepts == ("pov", "static")


def test_the_vendor_is_sent_an_order_with_an_end_image_alone(api: Api) -> None:
    job = api.order(lumaParams={"end_image": PICTURE})
    api.world.dispatch(job.id)
    ((envelope, _),) = api.world.apiframe.posts
    assert '"end_image_url":"https://' in envelope.body


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"prompt": ""}, "prompt", "String must contain at least 1 character(s)"),
        ({"prompt": "x" * 4001}, "prompt", "String must contain at most 4000 character(s)"),
        ({"prompt": None}, "prompt", "Expected string, received null"),
        ({"prompt": 1}, "prompt", "Expected string, received number"),
        ({"model": "luma-ray-2"}, "model", "Invalid discriminator value. Expected 'luma-ray-flash-2'"),
        ({"model": []}, "model", "Invalid discriminator value. Expected 'luma-ray-flash-2'"),
        ({"vendor": "auto"}, "vendor", "Unrecognized key(s) in object: 'vendor'"),
        ({"lumaParams": None}, "lumaParams", "Expected object, received null"),
        ({"lumaParams": []}, "lumaParams", "Expected object, received array"),
        ({"lumaParams": {"size": 1}}, "lumaParams.size", "Unrecognized key(s) in object: 'size'"),
        ({"lumaParams": {"duration": 10}}, "lumaParams.duration", "Invalid input"),
        ({"lumaParams": {"duration": "5"}}, "lumaParams.duration", "Invalid input"),
        ({"lumaParams": {"duration": True}}, "lumaParams.duration", "Invalid input"),
        ({"lumaParams": {"duration": None}}, "lumaParams.duration", "Invalid input"),
        ({"lumaParams": {"duration": {}}}, "lumaParams.duration", "Invalid input"),
        (
            {"lumaParams": {"aspect_ratio": "2:1"}},
            "lumaParams.aspect_ratio",
            "Invalid enum value. Expected '16:9' | '9:16' | '1:1' | '4:3' | '3:4' | '21:9', received '2:1'",
        ),
        ({"lumaParams": {"loop": 1}}, "lumaParams.loop", "Expected boolean, received number"),
        ({"lumaParams": {"loop": None}}, "lumaParams.loop", "Expected boolean, received null"),
        ({"lumaParams": {"concepts": "pov"}}, "lumaParams.concepts", "Expected array, received string"),
        ({"lumaParams": {"start_image": "no url"}}, "lumaParams.start_image", "Invalid url"),
        ({"lumaParams": {"start_image": ""}}, "lumaParams.start_image", "Invalid url"),
        ({"lumaParams": {"start_image": "https://"}}, "lumaParams.start_image", "Invalid url"),
        ({"lumaParams": {"start_image": "https://[x"}}, "lumaParams.start_image", "Invalid url"),
        ({"lumaParams": {"end_image": 1}}, "lumaParams.end_image", "Expected string, received number"),
        ({"webhookUrl": "shop"}, "webhookUrl", "Invalid url"),
        ({"webhookUrl": None}, "webhookUrl", "Expected string, received null"),
        ({"webhookEvents": []}, "webhookEvents", "Array must contain at least 1 element(s)"),
        ({"webhookEvents": "failed"}, "webhookEvents", "Expected array, received string"),
        (
            {"webhookEvents": ["failed", "started"]},
            "webhookEvents.1",
            "Invalid enum value. Expected 'progress' | 'completed' | 'failed', received 'started'",
        ),
        (
            {"webhookEvents": [{}]},
            "webhookEvents.0",
            "Expected 'progress' | 'completed' | 'failed', received object",
        ),
    ],
)
def test_what_the_schema_refuses_is_refused_by_its_path_in_its_words(
    api: Api, fields: dict[str, object], path: str, words: str
) -> None:
    assert api.details(body(**fields)) == {path: [words]}


@pytest.mark.parametrize("missing", ["model", "prompt"])
def test_model_and_prompt_are_required(api: Api, missing: str) -> None:
    told = api.details({name: value for name, value in body().items() if name != missing})
    assert list(told) == [missing]


def test_every_broken_rule_is_told_at_once(api: Api) -> None:
    told = api.details({"lumaParams": {"concepts": ["fly", 1], "loop": "no"}, "extra": 1})
    assert told.keys() == {
        "model",
        "prompt",
        "extra",
        "lumaParams.concepts.0",
        "lumaParams.concepts.1",
        "lumaParams.loop",
    }


def test_an_answer_to_very_many_broken_rules_stays_small(api: Api) -> None:
    unknown: dict[str, object] = {f"{number}{'x' * 90}": 1 for number in range(3000)}
    told = api.details(body(lumaParams={"concepts": ["x" * 90] * 3000}, **unknown))
    assert len(str(told)) < 20_000


def test_a_loop_with_an_end_image_is_refused_before_luma_refuses_it(api: Api) -> None:
    told = api.details(body(lumaParams={"loop": True, "start_image": PICTURE, "end_image": PICTURE}))
    assert told == {"lumaParams.loop": ["Cannot be combined with end_image: Luma refuses it"]}


@pytest.mark.parametrize(
    "address", ["http://a.example/1.jpg", "ftp://a.example/1.jpg", "https://a.example/" + "x" * MAX_ADDRESS]
)
def test_an_address_that_is_not_fetched_here_is_told_by_its_path(api: Api, address: str) -> None:
    assert list(api.details(body(lumaParams={"start_image": address}))) == ["lumaParams.start_image"]


def test_an_image_that_cannot_be_had_is_told_by_its_path(api: Api) -> None:
    told = api.details(body(lumaParams={"end_image": "https://a.example/gone.jpg"}))
    assert told == {"lumaParams.end_image": ["could not be fetched"]}


@pytest.mark.parametrize("sent", [[], "text", None, 1])
def test_a_body_that_is_no_object_is_an_error_without_details(api: Api, sent: object) -> None:
    status, answered = api(ORDER, sent)
    assert (status, list(answered)) == (400, ["error"])


def test_whom_to_tell_is_kept_with_the_request(api: Api) -> None:
    job = api.order(webhookUrl="https://shop.example/hook?a=1", webhookEvents=["failed", "completed", "failed"])
    assert job.request is not None
    assert job.request.callback == Callback(
        url="https://shop.example/hook?a=1", dialect="apiframe", events=("failed", "completed")
    )


def test_events_without_a_url_tell_nobody(api: Api) -> None:
    job = api.order(webhookEvents=["failed"])
    assert job.request is not None
    assert job.request.callback is None


def test_a_webhook_goes_over_https(api: Api) -> None:
    assert list(api.details(body(webhookUrl="http://shop.example/hook"))) == ["webhookUrl"]


# --- Idempotency-Key


def test_the_same_key_and_body_is_the_same_job_at_its_status_of_by_now(api: Api) -> None:
    headers = {"idempotency-key": "holiday"}
    _, first = api(ORDER, body(), headers=headers)
    job = api.world.jobs.only()
    api.completed(job)
    assert api(ORDER, body(), headers=headers) == (202, {"jobId": first["jobId"], "status": "COMPLETED"})
    assert len(api.world.jobs.all()) == 1


def test_a_repeated_order_whose_job_was_cancelled_has_failed_as_that_is_the_word_that_there_is(api: Api) -> None:
    headers = {"idempotency-key": "holiday"}
    api(ORDER, body(), headers=headers)
    api.turned(api.world.jobs.only(), status=Status.CANCELLED)
    assert api(ORDER, body(), headers=headers)[1]["status"] == "FAILED"


def test_the_same_key_with_another_body_is_a_conflict(api: Api) -> None:
    headers = {"idempotency-key": "holiday"}
    api(ORDER, body(), headers=headers)
    status, answered = api(ORDER, body(prompt="a sea"), headers=headers)
    assert (status, answered) == (409, {"error": "Idempotency-Key was used with a different body"})


def test_tenants_share_no_keys(api: Api) -> None:
    headers = {"idempotency-key": "holiday"}
    _, mine = api(ORDER, body(), headers=headers)
    status, others = api(ORDER, body(prompt="a sea"), headers=headers, key=api.other_key)
    assert status == 202
    assert others["jobId"] != mine["jobId"]


@pytest.mark.parametrize("key", ["x" * 256, "\ud800", "a\tb"])
def test_a_key_that_is_none_is_told(api: Api, key: str) -> None:
    status, answered = api(ORDER, body(), headers={"idempotency-key": key})
    assert (status, list(answered["details"])) == (400, ["Idempotency-Key"])


def test_an_empty_key_is_no_key(api: Api) -> None:
    headers = {"idempotency-key": ""}
    assert api(ORDER, body(), headers=headers)[1] != api(ORDER, body(), headers=headers)[1]


# --- refusals that have nothing to do with the body


@pytest.mark.parametrize("key", [None, "afk_nobodys"])
def test_without_a_good_key_the_answer_is_401_in_its_words(api: Api, key: str | None) -> None:
    assert api(ORDER, body(), key=key) == (401, {"error": "Invalid API key"})


def test_a_key_for_reading_orders_nothing(api: Api) -> None:
    status, answered = api(ORDER, body(), key=api.minted("default", scopes=("read",)))
    assert (status, list(answered)) == (403, ["error"])
    assert api.world.jobs.all() == []


def test_a_picture_of_another_tenant_is_not_there(api: Api) -> None:
    address = f"s3://{BUCKET}/uploads/other/x"
    assert list(api.details(body(lumaParams={"start_image": address}))) == ["lumaParams.start_image"]


def test_a_key_whose_allowance_is_spent_is_out_of_credits(api: Api) -> None:
    capped = api.minted("default", daily_dollars=Decimal("0.60"))
    assert api(ORDER, body(), key=capped)[0] == 202
    status, answered = api(ORDER, body(), key=capped)
    assert (status, answered) == (
        402,
        {"error": "Insufficient credits", "creditsRequired": 51, "creditsAvailable": 9},
    )


def test_a_key_with_room_for_the_cheaper_vendor_only_is_told_what_the_dearer_takes(api: Api) -> None:
    """Which of the two it will be is known when it is sent."""
    capped = api.minted("default", daily_dollars=Decimal("0.30"))
    picture = {"start_image": f"s3://{BUCKET}/uploads/default/x"}
    assert api(ORDER, body(lumaParams=picture), key=capped) == (
        402,
        {"error": "Insufficient credits", "creditsRequired": 51, "creditsAvailable": 30},
    )


def spend(api: Api, **options: Any) -> str:
    """An order that has been sent; its id."""
    _, made = api(ORDER, body(), **options)
    api.world.dispatch(made["jobId"])
    job_id: str = made["jobId"]
    return job_id


def test_an_order_that_the_days_budget_has_no_room_for_is_told_both_numbers(api: Api) -> None:
    api.budget = Decimal("0.60")
    spend(api)
    assert api(ORDER, body()) == (
        402,
        {"error": "Insufficient credits", "creditsRequired": 51, "creditsAvailable": 9},
    )
    assert len(api.world.jobs.all()) == 1


def test_a_repetition_is_answered_though_nothing_is_left(api: Api) -> None:
    api.budget = Decimal("0.60")
    headers = {"idempotency-key": "holiday"}
    job_id = spend(api, headers=headers)
    assert api(ORDER, body(), headers=headers) == (202, {"jobId": job_id, "status": "PROCESSING"})


def test_the_next_day_there_is_a_budget_again(api: Api) -> None:
    api.budget = Decimal("0.60")
    spend(api)
    api.world.clock.advance(86_400)
    assert api(ORDER, body())[0] == 202


def test_no_picture_that_an_order_holds_is_kept_when_it_is_answered(api: Api) -> None:
    # urlsplit keeps the last 128 addresses: in a function that stays warm, pictures of 4 MB each.
    cached: Any = urllib.parse.urlsplit
    cached.cache_clear()
    picture = "data:image/jpeg;base64," + b64encode(image()).decode()
    api.order(lumaParams={"start_image": picture})
    assert cached.cache_info().currsize == 0
