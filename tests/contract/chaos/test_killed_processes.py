"""A process that the chaos test marked ends when the answer comes, whichever client reads it from the socket."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stillmotion_local.chaos import killer

JOB = "5b0e1c8e-0f53-8f0a-9a51-6b4c1f0f2a10"
PUT_BY_BOTO3 = f"""
import sys, boto3
client = boto3.client("s3", endpoint_url=sys.argv[1], region_name="eu-west-1", aws_access_key_id="a",
                      aws_secret_access_key="b")
client.put_object(Bucket="bucket", Key="videos/default/{JOB}/one.mp4", Body=b"a video")
"""
POST_BY_HTTPX = f"""
import sys, httpx
body = '{{"prompt": "[[note:kill=after_post]]"}}'
httpx.post(sys.argv[1] + "/v2/videos/generate", content=body, headers={{"Idempotency-Key": "stillmotion-{JOB}-1"}})
"""


class Taking(BaseHTTPRequestHandler):
    """Takes everything."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("ETag", '"1"')
        self.end_headers()

    def do_POST(self) -> None:
        self.do_PUT()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Says nothing."""


@pytest.fixture
def origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ended_with(code: str, origin: str, folder: Path) -> int:
    """The return code of a process with the killer in it."""
    variables = {"STILLMOTION_CHAOS_DIR": str(folder), "PYTHONPATH": str(Path(killer.__file__).parent)}
    return subprocess.run([sys.executable, "-c", code, origin], env=variables, check=False).returncode  # noqa: S603


@pytest.mark.parametrize("code", [PUT_BY_BOTO3, POST_BY_HTTPX], ids=["boto3", "httpx"])
def test_a_marked_process_ends_once_when_its_answer_comes(origin: str, tmp_path: Path, code: str) -> None:
    (tmp_path / f"marked-{JOB}").touch()

    assert ended_with(code, origin, tmp_path) == -signal.SIGKILL
    assert ended_with(code, origin, tmp_path) == 0
