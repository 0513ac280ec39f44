"""A stack with something of everything in it: jobs in every state, keys, deliveries, dead letters, pictures."""

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace
from tests import ledgers
from tests.contract.openapi.gateway import Handler
from tests.fakes import FakeClock, ScriptedPictures
from tests.stills import image
from tests.unit.dialects.stack import Stack, routes
from tests.unit.services.test_dead_letters import MemoryQueue
from tests.world import BUCKET, World

from stillmotion.dialects.native.paths import JOB_ID, KEY_ID
from stillmotion.dialects.native.vendor_webhooks import VendorWebhooks
from stillmotion.dialects.openapi.serving import Contract
from stillmotion.domain.dead_letters import QueueName
from stillmotion.domain.deliveries import Delivery, DeliveryState
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import VendorName
from stillmotion.services.keys.minting import mint

BASE_URL = "https://api.example"
IMAGE_URL = "https://images.example/lake.jpg"
UPLOADED = f"s3://{BUCKET}/uploads/default/lake"
ADDRESSES = [
    IMAGE_URL,
    UPLOADED,
    f"data:image/jpeg;base64,{base64.b64encode(image(width=16, height=9)).decode()}",
    "https://shop.example/hooks?a=b",
    "http://127.0.0.1:8080/hook",
    "https://images.example/absent.jpg",
    f"s3://{BUCKET}/uploads/other/lake",
]
STATES: Mapping[str, Callable[[], Job]] = {
    name: make
    for name, make in vars(ledgers).items()
    if getattr(make, "__module__", "") == ledgers.__name__
    and make.__annotations__.get("return") is Job
    and name != "read"
}
"""How `ledgers` makes a job in each state."""


def job_id(name: str) -> str:
    """The id of the job in a state of `ledgers`, or of one that is somebody else's, or nobody's."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


JOB_IDS = [JOB_ID, *map(job_id, [*STATES, "deleted", "others", "absent"])]
ADMIN_KEY, ADMIN = mint("default", ledgers.NOW, name="admin")
SHOP = replace(mint("default", ledgers.NOW, name="shop")[1], hash=KEY_ID.ljust(64, "0"))
_, ENDED = mint("default", ledgers.NOW, name="ended", revoked=True, revoked_at=ledgers.NOW)
KEY_IDS = [SHOP.id, ENDED.id, "f" * 12]
DELIVERIES = {f"e-{number}": state for number, state in enumerate(sorted(DeliveryState), 1)}
VENDOR_KEYS: Mapping[VendorName, tuple[str | None, ...]] = {
    VendorName.APIFRAME: ("afk_contract",),
    VendorName.WAVESPEED: ("whsec_contract",),
}


def _world() -> World:
    world = World(clock=FakeClock(ledgers.LATER), pictures=ScriptedPictures({IMAGE_URL: image()}))
    world.objects.put(BUCKET, UPLOADED.removeprefix(f"s3://{BUCKET}/"), image())
    world.objects.put(ledgers.VIDEO.bucket, ledgers.VIDEO.key, b"video")
    jobs = {name: make() for name, make in STATES.items()}
    jobs |= {"deleted": replace(ledgers.done(), deleted_at=ledgers.LATER)}
    jobs |= {"others": replace(ledgers.done(), tenant="other")}
    for name, job in jobs.items():
        world.jobs.put(replace(job, id=job_id(name), ordered_with=SHOP.hash))
    world.jobs.put(replace(ledgers.dispatching(), id=JOB_ID))
    return world


@dataclass
class Stage(Stack):
    """What one call finds."""

    world: World = field(default_factory=_world)

    def __post_init__(self) -> None:
        for key in (ADMIN, SHOP, ENDED):
            self.keys.put(key)
        for delivery_id, state in DELIVERIES.items():
            self.telling.deliveries.create(
                Delivery(
                    id=delivery_id,
                    job_id=job_id("done"),
                    tenant="default",
                    detail_type="Video Completed",
                    detail={"status": "completed"},
                    created_at=ledgers.NOW,
                    url="https://shop.example/hooks",
                    state=state,
                    next_try_at=ledgers.LATER if state is DeliveryState.PENDING else None,
                )
            )
        self.dead_letters.dead[QueueName.INBOX] = MemoryQueue("{}")

    def turned(self, state: str) -> None:
        """The job that the examples name, in a state of `ledgers`."""
        self.world.jobs.put(replace(STATES[state](), id=JOB_ID))


def handlers(stage: Stage) -> Mapping[str, Handler]:
    """What answers each route, over the ports of a stage that the composition root has."""
    webhooks = VendorWebhooks(nudge=stage.world.nudge, keys=lambda: VENDOR_KEYS, clock=stage.world.clock)
    return {
        **routes(),
        **dict.fromkeys(Contract.routes, Contract(BASE_URL)),
        "POST /v1/webhooks/{vendor}/{job_id}/{attempt}/{token}": webhooks,
    }
