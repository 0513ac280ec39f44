"""A job whose generation has succeeded, and the vendor's CDN that has its video."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests.fakes import (
    FakeClock,
    FaultPlan,
    InMemoryJobStore,
    InMemoryObjectStore,
    ScriptedDownloader,
    Served,
)
from tests.movies import film

from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, generation_read
from stillmotion.domain.job.lifecycle import started
from stillmotion.domain.job.records import Generation, Job, Status, Still, Verdict
from stillmotion.domain.request import VendorName
from stillmotion.edge.request import parse_request
from stillmotion.services.delivery.finalize import FetchPolicy, Finalize, FinalizeResult

BUCKET = "output"
URL = "https://cdn.example/v.mp4?signature=secret"
KEY = "videos/default/job-1/generation-1.mp4"
RECORD_KEY = "videos/default/job-1/generation-1.json"


class Interruption(FaultPlan):
    """Lets somebody else run to the end before call number `at`; `after` lets the call take effect first."""

    def __init__(self, at: int, *, after: bool) -> None:
        super().__init__()
        self.at = at
        self.late = after
        self.finalize: Finalize | None = None

    @contextmanager
    def call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        other = self.finalize if len(self.calls) == self.at else None
        if other is not None and not self.late:
            other("job-1")
        yield
        if other is not None and self.late:
            other("job-1")


@dataclass
class Scene:
    """Everything that finalize works with. `faults` is shared by all of it."""

    faults: FaultPlan = field(default_factory=FaultPlan)
    clock: FakeClock = field(default_factory=FakeClock)
    served: list[Served] = field(default_factory=lambda: [Served(film())])
    policy: FetchPolicy = field(default_factory=FetchPolicy)

    def __post_init__(self) -> None:
        self.jobs = InMemoryJobStore(faults=self.faults)
        self.objects = InMemoryObjectStore(faults=self.faults, chunk_size=1000)
        self.downloads = ScriptedDownloader({URL: self.served}, faults=self.faults, chunk_size=1000)
        self.jobs.put(succeeded(self.clock))

    @property
    def finalize(self) -> Finalize:
        return Finalize(
            jobs=self.jobs,
            downloads=self.downloads,
            objects=self.objects,
            clock=self.clock,
            output_bucket=BUCKET,
            policy=self.policy,
        )

    def run(self) -> FinalizeResult:
        self.clock.advance(1)
        return self.finalize("job-1")

    @property
    def job(self) -> Job:
        return self.jobs.only()

    @property
    def generation(self) -> Generation:
        assert self.job.generation is not None
        return self.job.generation

    def put(self, job: Job) -> None:
        self.jobs.put(job)


def succeeded(clock: FakeClock, generation_id: str = "generation-1") -> Job:
    """A job made by WaveSpeed at the first attempt, and not fetched yet."""
    image = "https://pictures.example/lake.jpg?signature=secret"
    request = parse_request({"prompt": "a lake", "image": image, "metadata": {"album": "summer"}})
    now = clock.now()
    empty = Job(id="job-1", tenant="default", status=Status.WAITING, created_at=now, updated_at=now)
    job = replace(started(empty, request, "16:9", now), still=Still(address=image, checksum="SHA256:AbC=", bytes=123))
    job = attempt_begun(
        job,
        now,
        vendor=VendorName.WAVESPEED,
        quote=Decimal("0.20"),
        path="/api/v3/luma/ray-2-flash-i2v",
        body='{"image": "https://input.s3.test/lake.jpg?X-Amz-Signature=secret"}',
        idempotency_key="key-of-the-attempt",
    )
    job = attempt_accepted(job, 1, generation_id, now, "created")
    assert job.generation is not None
    done = replace(
        job.generation,
        verdict=Verdict.SUCCEEDED,
        vendor_status="completed",
        video_url=URL,
        charged=Decimal("0.20"),
        ended_at=now,
    )
    return generation_read(job, done, now)


@pytest.fixture
def scene() -> Scene:
    return Scene()
