"""Apiframe's dialect over ports in memory, called with a tenant's key."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec.structs import replace
from tests.fakes import DAWN, InMemoryBooks, InMemoryKeyStore
from tests.stills import image
from tests.unit.dialects.calling import context
from tests.world import BUCKET, PRICES, World

from stillmotion.dialects.apiframe.account import ApiframeAccount
from stillmotion.dialects.apiframe.jobs import ApiframeJobs
from stillmotion.dialects.apiframe.orders import ApiframeOrders
from stillmotion.dialects.apiframe.problems import show_problem
from stillmotion.dialects.balance import Balance
from stillmotion.dialects.http import Endpoints
from stillmotion.domain.job.records import Attempt, Job, Outcome, Status, Video
from stillmotion.domain.request import VendorName
from stillmotion.ports.records import Budget
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint

ORDER = "POST /v2/videos/generate"
UPLOAD = "POST /v2/uploads"
JOB = "GET /v2/jobs/{id}"
JOBS = "GET /v2/jobs"
ME = "GET /v2/me"
MODELS = "GET /v2/models"
PICTURE = f"s3://{BUCKET}/uploads/default/x"
VIDEO = Video(
    bucket="output",
    key="videos/default/1.mp4",
    version_id="v7",
    bytes=1,
    sha256="0" * 64,
    width=1280,
    height=720,
    duration_milliseconds=5000,
    stored_at=DAWN,
)


def body(**fields: object) -> dict[str, object]:
    """The shortest body that is taken, and what is added to it."""
    return {"model": "luma-ray-flash-2", "prompt": "a lake", **fields}


def form(content: bytes, *, name: str = "file", boundary: str = "frontier") -> tuple[bytes, str]:
    """A form with one file, and its Content-Type."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass
class Api:
    """Both functions' endpoints; a picture is in the bucket. `budget` is the tenant's, in US dollars a day."""

    world: World = field(default_factory=World)
    budget: Decimal | None = None

    def __post_init__(self) -> None:
        self.world.objects.put(BUCKET, "uploads/default/x", image())
        self.keys = InMemoryKeyStore()
        self.key, self.other_key = self.minted("default"), self.minted("other")

    def minted(self, tenant: str, **fields: Any) -> str:
        key, record = mint(tenant, DAWN, **fields)
        self.keys.put(record)
        return key

    @property
    def endpoints(self) -> Endpoints:
        world = self.world
        balance = Balance(InMemoryBooks(world.jobs), Budget(tenant_dollars=self.budget), world.allowance)
        features = (
            ApiframeOrders(world.submit_call, world.jobs, world.objects, balance, PRICES),
            ApiframeJobs(world.jobs, world.objects, PRICES),
            ApiframeAccount(balance, PRICES),
        )
        routes = {route: answer for feature in features for route, answer in feature.routes().items()}
        return Endpoints(Authenticator(self.keys, world.clock), routes, show_problem)

    def answer(
        self,
        route: str,
        sent: object = None,
        *,
        id: str | None = None,  # noqa: A002 - the path's own name
        key: str | None = "mine",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers; what is sent is JSON, or the bytes themselves."""
        own = {} if key is None else {"x-api-key": self.key if key == "mine" else key}
        is_raw = isinstance(sent, bytes)
        raw = base64.b64encode(sent).decode() if isinstance(sent, bytes) else json.dumps(sent)
        answered: Any = self.endpoints(
            {
                "version": "2.0",
                "routeKey": route,
                "headers": {**own, **(headers or {})},
                "pathParameters": None if id is None else {"id": id},
                "queryStringParameters": dict(query or {}),
                "requestContext": context(route, self.world.clock.now()),
                "isBase64Encoded": is_raw,
                "body": None if sent is None else raw,
            }
        )
        return answered["statusCode"], json.loads(answered["body"]), answered["headers"]

    def __call__(self, route: str, sent: object = None, **options: Any) -> tuple[int, Any]:
        """Status and body."""
        status, answered, _ = self.answer(route, sent, **options)
        return status, answered

    def upload(self, content: bytes, **options: Any) -> tuple[int, Any]:
        sent, content_type = form(content)
        return self(UPLOAD, sent, headers={"content-type": content_type}, **options)

    def order(self, **fields: object) -> Job:
        """An order that is taken; its job."""
        status, answered = self(ORDER, body(**fields))
        assert status == 202, answered
        job = self.world.jobs.get(answered["jobId"])
        assert job is not None
        return job

    def details(self, sent: object) -> dict[str, list[str]]:
        """What an order is told that is refused; nothing was made of it."""
        status, answered = self(ORDER, sent)
        assert (status, answered["error"]) == (400, "Validation failed"), answered
        assert self.world.jobs.all() == []
        assert self.world.workflow.started == []
        told: dict[str, list[str]] = answered["details"]
        return told

    def read(self, job: Job) -> Any:
        status, answered = self(JOB, id=job.id)
        assert status == 200, answered
        return answered

    def turned(self, job: Job, **fields: Any) -> Job:
        """The job in another state."""
        return self.world.jobs.put(replace(job, **fields))

    def completed(self, job: Job) -> Job:
        return self.turned(job, status=Status.COMPLETED, video=VIDEO, ended_at=DAWN)


def attempted(job: Job, quote: str, **fields: Any) -> Job:
    """The job with an attempt."""
    given: dict[str, Any] = {"vendor": VendorName.WAVESPEED, "outcome": Outcome.ACCEPTED, **fields}
    attempt = Attempt(
        number=len(job.attempts) + 1,
        started_at=DAWN,
        sent_at=DAWN,
        path="/",
        body="{}",
        idempotency_key="k",
        quote=Decimal(quote),
        **given,
    )
    return replace(job, attempts=(*job.attempts, attempt))
