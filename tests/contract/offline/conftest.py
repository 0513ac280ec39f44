"""The offline vendors as a real process, called over loopback."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from pytest_socket import enable_socket

START_SECONDS = 20.0


@pytest.fixture(autouse=True)
def loopback() -> None:
    """These tests speak to a process of their own."""
    enable_socket()


def photo(width: int = 1600, height: int = 1200) -> bytes:
    """A JPEG with large soft blotches of colour."""
    blotches = np.random.default_rng(7).integers(30, 226, (9, 12, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(blotches).resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)
    return stream.getvalue()


@dataclass
class Server:
    """A running process and a client for it."""

    process: subprocess.Popen[bytes]
    http: httpx.Client
    port: int

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Returns the exit status and how many seconds it took."""
        started = time.monotonic()
        self.process.send_signal(how)
        status = self.process.wait(timeout=10)
        self.http.close()
        return (status, time.monotonic() - started)


def launch(state: Path, *flags: str) -> Server:
    """Starts the server and returns when it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "stillmotion_local.vendors", "--port", str(port), "--state-dir", str(state)]
    environment = {"PATH": os.environ["PATH"]}
    with (state.parent / "vendors.log").open("ab") as log:
        process = subprocess.Popen([*command, *flags], env=environment, stderr=log, stdout=log)  # noqa: S603 - our own
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.get("/_offline/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        return Server(process, client, port)
    process.kill()
    process.wait()
    client.close()
    pytest.fail((state.parent / "vendors.log").read_text())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module."""
    enable_socket()
    running = launch(tmp_path_factory.mktemp("offline") / "state", "--seconds-per-video", "0")
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def launched() -> Iterator[Callable[..., Server]]:
    """Starts servers that are gone after the test."""
    running: list[Server] = []

    def begin(state: Path, *flags: str) -> Server:
        running.append(launch(state, *flags))
        return running[-1]

    yield begin
    for one in running:
        if one.process.poll() is None:
            one.stop(signal.SIGKILL)


@pytest.fixture
def photo_url(server: Server) -> str:
    """A photo that the server can fetch from itself."""
    answer = server.http.post(
        "/v2/uploads", headers={"X-API-Key": "afk_offline"}, files={"file": ("photo.jpg", photo())}
    )
    return str(answer.json()["url"])
