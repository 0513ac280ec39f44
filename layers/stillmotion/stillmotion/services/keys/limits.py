"""What an API key is limited to: requests in each minute of the clock, and dollars a day."""

from datetime import UTC, datetime
from decimal import Decimal

from stillmotion.domain.keys import ApiKey
from stillmotion.ports import Clock
from stillmotion.ports.keys import AllowanceSpent, AllowanceStore, RateStore, Taking

WINDOW_SECONDS = 60
MAX_REMEMBERED = 1000


class TooManyRequests(Exception):
    """The key's minute is used up. `retry_after` is in seconds, until the next one begins."""

    def __init__(self, per_minute: int, retry_after: int) -> None:
        super().__init__(f"this key may call {per_minute} times a minute")
        self.per_minute = per_minute
        self.retry_after = retry_after


class RateLimit:
    """Counts the calls of a key that has a rate: one write each, and none for what a full minute refuses.

    A call whose count is repeated, as its answer was lost, counts twice: the limit errs to the strict side.
    """

    def __init__(self, rates: RateStore) -> None:
        self._rates = rates
        self._full: dict[str, int] = {}

    def __call__(self, key: ApiKey, now: datetime) -> None:
        """Raises TooManyRequests."""
        if key.rate_per_minute == 0:
            return
        minute, second = divmod(int(now.timestamp()), WINDOW_SECONDS)
        full = self._full.get(key.counter) == minute
        if not full and self._rates.count(key.counter, minute) <= key.rate_per_minute:
            return
        if len(self._full) >= MAX_REMEMBERED:
            self._full.clear()
        self._full[key.counter] = minute
        raise TooManyRequests(key.rate_per_minute, WINDOW_SECONDS - second)


class Allowance:
    """What the jobs that a key orders on one day (UTC) may be quoted at together, for keys that have an allowance.

    It is taken in the write that makes the job: for a job that is not made, nothing is. What the vendor charges in the
    end, and what a refusal gives back, is for the tenant's books alone.
    """

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
