"""The days' books in the jobs table (`domain.spend` says what they hold).

    kind     pk                            attributes
    spend    spend#<day>#tenant#<tenant>   committed (N)                      reserved + charged, all vendors
             spend#<day>#stack             attempts (N)
                                           <vendor>_reserved, _charged,
                                           _wasted (N)                        US dollars, exact decimals
                                           tenants (SS)                       only of the stack: who is in the day

They are written with the job whose step they book, in one transaction, and have no expiry: a few hundred bytes for a
day and tenant.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from stillmotion.aws.attributes import Item, from_item
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.table import Condition, Table, Update
from stillmotion.domain.job.records import Booking
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import Tally, for_all, room
from stillmotion.keyspace import STACK, book_key
from stillmotion.ports.records import Budget, OverBudget

_PARTS = ("reserved", "charged", "wasted")


def bookings(changes: Sequence[Tally], budget: Budget | None) -> list[Update]:
    """What has to be written for these changes of tenants' books: each to its tenant's and to the stack's.

    Raises OverBudget for what is more than a whole day's budget; of less, the conditions see to it.
    """
    limits = budget or Budget()
    return [
        update
        for change in changes
        for update in (
            _booking(change, room(change, limits.tenant_dollars)),
            _booking(for_all(change), room(change, limits.stack_dollars)),
        )
    ]


def _booking(change: Tally, most: Decimal | None) -> Update:
    if most is not None and most < 0:
        raise OverBudget(change.tenant or STACK)
    sums: dict[str, object] = {
        f"{vendor}_{part}": getattr(booking, part) for vendor, booking in change.vendors.items() for part in _PARTS
    }
    sums |= {"committed": change.committed, "attempts": change.attempts, "tenants": change.tenants}
    sums = {name: amount for name, amount in sums.items() if amount}
    within = None
    if most is not None:
        expression = "attribute_not_exists(#committed) OR #committed <= :room"
        within = Condition(expression, ("committed",), {"room": most})
    return Update(
        key=book_key(change.day, change.tenant),
        expression=f"SET #kind = :kind ADD {', '.join(f'#{name} :{name}' for name in sums)}",
        names=("kind", *sums),
        values={"kind": "spend", **sums},
        condition=within,
    )


class DynamoBooks:
    """The books in the jobs table as a `ports.records.Books`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def read(self, wanted: Sequence[tuple[date, str | None]]) -> list[Tally]:
        """The books that there are of these days and tenants, in this order; strongly consistent."""
        found = self._table.get_many([book_key(*place) for place in wanted])
        return [_tally(*place, found[book_key(*place)]) for place in wanted if book_key(*place) in found]


def _tally(day: date, tenant: str | None, item: Item) -> Tally:
    fields = from_item(item)
    held = {
        vendor: Booking(**{part: Decimal(fields.get(f"{vendor}_{part}", 0)) for part in _PARTS})
        for vendor in VendorName
        if any(f"{vendor}_{part}" in fields for part in _PARTS)
    }
    tenants, attempts = fields.get("tenants", frozenset()), fields.get("attempts", 0)
    return Tally(day=day, tenant=tenant, tenants=tenants, vendors=held, attempts=attempts)
