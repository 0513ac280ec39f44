"""The API keys in the jobs table (`items` shows how they look there)."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from msgspec.structs import replace

from stillmotion.aws.attributes import stamp
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import ACTIVITY_INDEX, KEY_PARTITION, api_key_item, api_key_of
from stillmotion.aws.table import Condition, ConditionFailed, Put, Table
from stillmotion.domain.keys import ApiKey
from stillmotion.keyspace import api_key_key
from stillmotion.ports import Conflict, UnknownPage
from stillmotion.ports.keys import KeyPage

MAX_READ = 5000
"""How many keys are looked at for one page: some two megabytes."""
_READ_AT_ONCE = 1000
_TOKEN = re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{6}Z\.[0-9]{1,3}")
_END_OF_TIME = stamp(datetime.max.replace(tzinfo=UTC))
_ABSENT = Condition("attribute_not_exists(pk)")


class DynamoKeyStore:
    """The API keys in the jobs table as a `ports.keys.KeyStore`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def find(self, key_hash: str) -> ApiKey | None:
        """The key of this hash, revoked or expired as it may be; strongly consistent. Raises Unreadable."""
        item = self._table.get(api_key_key(key_hash))
        return None if item is None else api_key_of(item)

    def put(self, key: ApiKey) -> None:
        """Writes a key, over whatever was there."""
        self._table.write([Put(api_key_item(key))], token=uuid.uuid4().hex)

    def save(self, key: ApiKey, successor: ApiKey | None = None) -> ApiKey:
        """Stores the next version of a key that was read, and a new one with it. Raises Conflict; all or nothing."""
        saved = replace(key, version=key.version + 1)
        puts = [Put(api_key_item(saved), _unmoved(key))]
        if successor is not None:
            puts.append(Put(api_key_item(successor), _ABSENT))
        try:
            self._table.write_or_find(puts, token=uuid.uuid4().hex, is_there=lambda: self.find(key.hash) == saved)
        except ConditionFailed as failed:
            raise Conflict(f"key {key.id} is not at version {key.version}") from failed
        return saved

    def listed(self, limit: int, after: str | None = None, tenant: str | None = None) -> KeyPage:
        """Keys of a tenant, or of all, newest first. Raises UnknownPage.

        A tenant's are picked out from among everybody's, of which `MAX_READ` are read for one page.
        """
        moment, passed = (_END_OF_TIME, 0) if after is None else _place(after)
        page = passed + limit + 1 if tenant is None else _READ_AT_ONCE
        listed = self._table.highest_first(ACTIVITY_INDEX, KEY_PARTITION, ("updated_at", moment), page)
        found: list[ApiKey] = []
        read = 0
        for key in map(api_key_of, islice(listed, passed, passed + MAX_READ)):
            is_meant = tenant in (None, key.tenant)
            if is_meant and len(found) == limit:
                return KeyPage(tuple(found), _token(moment, passed))
            made = stamp(key.created_at)
            moment, passed = made, passed + 1 if made == moment else 1
            read += 1
            if is_meant:
                found.append(key)
        return KeyPage(tuple(found), _token(moment, passed) if read == MAX_READ else None)

    def starting(self, start: str) -> Iterator[ApiKey]:
        """Every key that was ever stored by this code and whose hash starts so, oldest first."""
        before = ("updated_at", _END_OF_TIME)
        yield from map(
            api_key_of, self._table.oldest_first(ACTIVITY_INDEX, KEY_PARTITION, before, starting=("hash", start))
        )


def _unmoved(key: ApiKey) -> Condition:
    if key.version == 0:
        # A record of before there were versions has none.
        expression = "attribute_exists(pk) AND (attribute_not_exists(#version) OR #version = :read)"
        return Condition(expression, ("version",), {"read": 0})
    return Condition("#version = :read", ("version",), {"read": key.version})


def _token(moment: str, passed: int) -> str:
    """Behind the first so many of the keys made at a moment. It names no key: the last that was read may be another
    tenant's."""
    return f"{moment}.{passed}"


def _place(token: str) -> tuple[str, int]:
    if not _TOKEN.fullmatch(token):
        raise UnknownPage(f"{token[:40]!r} names no page")
    moment, _, passed = token.rpartition(".")
    return moment, int(passed)
