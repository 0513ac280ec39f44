"""Messages: the event bus, outbound webhooks and their queue, and the queues of dead letters."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from stillmotion.domain.dead_letters import Message
from stillmotion.domain.deliveries import Delivery, Subscription
from stillmotion.ports.records import Event


class EventBus(Protocol):
    """EventBridge."""

    def send(self, events: Sequence[Event]) -> None: ...


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, newest first, and what the next page comes `after`; None when this is the last."""

    deliveries: tuple[Delivery, ...]
    next: str | None


class DeliveryStore(Protocol):
    """The deliveries of the last 30 days."""

    def get(self, delivery_id: str) -> Delivery | None:
        """Strongly consistent; of what has not the form of an id, there is none."""

    def create(self, delivery: Delivery) -> None:
        """Stores a new one; one that is there already stays as it is."""

    def save(self, delivery: Delivery) -> Delivery:
        """Stores the next version of one that was read. Raises Conflict."""

    def of_tenant(self, tenant: str, limit: int, after: str | None = None) -> DeliveryPage:
        """A tenant's, from behind the id `after`; one that has just been made may be missing. Raises UnknownPage."""


class Subscriptions(Protocol):
    """Where each tenant is told."""

    def find(self, tenant: str) -> Subscription | None:
        """Strongly consistent."""

    def put(self, subscription: Subscription) -> None:
        """Writes it over an earlier one."""


class DeliveryQueue(Protocol):
    """Deliveries to be made; of one job, one after the other."""

    def send(self, delivery: Delivery) -> None:
        """Puts it behind the others of its job. Twice within five minutes is once, unless it is replayed."""


class Queue(Protocol):
    """A message queue."""

    def receive(self, limit: int) -> Sequence[Message]:
        """At most `limit` messages, which nobody else is shown for half a minute or until they are given back."""

    def give_back(self, messages: Sequence[Message]) -> None:
        """Lets others see them at once."""

    def delete(self, message: Message) -> None: ...

    def send(self, body: str) -> None: ...


class Outbox(Protocol):
    """The events that were written down to be announced."""

    def written_between(
        self, since: datetime, until: datetime, after: str | None
    ) -> Iterator[tuple[Sequence[Event], str | None]]:
        """Pages of events, in no order, each with where to go on `after` it; None with the last. Raises UnknownPage."""
