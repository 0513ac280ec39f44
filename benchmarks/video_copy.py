"""How fast finalize copies a large video, and in how much memory, beside `curl` piped into boto3's `upload_fileobj`.

The real handler runs in a process of its own, with the imports that it has on Lambda and the real S3 adapter. It
fetches over HTTP from a server that makes a valid MP4 up as it sends it, and uploads over HTTP to a stand-in for S3
that counts the parts and throws them away; both are in this process, so that only the copy is measured. The other
copies the same bytes between the same servers, unverified; the two take turns, and medians are compared. Both are warm,
as `cold_start.py` measures what waking costs: finalize has copied a short video before, boto3 has put an object. The
record alone is kept in the measured process. The peak is the kernel's count of resident memory since the process's exec
(VmHWM, so on Linux only), interpreter included; ru_maxrss would show this process's own memory, inherited at the fork.

Neither signs the SHA-256 of a part, as boto3 does not over https; the stand-in speaks http, so both are told so.

    python -m benchmarks.video_copy [--megabytes 512] [--runs 5] [--limit 160]
"""

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.movies import film

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024
PADDING = bytes(MEGABYTE)

MEASURED = Path(__file__).parent / "measured_copy.py"
PIPED = """
import sys, time, boto3
from botocore.config import Config
client = boto3.client("s3", config=Config(s3={"payload_signing_enabled": False}))
client.put_object(Bucket="output", Key="warm")
started = time.perf_counter()
client.upload_fileobj(sys.stdin.buffer, "output", "piped.mp4")
print(time.perf_counter() - started)
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
        if self.path.endswith("uploads"):
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


def environment(**variables: str) -> dict[str, str]:
    """What both copies have: credentials that are not real, and the PATH."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        **variables,
    }


def finalized(cdn: str, sink: str, megabytes: int) -> dict[str, Any]:
    """Runs finalize once in a fresh process; what it measured."""
    variables = environment(
        PYTHONPATH=os.pathsep.join(map(str, (ROOT / "functions" / "finalize", ROOT / "layers" / "stillmotion"))),
        AWS_ENDPOINT_URL=sink,
        POWERTOOLS_SERVICE_NAME="stillmotion",
        JOBS_TABLE="jobs",
        OUTPUT_BUCKET="output",
        VENDOR_SECRET_ID="vendors",  # noqa: S106 - a name
        LOCAL_ORIGINS=cdn,
    )
    command = [sys.executable, str(MEASURED), f"{cdn}/0", f"{cdn}/{megabytes}"]
    ran = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return measured


def piped(cdn: str, sink: str, megabytes: int) -> float:
    """How many seconds `curl` piped into `upload_fileobj` takes."""
    command = ["curl", "--silent", "--fail", f"{cdn}/{megabytes}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as curl:  # noqa: S603
        into = [sys.executable, "-c", PIPED]
        variables = environment(AWS_ENDPOINT_URL=sink)
        ran = subprocess.run(into, env=variables, stdin=curl.stdout, check=True, capture_output=True)  # noqa: S603
    return float(ran.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=int, default=160, help="of the peak, in MB; beyond it the benchmark fails")
    given = parser.parse_args()
    console = Console()
    cdn, cdn_origin = serving(Cdn)
    finalize_seconds, piped_seconds, peaks = [], [], []
    measured: dict[str, Any] = {}
    for _ in track(range(given.runs), f"Copying a video of {given.megabytes} MB", console=console):
        for takes_turn in ("finalize", "piped"):
            sink, sink_origin = serving(type("FreshSink", (Sink,), {"lengths": {}}))
            if takes_turn == "finalize":
                measured = finalized(cdn_origin, sink_origin, given.megabytes)
                finalize_seconds.append(float(measured["seconds"]))
                peaks.append(float(measured["peak"]))
            else:
                piped_seconds.append(piped(cdn_origin, sink_origin, given.megabytes))
            sink.shutdown()
    cdn.shutdown()
    table = Table(
        "copy", "median s", "MB/s", "peak MB", title=f"One video of {given.megabytes} MB, {given.runs} runs each"
    )
    finalize, other = statistics.median(finalize_seconds), statistics.median(piped_seconds)
    table.add_row("finalize", f"{finalize:.2f}", f"{given.megabytes / finalize:.0f}", f"{max(peaks):.0f}")
    table.add_row("curl | upload_fileobj", f"{other:.2f}", f"{given.megabytes / other:.0f}", "")
    console.print(table)
    console.print(
        f"Finalize ({measured['outcome']}) is {other / finalize:.2f} times as fast. Its process has "
        f"{measured['bare']:.0f} MB when Python runs and {measured['ready']:.0f} MB when it has copied a short video."
    )
    if max(peaks) > given.limit:
        console.print(f"The peak is above {given.limit} MB.")
        sys.exit(1)


if __name__ == "__main__":
    main()
