"""Many images dropped at once, against a vendor that allows three at a time: what the governor makes of it.

    stillmotion local up --detach
    .venv/bin/python -m benchmarks.rush [--images 1000]

Tells the vendor's own counts (the most at once, refusals for going over a limit, POSTs answered 429), how many jobs
were completed, and how far from first come first served they were sent. Ends with 1 when any of it is not as promised.
"""

import argparse
import io
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from rich.console import Console
from rich.table import Table

from stillmotion_local import stack_file
from stillmotion_local.aws_clients import LocalAws
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
LOOK_SECONDS = 5.0
ANSWER_SECONDS = 60.0
ENDED = frozenset({"completed", "failed", "cancelled", "needs_attention"})
# Lambda starts what is in flight at once in any order that it likes.
IN_FLIGHT = 10


@dataclass(frozen=True)
class Ordered:
    """One job of the rush."""

    prompt: str
    status: str
    created_at: str


def main() -> int:
    """Drops the images, waits for the jobs, and prints what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=3, help="what the stack was told to allow at WaveSpeed")
    parser.add_argument("--minutes", type=float, default=60, help="give up after so long")
    given = parser.parse_args()
    console = Console()
    stack = stack_file.read(Workspace(ROOT))
    aws = LocalAws(stack.aws_endpoint_url)
    rush = f"rush {int(time.time())}"
    console.print(f"{given.images} images dropped in {drop(aws, stack, rush, given.images):.1f} s")
    jobs = wait(console, aws, stack, rush, given.images, seconds=given.minutes * 60)
    return report(console, stack, jobs, given.images, given.concurrency)


def drop(aws: LocalAws, stack: StackDescription, rush: str, images: int) -> float:
    """Puts the images into the inbox, as fast as they go; the seconds that it took."""

    def put(number: int) -> None:
        body = io.BytesIO()
        # Small: what is measured is the line, not the vendor's rendering.
        Image.new("RGB", (640, 360), (number % 256, number // 256 % 256, 90)).save(body, "JPEG")
        aws.s3.put_object(
            Bucket=stack.input_bucket,
            Key=f"inbox/{rush}/{number:05}.jpg",
            Body=body.getvalue(),
            Metadata={"prompt": f"{rush} image {number}", "vendor": "wavespeed"},
        )

    began = time.monotonic()
    put(0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1, images)))
    return time.monotonic() - began


def wait(
    console: Console, aws: LocalAws, stack: StackDescription, rush: str, images: int, *, seconds: float
) -> Sequence[Ordered]:
    """The jobs once all have ended, or the time is over."""
    began = time.monotonic()
    while True:
        jobs = [job for job in every_job(aws, stack) if job.prompt.startswith(rush)]
        counts = Counter(job.status for job in jobs)
        elapsed = time.monotonic() - began
        told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        console.print(f"{elapsed:6.0f} s  {len(jobs)} jobs: {told}", highlight=False)
        if sum(counts[status] for status in ENDED) >= images or elapsed > seconds:
            return jobs
        time.sleep(LOOK_SECONDS)


def every_job(aws: LocalAws, stack: StackDescription) -> Iterator[Ordered]:
    """The jobs in the table."""
    pages = aws.dynamodb.get_paginator("scan").paginate(
        TableName=stack.jobs_table,
        FilterExpression="kind = :job AND attribute_exists(#request)",
        ExpressionAttributeValues={":job": {"S": "job"}},
        ExpressionAttributeNames={"#status": "status", "#request": "request"},
        ProjectionExpression="#status, #request.prompt, created_at",
    )
    for page in pages:
        for item in page["Items"]:
            yield Ordered(item["request"]["M"]["prompt"]["S"], item["status"]["S"], item["created_at"]["S"])


def report(console: Console, stack: StackDescription, jobs: Sequence[Ordered], images: int, concurrency: int) -> int:
    """Prints the table; 0 when everything is as promised."""
    account = asked(stack, "ledger")["vendors"]["wavespeed"]
    prompts = {job.prompt for job in jobs}
    posts = [post for post in asked(stack, "requests")["requests"] if post["prompt"] in prompts]
    throttled = sum(post["status"] == httpx.codes.TOO_MANY_REQUESTS for post in posts)
    over = sum(account["limit_violations"].values())
    places = {job.prompt: place for place, job in enumerate(sorted(jobs, key=lambda job: job.created_at))}
    sent = list(dict.fromkeys(post["prompt"] for post in sorted(posts, key=lambda post: post["at"])))
    moved = [abs(place - places[prompt]) for place, prompt in enumerate(sent) if prompt in places]
    completed = sum(job.status == "completed" for job in jobs)
    table = Table("", "counted", "promised", box=None)
    table.add_row("jobs", str(len(jobs)), str(images))
    table.add_row("completed", str(completed), str(images))
    table.add_row("POSTs to the vendor", str(len(posts)), str(images))
    table.add_row("most at once at the vendor", str(account["peak_concurrency"]), f"at most {concurrency}")
    table.add_row("over the vendor's limits", str(over), "0")
    table.add_row("POSTs answered 429", str(throttled), "0")
    table.add_row("furthest out of its place", str(max(moved, default=0)), f"at most {IN_FLIGHT}")
    table.add_row("sent in their place", str(moved.count(0)), "")
    console.print(table)
    promised = len(jobs) == completed == len(posts) == images and not throttled and not over
    return 0 if promised and account["peak_concurrency"] <= concurrency and max(moved, default=0) <= IN_FLIGHT else 1


def asked(stack: StackDescription, what: str) -> Any:  # noqa: ANN401 - JSON
    """What the offline vendors tell of themselves."""
    url = f"{stack.vendors_url}/_offline/{what}"
    return httpx.get(url, timeout=ANSWER_SECONDS, trust_env=False).raise_for_status().json()


if __name__ == "__main__":
    sys.exit(main())
