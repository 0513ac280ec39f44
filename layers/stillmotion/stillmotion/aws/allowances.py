"""What each key ordered for on each day: an item of its own for both.

    kind         pk                           attributes
    allowance    allowance#<key id>#<day>     ordered (N, US dollars), expires_at (N)

A day is one of UTC; its item goes two days after it began.
"""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from stillmotion.aws.client import AwsClient
from stillmotion.aws.table import Condition, ConditionFailed, Table, Update

KEPT = timedelta(days=2)


class DynamoAllowanceStore:
    """The sums in the jobs table as a `ports.AllowanceStore`."""

    def __init__(self, client: AwsClient, table_name: str) -> None:
        self._table = Table(client, table_name)

    def take(self, key_id: str, day: date, dollars: Decimal, room: Decimal) -> bool:
        """Adds to what a key ordered for on a day, unless that is more than `room` already: False then."""
        free = Condition("attribute_not_exists(#ordered) OR #ordered <= :room", (), {"room": room})
        try:
            self._add(key_id, day, dollars, free)
        except ConditionFailed:
            return False
        return True

    def give_back(self, key_id: str, day: date, dollars: Decimal) -> None:
        """Takes it off again."""
        self._add(key_id, day, -dollars, None)

    def _add(self, key_id: str, day: date, dollars: Decimal, condition: Condition | None) -> None:
        ends = datetime.combine(day, time(tzinfo=UTC)) + KEPT
        update = Update(
            f"allowance#{key_id}#{day.isoformat()}",
            "SET #kind = :kind, #expires_at = :expires_at ADD #ordered :dollars",
            ("kind", "expires_at", "ordered"),
            {"kind": "allowance", "expires_at": int(ends.timestamp()), "dollars": dollars},
            condition,
        )
        # As a transaction: its token makes a repetition after a lost answer count once.
        self._table.write([update], token=uuid.uuid4().hex)
