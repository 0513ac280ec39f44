"""The unmodified `openai` client on the local stack: another base URL and key, and the user's own bucket."""

import base64
import hashlib
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai
import pytest
from tests.e2e.conftest import LocalStack, play
from tests.stills import image

# What it was made for is no more; its users are who this is for.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")

ROOT = Path(__file__).parents[2]
ABSENT = "0f0e0d0c-0b0a-8009-8807-060504030201"
OFTEN = 300
"""Milliseconds between two looks."""


@pytest.fixture
def client(local: LocalStack, monkeypatch: pytest.MonkeyPatch) -> openai.OpenAI:
    # A proxy of the environment's is for the world outside.
    monkeypatch.setenv("NO_PROXY", "*")
    return client_of(local, local.description.api_key)


def client_of(local: LocalStack, key: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=f"{local.description.api_url}/v1", **{"max_retries": 0, **options})


def minted(local: LocalStack, **wish: Any) -> str:
    answer = local.api("POST", "/v1/keys", json={"name": "openai", **wish})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    key: str = answer.json()["key"]
    return key


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(image("JPEG", 640, 360))
    return path


# --- create, wait, download ------------------------------------------------------------------------------------------


def test_a_file_becomes_a_video_and_is_downloaded_from_the_users_bucket(
    local: LocalStack, client: openai.OpenAI, photo: Path, tmp_path: Path
) -> None:
    with photo.open("rb") as file:
        video = client.videos.create_and_poll(
            model="sora-2",
            prompt="a lake by openai",
            seconds="4",
            size="1792x1024",
            input_reference=file,
            poll_interval_ms=OFTEN,
        )

    assert (video.object, video.status, video.progress, video.error) == ("video", "completed", 100, None)
    assert (video.model, video.seconds, video.size) == ("luma-ray-2-flash", "5", "1280x720")
    assert video.completed_at is not None
    assert video.created_at <= video.completed_at
    client.videos.download_content(video.id).write_to_file(tmp_path / "video.mp4")
    film = play((tmp_path / "video.mp4").read_bytes())
    assert (film.codec, film.width, film.height, round(film.seconds)) == ("h264", 1280, 720, 5)
    assert client.videos.download_content(video.id, variant="thumbnail").read() == photo.read_bytes()
    record = local.job(video.id)
    assert {note["text"].split(" asked")[0] for note in record["notes"]} == {
        "The model sora-2 was", "The size 1792x1024 was", "4 seconds were",
    }  # fmt: skip
    assert record["video"]["sha256"] == hashlib.sha256((tmp_path / "video.mp4").read_bytes()).hexdigest()
    assert local.aws.s3.get_object(Bucket=record["still"]["bucket"], Key=record["still"]["key"])["Body"].read() == (
        photo.read_bytes()
    )
    assert len(local.posts("a lake by openai")) == 1


def test_a_prompt_alone_is_a_video_and_the_states_are_openais(client: openai.OpenAI) -> None:
    video = client.videos.create(prompt="text by openai")
    assert (video.status, video.progress) == ("queued", 0)
    assert client.videos.retrieve(video.id).status in ("queued", "in_progress", "completed")
    assert client.videos.poll(video.id, poll_interval_ms=OFTEN).status == "completed"


@pytest.mark.parametrize("field", ["input_reference", "image"])
@pytest.mark.parametrize("spelt", ["a data URI", "an address"])
def test_an_image_may_be_named(local: LocalStack, client: openai.OpenAI, photo: Path, spelt: str, field: str) -> None:
    bucket = local.description.input_bucket
    local.aws.s3.put_object(Bucket=bucket, Key="uploads/default/openai.jpg", Body=photo.read_bytes())
    addresses = {
        "a data URI": f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}",
        "an address": f"s3://{bucket}/uploads/default/openai.jpg",
    }
    # As an argument the client refuses {"image_url": …} by itself, though its types allow it.
    named = {"image_url": addresses[spelt]} if field == "input_reference" else addresses[spelt]
    video = client.videos.create(prompt="named", extra_body={field: named})
    assert local.job(video.id)["still"]["width"] == 640


def test_our_own_fields_go_along_in_the_extra_body(local: LocalStack, client: openai.OpenAI, photo: Path) -> None:
    data = f"data:image/jpeg;base64,{base64.b64encode(photo.read_bytes()).decode()}"
    extra = {
        "end_image": data,
        "concepts": ["push_in", "low_angle"],
        "metadata": {"order": "81", "empty": ""},
        "vendor": "apiframe",
        "aspect_ratio": "21:9",
        "allow_substitution": True,
        "failover": "never",
        "priority": "high",
        "max_dollars": 1.5,
        "when_over_budget": "fail",
        "callback_url": "https://hooks.example/openai",
    }
    with photo.open("rb") as file:
        video = client.videos.create(prompt="extras by openai", seconds="8", input_reference=file, extra_body=extra)
    record = local.job(video.id)
    request = record["request"]
    assert {name: request[name] for name in extra if name in request and name not in ("end_image", "max_dollars")} == {
        name: extra[name] for name in extra if name not in ("end_image", "max_dollars", "callback_url")
    }
    assert (request["duration"], float(request["max_dollars"])) == (9, 1.5)
    assert request["callback"]["url"] == extra["callback_url"]
    assert request["end_image"].startswith("s3://")
    assert record["notes"][0]["text"] == "8 seconds were asked for: 9 is the nearest that is sold."


def test_what_is_not_sold_as_it_is_is_refused_where_nothing_may_be_made_in_its_place(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.videos.create(prompt="x", seconds="8", extra_body={"allow_substitution": False})
    assert (raised.value.code, raised.value.param) == ("invalid_request", "seconds")


def test_any_key_of_metadata_goes_along(client: openai.OpenAI) -> None:
    metadata = {"a[b]": "x", 'a"b': "q", "a\\b": "y"}
    video: Any = client.videos.create(prompt="metadata by openai", extra_body={"metadata": metadata})
    assert video.job["request"]["metadata"] == metadata


def test_a_video_is_as_long_all_along_as_its_vendor_makes_it(client: openai.OpenAI) -> None:
    ordered = client.videos.create(prompt="twelve by openai", seconds="12")
    video: Any = client.videos.poll(ordered.id, poll_interval_ms=OFTEN)
    assert (ordered.seconds, video.seconds, video.status) == ("9", "9", "completed")
    told = "12 seconds were asked for: 9 is the nearest that is sold."
    assert [note["text"] for note in video.job["notes"]] == [told]


def test_an_empty_dry_run_orders_nothing(local: LocalStack, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.videos.create(prompt="empty by openai", extra_body={"dry_run": ""})
    assert raised.value.param == "dry_run"
    assert local.posts("empty by openai") == []


def test_answers_and_errors_name_their_call(client: openai.OpenAI) -> None:
    assert client.videos.create(prompt="named by openai")._request_id
    with pytest.raises(openai.NotFoundError) as raised:
        client.videos.retrieve(ABSENT)
    assert raised.value.request_id


def test_a_dry_run_tells_the_price_and_orders_nothing(local: LocalStack, client: openai.OpenAI) -> None:
    told: Any = client.videos.create(prompt="dry by openai", extra_body={"dry_run": True})
    assert (told.object, told.vendor, told.price_dollars) == ("video.estimate", "apiframe", "0.51")
    assert local.posts("dry by openai") == []


def test_a_video_that_failed_has_an_error(client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(prompt="declined by openai [[fault:moderated]]", poll_interval_ms=OFTEN)
    assert video.status == "failed"
    assert video.error is not None
    assert (video.error.code, bool(video.error.message)) == ("generation_failed", True)
    with pytest.raises(openai.ConflictError) as raised:
        client.videos.download_content(video.id)
    assert raised.value.code == "video_failed"


# --- list and delete -------------------------------------------------------------------------------------------------


def test_lists_go_on_page_by_page_in_both_orders(local: LocalStack) -> None:
    lister = client_of(local, minted(local, tenant="lists"))
    made = [lister.videos.create(prompt=f"listed {number}").id for number in range(5)]
    assert [video.id for video in lister.videos.list(limit=2)] == made[::-1]
    assert [video.id for video in lister.videos.list(limit=2, order="asc")] == made
    assert [video.id for video in lister.videos.list(after=made[2], order="asc")] == made[3:]
    page = lister.videos.list(limit=2)
    assert (len(page.data), page.has_more, page.last_id) == (2, True, made[3])


def test_a_deleted_video_is_gone_and_its_versions_stay(local: LocalStack, client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(prompt="deleted by openai", poll_interval_ms=OFTEN)
    kept = local.job(video.id)["video"]

    gone = client.videos.delete(video.id)

    assert (gone.id, gone.object, gone.deleted) == (video.id, "video.deleted", True)
    for read in (client.videos.retrieve, client.videos.download_content):
        with pytest.raises(openai.NotFoundError):
            read(video.id)
    assert video.id not in [listed.id for listed in client.videos.list(limit=100).data]
    for path in (f"/api/v3/predictions/{video.id}", f"/v2/jobs/{video.id}"):
        assert local.api("GET", path).status_code == httpx.codes.NOT_FOUND
    versions = local.aws.s3.list_object_versions(Bucket=kept["bucket"], Prefix=kept["key"])
    assert [marker["IsLatest"] for marker in versions["DeleteMarkers"]] == [True]
    assert [version["VersionId"] for version in versions["Versions"]] == [kept["version_id"]]
    assert client.videos.delete(video.id).deleted


def test_a_video_that_may_be_paid_for_is_not_deleted(local: LocalStack, client: openai.OpenAI) -> None:
    video = client.videos.create(prompt="under way by openai [[fault:stuck]]")
    local.wait_for(lambda: local.job(video.id)["status"] == "generating", "generation")
    with pytest.raises(openai.ConflictError) as raised:
        client.videos.delete(video.id)
    assert raised.value.code == "video_in_progress"
    assert client.videos.retrieve(video.id).status == "in_progress"


# --- every error raises the client's own -----------------------------------------------------------------------------

Call = Callable[[openai.OpenAI], object]


@pytest.mark.parametrize(
    ("call", "error", "code", "param"),
    [
        (lambda it: it.videos.create(prompt=""), openai.BadRequestError, "invalid_request", "prompt"),
        (lambda it: it.videos.create(prompt="x", seconds="6"), openai.BadRequestError, "invalid_request", "seconds"),
        (lambda it: it.videos.create(prompt="x", size="1x1"), openai.BadRequestError, "invalid_request", "size"),
        (
            lambda it: it.videos.create(prompt="x", input_reference=b"<svg/>"),
            openai.BadRequestError,
            "invalid_request",
            "input_reference",
        ),
        (lambda it: it.videos.list(limit=1000), openai.BadRequestError, "invalid_request", "limit"),
        (lambda it: it.videos.retrieve(ABSENT), openai.NotFoundError, "video_not_found", None),
        (lambda it: it.videos.delete(ABSENT), openai.NotFoundError, "video_not_found", None),
        (lambda it: it.videos.remix(ABSENT, prompt="x"), openai.NotFoundError, "not_found", None),
        (lambda it: it.videos.edit(prompt="x", video=b"x"), openai.NotFoundError, "not_found", None),
        (
            lambda it: it.videos.extend(prompt="x", seconds="4", video=b"x"),
            openai.NotFoundError,
            "not_found",
            None,
        ),
        (lambda it: it.videos.create_character(name="x", video=b"x"), openai.NotFoundError, "not_found", None),
        (lambda it: it.videos.get_character("x"), openai.NotFoundError, "not_found", None),
        (
            lambda it: it.videos.create(prompt="x", extra_body={"input_reference": "https://127.0.0.1/1.jpg"}),
            openai.UnprocessableEntityError,
            "input_unreachable",
            "input_reference",
        ),
        (
            lambda it: it.videos.create(prompt="x", input_reference=b"x" * 4_600_000),
            openai.APIStatusError,
            "form_too_large",
            None,
        ),
    ],
)
def test_a_call_that_is_wrong_raises_with_code_and_field(
    client: openai.OpenAI, call: Call, error: type[openai.APIStatusError], code: str, param: str | None
) -> None:
    with pytest.raises(error) as raised:
        call(client)
    assert type(raised.value) is error
    assert (raised.value.code, raised.value.param) == (code, param)
    assert raised.value.message


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet"])
def test_a_video_of_a_prompt_alone_has_nothing_but_itself(client: openai.OpenAI, variant: Any) -> None:
    video = client.videos.create_and_poll(prompt="no thumbnail", poll_interval_ms=OFTEN)
    with pytest.raises(openai.NotFoundError) as raised:
        client.videos.download_content(video.id, variant=variant)
    assert raised.value.code == "variant_not_made"


def test_a_bad_key_and_one_with_too_little_scope_raise(local: LocalStack, client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError) as unknown:
        client_of(local, "sm_" + "x" * 43).videos.list()
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.PermissionDeniedError) as forbidden:
        client_of(local, minted(local, scopes=["read"])).videos.create(prompt="never sent")
    assert (forbidden.value.code, forbidden.value.type) == ("insufficient_scope", "permission_error")
    assert client.videos.list(limit=1).data


def test_an_idempotency_key_with_another_body_is_a_conflict_and_with_the_same_the_same_video(
    client: openai.OpenAI,
) -> None:
    key = {"Idempotency-Key": "openai-1"}
    first = client.videos.create(prompt="once", extra_headers=key)
    assert client.videos.create(prompt="once", extra_headers=key).id == first.id
    with pytest.raises(openai.ConflictError) as raised:
        client.videos.create(prompt="another", extra_headers=key)
    assert raised.value.code == "idempotency_key_reused"


def test_too_many_calls_raise_with_the_time_to_wait(local: LocalStack, client: openai.OpenAI) -> None:
    hasty = client_of(local, minted(local, rate_per_minute=1))

    def three_calls() -> None:
        # Of three calls, two are in one minute of the clock.
        for _ in range(3):
            hasty.videos.list()

    with pytest.raises(openai.RateLimitError) as raised:
        three_calls()
    assert raised.value.code == "rate_limit_exceeded"
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60
    assert client.videos.list(limit=1).data


def test_a_key_that_cannot_be_read_is_the_servers_fault(local: LocalStack, client: openai.OpenAI) -> None:
    key = "sm_" + "u" * 43
    digest = hashlib.sha256(key.encode()).hexdigest()
    unreadable = {"pk": {"S": f"key#{digest}"}, "kind": {"S": "key"}}
    local.aws.dynamodb.put_item(TableName=local.description.jobs_table, Item=unreadable)
    with pytest.raises(openai.InternalServerError) as raised:
        client_of(local, key).videos.list()
    assert (raised.value.status_code, raised.value.code) == (503, "unavailable")
    assert client.videos.list(limit=1).data


# --- retries ---------------------------------------------------------------------------------------------------------


class Lossy(httpx2.HTTPTransport):
    """Loses the first answer: the server has done what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = super().handle_request(request)
        self.calls += 1
        if self.calls == 1:
            answer.read()
            raise httpx2.ReadTimeout("the answer is lost", request=request)
        return answer


def test_an_answer_that_is_lost_is_tried_again_by_the_client_and_makes_one_video(
    local: LocalStack, client: openai.OpenAI, photo: Path
) -> None:
    lossy = Lossy()
    retrying = client_of(
        local, minted(local, tenant="retries"), max_retries=2, http_client=httpx2.Client(transport=lossy)
    )
    video = retrying.videos.create(prompt="asked twice by openai", input_reference=photo.read_bytes())
    assert lossy.calls == 2
    assert [listed.id for listed in retrying.videos.list()] == [video.id]
    assert client.api_key


# --- the documentation -----------------------------------------------------------------------------------------------


def test_the_lines_of_the_documentation_run_as_they_are_printed(
    local: LocalStack, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
    printed = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "import openai" in block)
    (photo.parent / "lines.py").write_text(printed)
    monkeypatch.chdir(photo.parent)
    monkeypatch.setenv("NO_PROXY", "*")
    runpy.run_path("lines.py", init_globals={"api": local.description.api_url, "key": local.description.api_key})
    assert play((photo.parent / "video.mp4").read_bytes()).codec == "h264"
