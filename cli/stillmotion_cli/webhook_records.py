"""What the API answers about outbound webhooks, read tolerantly."""

from datetime import datetime

import msgspec


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tenant is told; nowhere, where `url` is None."""

    url: str | None = None


class WebhookSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What webhooks are signed with; with both, while the stack's root is being changed."""

    secret: str
    previous_secret: str | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to a receiver."""

    id: str
    job_id: str
    url: str
    state: str
    created_at: datetime
    event: str | None = None
    tries: int = 0
    last_status: int | None = None
    last_error: str | None = None
    next_try_at: datetime | None = None

    @property
    def answer(self) -> str:
        """What the last try came to."""
        return self.last_error or ("" if self.last_status is None else str(self.last_status))


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first."""

    data: tuple[Delivery, ...]
    has_more: bool = False
    next: str | None = None
