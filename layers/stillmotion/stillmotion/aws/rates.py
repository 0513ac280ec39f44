"""How often each key called: an item of its own for each key and minute.

    kind    pk                       attributes
    rate    rate#<counter>#<minute>  calls (N), expires_at (N)

A minute is one of the clock; its item goes a minute after it.
"""

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.table import Table
from stillmotion.keyspace import rate_key

KEPT_MINUTES = 2


class DynamoRateStore:
    """The counts in the jobs table as a `ports.keys.RateStore`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def count(self, counter: str, minute: int) -> int:
        """Counts one more call in a minute, in minutes since 1970; gives how many there were in it."""
        values: dict[str, object] = {"one": 1, "kind": "rate", "expires_at": (minute + KEPT_MINUTES) * 60}
        expression = "SET #kind = :kind, #expires_at = :expires_at ADD #calls :one"
        item = self._table.update(rate_key(counter, minute), expression, ("kind", "expires_at", "calls"), values)
        return int(item["calls"]["N"])
