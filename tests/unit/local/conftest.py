"""The offline vendors in the test's own process: pictures and webhook receivers are fakes, nothing is rendered."""

import io
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from PIL import Image
from starlette.applications import Starlette

from stillmotion_local.vendors import rendering
from stillmotion_local.vendors.app import create_app
from stillmotion_local.vendors.rendering import Scene
from stillmotion_local.vendors.settings import VendorsSettings

PHOTO_URL = "https://pictures.example/photo.jpg"
HOOK_URL = "https://receiver.example/hook"
APIFRAME = {"X-API-Key": "afk_offline"}
WAVESPEED = {"Authorization": "Bearer ws_offline"}
FAKE_VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 40
MAX_WAIT_READS = 3000


def photo(width: int = 64, height: int = 36) -> bytes:
    """A small JPEG with something to see in it."""
    stream = io.BytesIO()
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(stream, "JPEG")
    return stream.getvalue()


@dataclass
class Outside:
    """All that the vendors call: it serves one photo and takes webhooks."""

    hooks: list[httpx.Request] = field(default_factory=list)
    refuse_hooks: int = 0
    fetched: int = 0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "pictures.example":
            self.fetched += 1
            if request.url.path == "/photo.jpg":
                return httpx.Response(200, content=photo())
            if request.url.path == "/words.jpg":
                return httpx.Response(200, content=b"not a picture")
            return httpx.Response(403)
        self.hooks.append(request)
        if self.refuse_hooks > 0:
            self.refuse_hooks -= 1
            return httpx.Response(503)
        return httpx.Response(204)


class InProcess:
    """Calls an application that runs on an event loop of its own, without any socket."""

    def __init__(self, portal: BlockingPortal, app: Starlette) -> None:
        self._portal = portal
        self.app = app
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://vendors.test")

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, url, **options))

    def run(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        return self._portal.call(ask)

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PUT", url, **options)


@dataclass
class Vendors:
    """The running application and its surroundings."""

    http: InProcess
    outside: Outside
    settings: VendorsSettings
    clock: "SettableClock"
    stop: Callable[[], None]

    def apiframe(self, prompt: str = "a fox", *, key: str | None = None, **body: Any) -> httpx.Response:
        headers = APIFRAME | ({"Idempotency-Key": key} if key else {})
        return self.http.post(
            "/v2/videos/generate",
            headers=headers,
            json={"model": "luma-ray-flash-2", "prompt": prompt, **body},
        )

    def wavespeed(self, prompt: str = "a fox", *, webhook: str | None = None, **body: Any) -> httpx.Response:
        return self.http.post(
            "/api/v3/luma/ray-2-flash-i2v",
            headers=WAVESPEED,
            params={"webhook": webhook} if webhook else {},
            json={"image": PHOTO_URL, "prompt": prompt, **body},
        )

    def read(self, job_id: str) -> httpx.Response:
        return self.http.get(f"/v2/jobs/{job_id}", headers=APIFRAME)

    def predict(self, prediction_id: str) -> httpx.Response:
        return self.http.get(f"/api/v3/predictions/{prediction_id}/result", headers=WAVESPEED)

    def ledger(self) -> dict[str, Any]:
        return dict(self.http.get("/_offline/ledger").json())

    def posts(self) -> list[dict[str, Any]]:
        return list(self.http.get("/_offline/requests").json()["requests"])

    def settled(self, generation_id: str) -> dict[str, Any]:
        """The ledger's line of a generation, once it has ended and been told."""
        for _ in range(MAX_WAIT_READS):
            for line in self.ledger()["generations"]:
                if line["id"] == generation_id and line["webhook_settled"]:
                    return dict(line)
        pytest.fail(f"{generation_id} did not end: {json.dumps(self.ledger(), indent=1)}")


class SettableClock:
    """Real time, moved on by as much as a test says."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            self.now += 0.001
            return self.now

    def move_on(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Vendors]]:
    """Starts the vendors, with other settings where a test names them."""

    def render_nothing(scene: Scene, *, pictures: Path, target: Path, stopping: threading.Event) -> None:
        del scene, pictures, stopping
        target.write_bytes(FAKE_VIDEO)

    monkeypatch.setattr(rendering, "render_scene", render_nothing)

    def begin(**changes: Any) -> Vendors:
        outside = Outside()
        given: dict[str, Any] = {
            "state_dir": tmp_path,
            "seconds_per_video": 0.0,
            "webhook_retry_gaps_seconds": (0.0, 0.0),
        }
        settings = VendorsSettings(**(given | changes))
        clock = SettableClock()
        app = create_app(settings, client=httpx.AsyncClient(transport=httpx.MockTransport(outside.answer)), clock=clock)
        lifespan = running.enter_context(ExitStack())
        lifespan.enter_context(portal.wrap_async_context_manager(app.router.lifespan_context(app)))
        return Vendors(InProcess(portal, app), outside, settings, clock, stop=lifespan.close)

    with start_blocking_portal() as portal, ExitStack() as running:
        yield begin


@pytest.fixture
def vendors(start: Callable[..., Vendors]) -> Vendors:
    """The vendors as they start by default, without waiting times."""
    return start()
