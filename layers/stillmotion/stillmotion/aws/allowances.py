"""What each key ordered for on each day: an item of its own for both.

    kind         pk                           attributes
    allowance    allowance#<counter>#<day>    ordered (N, US dollars), expires_at (N)

It is written with the job that is ordered, in one transaction. A day is one of UTC; its item goes two days after it
began.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from stillmotion.aws.attributes import from_item
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.table import Condition, Table, Update
from stillmotion.keyspace import allowance_key
from stillmotion.ports.keys import Taking

KEPT = timedelta(days=2)


def taken(taking: Taking) -> Update:
    """What has to be written to take it, if there is room."""
    within = "#ordered <= :room"
    # Of a day on which nothing was ordered yet, more than all of it is not to be had either.
    expression = within if taking.room < 0 else f"attribute_not_exists(#ordered) OR {within}"
    ends = datetime.combine(taking.day, time(tzinfo=UTC)) + KEPT
    return Update(
        allowance_key(taking.counter, taking.day),
        "SET #kind = :kind, #expires_at = :expires_at ADD #ordered :dollars",
        ("kind", "expires_at", "ordered"),
        {"kind": "allowance", "expires_at": int(ends.timestamp()), "dollars": taking.dollars},
        Condition(expression, (), {"room": taking.room}),
    )


class DynamoAllowanceStore:
    """The sums in the jobs table as a `ports.keys.AllowanceStore`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def ordered(self, counter: str, day: date) -> Decimal:
        """What was ordered for on a day, in US dollars; strongly consistent."""
        item = self._table.get(allowance_key(counter, day))
        return Decimal(0) if item is None else Decimal(from_item(item)["ordered"])
