"""Apiframe, offline: its protocol as VENDORS tells it."""

import base64
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

PHOTO_URL = "https://pictures.example/photo.jpg"
KEY = {"X-API-Key": "afk_offline"}


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


def test_a_video_is_made_and_can_be_fetched(vendors: Any) -> None:
    answer = vendors.apiframe(lumaParams={"start_image": PHOTO_URL, "duration": 9, "aspect_ratio": "21:9"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "QUEUED"
    job_id = answer.json()["jobId"]
    assert str(uuid.UUID(job_id)) == job_id
    vendors.settled(job_id)
    job = vendors.read(job_id).json()
    assert (job["status"], job["progress"], job["creditCost"]) == ("COMPLETED", 100, 92)
    video = vendors.http.get(job["result"]["videoUrl"])
    assert video.headers["content-type"] == "video/mp4"
    assert int(video.headers["content-length"]) == len(video.content) > 0
    assert vendors.http.get(job["result"]["videoUrl"], headers={"Range": "bytes=4-7"}).content == b"ftyp"


def test_text_alone_is_enough(vendors: Any) -> None:
    assert vendors.settled(vendors.apiframe("a fox").json()["jobId"])["state"] == "completed"


@pytest.mark.parametrize(("seconds", "credits_"), [(5, 51), (9, 92)])
def test_credits_are_billed_by_duration(vendors: Any, seconds: int, credits_: int) -> None:
    before = vendors.http.get("/v2/me", headers=KEY).json()["team"]["credits"]
    vendors.apiframe(lumaParams={"duration": seconds})
    assert before - vendors.http.get("/v2/me", headers=KEY).json()["team"]["credits"] == credits_


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 4001}, "prompt"),
        ({"lumaParams": {"duration": 10}}, "lumaParams.duration"),
        ({"lumaParams": {"duration": "5"}}, "lumaParams.duration"),
        ({"lumaParams": {"aspect_ratio": "2:1"}}, "lumaParams.aspect_ratio"),
        ({"lumaParams": {"start_image": "photo.jpg"}}, "lumaParams.start_image"),
        ({"lumaParams": {"concepts": ["spin"]}}, "lumaParams.concepts.0"),
        ({"lumaParams": {"size": "1280*720"}}, "lumaParams.size"),
        ({"lumaParams": {"loop": "yes"}}, "lumaParams.loop"),
        ({"duration": 5}, "duration"),
        ({"webhookUrl": "https://receiver.example", "webhookEvents": []}, "webhookEvents"),
        ({"model": "sora"}, "model"),
    ],
)
def test_what_the_openapi_forbids_is_refused_by_path(vendors: Any, body: dict[str, Any], path: str) -> None:
    answer = vendors.http.post(
        "/v2/videos/generate", headers=KEY, json={"model": "luma-ray-flash-2", "prompt": "a fox"} | body
    )
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == [path]
    assert vendors.ledger()["generations"] == []


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "afk_wrong"}, {"Authorization": "Bearer afk_offline"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/videos/generate"),
        ("GET", f"/v2/jobs/{uuid.UUID(int=1)}"),
        ("GET", "/v2/jobs"),
        ("GET", "/v2/me"),
        ("POST", "/v2/uploads"),
    ],
)
def test_without_the_key_nothing_is_answered(vendors: Any, method: str, path: str, headers: dict[str, str]) -> None:
    answer = vendors.http.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}


def test_same_key_and_body_is_the_original_job_with_its_present_status(vendors: Any) -> None:
    first = vendors.apiframe(key="k").json()
    vendors.settled(first["jobId"])
    assert vendors.apiframe(key="k").json() == {"jobId": first["jobId"], "status": "COMPLETED"}
    assert vendors.ledger()["vendors"]["apiframe"]["accepted"] == 1
    assert [post["replayed"] for post in vendors.posts()] == [False, True]


def test_same_key_with_another_body_is_a_conflict(vendors: Any) -> None:
    vendors.apiframe("a fox", key="k")
    assert vendors.apiframe("a wolf", key="k").status_code == 409
    assert vendors.ledger()["vendors"]["apiframe"]["accepted"] == 1


def test_a_key_is_forgotten_after_a_day(vendors: Any) -> None:
    first = vendors.apiframe(key="k").json()["jobId"]
    vendors.clock.move_on(86_401)
    assert vendors.apiframe(key="k").json()["jobId"] != first


def test_no_key_means_another_job_each_time(vendors: Any) -> None:
    assert vendors.apiframe().json()["jobId"] != vendors.apiframe().json()["jobId"]


def test_too_few_credits_are_told_with_both_numbers(start: Callable[..., Any]) -> None:
    vendors = start(apiframe_credits=60)
    vendors.apiframe()
    answer = vendors.apiframe()
    assert answer.status_code == 402
    assert answer.json() == {"error": "Insufficient credits", "creditsRequired": 51, "creditsAvailable": 9}


def test_unknown_job_is_404_and_a_bad_id_400(vendors: Any) -> None:
    assert vendors.read(str(uuid.uuid4())).status_code == 404
    assert vendors.read("nonsense").status_code == 400


def test_assets_are_gone_after_a_day(vendors: Any) -> None:
    job_id = vendors.apiframe().json()["jobId"]
    vendors.settled(job_id)
    url = vendors.read(job_id).json()["result"]["videoUrl"]
    vendors.clock.move_on(86_401)
    assert vendors.read(job_id).json()["expired"] is True
    assert vendors.http.get(url).status_code == 404


def test_jobs_are_listed_newest_first_page_by_page(vendors: Any) -> None:
    made = [vendors.apiframe(f"fox {number}").json()["jobId"] for number in range(5)]
    (seen, cursor) = ([], None)
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = vendors.http.get("/v2/jobs", headers=KEY, params=query).json()
        seen += [job["id"] for job in page["jobs"]]
        assert all("input" not in job for job in page["jobs"])
        cursor = page["nextCursor"]
        if not page["hasMore"]:
            break
    assert seen == list(reversed(made))
    assert cursor is None


def test_jobs_are_filtered_by_status(vendors: Any) -> None:
    done = vendors.apiframe().json()["jobId"]
    vendors.settled(done)
    page = vendors.http.get("/v2/jobs", headers=KEY, params={"status": "COMPLETED"}).json()
    assert [job["id"] for job in page["jobs"]] == [done]
    assert vendors.http.get("/v2/jobs", headers=KEY, params={"status": "QUEUED"}).json()["jobs"] == []


@pytest.mark.parametrize(
    "query", [{"limit": 101}, {"status": "DONE"}, {"cursor": "%%"}, {"cursor": base64.b64encode(b"[1]").decode()}]
)
def test_a_bad_query_is_refused(vendors: Any, query: dict[str, Any]) -> None:
    assert vendors.http.get("/v2/jobs", headers=KEY, params=query).status_code == 400


def test_the_catalogue_needs_no_key(vendors: Any) -> None:
    (entry,) = vendors.http.get("/v2/models").json()["models"]
    assert (entry["id"], entry["costMin"], entry["costMax"]) == ("luma-ray-flash-2", 51, 92)
    assert vendors.http.get("/v2/models", params={"modality": "music"}).json() == {"models": []}
    assert vendors.http.get("/v2/models", params={"modality": "smell"}).status_code == 400


def test_an_upload_is_sniffed_and_served_for_an_hour(vendors: Any) -> None:
    files = {"file": ("photo.txt", jpeg(), "text/plain")}
    answer = vendors.http.post("/v2/uploads", headers=KEY, files=files)
    assert answer.status_code == 201
    assert (answer.json()["contentType"], answer.json()["byteSize"]) == ("image/jpeg", len(jpeg()))
    path = vendors.settings.uploads / "apiframe" / answer.json()["url"].rpartition("/")[2]
    assert path.read_bytes() == jpeg()


@pytest.mark.parametrize("files", [{"file": ("a.jpg", b"words")}, {"other": ("a.jpg", b"words")}])
def test_what_is_no_picture_is_not_kept(vendors: Any, files: dict[str, Any]) -> None:
    assert vendors.http.post("/v2/uploads", headers=KEY, files=files).status_code == 400


@pytest.mark.parametrize("path", ["/gone.jpg", "/words.jpg"])
def test_a_picture_that_cannot_be_fetched_fails_the_job_unbilled(vendors: Any, path: str) -> None:
    job_id = vendors.apiframe(lumaParams={"start_image": f"https://pictures.example{path}"}).json()["jobId"]
    assert vendors.settled(job_id)["refunded"] is True
    job = vendors.read(job_id).json()
    assert job["status"] == "FAILED"
    assert "not accessible" in job["error"]


def test_a_loop_with_an_end_picture_fails(vendors: Any) -> None:
    params = {"start_image": PHOTO_URL, "end_image": PHOTO_URL, "loop": True}
    job_id = vendors.apiframe(lumaParams=params).json()["jobId"]
    assert vendors.settled(job_id)["state"] == "failed"
