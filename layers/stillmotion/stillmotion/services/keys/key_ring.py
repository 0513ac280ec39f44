"""What those who may do everything do with keys: make, list, revoke and rotate them.

A key with the admin scope manages its own tenant's keys; one of the stack's owner, the tenant of the inbox, manages
every tenant's. Keys of others are not there.

What a caller makes is held to what he is: an admin key has no limit that it could make another key without, and no key
makes one that outlives it.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from stillmotion.domain.access import Scope
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.keys import KeyPage, KeyStore
from stillmotion.services.keys.minting import mint

_ID = re.compile(r"[0-9a-f]{12,64}")
WHOLE_HASH = 64


class KeyUnknown(Exception):
    """There is no such key, or none that the caller may know of."""


class KeyEnded(Exception):
    """The key is revoked, expired, or rotated already: it has no successor to be given. The message says which."""


class NotYourTenant(Exception):
    """The caller manages the keys of his own tenant only."""


class Limited(Exception):
    """The caller's key has a rate or a daily allowance: with a key that it made, he would have none."""


class Outlives(Exception):
    """The key that is to be made would live on when the caller's has ended, at `ends`."""

    def __init__(self, ends: datetime) -> None:
        super().__init__(f"the key that makes it ends at {ends}")
        self.ends = ends


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A key to be made. `lives` is None for good; a rate of 0 is none; `daily_dollars` as in ApiKey."""

    name: str
    tenant: str
    scopes: tuple[Scope, ...]
    lives: timedelta | None = None
    rate_per_minute: int = 0
    daily_dollars: Decimal | None = None


class Minted(msgspec.Struct, frozen=True):
    """A key in clear, never to be had again, and its record."""

    key: str
    record: ApiKey

    def __repr__(self) -> str:
        return f"Minted({self.record.id})"


class KeyRing:
    """The keys of a stack, as far as the caller may manage them."""

    def __init__(self, keys: KeyStore, clock: Clock, owner: str) -> None:
        self._keys = keys
        self._clock = clock
        self._owner = owner

    def create(self, caller: ApiKey, wanted: Wanted) -> Minted:
        """A new key. Raises NotYourTenant, Limited, Outlives, or InvalidRequest for limits of an admin key."""
        if not self._manages(caller, wanted.tenant):
            raise NotYourTenant(wanted.tenant)
        _refuse_limits_of_admin(wanted)
        minted = self._mint(wanted, self._clock.now())
        _refuse_more_than(caller, minted.record)
        self._keys.put(minted.record)
        return minted

    def listing(self, caller: ApiKey, limit: int, after: str | None = None) -> KeyPage:
        """Keys that the caller manages, newest first; those that have ended as well. Raises UnknownPage."""
        return self._keys.listed(limit, after, None if caller.tenant == self._owner else caller.tenant)

    def revoke(self, caller: ApiKey, key_id: str) -> ApiKey:
        """Ends a key, within a minute everywhere; one that is revoked stays as it is. Raises KeyUnknown."""
        while True:
            key = self._find(caller, key_id)
            if key.revoked:
                return key
            try:
                return self._keys.save(replace(key, revoked=True, revoked_at=self._clock.now()))
            except Conflict:
                continue  # it was rotated, or revoked, meanwhile

    def rotate(self, caller: ApiKey, key_id: str, grace: timedelta) -> Minted:
        """A successor that may do and costs what the key does; the key itself lives on for `grace` at most.

        Both are counted as one. The successor lives as long as its predecessor was meant to. Raises KeyUnknown,
        KeyEnded, Limited or Outlives.
        """
        while True:
            now = self._clock.now()
            key = self._find(caller, key_id)
            if key.rotated_to is not None:
                raise KeyEnded(f"It was rotated already: {key.rotated_to} took its place.")
            if not key.is_good(now):
                raise KeyEnded("It is revoked or expired. Make a new key.")
            lives = None if key.expires_at is None else key.expires_at - key.created_at
            wanted = Wanted(
                name=key.name,
                tenant=key.tenant,
                scopes=key.scopes,
                lives=lives,
                rate_per_minute=key.rate_per_minute,
                daily_dollars=key.daily_dollars,
            )
            minted = self._mint(wanted, now, predecessor=key)
            _refuse_more_than(caller, minted.record)
            ends = min(now + grace, key.expires_at or now + grace)
            try:
                self._keys.save(replace(key, expires_at=ends, rotated_to=minted.record.id), minted.record)
            except Conflict:
                continue
            return minted

    def _manages(self, caller: ApiKey, tenant: str) -> bool:
        return caller.tenant in (tenant, self._owner)

    def _find(self, caller: ApiKey, key_id: str) -> ApiKey:
        """By its id, by as much more of its hash as tells it from another, or by the whole hash."""
        found: list[ApiKey] = []
        if len(key_id) == WHOLE_HASH and _ID.fullmatch(key_id):
            found = [key for key in (self._keys.find(key_id),) if key is not None]
        elif _ID.fullmatch(key_id):
            listed = [key.hash for key in self._keys.starting(key_id)]
            # The list may lag behind: what it leads to is read as it is now.
            found = [key for key in map(self._keys.find, listed) if key is not None]
        if len(found) != 1 or not self._manages(caller, found[0].tenant):
            raise KeyUnknown(key_id)
        return found[0]

    @staticmethod
    def _mint(wanted: Wanted, now: datetime, predecessor: ApiKey | None = None) -> Minted:
        key, record = mint(
            wanted.tenant,
            now,
            name=wanted.name,
            scopes=wanted.scopes,
            expires_at=None if wanted.lives is None else now + wanted.lives,
            rate_per_minute=wanted.rate_per_minute,
            daily_dollars=wanted.daily_dollars,
            rotated_from=predecessor.id if predecessor else None,
            counted_as=predecessor.counter if predecessor else None,
        )
        return Minted(key, record)


def _refuse_limits_of_admin(wanted: Wanted) -> None:
    """Raises InvalidRequest."""
    if Scope.ADMIN not in wanted.scopes:
        return
    limits = {"rate_per_minute": wanted.rate_per_minute or None, "daily_dollars": wanted.daily_dollars}
    rule = "does not go with the scope admin: such a key could make another without it"
    errors = [FieldError(name, rule) for name, limit in limits.items() if limit is not None]
    if errors:
        raise InvalidRequest(*errors)


def _refuse_more_than(caller: ApiKey, made: ApiKey) -> None:
    """Raises Limited or Outlives."""
    if caller.rate_per_minute or caller.daily_dollars is not None:
        raise Limited(caller.id)
    if caller.expires_at is not None and (made.expires_at is None or made.expires_at > caller.expires_at):
        raise Outlives(caller.expires_at)
