"""What the API answers about keys, read tolerantly."""

from datetime import datetime
from decimal import Decimal

import msgspec


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key. `key` is the key in clear, in the one answer that makes it."""

    id: str
    prefix: str
    tenant: str
    created_at: datetime
    name: str = ""
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    rate_per_minute: int = 0
    daily_dollars: Decimal | None = None
    revoked: bool = False
    rotated_to: str | None = None
    key: str | None = None

    def state(self, now: datetime) -> str:
        """Whether it opens anything, in a word or two."""
        if self.revoked:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "rotated" if self.rotated_to is not None else "good"


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that may be managed, newest first, and where the next page starts."""

    data: tuple[Key, ...]
    next: str | None = None
