"""`stillmotion webhooks`: where the stack tells of your jobs, and what became of each telling.

The secret is the only thing on standard output, so that it can be caught: SECRET=$(stillmotion webhooks secret).
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillmotion_cli import text
from stillmotion_cli.client import Client
from stillmotion_cli.display import PIPE_WIDTH
from stillmotion_cli.failures import EXIT_CODES, Misuse, told_to
from stillmotion_cli.jobs import START_OF_ID, WHOLE_ID
from stillmotion_cli.surroundings import surroundings_of
from stillmotion_cli.webhook_records import Delivery

ANSWER_LENGTH = 60
MAX_LISTED = 100

app = typer.Typer(help="Say where you are told of your jobs, and see what became of it.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the record as JSON, and nothing else.")]


@app.command("set", epilog=EXIT_CODES)
def set_webhook(
    context: typer.Context,
    url: Annotated[str | None, typer.Argument(metavar="[URL]", help="An https address.")] = None,
    *,
    off: Annotated[bool, typer.Option("--off", help="Tell nobody any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say where you are told of those jobs that name no callback of their own."""
    errors = Console(stderr=True)
    with told_to(errors), surroundings_of(context).client() as client:
        if off is (url is not None):
            raise Misuse("Give an address, or --off.")
        done = client.set_webhook(url)
    if as_json:
        _print(done.raw)
    else:
        _say(errors, f"You are told at {done.value.url}." if done.value.url else "Nobody is told any more.")


@app.command(epilog=EXIT_CODES)
def show(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show where you are told."""
    errors = Console(stderr=True)
    with told_to(errors), surroundings_of(context).client() as client:
        found = client.webhook()
    if as_json:
        _print(found.raw)
    elif found.value.url is not None:
        typer.echo(text.clean(found.value.url))
    else:
        _say(errors, "Nowhere, but where a job says so itself. `stillmotion webhooks set URL` changes that.")


@app.command(epilog=EXIT_CODES)
def secret(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Print what your webhooks are signed with."""
    errors = Console(stderr=True)
    with told_to(errors), surroundings_of(context).client() as client:
        found = client.webhook_secret()
    if as_json:
        _print(found.raw)
        return
    typer.echo(found.value.secret)
    if found.value.previous_secret is not None:
        _say(errors, "The one before it is good for a while yet: --json shows both.")


@app.command(epilog=EXIT_CODES)
def deliveries(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MAX_LISTED, help="How many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Those before this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what you were told, or were to be, the newest first; of the last 30 days."""
    errors = Console(stderr=True)
    with told_to(errors), surroundings_of(context).client() as client:
        found = client.deliveries(limit, after)
    if as_json:
        _print(found.raw)
    elif found.value.data:
        console = Console()
        wide = console if console.is_terminal else Console(width=PIPE_WIDTH)
        wide.print(_table(found.value.data))
        if found.value.next is not None:
            _say(errors, f"There are more: --after {found.value.next}")
    else:
        errors.print("There are none.")


@app.command(epilog=EXIT_CODES)
def replay(
    context: typer.Context,
    delivery: Annotated[
        str, typer.Argument(metavar="ID", help="The delivery's, which is its event's, or the start of a recent one's.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Deliver once more, with the same id, and for a day if it fails."""
    errors = Console(stderr=True)
    with told_to(errors), surroundings_of(context).client() as client:
        again = client.replay_delivery(_whole_id(client, delivery))
    if as_json:
        _print(again.raw)
    else:
        _say(errors, f"{again.value.id} is on its way to {again.value.url}.")


def _whole_id(client: Client, given: str) -> str:
    """The id that starts so among the recent deliveries. Raises Misuse unless there is just one."""
    given = given.strip().lower()
    if WHOLE_ID.fullmatch(given):
        return given
    step = "`stillmotion webhooks deliveries` lists them."
    if not START_OF_ID.fullmatch(given):
        raise Misuse(f"{given!r} is no id of a delivery, nor the start of one.", next_step=step)
    found = [each for each in client.deliveries(MAX_LISTED).value.data if each.id.startswith(given)]
    if not found:
        raise Misuse(f"None of the last {MAX_LISTED} deliveries has an id that starts with {given}.", next_step=step)
    if len(found) > 1:
        listed = "\n".join(f"  {each.id}  {text.clean(each.event or '')}" for each in found)
        raise Misuse(f"{len(found)} deliveries have an id that starts with {given}:\n{listed}")
    return found[0].id


def _table(found: tuple[Delivery, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("ID", "Event", "Job", "Made", "State"):
        table.add_column(column, no_wrap=True)
    table.add_column("Tries", justify="right", no_wrap=True)
    for column in ("Answer", "Next try"):
        table.add_column(column)
    for each in found:
        table.add_row(
            Text(text.clean(each.id)),
            Text(text.clean(each.event or "")),
            Text(text.clean(each.job_id)),
            text.moment(each.created_at),
            Text(text.clean(each.state)),
            str(each.tries),
            Text(text.shortened(text.clean(each.answer), ANSWER_LENGTH)),
            "" if each.next_try_at is None else text.moment(each.next_try_at),
        )
    return table


def _print(raw: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(raw, indent=2, ensure_ascii=False))


def _say(errors: Console, sentence: str) -> None:
    errors.print(text.clean(sentence), markup=False, highlight=False, soft_wrap=True)
