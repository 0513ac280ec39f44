"""How much memory finalize needs for a large video, and how fast it is.

The real handler runs in a process of its own, with the imports that it has on Lambda and the real S3 adapter. It
fetches over HTTP from a server that makes a valid MP4 up as it sends it, and uploads over HTTP to a stand-in for S3
that counts the parts and throws them away; both are in this process, so that only finalize is measured. The record
alone is kept in the measured process. The peak is the kernel's count of resident memory since the process's exec
(VmHWM, so on Linux only), interpreter included; ru_maxrss would show this process's own memory, inherited at the fork.

The stand-in speaks http, so each part is hashed by SHA-256 for its signature once more than over https.

    python -m benchmarks.finalize_memory [--megabytes 1024] [--limit 256]
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.movies import film

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024
PADDING = bytes(MEGABYTE)

MEASURED = """
import json, sys, time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

def peak():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].removesuffix("kB")) / 1024

bare = peak()
import app
from msgspec.structs import replace
from stillmotion import composition
from stillmotion.domain import job as ledger
from stillmotion.domain.request import VendorName, parse_request

class OneJob:
    def __init__(self, job):
        self.job = job
    def get(self, job_id):
        return self.job
    def save(self, job, claims=(), event=None):
        self.job = job
        return job

now = datetime.now(UTC)
job = ledger.Job(id="job", tenant="default", status=ledger.Status.WAITING, created_at=now, updated_at=now)
job = ledger.started(job, parse_request({"prompt": "a lake"}), "16:9", now)
job = ledger.attempt_begun(job, now, vendor=VendorName.APIFRAME, quote=Decimal(1), path="", body="", idempotency_key="")
job = ledger.attempt_accepted(job, 1, "generation", now, None)
job = ledger.generation_read(job, replace(job.generation, verdict=ledger.Verdict.SUCCEEDED, video_url=sys.argv[1]), now)
jobs = OneJob(job)
composition.jobs = lambda: jobs
composition.finalize()
ready = peak()
started = time.perf_counter()
context = SimpleNamespace(
    function_name="finalize", memory_limit_in_mb=256, invoked_function_arn="arn", aws_request_id="request"
)
answer = app.handler({"job_id": "job", "run": 1}, context)
seconds = time.perf_counter() - started
video = jobs.job.video
print(json.dumps({
    "outcome": answer["outcome"], "notes": [note.text for note in jobs.job.notes], "seconds": seconds,
    "bytes": video.bytes if video else 0, "bare": bare, "ready": ready, "peak": peak(),
}))
"""


class Cdn(BaseHTTPRequestHandler):
    """Sends a real short film, followed by as much media that no track refers to as the URL's path says, in MB."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        megabytes = int(self.path.strip("/"))
        head = film() + struct.pack(">I4sQ", 1, b"mdat", 16 + megabytes * MEGABYTE)
        self.send_response(200)
        self.send_header("Content-Length", str(len(head) + megabytes * MEGABYTE))
        self.end_headers()
        self.wfile.write(head)
        for _ in range(megabytes):
            self.wfile.write(PADDING)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Says nothing."""


class Sink(BaseHTTPRequestHandler):
    """As much of S3 as a multipart upload needs. Nothing is kept but how long each object became."""

    protocol_version = "HTTP/1.1"
    lengths: dict[str, int]

    def do_HEAD(self) -> None:
        key = self.path.partition("?")[0]
        self._answer(200 if key in self.lengths else 404, length=self.lengths.get(key, 0))

    def do_POST(self) -> None:
        self._swallow()
        if self.path.endswith("uploads="):
            self._answer(200, b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>")
        else:
            self._answer(200, b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")

    def do_PUT(self) -> None:
        key = self.path.partition("?")[0]
        self.lengths[key] = self.lengths.get(key, 0) + self._swallow()
        self._answer(200)

    def _swallow(self) -> int:
        length = left = int(self.headers.get("Content-Length", 0))
        while left:
            left -= len(self.rfile.read(min(left, MEGABYTE)))
        return length

    def _answer(self, status: int, body: bytes = b"", length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


def serving(handler: type[BaseHTTPRequestHandler]) -> tuple[ThreadingHTTPServer, str]:
    """A server on a free port of this machine, and its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


def measure(megabytes: int) -> dict[str, object]:
    """Runs finalize once in a fresh process; what it told."""
    cdn, cdn_origin = serving(Cdn)
    sink, sink_origin = serving(type("FreshSink", (Sink,), {"lengths": {}}))
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "functions" / "finalize", ROOT / "layers" / "stillmotion"))),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": sink_origin,
        "POWERTOOLS_SERVICE_NAME": "stillmotion",
        "JOBS_TABLE": "jobs",
        "OUTPUT_BUCKET": "output",
        "VENDOR_SECRET_ID": "vendors",
        "LOCAL_ORIGINS": cdn_origin,
    }
    command = [sys.executable, "-c", MEASURED, f"{cdn_origin}/{megabytes}"]
    try:
        ran = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    finally:
        cdn.shutdown()
        sink.shutdown()
    told: dict[str, object] = json.loads(ran.stdout.splitlines()[-1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--limit", type=int, default=256, help="of the peak, in MB; beyond it the benchmark fails")
    given = parser.parse_args()
    console = Console()
    table = Table(
        "video", "outcome", "seconds", "MB/s", "bare Python MB", "ready MB", "peak MB", title="Finalize, one video"
    )
    highest = 0.0
    for megabytes in sorted({1, given.megabytes}):
        with console.status(f"Finalizing a video of {megabytes} MB"):
            told = measure(megabytes)
        seconds, size = float(str(told["seconds"])), int(str(told["bytes"])) / MEGABYTE
        highest = max(highest, float(str(told["peak"])))
        table.add_row(
            f"{size:.0f} MB",
            str(told["outcome"]),
            f"{seconds:.1f}",
            f"{size / seconds:.0f}",
            f"{told['bare']:.0f}",
            f"{told['ready']:.0f}",
            f"{told['peak']:.0f}",
        )
    console.print(table)
    if highest > given.limit:
        console.print(f"The peak is above {given.limit} MB.")
        sys.exit(1)


if __name__ == "__main__":
    main()
