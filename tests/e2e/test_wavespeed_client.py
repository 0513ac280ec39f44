"""The unmodified `wavespeed` client on the local stack: another base URL and key, and the user's own bucket."""

import hashlib
import io
import re
import runpy
from pathlib import Path
from typing import Any

import httpx
import pytest
import wavespeed  # type: ignore[import-untyped]
from tests.e2e.conftest import LocalStack, play
from tests.stills import image

ROOT = Path(__file__).parents[2]
MODEL = "luma/ray-2-flash-i2v"


@pytest.fixture
def client(local: LocalStack, monkeypatch: pytest.MonkeyPatch) -> wavespeed.Client:
    # requests takes proxies from the environment, also for this machine.
    monkeypatch.setenv("NO_PROXY", "*")
    return client_of(local, local.description.api_key)


def client_of(local: LocalStack, key: str) -> wavespeed.Client:
    return wavespeed.Client(api_key=key, base_url=local.description.api_url, max_connection_retries=0)


def uploaded(client: wavespeed.Client, folder: Path, width: int = 640, height: int = 360) -> str:
    photo = folder / "photo.jpg"
    photo.write_bytes(image("JPEG", width, height))
    address: str = client.upload(str(photo))
    return address


def minted(local: LocalStack, **wish: Any) -> str:
    answer = local.api("POST", "/v1/keys", json={"name": "wavespeed", **wish})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    key: str = answer.json()["key"]
    return key


def refusal(client: wavespeed.Client) -> str:
    """What a read of a prediction is told that is not there."""
    with pytest.raises(RuntimeError, match="Failed to get result") as raised:
        client.get_result("0f0e0d0c-0b0a-8009-8807-060504030201")
    return str(raised.value)


def test_a_file_is_uploaded_becomes_a_video_and_is_fetched_from_the_users_bucket(
    local: LocalStack, client: wavespeed.Client, tmp_path: Path
) -> None:
    wish = {"image": uploaded(client, tmp_path), "prompt": "a lake by wavespeed", "duration": 5}
    (url,) = client.run(MODEL, wish, timeout=60)["outputs"]

    video = local.http.get(url).content
    film = play(video)
    assert (film.codec, film.width, film.height, round(film.seconds)) == ("h264", 1280, 720, 5)
    (post,) = local.posts("a lake by wavespeed")
    assert post["vendor"] == "wavespeed"
    task_id = url.split("/videos/default/")[1].split("/")[0]
    record = local.job(task_id)
    assert record["video"]["sha256"] == hashlib.sha256(video).hexdigest()
    assert record["still"]["address"].startswith(f"s3://{local.description.input_bucket}/uploads/default/")


def test_a_stream_is_uploaded_and_a_tall_video_comes_of_it(
    local: LocalStack, client: wavespeed.Client, tmp_path: Path
) -> None:
    photo = tmp_path / "tall.png"
    photo.write_bytes(image("PNG", 360, 640))
    with photo.open("rb") as stream:
        address = client.upload(stream)
    ended = client.run_no_throw(MODEL, {"image": address, "prompt": "tall", "size": "720*1280", "duration": "10"})
    assert ended["status"] == "completed", ended
    film = play(local.http.get(ended["outputs"][0]).content)
    assert (film.width, film.height, round(film.seconds)) == (720, 1280, 10)


def test_bytes_without_a_name_are_uploaded_and_a_video_comes_of_them(
    local: LocalStack, client: wavespeed.Client
) -> None:
    wish = {"image": client.upload(io.BytesIO(image("WEBP"))), "prompt": "of a stream without a name"}
    (url,) = client.run(MODEL, wish, timeout=60)["outputs"]
    assert play(local.http.get(url).content).codec == "h264"


def test_bytes_that_are_no_picture_are_told_when_they_are_ordered(local: LocalStack, client: wavespeed.Client) -> None:
    wish = {"image": client.upload(io.BytesIO(b"no picture")), "prompt": "of no picture"}
    with pytest.raises(RuntimeError, match=r"HTTP 400: .*image: must be a JPEG, PNG or WebP image"):
        client.run(MODEL, wish)
    assert local.posts("of no picture") == []


def test_a_form_is_taken_as_older_clients_send_it(local: LocalStack) -> None:
    files = {"file": ("photo.jpg", image("JPEG"))}
    answer = local.api("POST", "/api/v3/media/upload/binary", files=files)
    assert answer.status_code == httpx.codes.OK, answer.text
    wish = {"image": answer.json()["data"]["download_url"], "prompt": "of a form"}
    assert local.api("POST", f"/api/v3/{MODEL}", json=wish).status_code == httpx.codes.OK


def test_a_fault_of_the_operators_account_is_not_told_as_one_of_the_callers_key(
    local: LocalStack, client: wavespeed.Client, tmp_path: Path
) -> None:
    prompt = "refused by wavespeed [[fault:out_of_credits]]"
    wish = {"image": uploaded(client, tmp_path), "prompt": prompt, "vendor": "wavespeed", "failover": "never"}
    with pytest.raises(RuntimeError, match=r"could not place the order .*Nothing is wrong with your order or your key"):
        client.run(MODEL, wish, timeout=60, max_retries=2)
    assert len(local.posts(prompt)) == 1


def test_a_job_of_the_native_dialect_is_read_by_the_same_id(local: LocalStack, client: wavespeed.Client) -> None:
    made = local.api("POST", "/v1/videos", json={"prompt": "text alone"}).json()
    local.ended(made["id"])
    answer = client.get_result(made["id"])
    assert (answer["code"], answer["data"]["status"], answer["data"]["id"]) == (200, "completed", made["id"])
    # The address that the answer names is one that can be called.
    named = local.http.get(
        answer["data"]["urls"]["get"], headers={"authorization": f"Bearer {local.description.api_key}"}
    )
    assert named.json()["data"]["id"] == made["id"]


def test_a_failed_task_raises_the_clients_own_error_and_is_billed_once(
    local: LocalStack, client: wavespeed.Client, tmp_path: Path
) -> None:
    prompt = "declined by wavespeed [[fault:moderated]]"
    with pytest.raises(RuntimeError, match=r"Prediction failed \(task_id: .*moderation"):
        client.run(MODEL, {"image": uploaded(client, tmp_path), "prompt": prompt}, timeout=60, max_retries=2)
    assert len(local.posts(prompt)) == 1


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"prompt": "never sent"}, "image: is required"),
        ({"image": "s3://elsewhere/a.jpg", "prompt": "never sent"}, "image: must be an object"),
        ({"image": "https://a.example/1.jpg", "prompt": "never sent", "duration": 7}, "duration: must be one of 5, 10"),
        ({"image": "https://a.example/1.jpg", "prompt": "never sent", "seed": 7}, "seed: is not a parameter"),
    ],
)
def test_a_bad_order_raises_with_the_rule_and_reaches_no_vendor(
    local: LocalStack, client: wavespeed.Client, wish: dict[str, object], said: str
) -> None:
    with pytest.raises(RuntimeError, match=f"HTTP 400: .*{said}"):
        client.run(MODEL, wish)
    assert local.posts("never sent") == []


def test_waiting_for_the_video_in_one_call_is_refused_before_it_costs(
    local: LocalStack, client: wavespeed.Client, tmp_path: Path
) -> None:
    wish = {"image": uploaded(client, tmp_path), "prompt": "at once"}
    with pytest.raises(RuntimeError, match=r"HTTP 400: .*enable_sync_mode"):
        client.run(MODEL, wish, enable_sync_mode=True)
    assert local.posts("at once") == []


def test_each_refusal_of_a_key_or_an_id_raises_with_its_status(local: LocalStack, client: wavespeed.Client) -> None:
    wish = {"image": "https://a.example/1.jpg", "prompt": "never sent"}
    with pytest.raises(RuntimeError, match=r'HTTP 401: \{"code":401,"message":"Send a valid key'):
        client_of(local, "sm_" + "x" * 43).run(MODEL, wish)
    with pytest.raises(RuntimeError, match=r'HTTP 403: \{"code":403,"message":"This takes a key with the scope write'):
        client_of(local, minted(local, scopes=["read"])).run(MODEL, wish)
    assert 'HTTP 404: {"code":404' in refusal(client)


def test_too_many_calls_raise_with_their_status(local: LocalStack, client: wavespeed.Client) -> None:
    hasty = client_of(local, minted(local, rate_per_minute=1))
    # Of three calls, two are in one minute of the clock.
    assert 'HTTP 429: {"code":429' in "".join(refusal(hasty) for _ in range(3))
    assert "HTTP 404" in refusal(client)


def test_an_upload_that_is_too_large_raises_before_it_is_sent(client: wavespeed.Client, tmp_path: Path) -> None:
    photo = tmp_path / "large.png"
    with photo.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    with pytest.raises(RuntimeError, match=r"Failed to create upload: HTTP 400: .*size: must be a number"):
        client.upload(str(photo))


def test_history_balance_and_price_are_told(local: LocalStack, client: wavespeed.Client, tmp_path: Path) -> None:
    webhook = {"webhook": "https://callee.example/a?b=c&d=e"}
    wish = {"image": uploaded(client, tmp_path), "prompt": "told"}
    made = local.api("POST", f"/api/v3/{MODEL}", params=webhook, json=wish).json()["data"]
    assert local.job(made["id"])["request"]["callback"]["url"] == webhook["webhook"]
    assert client.get_result(made["id"])["data"]["status"] in ("created", "processing", "completed")

    history = local.api("POST", "/api/v3/predictions", json={"page": 1, "page_size": 5}).json()["data"]["items"]
    assert history[0]["id"] == made["id"]
    assert len(history) <= 5
    assert local.api("GET", "/api/v3/balance").json()["data"]["balance"] == 1_000_000
    query = {"model_id": MODEL, "inputs": {"duration": 10}}
    for path in ("/api/v3/model/pricing", "/api/v3/model/price"):
        assert local.api("POST", path, json=query).json()["data"]["price"] == 0.4


def test_the_lines_of_the_documentation_run_as_they_are_printed(
    local: LocalStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/clients.md"))
    printed = next(block for block in re.findall(r"```python\n(.*?)```", pages, re.DOTALL) if "wavespeed" in block)
    (tmp_path / "lines.py").write_text(printed)
    (tmp_path / "photo.jpg").write_bytes(image("JPEG"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "*")
    given = {"api": local.description.api_url, "key": local.description.api_key}
    runpy.run_path("lines.py", init_globals=given)
    assert play(local.http.get(capsys.readouterr().out.strip()).content).codec == "h264"
