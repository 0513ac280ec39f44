"""How often a key may call: so many requests in each minute of the clock."""

from datetime import datetime

from stillmotion.ports import ApiKey, RateStore

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
