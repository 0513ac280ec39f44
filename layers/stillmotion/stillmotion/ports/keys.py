"""API keys as they are stored, and the counters that hold each key to its limits."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Protocol

import msgspec

from stillmotion.domain.keys import ApiKey
from stillmotion.ports import StoreError


class AllowanceSpent(StoreError):
    """Nothing was written: the key may not order for that much today."""

    def __init__(self, daily_dollars: Decimal) -> None:
        super().__init__(f"this key may order for ${daily_dollars} a day")
        self.daily_dollars = daily_dollars


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """What an order takes of a key's allowance of a day (UTC): `dollars` (US) of `daily_dollars`."""

    counter: str
    day: date
    dollars: Decimal
    daily_dollars: Decimal

    @property
    def room(self) -> Decimal:
        """The most that may have been taken before."""
        return self.daily_dollars - self.dollars


class KeyPage(msgspec.Struct, frozen=True):
    """Keys, newest first, and where the next page starts; None when this is the last."""

    keys: tuple[ApiKey, ...]
    next: str | None


class KeyStore(Protocol):
    """API keys by hash."""

    def find(self, key_hash: str) -> ApiKey | None:
        """The key of this hash, revoked or expired as it may be; strongly consistent."""

    def put(self, key: ApiKey) -> None:
        """Writes a key, over whatever was there."""

    def save(self, key: ApiKey, successor: ApiKey | None = None) -> ApiKey:
        """Stores the next version of a key that was read, and a new one with it. Raises Conflict; all or nothing."""

    def listed(self, limit: int, after: str | None = None, tenant: str | None = None) -> KeyPage:
        """Keys of a tenant, or of all; one that has just been made may be missing. `after` is an earlier page's `next`.

        A page may have fewer than `limit`, or none, and yet a next. Raises UnknownPage.
        """

    def starting(self, start: str) -> Iterator[ApiKey]:
        """Every key whose hash starts so, in any order; one that has just been made may be missing."""


class RateStore(Protocol):
    """How often each key called, by the key's counter."""

    def count(self, counter: str, minute: int) -> int:
        """Counts one more call in a minute, in minutes since 1970; gives how many there were in it."""


class AllowanceStore(Protocol):
    """What the keys of each counter ordered for on each day (UTC). Written by JobStore, with the jobs ordered."""

    def ordered(self, counter: str, day: date) -> Decimal:
        """In US dollars; strongly consistent."""
