"""What the API answers to a person's steps, and of dead letters; read as tolerantly as the records."""

from datetime import datetime
from decimal import Decimal

import msgspec

from stillmotion_cli.records import Alternative


class RetryEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a retry would come to, in US dollars, and the run of the job that it follows."""

    run: int
    vendor: str
    price_dollars: Decimal
    alternatives: tuple[Alternative, ...] = ()


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter."""

    queue: str
    id: str
    sent_at: datetime
    receives: int
    reason: str
    subject: str | None = None


class Letters(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters, the oldest first."""

    data: tuple[Letter, ...]


class Left(msgspec.Struct, frozen=True):
    """A letter that could not be replayed, and why."""

    id: str
    reason: str


class Rest(msgspec.Struct, frozen=True):
    """What to ask for next: the same letters, from `after` on."""

    ids: tuple[str, ...]
    after: str


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay; with `rest` it is to be gone on with."""

    replayed: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    events: int = 0
    rest: Rest | None = None
