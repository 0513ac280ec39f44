"""The ports of outbound webhooks, in memory, and a receiver that answers as it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace
from tests.world import World

from stillmotion.dialects.callbacks import Composer
from stillmotion.domain.deliveries import Delivery, Subscription
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import Callback, Request
from stillmotion.ports import Conflict, UnknownPage
from stillmotion.ports.egress import Undelivered, WebhookMessage
from stillmotion.ports.records import Event
from stillmotion.ports.webhooks import DeliveryPage
from stillmotion.services.webhooks.deliver import Deliver, Tried
from stillmotion.services.webhooks.outbound import Outbound
from stillmotion.services.webhooks.signing_secrets import SigningSecrets

ROOT = "a root of thirty-two characters."
URL = "https://hooks.example/1"
KEY_HASH = "ab" * 32


class InMemoryDeliveries:
    """The deliveries. `before_save` is the place for another writer to come between."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.before_save: list[Delivery] = []

    def get(self, delivery_id: str) -> Delivery | None:
        found = self.stored.get(delivery_id)
        return None if found is None else msgspec.json.decode(found, type=Delivery)

    def create(self, delivery: Delivery) -> None:
        self.stored.setdefault(delivery.id, msgspec.json.encode(replace(delivery, version=1)))

    def save(self, delivery: Delivery) -> Delivery:
        if self.before_save:
            other = self.before_save.pop()
            self.stored[other.id] = msgspec.json.encode(replace(other, version=other.version + 1))
        found = self.get(delivery.id)
        if found is None or found.version != delivery.version:
            raise Conflict(delivery.id)
        saved = replace(delivery, version=delivery.version + 1)
        self.stored[delivery.id] = msgspec.json.encode(saved)
        return saved

    def of_tenant(self, tenant: str, limit: int, after: str | None = None) -> DeliveryPage:
        every = [msgspec.json.decode(stored, type=Delivery) for stored in self.stored.values()]
        mine = sorted((each for each in every if each.tenant == tenant), key=lambda each: each.created_at, reverse=True)
        ids = [each.id for each in mine]
        if after is not None and after not in ids:
            raise UnknownPage(after)
        start = 0 if after is None else ids.index(after) + 1
        shown = mine[start : start + limit]
        return DeliveryPage(tuple(shown), shown[-1].id if start + limit < len(mine) and shown else None)

    def only(self) -> Delivery:
        """The one delivery there is, for assertions."""
        (stored,) = self.stored.values()
        return msgspec.json.decode(stored, type=Delivery)


class InMemorySubscriptions:
    """Where tenants are told."""

    def __init__(self) -> None:
        self.stored: dict[str, Subscription] = {}

    def find(self, tenant: str) -> Subscription | None:
        return self.stored.get(tenant)

    def put(self, subscription: Subscription) -> None:
        self.stored[subscription.tenant] = subscription


class RecordingDeliveryQueue:
    """What was queued, in order, by repetition too."""

    def __init__(self) -> None:
        self.sent: list[Delivery] = []

    def send(self, delivery: Delivery) -> None:
        self.sent.append(delivery)


class ScriptedPoster:
    """A receiver: each answer once, the last of them for good."""

    def __init__(self, *answers: int | Undelivered) -> None:
        self.answers = list(answers)
        self.posts: list[tuple[str, WebhookMessage]] = []

    def post(self, url: str, message: WebhookMessage) -> int:
        self.posts.append((url, message))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Undelivered):
            raise answer
        return answer


def body_of_test(job: Job, event: str) -> Mapping[str, object]:
    return {"id": job.id, "status": job.status, "event": event}


@dataclass
class Telling:
    """The services that tell of a job, over ports in memory."""

    world: World = field(default_factory=World)
    deliveries: InMemoryDeliveries = field(default_factory=InMemoryDeliveries)
    subscriptions: InMemorySubscriptions = field(default_factory=InMemorySubscriptions)
    queue: RecordingDeliveryQueue = field(default_factory=RecordingDeliveryQueue)
    poster: ScriptedPoster = field(default_factory=lambda: ScriptedPoster(204))
    roots: tuple[str, ...] = (ROOT,)

    @property
    def outbound(self) -> Outbound:
        return Outbound(
            jobs=self.world.jobs,
            deliveries=self.deliveries,
            subscriptions=self.subscriptions,
            queue=self.queue,
            clock=self.world.clock,
        )

    @property
    def composer(self) -> Composer:
        bodies = {"apiframe": lambda: body_of_test, "wavespeed": lambda: body_of_test}
        return Composer(SigningSecrets(lambda: self.roots), bodies, "default")  # type: ignore[arg-type] # keys are a closed type

    @property
    def deliver(self) -> Deliver:
        return Deliver(
            jobs=self.world.jobs,
            deliveries=self.deliveries,
            compose=self.composer,
            poster=self.poster,
            clock=self.world.clock,
        )

    def job(self, callback: Callback | None = None, **fields: object) -> Job:
        """A stored job that was ordered with a key."""
        job = self.world.dispatching()
        assert isinstance(job.request, Request)
        request = replace(job.request, callback=callback)
        return self.world.jobs.put(replace(job, request=request, **{"ordered_with": KEY_HASH, **fields}))

    def event(self, job: Job, detail_type: str = "Video Completed", identity: str = "e-1") -> Event:
        detail = {"job_id": job.id, "tenant": job.tenant, "status": job.status.value, "vendor": None}
        return Event(
            id=identity, job_id=job.id, detail_type=detail_type, detail=detail, created_at=self.world.clock.now()
        )

    def queued(self, callback: Callback | None = None, **fields: object) -> Delivery:
        """A delivery that is in the queue, of a job that completed."""
        job = self.job(callback or Callback(url=URL), **{"status": "completed", **fields})
        delivery = self.outbound.tell(self.event(job))
        assert delivery is not None
        return self.deliveries.only()

    def try_out(self) -> Tried:
        """One try of the only delivery."""
        return self.deliver(self.deliveries.only().id)
