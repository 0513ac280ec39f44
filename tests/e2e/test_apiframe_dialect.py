"""Apiframe's dialect on the local stack, with the calls that its SDK makes: JSON, `X-API-Key`, a form, a poll."""

import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import PATIENCE_SECONDS, LocalStack, play
from tests.stills import image

CLIENTS = Path(__file__).parents[2] / "docs" / "clients.md"
MODEL = "luma-ray-flash-2"
FINAL = {"COMPLETED", "FAILED", "CANCELLED"}


class Sdk:
    """What Apiframe's own clients do, by hand."""

    def __init__(self, local: LocalStack) -> None:
        self.local = local

    def call(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"X-API-Key": key or self.local.description.api_key, **options.pop("headers", {})}
        return self.local.http.request(method, f"{self.local.description.api_url}{path}", headers=headers, **options)

    def generate(self, prompt: str, *, idempotency_key: str | None = None, **body: Any) -> httpx.Response:
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        sent = {"model": MODEL, "prompt": prompt, **body}
        return self.call("POST", "/v2/videos/generate", json=sent, headers=headers)

    def wait_for(self, job_id: str) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            job: dict[str, Any] = self.call("GET", f"/v2/jobs/{job_id}").raise_for_status().json()
            if job["status"] in FINAL:
                return job
            assert time.monotonic() < until, job
            time.sleep(1)


@pytest.fixture
def sdk(local: LocalStack) -> Sdk:
    return Sdk(local)


def test_an_uploaded_picture_becomes_a_video_to_download(sdk: Sdk, local: LocalStack) -> None:
    picture = image("PNG", 300, 500)
    uploaded = sdk.call("POST", "/v2/uploads", files={"file": ("photo.png", picture, "image/png")})
    assert uploaded.status_code == 201, uploaded.text
    assert (uploaded.json()["contentType"], uploaded.json()["byteSize"]) == ("image/png", len(picture))

    prompt = "a lake, in Apiframe's dialect"
    accepted = sdk.generate(
        prompt, lumaParams={"duration": 9, "aspect_ratio": "9:16", "start_image": uploaded.json()["url"]}
    )
    assert (accepted.status_code, accepted.json()["status"]) == (202, "QUEUED"), accepted.text
    job = sdk.wait_for(accepted.json()["jobId"])

    assert (job["status"], job["error"], job["creditCost"], job["progress"]) == ("COMPLETED", None, 92, 100)
    video = local.http.get(job["result"]["videoUrl"]).content
    record = local.job(job["id"])
    assert hashlib.sha256(video).hexdigest() == record["video"]["sha256"]
    film = play(video)
    assert (film.width, film.height, round(film.seconds)) == (720, 1280, 9)
    assert record["still"]["key"].endswith(f"{hashlib.sha256(picture).hexdigest()}.png")
    assert [post["vendor"] for post in local.posts(prompt)] == ["apiframe"]


def test_a_job_has_one_id_in_every_dialect(sdk: Sdk, local: LocalStack) -> None:
    made = local.api("POST", "/v1/videos", json={"prompt": "made in the native dialect"}).json()
    job = sdk.wait_for(made["id"])
    assert (job["id"], job["status"], job["input"]["prompt"]) == (made["id"], "COMPLETED", "made in the native dialect")
    listed = sdk.call("GET", "/v2/jobs", params={"status": "COMPLETED", "limit": 100}).json()
    assert made["id"] in [one["id"] for one in listed["jobs"]]


def test_the_same_key_orders_once(sdk: Sdk, local: LocalStack) -> None:
    prompt = "ordered once"
    first, second = (sdk.generate(prompt, idempotency_key="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["jobId"] == second.json()["jobId"]
    assert sdk.generate("something else", idempotency_key="once").status_code == 409
    sdk.wait_for(first.json()["jobId"])
    assert len(local.posts(prompt)) == 1


def test_a_video_with_an_end_image_alone_is_made(sdk: Sdk) -> None:
    url = sdk.call("POST", "/v2/uploads", files={"file": ("end.png", image("PNG", 320, 180))}).json()["url"]
    accepted = sdk.generate("ends there", lumaParams={"end_image": url})
    assert sdk.wait_for(accepted.json()["jobId"])["status"] == "COMPLETED"


def test_every_kind_of_refusal(sdk: Sdk) -> None:
    invalid = sdk.generate("x", lumaParams={"duration": 10})
    assert (invalid.status_code, invalid.json()["details"]) == (400, {"lumaParams.duration": ["Invalid input"]})
    assert sdk.call("GET", "/v2/me", key="afk_nobodys").status_code == 401
    assert sdk.call("GET", "/v2/jobs/x").status_code == 400
    assert sdk.call("GET", "/v2/jobs/0f0e0d0c-0b0a-8009-8807-060504030201").status_code == 404
    no_picture = sdk.call("POST", "/v2/uploads", files={"file": ("a.gif", b"GIF89a" + bytes(99))})
    assert (no_picture.status_code, list(no_picture.json()["details"])) == (400, ["file"])
    large = sdk.call("POST", "/v2/uploads", files={"file": ("a.png", image("PNG") + bytes(4_500_000))})
    assert (large.status_code, "POST /v1/uploads" in large.json()["details"]["file"][0]) == (400, True)


def test_the_account_and_the_catalogue(sdk: Sdk, local: LocalStack) -> None:
    told = sdk.call("GET", "/v2/me").raise_for_status().json()
    assert told["team"]["credits"] == 100_000_000
    assert local.description.api_key.startswith(told["apiKey"]["prefix"])
    catalogue = local.http.get(f"{local.description.api_url}/v2/models").raise_for_status().json()
    assert [model["id"] for model in catalogue["models"]] == [MODEL]


@pytest.mark.skipif(not (shutil.which("jq") and shutil.which("curl")), reason="the example is of curl and jq")
def printed_calls(
    local: LocalStack, folder: Path, prompt: str = "a slow push in"
) -> "subprocess.CompletedProcess[str]":
    """Runs what the documentation prints, with this prompt in place of its own."""
    chapter = CLIENTS.read_text(encoding="utf-8").partition("## Apiframe's")[2]
    printed = re.search(r"```bash\n(.*?)```", chapter, re.DOTALL)
    assert printed is not None
    (folder / "photo.jpg").write_bytes(image("JPEG", 400, 300))
    given = {"api": local.description.api_url, "key": local.description.api_key, "no_proxy": "*"}
    lines = printed[1].replace("a slow push in", prompt)
    command = [shutil.which("bash") or "bash", "-euc", lines]
    return subprocess.run(  # noqa: S603 - the documentation's own lines
        command,
        cwd=folder,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_the_documented_calls_run_as_printed(local: LocalStack, tmp_path: Path) -> None:
    assert printed_calls(local, tmp_path).returncode == 0
    assert play((tmp_path / "video.mp4").read_bytes()).codec == "h264"


def test_the_documented_calls_end_with_why_there_is_no_video(local: LocalStack, tmp_path: Path) -> None:
    ended = printed_calls(local, tmp_path, "unseemly [[fault:moderated]]")
    assert ended.returncode != 0
    assert "no video: code 1200" in ended.stderr
    assert not (tmp_path / "video.mp4").exists()
