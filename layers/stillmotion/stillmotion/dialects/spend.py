"""`GET /v1/spend`: what was spent on the last days, and what of it brought nothing.

Amounts are US dollars as text, exact. A day (UTC) without an attempt is left out.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal
from http import HTTPStatus

from stillmotion.dialects.http import FieldProblem, HttpRequest, HttpResponse, Problem, Route
from stillmotion.domain.access import Scope, permits
from stillmotion.domain.job import Booking
from stillmotion.domain.spend import Tally
from stillmotion.ports import Books, Budget

USUAL_DAYS = 7
MOST_DAYS = 92
MOST_TENANTS_BOOKS = 2000
"""So many tenants' books are shown at once, of the latest days: the answer of a function holds 6 MB."""


def spend_routes(books: Books, budget: Budget, inbox_tenant: str) -> Mapping[str, Route]:
    """What looks into the books. A caller sees his own tenant's; `scope=stack` shows all."""

    def spend(request: HttpRequest) -> HttpResponse:
        days = _days(request)
        match request.query.get("scope", "tenant"):
            case "tenant":
                shown = [_sums(tally) for tally in books.read([(day, request.tenant) for day in days])]
                body = _body("tenant", days, shown, {"tenant": budget.tenant_dollars})
                return HttpResponse(body={**body, "tenant": request.tenant})
            case "stack":
                if not _sees_all(request, inbox_tenant):
                    detail = "This key does not show what other tenants spend."
                    raise Problem(HTTPStatus.FORBIDDEN, "not_allowed", detail)
                shown, complete = _of_all(books, days)
                caps = {"tenant": budget.tenant_dollars, "stack": budget.stack_dollars}
                return HttpResponse(body={**_body("stack", days, shown, caps), "complete": complete})
            case _:
                raise _refused("scope", "must be tenant or stack")

    return {"GET /v1/spend": spend}


def _sees_all(request: HttpRequest, inbox_tenant: str) -> bool:
    """Whether the caller may see what all tenants of the stack spend: the inbox's tenant is its owner."""
    caller = request.caller
    return caller is not None and caller.tenant == inbox_tenant and permits(caller.scopes, Scope.ADMIN)


def _days(request: HttpRequest) -> list[date]:
    """The days that are asked for, today first."""
    count = request.query.get("days", str(USUAL_DAYS))
    if not re.fullmatch(r"[0-9]{1,3}", count) or not 1 <= int(count) <= MOST_DAYS:
        raise _refused("days", f"must be a number from 1 to {MOST_DAYS}")
    today = request.arrived_at.astimezone(UTC).date()
    return [today - timedelta(days=back) for back in range(int(count))]


def _of_all(books: Books, days: Sequence[date]) -> tuple[list[dict[str, object]], bool]:
    """Each day with its tenants, and whether every tenant of every day is there."""
    totals = books.read([(day, None) for day in days])
    wanted = [(tally.day, tenant) for tally in totals for tenant in sorted(tally.tenants)]
    by_day: dict[date, list[dict[str, object]]] = {tally.day: [] for tally in totals}
    for tally in books.read(wanted[:MOST_TENANTS_BOOKS]):
        by_day[tally.day].append({"tenant": tally.tenant, **_sums(tally)})
    return [{**_sums(tally), "tenants": by_day[tally.day]} for tally in totals], len(wanted) <= MOST_TENANTS_BOOKS


def _body(
    scope: str, days: Sequence[date], shown: Sequence[Mapping[str, object]], caps: Mapping[str, Decimal | None]
) -> dict[str, object]:
    return {
        "object": "spend",
        "scope": scope,
        "currency": "usd",
        "from": days[-1].isoformat(),
        "to": days[0].isoformat(),
        "daily_caps": {whose: None if cap is None else _text(cap) for whose, cap in caps.items()},
        "days": shown,
    }


def _sums(tally: Tally) -> dict[str, object]:
    return {
        "day": tally.day.isoformat(),
        "attempts": tally.attempts,
        "committed": _text(tally.committed),
        **_amounts(tally.total),
        "vendors": {vendor: _amounts(booking) for vendor, booking in sorted(tally.vendors.items())},
    }


def _amounts(booking: Booking) -> dict[str, str]:
    parts = {"reserved": booking.reserved, "charged": booking.charged, "wasted": booking.wasted}
    return {part: _text(amount) for part, amount in parts.items()}


def _text(dollars: Decimal) -> str:
    return f"{dollars:f}"


def _refused(field: str, rule: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_request", f"{field} {rule}.", (FieldProblem(field, rule),))
