"""The few DynamoDB calls that the stores make, on one table whose partition key is `pk`.

Exceptions:

    ConditionFailed    nothing was written: the conditions of the writes at `indexes` did not hold
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import sleep
from typing import Any, TypeVar

import msgspec

from stillmotion.aws.attributes import Item, attribute
from stillmotion.aws.clients import AwsClients, AwsError, aws_errors

_CONDITION_FAILED = "ConditionalCheckFailedException"
_CANCELLED = "TransactionCanceledException"
_CONFLICT = "TransactionConflictException"
# Cancellation reasons that say nothing about the conditions (API reference of TransactWriteItems).
_PASSING_REASONS = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})
MAX_KEYS = 100
"""What BatchGetItem takes at once."""
# botocore repeats no TransactionConflict. Another's transaction on the same item is over within tens of milliseconds,
# and ten writers at once are common.
MAX_CONTENDED_TRIES = 10
# A transaction is told in its reasons that it was throttled; botocore does not look there.
MAX_THROTTLED_TRIES = 4
FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 2.0

Answer = TypeVar("Answer")


class ConditionFailed(Exception):
    """A condition did not hold; nothing was written."""

    def __init__(self, *indexes: int) -> None:
        super().__init__(f"the conditions of writes {list(indexes)} did not hold")
        self.indexes = indexes


class Condition(msgspec.Struct, frozen=True):
    """A condition expression. Names in it stand as `#name`, values as `:name`."""

    expression: str
    names: tuple[str, ...] = ()
    values: Mapping[str, object] = {}


class Put(msgspec.Struct, frozen=True):
    """An item to be written, if its condition holds for what is there."""

    item: Item
    condition: Condition | None = None

    @property
    def key(self) -> str:
        """The partition key of the item."""
        return str(self.item["pk"]["S"])

    def members(self) -> dict[str, object]:
        """What the API calls it."""
        if self.condition is None:
            return {"Item": self.item}
        placeholders = _placeholders(self.condition.names, self.condition.values)
        return {"Item": self.item, "ConditionExpression": self.condition.expression, **placeholders}


class Update(msgspec.Struct, frozen=True):
    """An item to be changed, or made, if its condition holds for what is there. Placeholders as in a condition."""

    key: str
    expression: str
    names: tuple[str, ...] = ()
    values: Mapping[str, object] = {}
    condition: Condition | None = None

    def members(self) -> dict[str, object]:
        """What the API calls it."""
        known = self.condition or Condition("")
        members: dict[str, object] = {
            "Key": {"pk": attribute(self.key)},
            "UpdateExpression": self.expression,
            **_placeholders((*self.names, *known.names), {**self.values, **known.values}),
        }
        return members | {"ConditionExpression": known.expression} if self.condition else members


Write = Put | Update


def _placeholders(names: Iterable[str], values: Mapping[str, object]) -> dict[str, object]:
    """DynamoDB takes no empty maps of them."""
    placeholders: dict[str, object] = {
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": {f":{name}": attribute(value) for name, value in values.items()},
    }
    return {kind: given for kind, given in placeholders.items() if given}


class Table:
    """One table."""

    def __init__(self, clients: AwsClients, name: str) -> None:
        self._clients = clients
        self._name = name

    def get(self, pk: str) -> Item | None:
        """The item at a key, strongly consistent."""
        with aws_errors():
            answer = self._clients.dynamodb.get_item(
                TableName=self._name, Key={"pk": attribute(pk)}, ConsistentRead=True
            )
        return answer.get("Item")

    def get_many(self, pks: Sequence[str]) -> dict[str, Item]:
        """The items that there are at some keys, which are all different, by key; strongly consistent."""
        found: dict[str, Item] = {}
        wanted = list(pks)
        while wanted:
            keys = [{"pk": attribute(pk)} for pk in wanted[:MAX_KEYS]]
            with aws_errors():
                answer = self._clients.dynamodb.batch_get_item(
                    RequestItems={self._name: {"Keys": keys, "ConsistentRead": True}}
                )
            found |= {item["pk"]["S"]: item for item in answer["Responses"].get(self._name, ())}
            unprocessed = answer["UnprocessedKeys"].get(self._name)
            left = unprocessed["Keys"] if unprocessed else ()
            wanted = [*(key["pk"]["S"] for key in left), *wanted[MAX_KEYS:]]
        return found

    def write(self, writes: Sequence[Write], token: str) -> None:
        """All of the writes or none. Raises ConditionFailed.

        `token` (36 characters at most) makes a repeated transaction one for 10 minutes; a single put has no such
        thing, so that its repetition may fail the condition that its first try made false.
        """
        members: list[Any] = [{"TableName": self._name, **write.members()} for write in writes]
        dynamodb = self._clients.dynamodb
        try:
            if len(writes) == 1 and isinstance(writes[0], Put):
                _patiently(lambda: dynamodb.put_item(**members[0]))
            else:
                items: Any = [{type(write).__name__: member} for write, member in zip(writes, members, strict=True)]
                _patiently(lambda: dynamodb.transact_write_items(TransactItems=items, ClientRequestToken=token))
        except AwsError as error:
            if error.code == _CONDITION_FAILED:
                raise ConditionFailed(0) from error
            failed = [index for index, reason in enumerate(_reasons(error)) if reason == "ConditionalCheckFailed"]
            if failed:
                raise ConditionFailed(*failed) from error
            raise

    def write_or_find(self, writes: Sequence[Write], token: str, is_there: Callable[[], bool]) -> None:
        """The same, also where the answer of the first try was lost. Raises ConditionFailed.

        Such a write is repeated, and then fails the condition that it made false itself: `is_there` looks whether what
        is in the table is what was to be written.
        """
        try:
            self.write(writes, token)
        except ConditionFailed:
            if not is_there():
                raise

    def update(self, pk: str, expression: str, names: Sequence[str], values: Mapping[str, object]) -> Item:
        """Changes an item, or makes it; gives all of it as it is then. Names stand as `#name`, values as `:name`.

        A repetition after a lost answer changes it twice.
        """
        members: dict[str, Any] = Update(pk, expression, tuple(names), values).members()
        update = self._clients.dynamodb.update_item
        answer = _patiently(lambda: update(TableName=self._name, ReturnValues="ALL_NEW", **members))
        return answer["Attributes"]

    def newest_first(
        self,
        index: str,
        partition: tuple[str, str],
        limit: int,
        start: Mapping[str, str] | None,
        *,
        reverse: bool = False,
    ) -> tuple[list[Item], bool]:
        """Items of one partition (its attribute and value) of an index, from the highest sort key down, or from the
        lowest up where it is the `reverse`.

        `start` is the key, in the index and the table, of the last item that was seen. The flag says whether more
        may follow.
        """
        query = self._query(index, partition) | {"ScanIndexForward": reverse, "Limit": limit}
        if start is not None:
            query["ExclusiveStartKey"] = {key: attribute(part) for key, part in start.items()}
        with aws_errors():
            answer = self._clients.dynamodb.query(**query)
        return list(answer["Items"]), "LastEvaluatedKey" in answer

    def oldest_first(
        self, index: str, partition: tuple[str, str], before: tuple[str, str], starting: tuple[str, str] | None = None
    ) -> Iterator[Item]:
        """Every item of one partition of an index whose sort key is less than a value, from the lowest up.

        `starting` keeps only those in which an attribute starts with a text.
        """
        query = self._query(index, partition, ("<", before))
        if starting is not None:
            filtered, start = starting
            query["FilterExpression"] = "begins_with(#filtered, :start)"
            query["ExpressionAttributeNames"]["#filtered"] = filtered
            query["ExpressionAttributeValues"][":start"] = attribute(start)
        return self._pages(query)

    def highest_first(self, index: str, partition: tuple[str, str], most: tuple[str, str], page: int) -> Iterator[Item]:
        """Every item of one partition of an index whose sort key is a value at most, from the highest down, `page` at a
        time as they are wanted."""
        return self._pages(self._query(index, partition, ("<=", most)) | {"ScanIndexForward": False, "Limit": page})

    def lowest_first(self, index: str, partition: tuple[str, str], page: int) -> Iterator[Item]:
        """Every item of one partition of an index, from the lowest sort key up, `page` at a time as they are wanted."""
        return self._pages(self._query(index, partition) | {"Limit": page})

    def _query(
        self, index: str, partition: tuple[str, str], bound: tuple[str, tuple[str, str]] | None = None
    ) -> dict[str, Any]:
        """A query of one partition of an index; `bound` compares its sort key (`<`, attribute and value)."""
        name, value = partition
        query: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": name},
            "ExpressionAttributeValues": {":partition": attribute(value)},
        }
        if bound is not None:
            comparison, (sort, end) = bound
            query["KeyConditionExpression"] += f" AND #sort {comparison} :end"
            query["ExpressionAttributeNames"]["#sort"] = sort
            query["ExpressionAttributeValues"][":end"] = attribute(end)
        return query

    def _pages(self, query: Mapping[str, Any]) -> Iterator[Item]:
        pages = self._clients.dynamodb.get_paginator("query").paginate(**query)
        with aws_errors():
            for page in pages:
                yield from page["Items"]


def _patiently(call: Callable[[], Answer]) -> Answer:
    """Calls until no other transaction is in the way, MAX_CONTENDED_TRIES times at most. Raises AwsError."""
    tries = 0
    while True:
        tries += 1
        try:
            with aws_errors():
                return call()
        except AwsError as error:
            most = MAX_CONTENDED_TRIES if _met_another(error) else MAX_THROTTLED_TRIES
            if tries >= most or not _is_passing(error):
                raise
        sleep(random.random() * min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tries - 1)))  # noqa: S311 - no secret


def _reasons(error: AwsError) -> list[str]:
    if error.code != _CANCELLED:
        return []
    return [str(reason.get("Code", "None")) for reason in error.response.get("CancellationReasons", ())]


def _met_another(error: AwsError) -> bool:
    """Whether another transaction on the same item refused the write; it is over in a moment."""
    return error.code == _CONFLICT or "TransactionConflict" in _reasons(error)


def _is_passing(error: AwsError) -> bool:
    """Whether the same write may do better in a moment."""
    if error.code == _CONFLICT:
        return True
    reasons = set(_reasons(error)) - {"None"}
    if "TransactionConflict" in reasons:
        # Which conditions hold is not certain before the other transaction is over.
        reasons -= {"ConditionalCheckFailed"}
    return bool(reasons) and reasons <= _PASSING_REASONS
