"""An event becomes a delivery: to where its job's request says, or else to where its tenant is told.

A delivery is written down before it is queued; doing both again does no harm. The queue keeps the order of each job's.
"""

from collections.abc import Sequence

import msgspec

from stillmotion.domain.deliveries import Delivery, Subscription, replayed, wants
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import Callback
from stillmotion.ports import Clock
from stillmotion.ports.records import Event, JobStore
from stillmotion.ports.webhooks import DeliveryPage, DeliveryQueue, DeliveryStore, EventBus, Subscriptions


class DeliveryUnknown(Exception):
    """There is no such delivery, or it is another tenant's."""


class Outbound:
    """What is told to receivers of webhooks: queued, listed and replayed."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        deliveries: DeliveryStore,
        subscriptions: Subscriptions,
        queue: DeliveryQueue,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._deliveries = deliveries
        self._subscriptions = subscriptions
        self._queue = queue
        self._clock = clock

    def tell(self, event: Event) -> Delivery | None:
        """Queues the delivery of an event; None where nobody wants it."""
        job = self._jobs.get(event.job_id)
        if job is None:
            return None
        own = job.request.callback if job.request is not None else None
        callback = own or self._standing(job)
        if callback is None or not wants(callback, event.detail_type):
            return None
        delivery = Delivery(
            id=event.id,
            job_id=job.id,
            tenant=job.tenant,
            detail_type=event.detail_type,
            detail=event.detail,
            created_at=event.created_at,
            url=callback.url,
            dialect=callback.dialect,
            standing=own is None,
        )
        self._deliveries.create(delivery)
        self._queue.send(delivery)
        return delivery

    def listed(self, tenant: str, limit: int, after: str | None = None) -> DeliveryPage:
        """Raises UnknownPage."""
        return self._deliveries.of_tenant(tenant, limit, after)

    def replay(self, tenant: str, delivery_id: str) -> Delivery:
        """Queues a delivery as on its first day. Raises DeliveryUnknown, StillPending, Conflict."""
        found = self._deliveries.get(delivery_id)
        if found is None or found.tenant != tenant:
            raise DeliveryUnknown(delivery_id)
        again = replayed(found, self._clock.now())
        if again.standing:
            # It may be replayed because the address was wrong.
            subscription = self._subscriptions.find(tenant)
            again = msgspec.structs.replace(again, url=(subscription and subscription.url) or again.url)
        saved = self._deliveries.save(again)
        self._queue.send(saved)
        return saved

    def subscription(self, tenant: str) -> Subscription | None:
        """Where the tenant is told; None where nobody ever said."""
        return self._subscriptions.find(tenant)

    def subscribe(self, tenant: str, url: str | None) -> Subscription:
        """From here on the tenant is told there; None for nowhere. What is queued goes to where it was queued for."""
        subscription = Subscription(tenant=tenant, url=url, changed_at=self._clock.now())
        self._subscriptions.put(subscription)
        return subscription

    def _standing(self, job: Job) -> Callback | None:
        subscription = self._subscriptions.find(job.tenant)
        return Callback(url=subscription.url) if subscription is not None and subscription.url else None


class Announcing:
    """An event bus that receivers of webhooks hang on, too: as a `ports.webhooks.EventBus`."""

    def __init__(self, bus: EventBus, outbound: Outbound) -> None:
        self._bus = bus
        self._outbound = outbound

    def send(self, events: Sequence[Event]) -> None:
        """At least once each, in this order."""
        self._bus.send(events)
        for event in events:
            self._outbound.tell(event)
