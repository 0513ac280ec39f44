"""What the governor knows of each vendor: one item of the jobs table for each.

    kind        pk                   attributes
    governor    governor#<vendor>    version (N), state (S: `GovernorState` in JSON), writer (S: a random word)

The state is text, not attributes of its own: nothing is looked up by what is in it, and the whole of it is read and
written by every job that starts and ends, so that its size is what it costs.
"""

import uuid

import msgspec
from msgspec.structs import replace

from stillmotion.aws.attributes import to_item
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import Unreadable
from stillmotion.aws.table import Condition, ConditionFailed, Put, Table
from stillmotion.domain.governing import GovernorState
from stillmotion.domain.request import VendorName
from stillmotion.keyspace import governor_key
from stillmotion.ports import Conflict

_ABSENT = Condition("attribute_not_exists(pk)")


class DynamoGovernorStore:
    """The governor's items in the jobs table as a `ports.workflow.GovernorStore`."""

    def __init__(self, clients: AwsClients, table_name: str) -> None:
        self._table = Table(clients, table_name)

    def read(self, vendor: VendorName) -> GovernorState:
        """Strongly consistent; an empty one of version 0 where there is none. Raises Unreadable."""
        item = self._table.get(governor_key(vendor))
        if item is None:
            return GovernorState()
        try:
            state = msgspec.json.decode(item["state"]["S"], type=GovernorState)
        except (msgspec.DecodeError, KeyError) as error:
            raise Unreadable(f"{governor_key(vendor)}: {error}") from error
        return replace(state, version=int(item["version"]["N"]))

    def write(self, vendor: VendorName, state: GovernorState) -> None:
        """Stores the next version of a state that was read. Raises Conflict."""
        key, writer = governor_key(vendor), uuid.uuid4().hex
        text = msgspec.json.encode(state).decode()
        fields = {"pk": key, "kind": "governor", "version": state.version + 1, "state": text, "writer": writer}
        unmoved = Condition("#version = :read", ("version",), {"read": state.version}) if state.version else _ABSENT

        def is_there() -> bool:
            return (self._table.get(key) or {}).get("writer") == {"S": writer}

        try:
            self._table.write_or_find([Put(to_item(fields), unmoved)], token=writer, is_there=is_there)
        except ConditionFailed as failed:
            raise Conflict(f"{key} is not at version {state.version}") from failed
