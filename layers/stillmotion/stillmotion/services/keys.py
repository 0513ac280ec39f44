"""API keys: shown once when made, stored as a hash, looked up by it."""

import hashlib
import secrets
from datetime import datetime, timedelta

from stillmotion.ports import ApiKey, Clock, KeyStore

PREFIX = "sm_"
PREFIX_SHOWN = 8
CACHE_TIME = timedelta(seconds=60)
MAX_CACHED = 1000
_LONGEST_KEY = 200


class Unauthenticated(Exception):
    """No key, or not a good one: which of these is not told."""


def key_hash(key: str) -> str:
    """SHA-256 in hex. The keys are 256 random bits: a slow hash would protect nothing more."""
    return hashlib.sha256(key.encode()).hexdigest()


def mint(tenant: str, now: datetime) -> tuple[str, ApiKey]:
    """A new key in clear, to be shown once, and what is stored of it."""
    key = PREFIX + secrets.token_urlsafe(32)
    return key, ApiKey(hash=key_hash(key), prefix=key[:PREFIX_SHOWN], tenant=tenant, created_at=now)


class Authenticator:
    """Tells who calls. Remembers good keys for a minute, so that a revocation takes at most that long."""

    def __init__(self, keys: KeyStore, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._seen: dict[str, tuple[datetime, ApiKey]] = {}

    def __call__(self, key: str | None) -> ApiKey:
        """The key's record. Raises Unauthenticated."""
        if key is None or not key.isascii() or not key.startswith(PREFIX) or len(key) > _LONGEST_KEY:
            raise Unauthenticated
        now = self._clock.now()
        digest = key_hash(key)
        at, found = self._seen.get(digest, (now, None))
        if found is None or now - at > CACHE_TIME:
            found = self._keys.find(digest)
            self._remember(digest, found, now)
        if found is None or found.revoked or (found.expires_at is not None and found.expires_at <= now):
            raise Unauthenticated
        return found

    def _remember(self, digest: str, found: ApiKey | None, now: datetime) -> None:
        self._seen.pop(digest, None)
        if found is not None:
            if len(self._seen) >= MAX_CACHED:
                self._seen.clear()
            self._seen[digest] = (now, found)
