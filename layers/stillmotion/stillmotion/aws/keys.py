"""The API keys in the jobs table (`items` shows how they look there)."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from stillmotion.aws.attributes import stamp
from stillmotion.aws.client import AwsClient
from stillmotion.aws.items import ACTIVITY_INDEX, KEY_PARTITION, api_key_item, api_key_key, api_key_of
from stillmotion.aws.table import Condition, ConditionFailed, Put, Table
from stillmotion.ports import ApiKey, Conflict

_END_OF_TIME = stamp(datetime.max.replace(tzinfo=UTC))
_ABSENT = Condition("attribute_not_exists(pk)")


class DynamoKeyStore:
    """The API keys in the jobs table as a `ports.KeyStore`."""

    def __init__(self, client: AwsClient, table_name: str) -> None:
        self._table = Table(client, table_name)

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
            self._table.write(puts, token=uuid.uuid4().hex)
        except ConditionFailed as failed:
            # A write whose answer was lost is repeated, and then fails the condition that it made false itself.
            if self.find(key.hash) == saved:
                return saved
            raise Conflict(f"key {key.id} is not at version {key.version}") from failed
        return saved

    def all(self) -> Iterator[ApiKey]:
        """Every key that was ever stored by this code, oldest first; one that has just been made may be missing."""
        for item in self._table.oldest_first(ACTIVITY_INDEX, KEY_PARTITION, ("updated_at", _END_OF_TIME)):
            yield api_key_of(item)


def _unmoved(key: ApiKey) -> Condition:
    if key.version == 0:
        # A record of before there were versions has none.
        expression = "attribute_exists(pk) AND (attribute_not_exists(#version) OR #version = :read)"
        return Condition(expression, ("version",), {"read": 0})
    return Condition("#version = :read", ("version",), {"read": key.version})
