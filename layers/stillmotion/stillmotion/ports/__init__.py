"""What the services need from the world, as Protocols. Adapters in `vendors`, `egress`, `aws` and tests implement them.

This module has what all ports share. The modules are `records`, `keys`, `objects`, `vendor`, `workflow`, `webhooks` and
`egress`.
Exceptions an adapter may raise:

    StoreError
    ├── Conflict                somebody wrote the record since it was read: read it again
    ├── UnknownPage             where a page should start was never given out by this store
    ├── records.AlreadyExists   a unique item has an owner already: `pointer` tells whose
    ├── records.OverBudget      a day's budget does not allow what the record would reserve
    ├── keys.AllowanceSpent     a key's daily allowance has no room for what the record would take of it
    └── objects.ObjectMissing   no such object or version
    vendor.ReadFailed           the vendor's status could not be read; says nothing about the generation
    egress.FetchFailed          the video could not be fetched, or is not what a video must be
    egress.PictureUnreachable   a picture could not be fetched, or may not be
    egress.Undelivered          a webhook was not answered
"""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time, in UTC."""

    def now(self) -> datetime: ...


class StoreError(Exception):
    """Storage refused, in a way that the caller is meant to handle."""


class Conflict(StoreError):
    """The record is not at the version that was read."""


class UnknownPage(StoreError):
    """The text that should say where a page starts was not given out by this store."""
