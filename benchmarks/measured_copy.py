"""Copies two videos by the finalize function, and prints what the second took; `video_copy.py` runs it.

python benchmarks/measured_copy.py URL_OF_A_SHORT_VIDEO URL_OF_A_LONG_VIDEO
"""

import importlib
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from msgspec.structs import replace


def peak() -> float:
    """The most memory that this process has had, in MB."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(status["VmHWM"].removesuffix("kB")) / 1024


BARE = peak()

from stillmotion import composition  # noqa: E402 - what Python itself needs is measured before
from stillmotion.domain.job import attempts, lifecycle  # noqa: E402
from stillmotion.domain.job.records import Job, Status, Verdict  # noqa: E402
from stillmotion.domain.request import Request, VendorName  # noqa: E402
from stillmotion.ports.records import Claim, Event  # noqa: E402


class OneJob:
    """The jobs table, with one record in memory."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def get(self, _job_id: str) -> Job:
        return self.job

    def save(self, job: Job, claims: Sequence[Claim] = (), event: Event | None = None) -> Job:  # noqa: ARG002
        self.job = job
        return job


def ready_to_copy(job_id: str, url: str) -> Job:
    """A job whose generation has succeeded, with its video at this URL."""
    now = datetime.now(UTC)
    job = Job(id=job_id, tenant="default", status=Status.WAITING, created_at=now, updated_at=now)
    job = lifecycle.started(job, Request(prompt="a lake"), "16:9", now)
    job = attempts.attempt_begun(
        job, now, vendor=VendorName.APIFRAME, quote=Decimal(1), path="", body="", idempotency_key=""
    )
    job = attempts.attempt_accepted(job, 1, "generation", now, None)
    assert job.generation is not None
    succeeded = replace(job.generation, verdict=Verdict.SUCCEEDED, video_url=url)
    return attempts.generation_read(job, succeeded, now)


def main() -> None:
    handler = importlib.import_module("app").handler
    context = SimpleNamespace(
        function_name="finalize", memory_limit_in_mb=256, invoked_function_arn="arn", aws_request_id="request"
    )
    short, long = sys.argv[1:]
    jobs = OneJob(ready_to_copy("warm", short))
    vars(composition)["jobs"] = lambda: jobs
    handler({"job_id": "warm", "run": 1}, context)
    ready = peak()
    jobs.job = ready_to_copy("job", long)
    started = time.perf_counter()
    answer = handler({"job_id": "job", "run": 1}, context)
    seconds = time.perf_counter() - started
    measured = {"outcome": answer["outcome"], "seconds": seconds, "bare": BARE, "ready": ready, "peak": peak()}
    sys.stdout.write(json.dumps(measured))


if __name__ == "__main__":
    main()
