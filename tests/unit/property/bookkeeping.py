"""A vendor that keeps true books, for tests that ask afterwards what was paid for."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes import Died, FakeClock

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.request import VendorName
from stillmotion.ports.vendor import (
    Accepted,
    Declared,
    Envelope,
    Listed,
    NotSent,
    ReadFailed,
    Reading,
    Refused,
    Running,
    SubmissionAnswer,
    Succeeded,
    Unanswered,
    VendorOrder,
)

KEYS_REMEMBERED = timedelta(hours=24)
ANSWERS = ["accept", "lose", "throttle", "refuse", "never sent", "lost on the way", "die before", "die after"]


@dataclass
class Made:
    """A generation in a vendor's own books: paid for from the moment it is made."""

    id: str
    key: str
    body: str
    at: datetime
    state: str = "running"


@dataclass
class BookkeepingVendor:
    """A vendor that answers as it is told and keeps true books of what it made, for us and for `strangers`.

    `ahead` is how far its clock is ahead of ours. `meanwhile` runs inside each POST, before anything is made.
    """

    name: VendorName
    clock: FakeClock
    supports_idempotency: bool
    answer: str = "accept"
    ahead: timedelta = timedelta()
    meanwhile: Callable[[], None] = lambda: None
    made: list[Made] = field(default_factory=list)
    strangers: list[Made] = field(default_factory=list)
    posts: list[tuple[str, str]] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def compose(self, order: VendorOrder) -> Envelope:
        return Envelope(path=f"/{self.name}", body=f"{order.request.prompt} {next(self.numbers)}")

    def submit(self, envelope: Envelope, idempotency_key: str) -> SubmissionAnswer:
        self.meanwhile()
        match self.answer:
            case "never sent":
                return NotSent("no connection")
            case "lost on the way":
                return Unanswered(detail="lost", resendable=self.supports_idempotency)
            case "die before":
                raise Died("before the POST")
            case "throttle":
                self.posts.append((idempotency_key, envelope.body))
                return Refused(failure=Failure(FailureKind.THROTTLED, "slow down"), retry_after=1)
            case "refuse":
                self.posts.append((idempotency_key, envelope.body))
                return Refused(failure=Failure(FailureKind.OUT_OF_CREDITS, "no credits"))
        made = self._make(idempotency_key, envelope.body)
        match self.answer:
            case "lose":
                return Unanswered(detail="lost", resendable=self.supports_idempotency)
            case "die after":
                raise Died("after the POST")
        return Accepted(generation_id=made.id)

    def _make(self, key: str, body: str) -> Made:
        self.posts.append((key, body))
        now = self.clock.now()
        for known in self.made:
            if self.supports_idempotency and known.key == key and now - known.at < KEYS_REMEMBERED:
                return known
        self.made.append(Made(f"{self.name}-{len(self.made)}", key, body, now))
        return self.made[-1]

    def read(self, generation_id: str) -> Reading:
        made = next(made for made in (*self.made, *self.strangers) if made.id == generation_id)
        match made.state:
            case "done":
                return Succeeded(vendor_status="done", video_url=f"https://cdn.example/{made.id}.mp4")
            case "failed":
                return Declared(
                    vendor_status="failed", failure=Failure(FailureKind.GENERATION_FAILED, "the vendor says so")
                )
            case "unreadable":
                raise ReadFailed(FailureKind.UNAVAILABLE, "not now")
        return Running(vendor_status="running")

    def make_for_a_stranger(self) -> None:
        number = len(self.strangers)
        self.strangers.append(Made(f"stranger-{number}", f"stranger {number}", "", self.clock.now()))

    def history(self, since: datetime) -> Sequence[Listed] | None:
        if self.supports_idempotency:
            return None
        listed = [
            Listed(generation_id=made.id, model="flash", created_at=made.at + self.ahead, vendor_status=made.state)
            for made in sorted((*self.made, *self.strangers), key=lambda made: made.at, reverse=True)
        ]
        return [one for one in listed if one.created_at >= since]

    def upload(self, image: bytes, media_type: str, name: str) -> str:
        raise NotImplementedError
