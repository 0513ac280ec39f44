"""What only a real process shows: renders over HTTP, closed connections, signals and restarts."""

import io
import signal
import time
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from PIL import Image

APIFRAME = {"X-API-Key": "afk_offline"}
WAVESPEED = {"Authorization": "Bearer ws_offline"}


def generate(server: Any, image: str, prompt: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{server.port}/api/v3/luma/ray-2-flash-i2v",
        headers=WAVESPEED,
        json={"image": image, "prompt": prompt, **body},
        timeout=10,
    )


def outputs(server: Any, prediction_id: str) -> list[str]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        data = server.http.get(f"/api/v3/predictions/{prediction_id}/result", headers=WAVESPEED).json()["data"]
        if data["status"] == "completed":
            return list(data["outputs"])
        assert data["status"] in {"created", "processing"}, data
        time.sleep(0.05)
    pytest.fail("not completed in 30 s")


def test_the_video_is_the_photo_in_motion(server: Any, photo_url: str) -> None:
    (url,) = outputs(server, generate(server, photo_url, "a hill").json()["data"]["id"])
    content = httpx.get(url).content
    with av.open(io.BytesIO(content), "r") as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 1280, 720)
        assert video.duration == 5_000_000
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 120
    with Image.open(io.BytesIO(httpx.get(photo_url).content)) as photo:
        cropped = np.asarray(photo.crop((0, 150, 1600, 1050)).resize((1280, 720)))
    assert np.corrcoef(frames[0].ravel(), cropped.ravel())[0, 1] > 0.97
    assert np.abs(frames[0].astype(int) - frames[-1].astype(int)).mean() > 3


def test_a_dropped_answer_is_a_closed_connection_and_was_billed(server: Any, photo_url: str) -> None:
    prompt = "a hill [[fault:drop_after_accept]]"
    with pytest.raises(httpx.RemoteProtocolError):
        generate(server, photo_url, prompt)
    ledger = server.http.get("/_offline/ledger", params={"prompt": prompt}).json()
    assert len(ledger["generations"]) == 1


def test_an_answer_that_never_comes_runs_into_the_callers_time_out(server: Any, photo_url: str) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"http://127.0.0.1:{server.port}/api/v3/luma/ray-2-flash-i2v",
            headers=WAVESPEED,
            json={"image": photo_url, "prompt": "a hill [[fault:never_answer]]"},
            timeout=0.3,
        )


def test_a_lying_content_length_is_noticed_by_the_client(server: Any, photo_url: str) -> None:
    answer = generate(server, photo_url, "a hill [[fault:video_wrong_length times=1]]")
    (url,) = outputs(server, answer.json()["data"]["id"])
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
        httpx.get(url)
    assert httpx.get(url).content[4:8] == b"ftyp"


def test_it_binds_to_loopback_only(launched: Any, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="not a loopback address"):
        launched(tmp_path / "state", "--host", "0.0.0.0")  # noqa: S104 - refused is what is tested


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_soon_and_cleanly_whatever_is_under_way(
    launched: Any, tmp_path: Path, how: signal.Signals
) -> None:
    server = launched(tmp_path / "state")
    body = {"model": "luma-ray-flash-2", "prompt": "a hill", "lumaParams": {"duration": 9}}
    server.http.post("/v2/videos/generate", headers=APIFRAME, json=body)
    with pytest.raises(httpx.ReadTimeout):
        server.http.post(
            "/v2/videos/generate",
            headers=APIFRAME,
            json=body | {"prompt": "a hill [[fault:never_answer]]"},
            timeout=0.3,
        )
    (status, seconds) = server.stop(how)
    assert status == 0
    assert seconds < 3
    assert "Traceback" not in (tmp_path / "vendors.log").read_text()


def test_a_killed_server_finishes_after_its_restart_what_it_had_accepted(launched: Any, tmp_path: Path) -> None:
    first = launched(tmp_path / "state", "--seconds-per-video", "600")
    body = {"model": "luma-ray-flash-2", "prompt": "a hill"}
    headers = APIFRAME | {"Idempotency-Key": "k"}
    job_id = first.http.post("/v2/videos/generate", headers=headers, json=body).json()["jobId"]
    first.stop(signal.SIGKILL)
    second = launched(tmp_path / "state", "--seconds-per-video", "0")
    assert second.http.post("/v2/videos/generate", headers=headers, json=body).json()["jobId"] == job_id
    deadline = time.monotonic() + 30
    while second.http.get(f"/v2/jobs/{job_id}", headers=APIFRAME).json()["status"] != "COMPLETED":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert second.http.get("/_offline/ledger").json()["vendors"]["apiframe"]["accepted"] == 1
