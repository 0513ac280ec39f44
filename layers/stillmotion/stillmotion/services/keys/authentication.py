"""The one check of who calls."""

from datetime import datetime, timedelta
from typing import Generic, TypeVar

from stillmotion.domain.keys import ApiKey
from stillmotion.ports import Clock
from stillmotion.ports.keys import KeyStore
from stillmotion.services.keys.limits import RateLimit
from stillmotion.services.keys.minting import is_well_formed, key_hash

CACHE_TIME = timedelta(seconds=60)
MAX_CACHED = 1000

Value = TypeVar("Value")


class Unauthenticated(Exception):
    """No key, or not a good one: which of these is not told."""


class Authenticator:
    """Tells who calls, and counts the call where the key has a rate.

    What the table said of a key is remembered for a minute, that it knows none included: a revocation takes at most
    that long, and a bad key that comes again and again is read once a minute. When the table cannot be read, its error
    passes, and nobody is let in.
    """

    def __init__(self, keys: KeyStore, clock: Clock, limit: RateLimit | None = None) -> None:
        self._keys = keys
        self._clock = clock
        self._limit = limit
        # Apart, so that a flood of guesses pushes no good key out.
        self._known: _Recent[ApiKey] = _Recent()
        self._unknown: _Recent[None] = _Recent()

    def __call__(self, key: str | None) -> ApiKey:
        """The key's record. Raises Unauthenticated, TooManyRequests, or StoreError."""
        if key is None or not is_well_formed(key):
            raise Unauthenticated
        now = self._clock.now()
        found = self._find(key_hash(key), now)
        if found is None or not found.is_good(now):
            raise Unauthenticated
        if self._limit is not None:
            self._limit(found, now)
        return found

    def _find(self, digest: str, now: datetime) -> ApiKey | None:
        known = self._known.get(digest, now)
        if known:
            return known[0]
        if self._unknown.get(digest, now):
            return None
        found = self._keys.find(digest)
        if found is None:
            self._unknown.put(digest, None, now)
        else:
            self._known.put(digest, found, now)
        return found


class _Recent(Generic[Value]):
    """Values of the last minute; of too many, those that came last."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[datetime, Value]] = {}

    def get(self, name: str, now: datetime) -> tuple[Value] | None:
        """The value, wrapped, so that None can be one."""
        at, *value = self._values.get(name, (None,))
        if at is None or not timedelta() <= now - at <= CACHE_TIME:
            return None
        return (value[0],)

    def put(self, name: str, value: Value, now: datetime) -> None:
        self._values.pop(name, None)
        if len(self._values) >= MAX_CACHED:
            del self._values[next(iter(self._values))]
        self._values[name] = (now, value)
