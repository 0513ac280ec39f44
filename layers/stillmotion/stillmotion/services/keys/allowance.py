"""What the jobs that a key orders on one day (UTC) may be quoted at together.

It is taken in the write that makes the job: for a job that is not made, nothing is. What the vendor charges in the end,
and what a refusal gives back, is for the tenant's books alone.
"""

from datetime import UTC
from decimal import Decimal

from stillmotion.ports import AllowanceSpent, AllowanceStore, ApiKey, Clock, Taking


class Allowance:
    """The daily allowances of keys that have one."""

    def __init__(self, allowances: AllowanceStore, clock: Clock) -> None:
        self._allowances = allowances
        self._clock = clock

    def taking(self, key: ApiKey | None, dollars: Decimal) -> Taking | None:
        """What an order that is quoted at so much takes; None for a key without an allowance."""
        if key is None or key.daily_dollars is None:
            return None
        today = self._clock.now().astimezone(UTC).date()
        return Taking(counter=key.counter, day=today, dollars=dollars, daily_dollars=key.daily_dollars)

    def left(self, key: ApiKey) -> Decimal | None:
        """What the key may still order for today; None for a key without an allowance, for which nothing is read."""
        taking = self.taking(key, Decimal(0))
        return None if taking is None else taking.room - self._allowances.ordered(taking.counter, taking.day)

    def look(self, key: ApiKey | None, dollars: Decimal) -> None:
        """Whether there is room for an order now; one read, for a key with an allowance. Raises AllowanceSpent."""
        taking = self.taking(key, dollars)
        if taking is not None and self._allowances.ordered(taking.counter, taking.day) > taking.room:
            raise AllowanceSpent(taking.daily_dollars)
