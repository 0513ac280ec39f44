"""One try to deliver an event. Whoever dies between the POST and the record is followed by another try: a receiver may
get the same event twice, with the same id."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from stillmotion.domain.deliveries import RETENTION, Delivery, DeliveryState, answered, ended, unanswered
from stillmotion.domain.job.records import Job, seconds_between
from stillmotion.keyspace import unwanted_key
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.egress import Poster, Undelivered, WebhookMessage
from stillmotion.ports.records import JobStore, Pointer
from stillmotion.ports.webhooks import DeliveryStore

Compose = Callable[[Delivery, Job | None, datetime], WebhookMessage | None]
"""What to POST in the delivery's dialect; None where the event can no longer be told."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `wait_seconds` until the next try, 0 for none. `delivery` None: there is no such thing."""

    delivery: Delivery | None = None
    wait_seconds: int = 0


class Deliver:
    """Makes deliveries."""

    def __init__(
        self, *, jobs: JobStore, deliveries: DeliveryStore, compose: Compose, poster: Poster, clock: Clock
    ) -> None:
        self._jobs = jobs
        self._deliveries = deliveries
        self._compose = compose
        self._poster = poster
        self._clock = clock

    def __call__(self, delivery_id: str) -> Tried:
        """Tries it if it is due."""
        delivery = self._deliveries.get(delivery_id)
        if delivery is None or delivery.state is not DeliveryState.PENDING:
            return Tried(delivery=delivery)
        early = _seconds_until(delivery.next_try_at, self._clock.now())
        if early > 0:
            return Tried(delivery=delivery, wait_seconds=early)
        tried = self._try(delivery)
        try:
            saved = self._deliveries.save(tried)
        except Conflict:
            # Somebody else has it, or replays it: what they wrote is looked at again.
            return Tried(delivery=delivery, wait_seconds=1)
        return Tried(delivery=saved, wait_seconds=_seconds_until(saved.next_try_at, self._clock.now()))

    def _try(self, delivery: Delivery) -> Delivery:
        now = self._clock.now()
        # A replay is somebody's own wish.
        if not delivery.replays and self._jobs.pointer(unwanted_key(delivery.job_id)) is not None:
            return ended(delivery, DeliveryState.UNWANTED, now)
        message = self._compose(delivery, self._jobs.get(delivery.job_id), now)
        if message is None:
            return ended(delivery, DeliveryState.OUTDATED, now)
        try:
            status = self._poster.post(delivery.url, message)
        except Undelivered as undelivered:
            return unanswered(delivery, str(undelivered), self._clock.now(), for_good=undelivered.for_good)
        now = self._clock.now()
        tried = answered(delivery, status, now)
        if tried.state is DeliveryState.UNWANTED:
            gone = Pointer(
                key=unwanted_key(delivery.job_id), job_id=delivery.job_id, created_at=now, expires_at=now + RETENTION
            )
            self._jobs.remember(gone)
        return tried


def _seconds_until(moment: datetime | None, now: datetime) -> int:
    """Rounded up: who comes too early has to come again."""
    if moment is None or moment <= now:
        return 0
    return seconds_between(now, moment + timedelta(seconds=1) - timedelta(microseconds=1))
