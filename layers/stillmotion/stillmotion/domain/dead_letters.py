"""Dead letters as they lie in their queues, and what a person is told of them.

The bodies are AWS's own: EventBridge's event for an upload, and what Lambda tells of a batch of a stream that it gave
up (its guide, "Retain discarded records"). One that cannot be read is shown all the same.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class QueueName(StrEnum):
    """The queues of dead letters."""

    INBOX = "inbox"
    ANNOUNCEMENTS = "announcements"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message taken out of a queue for a moment. `receives` counts every look at it; `handle` is this look's."""

    id: str
    body: str
    sent_at: datetime
    receives: int
    handle: str
    attributes: Mapping[str, str] = {}


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter as a person sees it. `subject` is the object's key, or when the events were; None if unreadable."""

    queue: QueueName
    id: str
    sent_at: datetime
    receives: int
    reason: str
    subject: str | None


class _Object(msgspec.Struct):
    key: str


class _Detail(msgspec.Struct):
    object: _Object


class _Upload(msgspec.Struct):
    """EventBridge's `Object Created`, the part that is shown."""

    detail: _Detail


class _Condition(msgspec.Struct, rename="camel"):
    condition: str = "unknown"
    approximate_invoke_count: int = 0


class Batch(msgspec.Struct, rename="camel"):
    """Records of a stream, by when they arrived in it."""

    approximate_arrival_of_first_record: Moment
    approximate_arrival_of_last_record: Moment
    batch_size: int = 1


class _Failed(msgspec.Struct):
    """What Lambda tells of a batch of a stream that it gave up (its guide, "Retain discarded records")."""

    batch: Batch = msgspec.field(name="DDBStreamBatchInfo")
    condition: _Condition = msgspec.field(name="requestContext", default_factory=_Condition)


def letter(name: QueueName, message: Message) -> Letter:
    """What is told of a message in a queue."""
    match name:
        case QueueName.INBOX:
            reason, subject = _undelivered(message), _object_key(message)
        case QueueName.ANNOUNCEMENTS:
            reason, subject = _unannounced(message)
    return Letter(
        queue=name, id=message.id, sent_at=message.sent_at, receives=message.receives, reason=reason, subject=subject
    )


def _undelivered(message: Message) -> str:
    code = message.attributes.get("ERROR_CODE")
    if code is None:
        return "The submit function could not handle it."
    return f"EventBridge could not deliver it: {code}: {message.attributes.get('ERROR_MESSAGE', '')}"


def _object_key(message: Message) -> str | None:
    try:
        return msgspec.json.decode(message.body, type=_Upload).detail.object.key
    except msgspec.DecodeError:
        return None


def _unannounced(message: Message) -> tuple[str, str | None]:
    failed = _failed(message)
    if failed is None:
        return "unknown", None
    context, given_up = failed.condition, failed.batch
    subject = f"{given_up.batch_size} events of {given_up.approximate_arrival_of_first_record.isoformat()}"
    return f"{context.condition}, after {context.approximate_invoke_count} tries", subject


def _failed(message: Message) -> _Failed | None:
    try:
        return msgspec.json.decode(message.body, type=_Failed)
    except msgspec.DecodeError:
        return None


def batch(message: Message) -> Batch | None:
    """The part of the stream that a letter is about; None for one that does not tell."""
    failed = _failed(message)
    return failed.batch if failed is not None else None
