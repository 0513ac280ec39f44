"""API keys: what is stored of one."""

from datetime import datetime
from decimal import Decimal

import msgspec

from stillmotion.domain.access import Scope


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and what he may do. Only the SHA-256 of the key is stored; `prefix` is for finding it by eye.

    A record that says nothing of scopes, or of anything below, was written before there was such a thing.
    `rate_per_minute` 0 is no limit. `daily_dollars` is what the jobs that the key orders on one day (UTC) may be quoted
    at together, in US dollars; None for no limit. A key that was rotated ends at `expires_at`; its successor is counted
    as the first key of their line, whose id is `counted_as`.
    """

    hash: str
    prefix: str
    tenant: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked: bool = False
    name: str = ""
    scopes: tuple[Scope, ...] = tuple(Scope)
    rate_per_minute: int = 0
    daily_dollars: Decimal | None = None
    revoked_at: datetime | None = None
    rotated_to: str | None = None
    rotated_from: str | None = None
    counted_as: str | None = None
    version: int = 0

    @property
    def id(self) -> str:
        """Short and public; tells nothing of the key, which is 256 random bits."""
        return self.hash[:12]

    @property
    def counter(self) -> str:
        """What its calls and orders are counted under: the same for all keys of its line."""
        return self.counted_as or self.id

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return not self.revoked and (self.expires_at is None or now < self.expires_at)
