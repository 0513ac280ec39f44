"""What could not be handled, listed and replayed. Replaying twice is safe: an upload is the same job, an event has the
same id; what fails again comes back.

    inbox            an upload that became no job: its message goes back to the queue that it came from
    announcements    a place in the table's stream whose events did not reach the bus: the events written around that
                     time are still in the table, and are sent again, all of them
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from stillmotion.domain.dead_letters import Batch, Letter, Message, QueueName, batch, letter
from stillmotion.ports import Clock
from stillmotion.ports.webhooks import EventBus, Outbox, Queue

MAX_LISTED = 100
"""Of each queue. A queue shows no more than a part of itself at once, in no order."""
MARGIN = timedelta(minutes=5)
"""An event is written with the clock of a function; the stream says when it arrived by its own."""
SCAN_TIME = timedelta(seconds=15)


class DeadLetterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the queues are."""

    inbox_queue_url: str
    inbox_dead_letters_url: str
    announcement_dead_letters_url: str


class Left(msgspec.Struct, frozen=True):
    """A letter that cannot be replayed, and why."""

    id: str
    reason: str


class Rest(msgspec.Struct, frozen=True):
    """What to ask for next, as the table was too large to be read in one go: the same letters, from `after` on."""

    ids: tuple[str, ...]
    after: str


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay. `events` counts those sent to the bus. With `rest`, no letter is done with yet."""

    queue: QueueName
    replayed: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    events: int = 0
    rest: Rest | None = None


class DeadLetters:
    """Both queues of dead letters, and where their letters go again. `events_kept`: how long an event can be found."""

    def __init__(
        self,
        *,
        dead: Mapping[QueueName, Queue],
        inbox: Queue,
        outbox: Outbox,
        bus: EventBus,
        clock: Clock,
        events_kept: timedelta,
    ) -> None:
        self._dead = dead
        self._inbox = inbox
        self._outbox = outbox
        self._bus = bus
        self._clock = clock
        self._events_kept = events_kept

    def listed(self) -> list[Letter]:
        """At most MAX_LISTED of each queue, the oldest first."""
        found = []
        for name, queue in self._dead.items():
            messages = queue.receive(MAX_LISTED)
            queue.give_back(messages)
            found += [letter(name, message) for message in messages]
        return sorted(found, key=lambda each: each.sent_at)

    def replay(self, name: QueueName, ids: Sequence[str] | None = None, after: str | None = None) -> Replayed:
        """Replays these letters, or those that the queue shows; `after` goes on with a `rest`. Raises UnknownPage."""
        messages = self._dead[name].receive(MAX_LISTED)
        chosen = [message for message in messages if ids is None or message.id in ids]
        self._dead[name].give_back([message for message in messages if message not in chosen])
        match name:
            case QueueName.INBOX:
                return self._submit_again(chosen)
            case QueueName.ANNOUNCEMENTS:
                return self._announce_again(chosen, after)

    def _submit_again(self, messages: Sequence[Message]) -> Replayed:
        for message in messages:
            self._inbox.send(message.body)
            self._dead[QueueName.INBOX].delete(message)
        return Replayed(queue=QueueName.INBOX, replayed=tuple(message.id for message in messages))

    def _announce_again(self, messages: Sequence[Message], after: str | None) -> Replayed:
        queue = self._dead[QueueName.ANNOUNCEMENTS]
        batches = {message.id: batch(message) for message in messages}
        left = tuple(Left(message_id, why) for message_id, found in batches.items() if (why := self._obstacle(found)))
        stay = {each.id for each in left}
        times = [
            (found.approximate_arrival_of_first_record - MARGIN, found.approximate_arrival_of_last_record + MARGIN)
            for message_id, found in batches.items()
            if found is not None and message_id not in stay
        ]
        chosen = [message for message in messages if message.id not in stay]
        queue.give_back([message for message in messages if message.id in stay])
        sent, more = self._send(times, after)
        result = Replayed(queue=QueueName.ANNOUNCEMENTS, left=left, events=sent)
        ids = tuple(message.id for message in chosen)
        if more is not None:
            queue.give_back(chosen)
            return msgspec.structs.replace(result, rest=Rest(ids, more))
        for message in chosen:
            queue.delete(message)
        return msgspec.structs.replace(result, replayed=ids)

    def _send(self, times: Sequence[tuple[datetime, datetime]], after: str | None) -> tuple[int, str | None]:
        """Sends what was written in one of the times; how many, and where to go on if there was no time for all."""
        if not times:
            return 0, None
        began, sent = self._clock.now(), 0
        since, until = min(start for start, _ in times), max(end for _, end in times)
        for events, more in self._outbox.written_between(since, until, after):
            due = [event for event in events if any(start <= event.created_at <= end for start, end in times)]
            self._bus.send(due)
            sent += len(due)
            if more is not None and self._clock.now() - began >= SCAN_TIME:
                return sent, more
        return sent, None

    def _obstacle(self, found: Batch | None) -> str | None:
        if found is None:
            return "It does not say when its events were written."
        if found.approximate_arrival_of_last_record < self._clock.now() - self._events_kept:
            days = self._events_kept.days
            return f"Its events were deleted after {days} days. The jobs' records tell what became of them."
        return None
