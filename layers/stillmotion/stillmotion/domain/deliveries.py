"""Telling one receiver of one event, as a value: tried with growing gaps for a day, until it is taken or given up.

A delivery has the id of the event that it tells of, so that whoever receives it twice sees the same id.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from stillmotion.domain.request import Callback, CallbackDialect

GAPS_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, *[14_400] * 5)
"""Before each try but the first: a little less than a day together. None is longer than SQS can hide a message."""
RETENTION = timedelta(days=30)
"""How long a delivery can be listed and replayed after it was last tried."""
LOST_AFTER = timedelta(hours=1)
"""So long after it was due, a delivery that is still pending has lost its place in the queue."""
GONE = 410

_STANDARD: Mapping[str, str] = {
    "Video Completed": "video.completed",
    "Video Failed": "video.failed",
    "Video Cancelled": "video.cancelled",
    "Video Needs Attention": "video.needs_attention",
}
# What needs a person has not ended: who reads otherwise would order, and pay for, another.
_OF_THE_VENDORS: Mapping[str, str] = {
    "Video Completed": "completed",
    "Video Failed": "failed",
    "Video Cancelled": "failed",
}


class DeliveryState(StrEnum):
    """What became of a delivery. `unwanted`: its receiver answered 410, to it or to an earlier one of the same job.
    `outdated`: a dialect shows a job as it is, and by then it was no longer what the event had told of."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    UNWANTED = "unwanted"
    OUTDATED = "outdated"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tenant is told of those of its jobs that name no callback; `url` None for nowhere."""

    tenant: str
    url: str | None
    changed_at: datetime


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one receiver. `detail_type` and `detail` are the event's, `created_at` when it came up.

    `standing` marks one that went to where its tenant is told. `tries` counts since it was queued last.
    """

    id: str
    job_id: str
    tenant: str
    detail_type: str
    detail: Mapping[str, object]
    created_at: datetime
    url: str
    dialect: CallbackDialect = "standard"
    standing: bool = False
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    replays: int = 0
    last_tried_at: datetime | None = None
    last_status: int | None = None
    last_error: str | None = None
    next_try_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0

    @property
    def event(self) -> str | None:
        """What its dialect calls the event."""
        return event_word(self.detail_type, self.dialect)


class StillPending(Exception):
    """The delivery is in the queue already."""


def event_word(detail_type: str, dialect: CallbackDialect) -> str | None:
    """What a dialect calls an event; None where it has no such thing."""
    return (_STANDARD if dialect == "standard" else _OF_THE_VENDORS).get(detail_type)


def wants(callback: Callback, detail_type: str) -> bool:
    """Whether a callback is to be told of an event."""
    word = event_word(detail_type, callback.dialect)
    return word is not None and (not callback.events or word in callback.events)


def answered(delivery: Delivery, status: int, now: datetime) -> Delivery:
    """The delivery after its receiver answered: any 2xx takes it, and 410 wants no more of this job."""
    tried = replace(delivery, tries=delivery.tries + 1, last_tried_at=now, last_status=status, last_error=None)
    if 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
        return ended(tried, DeliveryState.DELIVERED, now)
    if status == GONE:
        return ended(tried, DeliveryState.UNWANTED, now)
    return _put_off(tried, now)


def unanswered(delivery: Delivery, error: str, now: datetime, *, for_good: bool = False) -> Delivery:
    """The delivery after a try without an answer; `for_good` where no later one would have any."""
    tried = replace(delivery, tries=delivery.tries + 1, last_tried_at=now, last_status=None, last_error=error)
    return ended(tried, DeliveryState.GIVEN_UP, now) if for_good else _put_off(tried, now)


def ended(delivery: Delivery, state: DeliveryState, now: datetime) -> Delivery:
    """The delivery, not to be tried again by itself."""
    return replace(delivery, state=state, next_try_at=None, ended_at=now)


def replayed(delivery: Delivery, now: datetime) -> Delivery:
    """The delivery as on its first day. Raises StillPending unless it has ended, or was lost."""
    due = delivery.next_try_at or delivery.last_tried_at or delivery.created_at
    if delivery.state is DeliveryState.PENDING and now < due + LOST_AFTER:
        raise StillPending(delivery.id)
    return replace(
        delivery,
        state=DeliveryState.PENDING,
        tries=0,
        replays=delivery.replays + 1,
        next_try_at=None,
        ended_at=None,
    )


def _put_off(delivery: Delivery, now: datetime) -> Delivery:
    if delivery.tries > len(GAPS_SECONDS):
        return ended(delivery, DeliveryState.GIVEN_UP, now)
    return replace(delivery, next_try_at=now + timedelta(seconds=GAPS_SECONDS[delivery.tries - 1]))
