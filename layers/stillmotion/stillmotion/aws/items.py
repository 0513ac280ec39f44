"""What each kind of item in the jobs table looks like. The partition key is `pk` (S); there is no sort key.

    kind      pk               attributes
    job       job#<id>         every field of Job, and
                               writer           a random word of whoever wrote it last
                               newest           created_at#id
                               attention        the reason, or "overdue" \\ only while a person
                               attention_flag   "yes"                    / should look at it
                               sweep_flag       "yes" while it may have to be swept
                               place            priority (0 first)#created_at#id, while it stands in line
    pointer   <pointer.key>    the fields of Pointer but the key
    parking   parking#<job>    (see `parking`)
    event     event#<id>       job_id, detail_type, detail (JSON text), created_at
    key       key#<hash>       the fields of ApiKey, and
                               sweep_flag       "key": the partition of by-activity that lists the keys
                               updated_at       created_at
    rate      rate#…           (see `rates`)
    governor  governor#<vendor>   (see `governor`)
    spend     spend#<day>#…    (see `books`)
    delivery, subscription    (see `deliveries`)

Indexes, each with projection ALL:

    by-tenant       hash tenant, range newest
    by-attention    hash attention_flag, range updated_at
    by-activity     hash sweep_flag, range updated_at
    by-line         hash line, range place

`expires_at` is the table's TTL attribute: epoch seconds (N) on pointers and events. An API key keeps its own
`expires_at` as text, which TTL passes over: an expired key stays to be seen.

Attributes that this code does not know are passed over, so that it reads tomorrow's records; those it knows and does
not find have their defaults, so that it reads yesterday's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from stillmotion.aws.attributes import Attribute, Item, fields_of, from_item, stamp, to_item
from stillmotion.domain.governing import stands_in_line, turn
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.sweeping import is_swept
from stillmotion.keyspace import api_key_key, event_id_of, event_key, job_key
from stillmotion.ports import StoreError
from stillmotion.ports.records import Event, Pointer

TENANT_INDEX = "by-tenant"
ATTENTION_INDEX = "by-attention"
ACTIVITY_INDEX = "by-activity"
LINE_INDEX = "by-line"
KEY_PARTITION = ("sweep_flag", "key")
"""Where the activity index lists the API keys: an index of their own would cost every job a write."""
EVENT_RETENTION = timedelta(days=7)
"""How long an event item stays after it was written: the stream has long carried it away by then."""

T = TypeVar("T", bound=msgspec.Struct)


class Unreadable(StoreError):
    """An item does not hold what its kind must hold; the message names its key."""


def job_item(job: Job, writer: str) -> Item:
    """A job with its index attributes."""
    fields = fields_of(job) | {
        "pk": job_key(job.id),
        "kind": "job",
        "writer": writer,
    }
    if job.deleted_at is None:
        fields |= {"newest": f"{stamp(job.created_at)}#{job.id}"}
    if job.status is Status.NEEDS_ATTENTION or job.overdue:
        fields |= {"attention_flag": "yes", "attention": job.reason or "overdue"}
    if is_swept(job):
        fields |= {"sweep_flag": "yes"}
    if job.line is not None and stands_in_line(job, job.line):
        priority, created_at, _ = turn(job)
        fields |= {"place": f"{priority}#{stamp(created_at)}#{job.id}"}
    return to_item(fields)


def job_of(item: Mapping[str, Attribute]) -> Job:
    """Raises Unreadable."""
    return _convert(from_item(item), Job)


def pointer_item(pointer: Pointer) -> Item:
    fields = fields_of(pointer)
    return to_item(fields | {"pk": fields.pop("key"), "kind": "pointer", "expires_at": _epoch(pointer.expires_at)})


def pointer_of(item: Mapping[str, Attribute]) -> Pointer:
    """Raises Unreadable."""
    fields = from_item(item)
    expires_at = fields.pop("expires_at", None)
    if expires_at is not None:
        fields["expires_at"] = datetime.fromtimestamp(int(expires_at), UTC)
    return _convert(fields | {"key": fields.get("pk")}, Pointer)


def event_item(event: Event) -> Item:
    return to_item({
        "pk": event_key(event.id),
        "kind": "event",
        "job_id": event.job_id,
        "detail_type": event.detail_type,
        "detail": msgspec.json.encode(event.detail).decode(),
        "created_at": event.created_at,
        "expires_at": _epoch(event.created_at + EVENT_RETENTION),
    })  # fmt: skip


def event_of(item: Mapping[str, Attribute]) -> Event:
    """The event in an item, also as a DynamoDB stream's NewImage shows it. Raises Unreadable."""
    fields = from_item(item)
    try:
        detail = msgspec.json.decode(fields.get("detail", ""))
    except msgspec.DecodeError as error:
        raise Unreadable(f"{fields.get('pk')}: {error}") from error
    return _convert(fields | {"id": event_id_of(str(fields.get("pk"))), "detail": detail}, Event)


def api_key_item(key: ApiKey) -> Item:
    listed = {**dict([KEY_PARTITION]), "updated_at": key.created_at}
    return to_item(fields_of(key) | {"pk": api_key_key(key.hash), "kind": "key"} | listed)


def api_key_of(item: Mapping[str, Attribute]) -> ApiKey:
    """Raises Unreadable."""
    return _convert(from_item(item), ApiKey)


def kind_of(item: Mapping[str, Attribute]) -> str | None:
    """job, pointer, event, key or another's."""
    kind: str | None = item.get("kind", {}).get("S")
    return kind


def _epoch(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _convert(fields: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"{fields.get('pk')}: {error}") from error
