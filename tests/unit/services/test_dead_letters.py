"""Dead letters are listed as they lie there, and replayed without losing one."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes import DAWN, FakeClock, RecordingEventBus

from stillmotion.domain.dead_letters import Message, QueueName
from stillmotion.ports.records import Event
from stillmotion.services.operations.dead_letters import DeadLetters

UPLOAD = json.dumps({"detail-type": "Object Created", "detail": {"object": {"key": "inbox/Möwe 1.jpg"}}})
INBOX, ANNOUNCEMENTS = QueueName.INBOX, QueueName.ANNOUNCEMENTS


class MemoryQueue:
    """A queue; `hidden` are the messages that somebody has taken out and not given back."""

    def __init__(self, *bodies: str, **attributes: str) -> None:
        self.messages = [
            Message(
                id=f"m{number}",
                body=body,
                sent_at=DAWN + timedelta(seconds=number),
                receives=1,
                handle=f"h{number}",
                attributes=attributes,
            )
            for number, body in enumerate(bodies, 1)
        ]
        self.hidden: set[str] = set()
        self.sent: list[str] = []

    def receive(self, limit: int) -> Sequence[Message]:
        shown = [message for message in self.messages if message.id not in self.hidden][:limit]
        self.hidden |= {message.id for message in shown}
        return shown

    def give_back(self, messages: Sequence[Message]) -> None:
        self.hidden -= {message.id for message in messages}

    def delete(self, message: Message) -> None:
        self.messages.remove(message)

    def send(self, body: str) -> None:
        self.sent.append(body)


class MemoryOutbox:
    """Events, one on each page; `seconds` pass while a page is read."""

    def __init__(self, clock: FakeClock) -> None:
        self.events: list[Event] = []
        self.seconds = 0.0
        self._clock = clock

    def written_between(
        self, since: datetime, until: datetime, after: str | None
    ) -> Iterator[tuple[Sequence[Event], str | None]]:
        for number in range(int(after or 0), len(self.events)):
            self._clock.advance(self.seconds)
            found = [event for event in self.events[number : number + 1] if since <= event.created_at <= until]
            yield found, str(number + 1) if number + 1 < len(self.events) else None


class Scene:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.dead = {INBOX: MemoryQueue(), ANNOUNCEMENTS: MemoryQueue()}
        self.inbox = MemoryQueue()
        self.outbox = MemoryOutbox(self.clock)
        self.bus = RecordingEventBus()
        self.letters = DeadLetters(
            dead=self.dead,
            inbox=self.inbox,
            outbox=self.outbox,
            bus=self.bus,
            clock=self.clock,
            events_kept=timedelta(days=7),
        )

    @property
    def announced(self) -> list[str]:
        return [event.id for event in self.bus.sent]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def failed(at: datetime, records: int = 2) -> str:
    """What Lambda says of a batch of a stream that it gave up."""
    return json.dumps({
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 21},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "approximateArrivalOfFirstRecord": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "approximateArrivalOfLastRecord": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "batchSize": records,
        },
    })  # fmt: skip


def event(name: str, at: datetime) -> Event:
    return Event(id=name, job_id="job-1", detail_type="Video Completed", detail={}, created_at=at)


def test_an_upload_is_listed_by_its_key(scene: Scene) -> None:
    scene.dead[INBOX] = MemoryQueue(UPLOAD)
    (letter,) = scene.letters.listed()
    assert (letter.queue, letter.subject, letter.sent_at) == (INBOX, "inbox/Möwe 1.jpg", DAWN + timedelta(seconds=1))
    assert letter.reason == "The submit function could not handle it."


def test_what_the_rule_could_not_deliver_says_why(scene: Scene) -> None:
    scene.dead[INBOX] = MemoryQueue(UPLOAD, ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="denied")
    (letter,) = scene.letters.listed()
    assert letter.reason == "EventBridge could not deliver it: NO_PERMISSIONS: denied"


def test_an_announcement_is_listed_by_when_it_was(scene: Scene) -> None:
    scene.dead[ANNOUNCEMENTS] = MemoryQueue(failed(DAWN))
    (letter,) = scene.letters.listed()
    assert letter.subject == "2 events of 2026-05-04T06:00:00+00:00"
    assert letter.reason == "RetryAttemptsExhausted, after 21 tries"


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"detail": {"object": {}}}', '{"DDBStreamBatchInfo": 7}'])
@pytest.mark.parametrize("queue", [INBOX, ANNOUNCEMENTS])
def test_what_cannot_be_read_is_listed_all_the_same(scene: Scene, queue: QueueName, body: str) -> None:
    scene.dead[queue] = MemoryQueue(body)
    (letter,) = scene.letters.listed()
    assert (letter.id, letter.subject) == ("m1", None)


def test_a_look_takes_nothing_away(scene: Scene) -> None:
    scene.dead[INBOX] = MemoryQueue(UPLOAD, UPLOAD)
    assert len(scene.letters.listed()) == len(scene.letters.listed()) == 2


def test_the_oldest_of_both_queues_comes_first(scene: Scene) -> None:
    scene.dead[INBOX] = MemoryQueue(UPLOAD, UPLOAD, UPLOAD)
    scene.dead[ANNOUNCEMENTS] = MemoryQueue(failed(DAWN))
    assert [letter.id for letter in scene.letters.listed()] == ["m1", "m1", "m2", "m3"]


# --- the inbox's


def test_an_upload_goes_back_to_where_it_came_from(scene: Scene) -> None:
    scene.dead[INBOX] = MemoryQueue(UPLOAD)
    assert scene.letters.replay(INBOX).replayed == ("m1",)
    assert (scene.inbox.sent, scene.dead[INBOX].messages) == ([UPLOAD], [])


def test_only_those_that_are_named_are_replayed(scene: Scene) -> None:
    scene.dead[INBOX] = MemoryQueue("1", "2", "3")
    assert scene.letters.replay(INBOX, ["m2", "m9"]).replayed == ("m2",)
    assert scene.inbox.sent == ["2"]
    assert [message.id for message in scene.dead[INBOX].receive(9)] == ["m1", "m3"]


# --- announcements


def announcing(scene: Scene, *bodies: str) -> MemoryQueue:
    scene.dead[ANNOUNCEMENTS] = queue = MemoryQueue(*bodies)
    return queue


def test_the_events_of_that_time_are_sent_again_and_the_letter_is_done_with(scene: Scene) -> None:
    queue = announcing(scene, failed(DAWN))
    minutes = {"long before": -6, "before": -4, "then": 0, "after": 4, "long after": 6}
    scene.outbox.events = [event(name, DAWN + timedelta(minutes=off)) for name, off in minutes.items()]
    told = scene.letters.replay(ANNOUNCEMENTS)
    assert scene.announced == ["before", "then", "after"]
    assert (told.replayed, told.events, queue.messages) == (("m1",), 3, [])


def test_what_was_between_two_failures_is_not_sent_again(scene: Scene) -> None:
    announcing(scene, failed(DAWN), failed(DAWN + timedelta(hours=2)))
    scene.outbox.events = [event(f"hour {hours}", DAWN + timedelta(hours=hours)) for hours in (0, 1, 2)]
    scene.letters.replay(ANNOUNCEMENTS)
    assert scene.announced == ["hour 0", "hour 2"]


@pytest.mark.parametrize(
    ("body", "why"), [(failed(datetime(2026, 4, 20, tzinfo=UTC)), "deleted after 7 days"), ("{}", "does not say")]
)
def test_a_letter_whose_events_cannot_be_found_stays(scene: Scene, body: str, why: str) -> None:
    queue = announcing(scene, body, failed(DAWN))
    told = scene.letters.replay(ANNOUNCEMENTS)
    assert [left.id for left in told.left] == ["m1"]
    assert why in told.left[0].reason
    assert (told.replayed, [message.id for message in queue.receive(9)]) == (("m2",), ["m1"])


def test_a_large_table_is_read_in_several_goes_and_no_letter_is_done_with_before_the_last(scene: Scene) -> None:
    queue = announcing(scene, failed(DAWN))
    scene.outbox.events = [event(f"event {number}", DAWN) for number in range(5)]
    scene.outbox.seconds = 8
    first = scene.letters.replay(ANNOUNCEMENTS)
    assert first.rest is not None
    assert (first.replayed, first.events, len(queue.messages)) == ((), 2, 1)
    second = scene.letters.replay(ANNOUNCEMENTS, first.rest.ids, first.rest.after)
    assert second.rest is not None
    last = scene.letters.replay(ANNOUNCEMENTS, second.rest.ids, second.rest.after)
    assert (last.replayed, last.rest, queue.messages) == (("m1",), None, [])
    assert scene.announced == [f"event {number}" for number in range(5)]


def test_with_no_letters_nothing_is_looked_for(scene: Scene) -> None:
    scene.outbox.events = [event("then", DAWN)]
    assert scene.letters.replay(ANNOUNCEMENTS).events == 0
    assert scene.announced == []
