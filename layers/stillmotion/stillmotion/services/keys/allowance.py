"""What the jobs that a key orders on one day (UTC) may be quoted at together.

It is taken before a job is made, and given back where none was: a fault in between makes the day's rest smaller, never
larger. What the vendor charges in the end, and what a refusal gives back, is for the tenant's books alone.
"""

from datetime import UTC, date
from decimal import Decimal

import msgspec

from stillmotion.ports import AllowanceStore, ApiKey, Clock


class AllowanceSpent(Exception):
    """The key may not order for that much today."""

    def __init__(self, daily_dollars: Decimal) -> None:
        super().__init__(f"this key may order for ${daily_dollars} a day")
        self.daily_dollars = daily_dollars


class Taken(msgspec.Struct, frozen=True):
    """What was taken of a key's allowance of a day."""

    key_id: str
    day: date
    dollars: Decimal


class Allowance:
    """The daily allowances of keys that have one; one write for each order of theirs."""

    def __init__(self, allowances: AllowanceStore, clock: Clock) -> None:
        self._allowances = allowances
        self._clock = clock

    def take(self, key: ApiKey, dollars: Decimal) -> Taken | None:
        """Takes what an order is quoted at; None for a key without an allowance. Raises AllowanceSpent."""
        cap = key.daily_dollars
        if cap is None:
            return None
        taken = Taken(key.counter, self._clock.now().astimezone(UTC).date(), dollars)
        room = cap - dollars
        if room < 0 or not self._allowances.take(taken.key_id, taken.day, dollars, room):
            raise AllowanceSpent(cap)
        return taken

    def give_back(self, taken: Taken | None) -> None:
        """No job was made of it."""
        if taken is not None:
            self._allowances.give_back(taken.key_id, taken.day, taken.dollars)
