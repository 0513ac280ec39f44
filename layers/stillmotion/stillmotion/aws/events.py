"""Tells the event bus what became of a job."""

from collections.abc import Sequence

import msgspec

from stillmotion.aws.client import AwsClient, AwsError
from stillmotion.ports import Event

SOURCE = "stillmotion"
ENTRIES_PER_CALL = 10
"""What PutEvents takes at once."""


class EventBridgeBus:
    """An event bus as a `ports.EventBus`. Each detail carries `event_id`, the same however often it is sent."""

    def __init__(self, client: AwsClient, bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def send(self, events: Sequence[Event]) -> None:
        """At least once each. Raises AwsError when the bus takes not all of them: send all of them again."""
        for start in range(0, len(events), ENTRIES_PER_CALL):
            entries = [self._entry(event) for event in events[start : start + ENTRIES_PER_CALL]]
            answer = self._client.call("events", "AWSEvents.PutEvents", {"Entries": entries}, json_version="1.1")
            refused = [entry for entry in answer.get("Entries", ()) if entry.get("ErrorCode")]
            if refused:
                code, message = str(refused[0]["ErrorCode"]), str(refused[0].get("ErrorMessage", ""))
                raise AwsError(code, f"{len(refused)} of {len(entries)} events were not taken: {message}", 200, answer)

    def _entry(self, event: Event) -> dict[str, object]:
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": msgspec.json.encode({**event.detail, "event_id": event.id}).decode(),
            "Time": event.created_at.timestamp(),
        }
