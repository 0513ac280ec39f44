"""`stillmotion spend`: what was spent on which day, by whom, at which vendor."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillmotion_cli import text
from stillmotion_cli.display import PIPE_WIDTH
from stillmotion_cli.failures import told_to
from stillmotion_cli.spend_records import Amounts, Day, Spend
from stillmotion_cli.surroundings import surroundings_of

MAX_DAYS = 92
FOUR_DECIMALS = Decimal("0.0001")


def spend(
    context: typer.Context,
    *,
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="How many days (UTC), today included.")] = 7,
    everybody: Annotated[
        bool, typer.Option("--all", help="All tenants of the stack; only its owner's keys show them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the days as JSON, and nothing else.")] = False,
) -> None:
    """Show what was spent: reserved for what is under way, charged, and wasted on what brought nothing."""
    surroundings, errors = surroundings_of(context), Console(stderr=True)
    with told_to(errors), surroundings.client() as client:
        answer = client.spend(days, everybody=everybody)
    if as_json:
        typer.echo(json.dumps(answer.raw, indent=2, ensure_ascii=False))
        return
    if answer.value.days:
        console = Console()
        (console if console.is_terminal else Console(width=PIPE_WIDTH)).print(table_of(answer.value))
    else:
        errors.print("Nothing was spent today." if days == 1 else f"Nothing was spent in {days} days.")
    if not answer.value.complete:
        errors.print("These are too many to be shown at once: some tenants are left out. Ask for fewer days.")
    for line in caps(answer.value):
        errors.print(line, markup=False, highlight=False)


def table_of(report: Spend) -> Table:
    """One row for each day, tenant and vendor, and one for all together."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("Day", "Tenant", "Vendor"):
        table.add_column(column, no_wrap=True)
    for column in ("Reserved", "Charged", "Wasted"):
        table.add_column(column, justify="right", no_wrap=True)
    for day in report.days:
        for tenant, vendor, amounts in _rows(day, report.tenant):
            names = (Text(text.clean(name)) for name in (tenant, vendor))
            table.add_row(day.day.isoformat(), *names, *_amounts(amounts))
    total = Amounts(
        reserved=sum((day.reserved for day in report.days), Decimal()),
        charged=sum((day.charged for day in report.days), Decimal()),
        wasted=sum((day.wasted for day in report.days), Decimal()),
    )
    table.add_row("Total", "", "", *_amounts(total), style="bold")
    return table


def _rows(day: Day, tenant: str | None) -> Iterator[tuple[str, str, Amounts]]:
    """Tenant, vendor and amounts."""
    for vendor, amounts in day.vendors.items() if tenant is not None else ():
        yield tenant or "", vendor, amounts
    for each in day.tenants:
        for vendor, amounts in each.vendors.items():
            yield each.tenant, vendor, amounts


def caps(report: Spend) -> list[str]:
    """What of today's budget is taken, where there is one."""
    today = next((day.committed for day in report.days if day.day == report.last), Decimal(0))
    whose, by = ("tenant", "") if report.tenant is not None else ("stack", " by all tenants")
    cap = report.daily_caps.get(whose)
    return [] if cap is None else [f"Of today's budget of {_dollars(cap)}, {_dollars(today)} is taken{by}."]


def _amounts(amounts: Amounts) -> tuple[str, str, str]:
    return _dollars(amounts.reserved), _dollars(amounts.charged), _dollars(amounts.wasted)


def _dollars(amount: Decimal) -> str:
    """With two to four decimals."""
    return text.dollars(amount.quantize(FOUR_DECIMALS))
