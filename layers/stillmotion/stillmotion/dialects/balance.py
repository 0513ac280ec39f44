"""What a caller may still spend, which the vendors' dialects tell as a balance."""

from datetime import UTC, datetime
from decimal import Decimal

from stillmotion.domain.keys import ApiKey
from stillmotion.ports.records import Books, Budget
from stillmotion.services.keys.limits import Allowance


class Balance:
    """What may still be spent today (UTC), in US dollars: of the tenant's budget, and of the key's own allowance."""

    def __init__(self, books: Books, budget: Budget, allowance: Allowance) -> None:
        self._books = books
        self._cap = budget.tenant_dollars
        self._allowance = allowance

    def left(self, caller: ApiKey, now: datetime) -> Decimal | None:
        """None for as much as is wanted, and never less than nothing. One read for each limit that there is."""
        of_both = (self._of_tenant(caller.tenant, now), self._allowance.left(caller))
        limits = [left for left in of_both if left is not None]
        return max(Decimal(0), min(limits)) if limits else None

    def _of_tenant(self, tenant: str, now: datetime) -> Decimal | None:
        if self._cap is None:
            return None
        books = self._books.read([(now.astimezone(UTC).date(), tenant)])
        return self._cap - sum((tally.committed for tally in books), Decimal(0))
