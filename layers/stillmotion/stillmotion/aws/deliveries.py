"""The deliveries of outbound webhooks, and where tenants are told, in the jobs table.

    kind            pk                 attributes
    delivery        outbound#<event>   the fields of Delivery, `detail` as JSON text, `tenant` as owner, and
                                       tenant        deliveries#<tenant>: the partition of by-tenant that lists them
                                       newest        created_at#id
                                       expires_at    (N) 30 days after it was last tried
    subscription    subscription#<tenant>    url, changed_at

No tenant's name has a `#` in it, so that the lists of jobs and of deliveries never meet in their index.
"""

import uuid
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from stillmotion.aws.attributes import Attribute, Item, fields_of, from_item, stamp, to_item
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import TENANT_INDEX, Unreadable
from stillmotion.aws.table import Condition, ConditionFailed, Put, Table
from stillmotion.domain.deliveries import RETENTION, Delivery, Subscription
from stillmotion.domain.identity import is_job_id
from stillmotion.keyspace import deliveries_partition, outbound_key, subscription_key
from stillmotion.ports import Conflict, UnknownPage
from stillmotion.ports.webhooks import DeliveryPage

T = TypeVar("T", bound=msgspec.Struct)

_ABSENT = Condition("attribute_not_exists(pk)")


class DynamoDeliveryStore:
    """The deliveries as an `ports.webhooks.DeliveryStore`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def get(self, delivery_id: str) -> Delivery | None:
        """Strongly consistent. Raises Unreadable."""
        # What is no id may be no key of the table either.
        item = self._table.get(outbound_key(delivery_id)) if is_job_id(delivery_id) else None
        return None if item is None else delivery_of(item)

    def create(self, delivery: Delivery) -> None:
        """Stores a new one; one that is there already stays as it is."""
        try:
            self._table.write([Put(delivery_item(replace(delivery, version=1)), _ABSENT)], token=uuid.uuid4().hex)
        except ConditionFailed:
            return

    def save(self, delivery: Delivery) -> Delivery:
        """Stores the next version of one that was read. Raises Conflict."""
        saved = replace(delivery, version=delivery.version + 1)
        unmoved = Condition("#version = :read", ("version",), {"read": delivery.version})
        puts = [Put(delivery_item(saved), unmoved)]
        try:
            self._table.write_or_find(puts, token=uuid.uuid4().hex, is_there=lambda: self.get(delivery.id) == saved)
        except ConditionFailed as failed:
            raise Conflict(f"delivery {delivery.id} is not at version {delivery.version}") from failed
        return saved

    def of_tenant(self, tenant: str, limit: int, after: str | None = None) -> DeliveryPage:
        """A tenant's, newest first, from behind the id `after`. Raises UnknownPage."""
        start = None if after is None else self._place(tenant, after)
        items, more = self._table.newest_first(TENANT_INDEX, ("tenant", deliveries_partition(tenant)), limit, start)
        found = tuple(map(delivery_of, items))
        return DeliveryPage(found, found[-1].id if more and found else None)

    def _place(self, tenant: str, delivery_id: str) -> Mapping[str, str]:
        found = self.get(delivery_id)
        if found is None or found.tenant != tenant:
            raise UnknownPage(f"{delivery_id[:40]!r} names no delivery")
        return {"pk": outbound_key(found.id), "tenant": deliveries_partition(tenant), "newest": _newest(found)}


class DynamoSubscriptions:
    """Where tenants are told, as an `ports.webhooks.Subscriptions`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def find(self, tenant: str) -> Subscription | None:
        """Strongly consistent. Raises Unreadable."""
        item = self._table.get(subscription_key(tenant))
        return None if item is None else _convert({"url": None, **from_item(item), "tenant": tenant}, Subscription)

    def put(self, subscription: Subscription) -> None:
        """Writes it over an earlier one."""
        fields = fields_of(subscription)
        # Not as `tenant`, which would list it among the tenant's jobs.
        key = subscription_key(str(fields.pop("tenant")))
        self._table.write([Put(to_item({**fields, "pk": key, "kind": "subscription"}))], token=uuid.uuid4().hex)


def delivery_item(delivery: Delivery) -> Item:
    expires_at = (delivery.last_tried_at or delivery.created_at) + RETENTION
    return to_item({
        **fields_of(delivery),
        "pk": outbound_key(delivery.id),
        "kind": "delivery",
        "detail": msgspec.json.encode(delivery.detail).decode(),
        "owner": delivery.tenant,
        "tenant": deliveries_partition(delivery.tenant),
        "newest": _newest(delivery),
        "expires_at": int(expires_at.timestamp()),
    })  # fmt: skip


def delivery_of(item: Mapping[str, Attribute]) -> Delivery:
    """Raises Unreadable."""
    fields = from_item(item)
    try:
        detail = msgspec.json.decode(fields.get("detail", ""))
    except msgspec.DecodeError as error:
        raise Unreadable(f"{fields.get('pk')}: {error}") from error
    return _convert({**fields, "tenant": fields.get("owner"), "detail": detail}, Delivery)


def _newest(delivery: Delivery) -> str:
    return f"{stamp(delivery.created_at)}#{delivery.id}"


def _convert(fields: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise Unreadable(f"{fields.get('pk')}: {error}") from error
