"""The events in the jobs table, found by when they were written.

There is no index for it, as nothing but the replay of dead letters asks: this reads the table, 1 MB at a time, and
costs half a read unit for each 4 KB of it.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from stillmotion.aws.attributes import attribute
from stillmotion.aws.clients import AwsClients, aws_errors
from stillmotion.aws.items import event_of
from stillmotion.ports import UnknownPage
from stillmotion.ports.records import Event

_MAX_PAGE_LENGTH = 2000


class DynamoOutbox:
    """The event items in the jobs table as a `ports.webhooks.Outbox`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._clients = clients
        self._table_name = table_name

    def written_between(
        self, since: datetime, until: datetime, after: str | None
    ) -> Iterator[tuple[Sequence[Event], str | None]]:
        """Pages of events, in no order, each with where to go on `after` it; None with the last. Raises UnknownPage."""
        start: Any = {} if after is None else {"ExclusiveStartKey": {"pk": attribute(_place(after))}}
        pages = self._clients.dynamodb.get_paginator("scan").paginate(
            TableName=self._table_name,
            FilterExpression="#kind = :event AND #at BETWEEN :since AND :until",
            ExpressionAttributeNames={"#kind": "kind", "#at": "created_at"},
            ExpressionAttributeValues={
                ":event": attribute("event"),
                ":since": attribute(since),
                ":until": attribute(until),
            },
            **start,
        )
        with aws_errors():
            for page in pages:
                last = page.get("LastEvaluatedKey")
                yield [event_of(item) for item in page["Items"]], None if last is None else _token(last["pk"]["S"])


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _place(token: str) -> str:
    try:
        if not 0 < len(token) <= _MAX_PAGE_LENGTH:
            raise UnknownPage(f"{len(token)} characters name no page")
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise UnknownPage("that names no page") from error
