"""Tells the event bus what became of a job."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from stillmotion.aws.clients import AwsClients, AwsError, aws_errors
from stillmotion.ports.records import Event

if TYPE_CHECKING:
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE = "stillmotion"
ENTRIES_PER_CALL = 10
"""What PutEvents takes at once."""


class EventBridgeBus:
    """An event bus as a `ports.webhooks.EventBus`. Each detail carries `event_id`, the same each time it is sent."""

    def __init__(self, clients: AwsClients, bus_name: str) -> None:
        self._clients = clients
        self._bus_name = bus_name

    def send(self, events: Sequence[Event]) -> None:
        """At least once each. Raises AwsError when the bus takes not all of them: send all of them again."""
        for start in range(0, len(events), ENTRIES_PER_CALL):
            entries = [self._entry(event) for event in events[start : start + ENTRIES_PER_CALL]]
            with aws_errors():
                answer = self._clients.events.put_events(Entries=entries)
            refused = [entry for entry in answer["Entries"] if entry.get("ErrorCode")]
            if refused:
                code, message = str(refused[0]["ErrorCode"]), str(refused[0].get("ErrorMessage", ""))
                raise AwsError(code, f"{len(refused)} of {len(entries)} events were not taken: {message}", 200)

    def _entry(self, event: Event) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": msgspec.json.encode({**event.detail, "event_id": event.id}).decode(),
            "Time": event.created_at,
        }
