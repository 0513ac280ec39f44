"""The few DynamoDB calls that the stores make, on one table whose partition key is `pk`.

Exceptions:

    ConditionFailed    nothing was written: the conditions of the writes at `indexes` did not hold
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from stillmotion.aws.attributes import Item, attribute
from stillmotion.aws.client import AwsClient, AwsError, is_transient

_CONDITION_FAILED = "ConditionalCheckFailedException"
_CANCELLED = "TransactionCanceledException"
_CONFLICT = "TransactionConflictException"
# Cancellation reasons that say nothing about the conditions (API reference of TransactWriteItems).
_PASSING_REASONS = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})
MOST_KEYS = 100
"""What BatchGetItem takes at once."""


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

    def __init__(self, client: AwsClient, name: str) -> None:
        self._client = client
        self._name = name

    def get(self, pk: str) -> Item | None:
        """The item at a key, strongly consistent."""
        key = {"pk": attribute(pk)}
        item: Item | None = self._call("GetItem", {"Key": key, "ConsistentRead": True}).get("Item")
        return item

    def get_many(self, pks: Sequence[str]) -> dict[str, Item]:
        """The items that there are at some keys, which are all different, by key; strongly consistent."""
        found: dict[str, Item] = {}
        wanted = list(pks)
        while wanted:
            keys = [{"pk": attribute(pk)} for pk in wanted[:MOST_KEYS]]
            requested = {self._name: {"Keys": keys, "ConsistentRead": True}}
            answer = self._call("BatchGetItem", {"RequestItems": requested}, in_table=False)
            found |= {item["pk"]["S"]: item for item in answer["Responses"].get(self._name, ())}
            left = answer.get("UnprocessedKeys", {}).get(self._name, {}).get("Keys", ())
            wanted = [*(key["pk"]["S"] for key in left), *wanted[MOST_KEYS:]]
        return found

    def write(self, writes: Sequence[Write], token: str) -> None:
        """All of the writes or none. Raises ConditionFailed.

        `token` (36 characters at most) makes a repeated transaction one for 10 minutes; a single put has no such
        thing, so that its repetition may fail the condition that its first try made false.
        """
        members = [{"TableName": self._name, **write.members()} for write in writes]
        try:
            if len(writes) == 1 and isinstance(writes[0], Put):
                self._call("PutItem", members[0])
            else:
                items = [{type(write).__name__: member} for write, member in zip(writes, members, strict=True)]
                self._call("TransactWriteItems", {"TransactItems": items, "ClientRequestToken": token}, in_table=False)
        except AwsError as error:
            if error.code == _CONDITION_FAILED:
                raise ConditionFailed(0) from error
            failed = [index for index, reason in enumerate(_reasons(error)) if reason == "ConditionalCheckFailed"]
            if failed:
                raise ConditionFailed(*failed) from error
            raise

    def update(self, pk: str, expression: str, names: Sequence[str], values: Mapping[str, object]) -> Item:
        """Changes an item, or makes it; gives all of it as it is then. Names stand as `#name`, values as `:name`.

        A repetition after a lost answer changes it twice.
        """
        members = Update(pk, expression, tuple(names), values).members()
        changed: Item = self._call("UpdateItem", {**members, "ReturnValues": "ALL_NEW"})["Attributes"]
        return changed

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
        name, value = partition
        query: dict[str, object] = {
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": name},
            "ExpressionAttributeValues": {":partition": attribute(value)},
            "ScanIndexForward": reverse,
            "Limit": limit,
        }
        if start is not None:
            query["ExclusiveStartKey"] = {key: attribute(part) for key, part in start.items()}
        answer = self._call("Query", query)
        return answer["Items"], "LastEvaluatedKey" in answer

    def oldest_first(
        self, index: str, partition: tuple[str, str], before: tuple[str, str], starting: tuple[str, str] | None = None
    ) -> Iterator[Item]:
        """Every item of one partition of an index whose sort key is less than a value, from the lowest up; of these, if
        told, those alone in which an attribute starts so."""
        (name, value), (sort, end) = partition, before
        query: dict[str, object] = {
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition AND #sort < :end",
            "ExpressionAttributeNames": {"#partition": name, "#sort": sort},
            "ExpressionAttributeValues": {":partition": attribute(value), ":end": attribute(end)},
        }
        if starting is not None:
            filtered, start = starting
            query["FilterExpression"] = "begins_with(#filtered, :start)"
            query["ExpressionAttributeNames"] = {"#partition": name, "#sort": sort, "#filtered": filtered}
            values = {":partition": value, ":end": end, ":start": start}
            query["ExpressionAttributeValues"] = {placeholder: attribute(text) for placeholder, text in values.items()}
        yield from self._pages(query)

    def highest_first(self, index: str, partition: tuple[str, str], most: tuple[str, str], page: int) -> Iterator[Item]:
        """Every item of one partition of an index whose sort key is a value at most, from the highest down, `page` at a
        time as they are wanted."""
        (name, value), (sort, end) = partition, most
        yield from self._pages({
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition AND #sort <= :end",
            "ExpressionAttributeNames": {"#partition": name, "#sort": sort},
            "ExpressionAttributeValues": {":partition": attribute(value), ":end": attribute(end)},
            "ScanIndexForward": False,
            "Limit": page,
        })  # fmt: skip

    def lowest_first(self, index: str, partition: tuple[str, str], page: int) -> Iterator[Item]:
        """Every item of one partition of an index, from the lowest sort key up, `page` at a time as they are wanted."""
        name, value = partition
        yield from self._pages({
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": name},
            "ExpressionAttributeValues": {":partition": attribute(value)},
            "Limit": page,
        })  # fmt: skip

    def _pages(self, query: dict[str, object]) -> Iterator[Item]:
        while True:
            answer = self._call("Query", query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _call(self, operation: str, members: Mapping[str, object], *, in_table: bool = True) -> dict[str, Any]:
        payload = {"TableName": self._name, **members} if in_table else members
        name = f"DynamoDB_20120810.{operation}"
        return self._client.call("dynamodb", name, payload, transient=_is_transient, contended=_met_another)


def _reasons(error: AwsError) -> list[str]:
    if error.code != _CANCELLED:
        return []
    return [str(reason.get("Code", "None")) for reason in error.body.get("CancellationReasons", ())]


def _is_transient(error: AwsError) -> bool:
    if error.code == _CANCELLED:
        reasons = set(_reasons(error)) - {"None"}
        if "TransactionConflict" in reasons:
            # Also which conditions hold is not told for good before the other is over.
            reasons -= {"ConditionalCheckFailed"}
        return bool(reasons) and reasons <= _PASSING_REASONS
    return error.code == _CONFLICT or is_transient(error)


def _met_another(error: AwsError) -> bool:
    """Whether it was turned away by another's transaction on the same item, which is over in a moment."""
    return error.code == _CONFLICT or "TransactionConflict" in _reasons(error)
