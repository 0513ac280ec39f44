"""`stillmotion keys`: who may call the API, for whom, and how much.

A new key is the only thing on standard output, so that it can be caught: KEY=$(stillmotion keys create --name ci).
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillmotion.domain.access import Scope
from stillmotion.services.keys.minting import PREFIX, is_well_formed, key_hash
from stillmotion_cli import text
from stillmotion_cli.client import Client
from stillmotion_cli.display import PIPE_WIDTH
from stillmotion_cli.failures import EXIT_CODES, Misuse, NoAnswer, told_to
from stillmotion_cli.key_records import Key
from stillmotion_cli.records import Answer
from stillmotion_cli.surroundings import surroundings_of

app = typer.Typer(help="Make, list, revoke and rotate the keys of the API.", no_args_is_help=True)

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
WHOLE_ID = re.compile(r"[0-9a-f]{12}|[0-9a-f]{64}")
START = re.compile(r"[0-9a-f]{1,64}|sm_[A-Za-z0-9_-]*")

Name = Annotated[str, typer.Option("--name", help="What the key is for, to know it by.")]
Which = Annotated[
    str, typer.Argument(metavar="ID", help="The key's id or prefix, the start of one, or the key itself.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record as JSON, and nothing else.")]


@app.command(epilog=EXIT_CODES)
def create(
    context: typer.Context,
    *,
    name: Name,
    tenant: Annotated[str | None, typer.Option(help="Whose key it is; another's only the stack's owner makes.")] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do; read and write unless told.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends, such as 90d or 12h.")] = None,
    rate: Annotated[int, typer.Option(min=0, help="How many calls a minute it may make; 0 for any number.")] = 0,
    daily_dollars: Annotated[str | None, typer.Option(metavar="DOLLARS", help="What it may order for a day.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key, and show it once."""
    errors = Console(stderr=True)
    with told_to(errors):
        wish: dict[str, object] = {"name": name, "tenant": tenant, "scopes": scope or [Scope.READ, Scope.WRITE]}
        wish |= {"expires_in_seconds": None if expires is None else seconds(expires), "rate_per_minute": rate}
        wish |= {"daily_dollars": None if daily_dollars is None else _dollars(daily_dollars)}
        with surroundings_of(context).client() as client:
            made = _made(lambda: client.create_key(wish))
        show_once(errors, made.value, made.raw, as_json=as_json)


@app.command("list", epilog=EXIT_CODES)
def list_keys(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the keys that yours manages, newest first; those that have ended as well."""
    surroundings, errors = surroundings_of(context), Console(stderr=True)
    with told_to(errors), surroundings.client() as client:
        found = client.keys()
    if as_json:
        typer.echo(json.dumps(found.raw, indent=2, ensure_ascii=False))
        return
    console = Console()
    wide = console if console.is_terminal else Console(width=PIPE_WIDTH)
    wide.print(table_of(found.value.data, surroundings.now()))


@app.command(epilog=EXIT_CODES)
def revoke(context: typer.Context, which: Which, *, as_json: AsJson = False) -> None:
    """End a key, within a minute everywhere."""
    errors = Console(stderr=True)
    with told_to(errors), surroundings_of(context).client() as client:
        ended = client.revoke_key(_whole_id(client, which.strip()))
    if as_json:
        typer.echo(json.dumps(ended.raw, indent=2, ensure_ascii=False))
        return
    _say(errors, f"Key {ended.value.id} ({ended.value.name or ended.value.prefix}) ends within a minute.")


@app.command(epilog=EXIT_CODES)
def rotate(
    context: typer.Context,
    which: Which,
    *,
    grace: Annotated[str, typer.Option(metavar="TIME", help="How long the old key lives on.")] = "24h",
    as_json: AsJson = False,
) -> None:
    """Make a key that takes another's place, and show it once."""
    errors = Console(stderr=True)
    with told_to(errors):
        grace_seconds = seconds(grace)
        with surroundings_of(context).client() as client:
            key_id = _whole_id(client, which.strip())
            made = _made(lambda: client.rotate_key(key_id, grace_seconds))
        show_once(errors, made.value, made.raw, as_json=as_json)
        _say(errors, f"The old key, {key_id}, ends in {text.seconds(grace_seconds)} at the latest.")


def show_once(errors: Console, made: Key, raw: Mapping[str, Any], *, as_json: bool) -> None:
    """The key on standard output, and beside it what it is."""
    typer.echo(json.dumps(raw, indent=2, ensure_ascii=False) if as_json else made.key)
    can = ", ".join(made.scopes)
    ends = "" if made.expires_at is None else f", until {text.moment(made.expires_at)}"
    _say(errors, f"Key {made.id} of tenant {made.tenant}: {can}{ends}. It is not shown again: keep it now.")


def table_of(keys: tuple[Key, ...], now: datetime) -> Table:
    """One row for each key."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("ID", "Prefix", "Name", "Tenant", "Scopes", "State", "Ends"):
        table.add_column(column, no_wrap=column != "Name")
    for column in ("Age", "A minute", "A day"):
        table.add_column(column, justify="right", no_wrap=True)
    for key in keys:
        state = key.state(now)
        words = (key.id, key.prefix, key.name, key.tenant, ",".join(key.scopes), state)
        table.add_row(
            *(Text(text.clean(word)) for word in words),
            "" if key.expires_at is None else text.moment(key.expires_at),
            text.age((now - key.created_at).total_seconds()),
            str(key.rate_per_minute) if key.rate_per_minute else "",
            "" if key.daily_dollars is None else text.dollars(key.daily_dollars),
            style="" if state == "good" else "dim",
        )
    return table


def seconds(given: str) -> int:
    """Seconds of `90d`, `24h`, `30m` or `45s`. Raises Misuse."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", given.strip())
    if found is None:
        raise Misuse(f"{given!r} is no length of time.", next_step="Give it like 90d, 24h, 30m or 45s.")
    return int(found[1]) * UNITS[found[2]]


def _dollars(given: str) -> str:
    try:
        amount = Decimal(given.strip().removeprefix("$"))
    except InvalidOperation:
        raise Misuse(f"{given!r} is no amount of US dollars.") from None
    return str(amount)


def _made(call: Callable[[], Answer[Key]]) -> Answer[Key]:
    """What a call made that is not repeated by itself: each time it would make another key."""
    try:
        return call()
    except NoAnswer as lost:
        if lost.never_sent:
            raise
        step = "A key may have been made all the same, which nobody can read now: look at `stillmotion keys list`,"
        raise NoAnswer(lost.message, next_step=f"{step} revoke it, and make another.") from lost


def _whole_id(client: Client, given: str) -> str:
    """The id of the one key that is meant. Raises Misuse."""
    if WHOLE_ID.fullmatch(given):
        return given
    if is_well_formed(given):
        return key_hash(given)
    if not START.fullmatch(given):
        raise Misuse(f"{given!r} is no id of a key.", next_step="`stillmotion keys list` shows them.")
    by_prefix = given.startswith(PREFIX)
    found = [key for key in client.keys().value.data if (key.prefix if by_prefix else key.id).startswith(given)]
    if not found:
        raise Misuse(f"No key's id or prefix starts with {given}.", next_step="`stillmotion keys list` shows them.")
    if len(found) > 1:
        listed = "\n".join(f"  {key.id}  {key.prefix}  {text.clean(key.name)}" for key in found)
        raise Misuse(f"{len(found)} keys start with {given}:\n{listed}")
    return found[0].id


def _say(errors: Console, sentence: str) -> None:
    errors.print(text.clean(sentence), markup=False, highlight=False, soft_wrap=True)
