"""A local stack for these tests, one for each process that runs them: the real template on a real local AWS, with the
offline vendors.

It has its own state and ports: a stack that a developer has running is left alone, and so are those of the other
processes, whose jobs would wait for its slots and be in doubt beside its own.
"""

import io
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import httpx
import pytest
from tests.stills import image

from stillmotion_local import running, stack, stack_file
from stillmotion_local.aws_clients import LocalAws
from stillmotion_local.deployment import STACK_NAME
from stillmotion_local.running import EMULATOR_PORT, VENDORS_PORT, Running
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from stillmotion_local.progress import Step

PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.3
PORTS_APART = 20
ENDED = {"completed", "failed", "cancelled", "needs_attention"}


@dataclass(frozen=True, slots=True)
class ProcessWorkspace(Workspace):
    """This checkout, with a state of its own for the process of this number."""

    number: int

    @property
    def local(self) -> Path:
        return self.cache / f"test-stack-{self.number}"


class Quiet:
    """A stack that comes up without a word."""

    def begin(self, step: "Step") -> None: ...

    def done(self, step: "Step", detail: str) -> None: ...

    def note(self, sentence: str) -> None: ...


@dataclass
class LocalStack:
    """What a user has in hand: the buckets, the API, the records; and the vendors' own ledger to judge by."""

    description: StackDescription
    http: httpx.Client
    workspace: Workspace

    @cached_property
    def aws(self) -> LocalAws:
        return LocalAws(self.description.aws_endpoint_url)

    def restart(self) -> None:
        """Stops everything and starts it again, as a user does; what it keeps is all that there is then."""
        stack.down(self.workspace)
        stack.up(self.workspace, Quiet())

    def drop(self, key: str, body: bytes | None = None, metadata: Mapping[str, str] | None = None) -> str:
        """Puts an object in the inbox; gives its version."""
        put = self.aws.s3.put_object(
            Bucket=self.description.input_bucket, Key=key, Body=image() if body is None else body,
            Metadata=dict(metadata or {}),
        )  # fmt: skip
        return put["VersionId"]

    def api(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.description.api_key}", **options.pop("headers", {})}
        return self.http.request(method, f"{self.description.api_url}{path}", headers=headers, **options)

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.api("GET", f"/v1/videos/{job_id}")
        assert answer.status_code == httpx.codes.OK, answer.text
        record: dict[str, Any] = answer.json()["job"]
        return record

    def jobs_of(self, key: str) -> list[dict[str, Any]]:
        """The jobs that were made of an upload, newest first."""
        listed = self.api("GET", "/v1/videos?limit=100").json()["data"]
        return [video["job"] for video in listed if (video["job"].get("still") or {}).get("key") == key]

    def wait_for(self, look: Callable[[], Any], what: str) -> Any:
        """What `look` gives once it gives something."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > until:
                pytest.fail(f"no {what} within {PATIENCE_SECONDS:.0f} s")
            time.sleep(LOOK_EVERY_SECONDS)

    def upload_ended(self, key: str) -> dict[str, Any]:
        """The job of an upload, once it has ended."""
        job: dict[str, Any] = self.wait_for(
            lambda: next((job for job in self.jobs_of(key) if job["status"] in ENDED), None), f"end of {key}"
        )
        return job

    def ended(self, job_id: str) -> dict[str, Any]:
        """A job, once it has ended."""

        def look() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in ENDED else None

        job: dict[str, Any] = self.wait_for(look, f"end of {job_id}")
        return job

    def posts(self, prompt: str) -> list[dict[str, Any]]:
        """The submissions that the vendors received with this prompt."""
        received = self.http.get(f"{self.description.vendors_url}/_offline/requests").json()["requests"]
        return [post for post in received if post.get("prompt") == prompt]

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Calls a function by its folder's name, as the state machine does."""
        resource = self.aws.cloudformation.describe_stack_resource(
            StackName=STACK_NAME, LogicalResourceId=f"{function.title()}Function"
        )
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        answer = self.aws.lambda_.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        body = answer["Payload"].read()
        assert not answer.get("FunctionError"), body
        return json.loads(body)

    def stored(self, record: Mapping[str, Any]) -> bytes:
        """The video's bytes in the output bucket."""
        video = record["video"]
        return self.aws.s3.get_object(Bucket=video["bucket"], Key=video["key"])["Body"].read()


@dataclass(frozen=True)
class Film:
    """A video as a player sees it."""

    codec: str
    width: int
    height: int
    seconds: float
    frames: int


def play(video: bytes) -> Film:
    """Decodes every frame."""
    with av.open(io.BytesIO(video), mode="r") as container:
        stream = container.streams.video[0]
        frames = len(list(container.decode(stream)))
        duration = float((container.duration or 0) / av.time_base)
        return Film(stream.codec_context.name, stream.width, stream.height, duration, frames)


@pytest.fixture(scope="session")
def local(worker_id: str) -> Iterator[LocalStack]:
    """The stack of this process."""
    number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw"))
    workspace = ProcessWorkspace(find_workspace().root, number)
    stack.down(workspace)
    shutil.rmtree(workspace.local, ignore_errors=True)
    workspace.make_folders()
    # Two that come up at once would find the same ports free.
    running.write(workspace, Running(EMULATOR_PORT + PORTS_APART * number, VENDORS_PORT + PORTS_APART * number))
    with pytest.MonkeyPatch.context() as environment:
        # A lost answer keeps its slot, and no test is to wait for that of another.
        for limit in ("WAVESPEED_CONCURRENCY", "APIFRAME_CONCURRENCY"):
            environment.setenv(limit, "50")
        stack.up(workspace, Quiet())
        try:
            with httpx.Client(trust_env=False, timeout=30) as http:
                yield LocalStack(stack_file.read(workspace), http, workspace)
        finally:
            stack.down(workspace)
