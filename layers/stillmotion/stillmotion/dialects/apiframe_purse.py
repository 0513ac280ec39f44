"""What a tenant may still spend: Apiframe's dialect tells it as credits."""

from datetime import UTC, datetime
from decimal import Decimal

from stillmotion.ports import Books, Budget


class Purse:
    """What a tenant may still spend today (UTC), in US dollars."""

    def __init__(self, books: Books, budget: Budget) -> None:
        self._books = books
        self._cap = budget.tenant_dollars

    def left(self, tenant: str, now: datetime) -> Decimal | None:
        """None for as much as is wanted; nothing is read then."""
        if self._cap is None:
            return None
        books = self._books.read([(now.astimezone(UTC).date(), tenant)])
        return self._cap - sum((tally.committed for tally in books), Decimal(0))
