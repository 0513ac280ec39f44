"""The few DynamoDB calls that the stores make, on one table whose partition key is `pk`.

Exceptions:

    ConditionFailed    nothing was written: the conditions of the puts at `indexes` did not hold
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from stillmotion.aws.attributes import Attribute, Item, attribute
from stillmotion.aws.client import AwsClient, AwsError, is_transient

_CONDITION_FAILED = "ConditionalCheckFailedException"
_CANCELLED = "TransactionCanceledException"
# Cancellation reasons that say nothing about the conditions (API reference of TransactWriteItems).
_PASSING_REASONS = frozenset({"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"})


class ConditionFailed(Exception):
    """A condition did not hold; nothing was written."""

    def __init__(self, *indexes: int) -> None:
        super().__init__(f"the conditions of puts {list(indexes)} did not hold")
        self.indexes = indexes


class Condition(msgspec.Struct, frozen=True):
    """A condition expression. Names in it stand as `#name`, values as `:name`."""

    expression: str
    names: tuple[str, ...] = ()
    values: Mapping[str, object] = {}

    def members(self) -> dict[str, object]:
        """Its members of a Put."""
        members: dict[str, object] = {"ConditionExpression": self.expression}
        if self.names:
            members["ExpressionAttributeNames"] = {f"#{name}": name for name in self.names}
        if self.values:
            members["ExpressionAttributeValues"] = {f":{name}": attribute(value) for name, value in self.values.items()}
        return members


class Put(msgspec.Struct, frozen=True):
    """An item to be written, if its condition holds for what is there."""

    item: Item
    condition: Condition | None = None


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

    def write(self, puts: Sequence[Put], token: str) -> None:
        """All of the puts or none. Raises ConditionFailed.

        `token` (36 characters at most) makes a repeated transaction one for 10 minutes; a single put has no such
        thing, so that its repetition may fail the condition that its first try made false.
        """
        members = [
            {"TableName": self._name, "Item": put.item} | (put.condition.members() if put.condition else {})
            for put in puts
        ]
        try:
            if len(members) == 1:
                self._call("PutItem", members[0])
            else:
                items = [{"Put": put} for put in members]
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
        changed: Item = self._call(
            "UpdateItem",
            {
                "Key": {"pk": attribute(pk)},
                "UpdateExpression": expression,
                "ExpressionAttributeNames": {f"#{name}": name for name in names},
                "ExpressionAttributeValues": {f":{name}": attribute(value) for name, value in values.items()},
                "ReturnValues": "ALL_NEW",
            },
        )["Attributes"]
        return changed

    def newest_first(
        self, index: str, partition: tuple[str, str], limit: int, start: Mapping[str, str] | None
    ) -> tuple[list[Item], bool]:
        """Items of one partition (its attribute and value) of an index, from the highest sort key down.

        `start` is the key, in the index and the table, of the last item that was seen. The flag says whether more
        may follow.
        """
        name, value = partition
        query: dict[str, object] = {
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition",
            "ExpressionAttributeNames": {"#partition": name},
            "ExpressionAttributeValues": {":partition": attribute(value)},
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if start is not None:
            query["ExclusiveStartKey"] = {key: attribute(part) for key, part in start.items()}
        answer = self._call("Query", query)
        return answer["Items"], "LastEvaluatedKey" in answer

    def oldest_first(self, index: str, partition: tuple[str, str], before: tuple[str, str]) -> Iterator[Item]:
        """Every item of one partition of an index whose sort key is less than a value, from the lowest up."""
        (name, value), (sort, end) = partition, before
        query: dict[str, object] = {
            "IndexName": index,
            "KeyConditionExpression": "#partition = :partition AND #sort < :end",
            "ExpressionAttributeNames": {"#partition": name, "#sort": sort},
            "ExpressionAttributeValues": {":partition": attribute(value), ":end": attribute(end)},
        }
        while True:
            answer = self._call("Query", query)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _call(self, operation: str, members: Mapping[str, object], *, in_table: bool = True) -> dict[str, Any]:
        payload = {"TableName": self._name, **members} if in_table else members
        return self._client.call("dynamodb", f"DynamoDB_20120810.{operation}", payload, transient=_is_transient)


def _reasons(error: AwsError) -> list[str]:
    if error.code != _CANCELLED:
        return []
    return [str(reason.get("Code", "None")) for reason in error.body.get("CancellationReasons", ())]


def _is_transient(error: AwsError) -> bool:
    if error.code == _CANCELLED:
        reasons = set(_reasons(error)) - {"None"}
        return bool(reasons) and reasons <= _PASSING_REASONS
    return error.code == "TransactionConflictException" or is_transient(error)


def key_of(item: Mapping[str, Attribute]) -> str:
    """The partition key of an item."""
    return str(item["pk"]["S"])
