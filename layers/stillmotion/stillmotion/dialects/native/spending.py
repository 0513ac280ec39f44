"""`GET /v1/spend`: what was spent on the last days, and what of it brought nothing.

Amounts are US dollars as text, exact. A day (UTC) without an attempt is left out.
"""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import Field

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest, Problem
from stillmotion.dialects.models import Dollars, Query, ResponseModel
from stillmotion.dialects.native import NATIVE, SPENDING
from stillmotion.domain.access import Scope, permits
from stillmotion.domain.job.records import Booking
from stillmotion.domain.spend import Tally
from stillmotion.ports.records import Books, Budget

USUAL_DAYS = 7
MAX_DAYS = 92
MAX_TENANTS_BOOKS = 2000
"""So many tenants' books are shown at once, of the latest days: the answer of a function holds 6 MB."""


class SpendQuery(Query):
    """Whose spending, and how far back."""

    days: Annotated[
        int, Ge(1), Le(MAX_DAYS), Field(description="How many, up to today.", json_schema_extra={"example": 30})
    ] = USUAL_DAYS
    scope: Annotated[Literal["tenant", "stack"], Field(description="The caller's own, or everybody's.")] = "tenant"


class Amounts(ResponseModel):
    """What is reserved, what was charged, and what of that brought nothing."""

    reserved: Dollars
    charged: Dollars
    wasted: Dollars


class SpendDay(Amounts):
    """A day's book. `committed` is what is spent, or may yet be."""

    day: date
    attempts: int
    committed: Dollars
    vendors: dict[str, Amounts]


class TenantsDay(SpendDay):
    """A day's book of one tenant."""

    tenant: str


class StackDay(SpendDay):
    """A day's book of all tenants together, and of each."""

    tenants: list[TenantsDay]


class TenantCaps(ResponseModel):
    """What may be spent on a day; null for as much as is wanted."""

    tenant: Dollars | None


class StackCaps(TenantCaps):
    """The same, and of all tenants together."""

    stack: Dollars | None


class SpendView(ResponseModel):
    """What a tenant spent."""

    object: Literal["spend"] = "spend"
    scope: Literal["tenant"] = "tenant"
    currency: Literal["usd"] = "usd"
    since: Annotated[date, Field(serialization_alias="from")]
    until: Annotated[date, Field(serialization_alias="to")]
    daily_caps: TenantCaps
    days: list[SpendDay]
    tenant: str


class StackSpendView(ResponseModel):
    """What all tenants spent."""

    object: Literal["spend"] = "spend"
    scope: Literal["stack"] = "stack"
    currency: Literal["usd"] = "usd"
    since: Annotated[date, Field(serialization_alias="from")]
    until: Annotated[date, Field(serialization_alias="to")]
    daily_caps: StackCaps
    days: list[StackDay]
    complete: Annotated[bool, Field(description="Whether every tenant of every day is there.")]


class Spending(Feature):
    """What looks into the books. A caller sees the spending of its own tenant; `scope=stack` shows all."""

    TAG = SPENDING
    DIALECT = NATIVE
    FUNCTION = "read"

    def __init__(self, books: Books, budget: Budget, inbox_tenant: str) -> None:
        self._books = books
        self._budget = budget
        self._inbox_tenant = inbox_tenant

    @operation(
        "GET",
        "/v1/spend",
        operation_id="getSpend",
        summary="See what was spent",
        scope=Scope.READ,
        description="Days (UTC) without an attempt are left out. All tenants' takes an admin key of the stack's owner.",
        errors=(400,),
        examples=("Spend",),
    )
    def spend(self, request: HttpRequest, query: SpendQuery) -> SpendView | StackSpendView:
        today = request.arrived_at.astimezone(UTC).date()
        days = [today - timedelta(days=back) for back in range(query.days)]
        return self._of_stack(request, days) if query.scope == "stack" else self._of_tenant(request.tenant, days)

    def _of_tenant(self, tenant: str, days: Sequence[date]) -> SpendView:
        books = self._books.read([(day, tenant) for day in days])
        return SpendView(
            since=days[-1],
            until=days[0],
            daily_caps=TenantCaps(tenant=self._budget.tenant_dollars),
            days=[SpendDay(**_sums(tally)) for tally in books],
            tenant=tenant,
        )

    def _of_stack(self, request: HttpRequest, days: Sequence[date]) -> StackSpendView:
        """The stack's owner is the tenant of the inbox. Raises Problem for others."""
        caller = request.good_key
        if caller.tenant != self._inbox_tenant or not permits(caller.scopes, Scope.ADMIN):
            detail = "This key does not show what other tenants spend."
            raise Problem(HTTPStatus.FORBIDDEN, "not_allowed", detail)
        totals = self._books.read([(day, None) for day in days])
        wanted = [(tally.day, tenant) for tally in totals for tenant in sorted(tally.tenants)]
        by_day: dict[date, list[TenantsDay]] = {tally.day: [] for tally in totals}
        for tally in self._books.read(wanted[:MAX_TENANTS_BOOKS]):
            by_day[tally.day].append(TenantsDay(tenant=tally.tenant or "", **_sums(tally)))
        return StackSpendView(
            since=days[-1],
            until=days[0],
            daily_caps=StackCaps(tenant=self._budget.tenant_dollars, stack=self._budget.stack_dollars),
            days=[StackDay(tenants=by_day[tally.day], **_sums(tally)) for tally in totals],
            complete=len(wanted) <= MAX_TENANTS_BOOKS,
        )


def _sums(tally: Tally) -> dict[str, Any]:
    vendors = {str(vendor): _amounts(booking) for vendor, booking in sorted(tally.vendors.items())}
    beside = {"day": tally.day, "attempts": tally.attempts, "committed": tally.committed}
    return {**beside, **dict(_amounts(tally.total)), "vendors": vendors}


def _amounts(booking: Booking) -> Amounts:
    return Amounts(reserved=booking.reserved, charged=booking.charged, wasted=booking.wasted)
