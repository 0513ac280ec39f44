"""Events reach the bus, all of them, each by the id that it keeps."""

from typing import Any

import msgspec
import pytest
from botocore.awsrequest import AWSResponse
from tests.unit.aws.wire import NOW, Sent, answer, answering

from stillmotion.aws.clients import AwsClients, AwsError
from stillmotion.aws.events import EventBridgeBus
from stillmotion.ports.records import Event


def event(number: int = 1) -> Event:
    return Event(
        id=f"event-{number}",
        job_id="job-1",
        detail_type="Video Completed",
        detail={"job_id": "job-1", "title": "Möwe"},
        created_at=NOW,
    )


class Bus:
    """Remembers the entries of each call; refuses those whose number is named."""

    def __init__(self, *refused: int) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._refused = refused

    def __call__(self, sent: Sent) -> AWSResponse:
        entries = sent.members["Entries"]
        self.calls.append(entries)
        refusal = {"ErrorCode": "ThrottlingException", "ErrorMessage": "later"}
        results = [refusal if number in self._refused else {"EventId": "e"} for number, _ in enumerate(entries)]
        body = {"FailedEntryCount": len(self._refused), "Entries": results}
        return answer(200, msgspec.json.encode(body))


def test_a_bus_takes_an_event(clients: AwsClients) -> None:
    clients.events.create_event_bus(Name="videos")

    EventBridgeBus(clients, "videos").send([event()])


def test_an_event_says_where_it_is_from_and_which_it_is() -> None:
    bus = Bus()

    EventBridgeBus(answering(bus), "videos").send([event()])

    (entry,) = bus.calls[0]
    assert entry["Source"] == "stillmotion"
    assert entry["EventBusName"] == "videos"
    assert entry["DetailType"] == "Video Completed"
    assert entry["Time"] == NOW.timestamp()
    assert msgspec.json.decode(entry["Detail"]) == {"job_id": "job-1", "title": "Möwe", "event_id": "event-1"}


def test_many_events_go_ten_at_a_time() -> None:
    bus = Bus()

    EventBridgeBus(answering(bus), "videos").send([event(number) for number in range(23)])

    assert [len(entries) for entries in bus.calls] == [10, 10, 3]


def test_no_events_need_no_call() -> None:
    bus = Bus()

    EventBridgeBus(answering(bus), "videos").send([])

    assert bus.calls == []


def test_an_event_that_the_bus_refused_is_an_error() -> None:
    with pytest.raises(AwsError, match="1 of 2 events") as caught:
        EventBridgeBus(answering(Bus(1)), "videos").send([event(1), event(2)])

    assert caught.value.code == "ThrottlingException"
