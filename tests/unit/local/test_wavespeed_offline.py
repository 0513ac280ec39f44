"""WaveSpeed, offline: its protocol as VENDORS tells it."""

from collections.abc import Callable
from typing import Any

import pytest

KEY = {"Authorization": "Bearer ws_offline"}


def test_a_video_is_made_and_can_be_fetched(vendors: Any) -> None:
    answer = vendors.wavespeed(duration=10, size="720*1280")
    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["message"]) == (200, "success")
    data = answer.json()["data"]
    assert (data["status"], data["outputs"], data["model"]) == ("created", [], "luma/ray-2-flash-i2v")
    assert data["urls"]["get"] == f"http://vendors.test/api/v3/predictions/{data['id']}/result"
    line = vendors.settled(data["id"])
    assert (line["order"]["width"], line["order"]["duration_seconds"]) == (720, 10)
    done = vendors.predict(data["id"]).json()["data"]
    assert done["status"] == "completed"
    assert vendors.http.get(done["outputs"][0]).headers["content-type"] == "video/mp4"
    assert vendors.http.get(f"/api/v3/predictions/{data['id']}", headers=KEY).json()["data"] == done


def test_the_same_post_twice_is_two_generations_both_billed(vendors: Any) -> None:
    assert vendors.wavespeed().json()["data"]["id"] != vendors.wavespeed().json()["data"]["id"]
    account = vendors.ledger()["vendors"]["wavespeed"]
    assert (account["accepted"], account["billed"]) == (2, 0.4)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"image": None}, "image"),
        ({"image": "photo.jpg"}, "image"),
        ({"prompt": ""}, "prompt"),
        ({"duration": 9}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"duration": True}, "duration"),
        ({"size": "1280x720"}, "size"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(vendors: Any, body: dict[str, Any], named: str) -> None:
    answer = vendors.wavespeed(**body)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert named in answer.json()["message"]
    assert vendors.ledger()["generations"] == []


@pytest.mark.parametrize("missing", ["image", "prompt"])
def test_image_and_prompt_are_both_required(vendors: Any, missing: str) -> None:
    body = {"image": "https://pictures.example/photo.jpg", "prompt": "a fox"}
    del body[missing]
    answer = vendors.http.post("/api/v3/luma/ray-2-flash-i2v", headers=KEY, json=body)
    assert answer.status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "ws_offline"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v3/luma/ray-2-flash-i2v"),
        ("GET", "/api/v3/predictions/1/result"),
        ("GET", "/api/v3/predictions/1"),
        ("POST", "/api/v3/predictions"),
        ("POST", "/api/v3/media/uploads"),
        ("POST", "/api/v3/model/price"),
        ("GET", "/api/v3/balance"),
        ("GET", "/api/v3/webhook/secret"),
    ],
)
def test_without_the_key_nothing_is_answered(vendors: Any, method: str, path: str, headers: dict[str, str]) -> None:
    answer = vendors.http.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, 401)


@pytest.mark.parametrize("path", ["/gone.jpg", "/words.jpg"])
def test_a_picture_that_cannot_be_fetched_is_a_failed_task_with_http_200(vendors: Any, path: str) -> None:
    prediction_id = vendors.wavespeed(image=f"https://pictures.example{path}").json()["data"]["id"]
    vendors.settled(prediction_id)
    answer = vendors.predict(prediction_id)
    assert answer.status_code == 200
    assert (answer.json()["data"]["status"], answer.json()["data"]["code"]) == ("failed", 1402)


def test_the_history_is_newest_first_and_has_no_input(vendors: Any) -> None:
    made = [vendors.wavespeed(f"fox {number}").json()["data"]["id"] for number in range(3)]
    answer = vendors.http.post("/api/v3/predictions", headers=KEY, json={"page": 1, "page_size": 2})
    items = answer.json()["data"]["items"]
    assert [item["id"] for item in items] == [made[2], made[1]]
    assert set(items[0]) == {"id", "model", "outputs", "urls", "status", "created_at"}
    answer = vendors.http.post("/api/v3/predictions", headers=KEY, json={"page": 2, "page_size": 2})
    assert [item["id"] for item in answer.json()["data"]["items"]] == [made[0]]


def test_a_history_page_has_at_most_a_hundred_items(vendors: Any) -> None:
    assert vendors.http.post("/api/v3/predictions", headers=KEY, json={"page_size": 101}).status_code == 400


@pytest.mark.parametrize(("duration", "dollars"), [(5, 0.2), (10, 0.4)])
def test_a_quote_costs_nothing_and_is_what_is_billed(vendors: Any, duration: int, dollars: float) -> None:
    quote = {"model_id": "luma/ray-2-flash-i2v", "inputs": {"duration": duration}}
    answer = vendors.http.post("/api/v3/model/price", headers=KEY, json=quote)
    assert answer.json()["data"]["unit_price"] == dollars
    before = vendors.http.get("/api/v3/balance", headers=KEY).json()["data"]["balance"]
    vendors.wavespeed(duration=duration)
    after = vendors.http.get("/api/v3/balance", headers=KEY).json()["data"]["balance"]
    assert before - after == pytest.approx(dollars)


def test_an_empty_account_takes_no_generation(start: Callable[..., Any]) -> None:
    assert start(wavespeed_dollars=0.1).wavespeed().status_code == 403


def test_an_upload_goes_through_a_ticket_and_can_be_generated_from(vendors: Any) -> None:
    content = b"\xff\xd8\xff some bytes"
    wanted = {"filename": "photo.jpg", "size": len(content), "content_type": "image/jpeg"}
    data = vendors.http.post("/api/v3/media/uploads", headers=KEY, json=wanted).json()["data"]
    assert data["upload"]["method"] == "PUT"
    put = vendors.http.put(data["upload"]["url"], content=content, headers=data["upload"]["headers"])
    assert put.status_code == 200
    name = data["download_url"].rpartition("/")[2]
    assert (vendors.settings.uploads / "wavespeed" / name).read_bytes() == content


def test_an_upload_without_its_ticket_or_of_another_size_is_refused(vendors: Any) -> None:
    wanted = {"filename": "photo.jpg", "size": 4, "content_type": "image/jpeg"}
    data = vendors.http.post("/api/v3/media/uploads", headers=KEY, json=wanted).json()["data"]
    assert vendors.http.put(data["download_url"], content=b"four").status_code == 403
    assert vendors.http.put(data["upload"]["url"], content=b"three").status_code == 400
    assert vendors.http.put(data["upload"]["url"], content=b"two").status_code == 400


def test_outputs_live_for_seven_days(vendors: Any) -> None:
    prediction_id = vendors.wavespeed().json()["data"]["id"]
    vendors.settled(prediction_id)
    url = vendors.predict(prediction_id).json()["data"]["outputs"][0]
    vendors.clock.move_on(6 * 86_400)
    assert vendors.http.get(url).status_code == 200
    vendors.clock.move_on(86_401)
    assert vendors.http.get(url).status_code == 404


def test_copies_of_one_picture_are_rendered_once(vendors: Any) -> None:
    for _ in range(20):
        vendors.settled(vendors.wavespeed().json()["data"]["id"])
    assert vendors.http.get("/_offline/health").json()["rendered"] == 1
