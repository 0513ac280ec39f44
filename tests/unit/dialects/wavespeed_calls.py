"""WaveSpeed's dialect over ports in memory, called with a tenant's key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace
from tests.deliveries import ROOT
from tests.fakes import DAWN, InMemoryBooks, InMemoryKeyStore
from tests.stills import image
from tests.unit.dialects.calling import call
from tests.world import BUCKET, PRICES, World

from stillmotion.dialects.balance import Balance
from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.wavespeed.account import WavespeedAccount, WavespeedWebhooks
from stillmotion.dialects.wavespeed.orders import WavespeedOrders
from stillmotion.dialects.wavespeed.predictions import WavespeedPredictions
from stillmotion.dialects.wavespeed.problems import show_problem
from stillmotion.dialects.wavespeed.uploads import WavespeedUploads
from stillmotion.domain.job.records import Job, Status, Video
from stillmotion.ports.records import Budget
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint
from stillmotion.services.webhooks.signing_secrets import SigningSecrets

BASE_URL = "https://api.example"
ORDER = "POST /api/v3/luma/ray-2-flash-i2v"
RESULT = "GET /api/v3/predictions/{id}/result"
HISTORY = "POST /api/v3/predictions"
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


def finished(api: "Api", job: Job, **fields: object) -> Job:
    return api.world.jobs.put(replace(job, status=Status.COMPLETED, video=VIDEO, ended_at=DAWN, **fields))


@dataclass
class Api:
    """Every function's endpoints; a picture is in the bucket."""

    world: World = field(default_factory=World)
    budget: Budget = field(default_factory=Budget)

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
        balance = Balance(InMemoryBooks(world.jobs), self.budget, world.allowance)
        features = (
            WavespeedOrders(world.submit_call, PRICES, BASE_URL),
            WavespeedUploads(world.submit_call, world.objects),
            WavespeedPredictions(world.jobs, world.objects, BASE_URL),
            WavespeedAccount(balance),
            WavespeedWebhooks(lambda: SigningSecrets(lambda: [ROOT])),
        )
        routes = {route: answer for feature in features for route, answer in feature.routes().items()}
        return Endpoints(Authenticator(self.keys, world.clock), routes, show_problem)

    def __call__(
        self,
        route: str,
        body: object = None,
        *,
        id: str | None = None,  # noqa: A002 - the path's own name
        key: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and body."""
        path = {"id": id} if id is not None else None
        status, answer, _ = call(
            self.endpoints, route, key or self.key, body=body, path=path, query=query, headers=headers
        )
        return status, answer

    def order(self, **fields: object) -> Job:
        """An order that is taken; its job."""
        status, answer = self(ORDER, {"image": PICTURE, "prompt": "a lake", **fields})
        assert status == 200, answer
        job = self.world.jobs.get(answer["data"]["id"])
        assert job is not None
        return job

    def result(self, job: Job) -> Any:
        """The `data` of a read."""
        status, answer = self(RESULT, id=job.id)
        assert (status, answer["code"], answer["message"]) == (200, 200, "success")
        return answer["data"]
