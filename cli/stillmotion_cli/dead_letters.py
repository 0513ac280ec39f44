"""`stillmotion dead-letters`: what the stack could not handle, listed and replayed."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillmotion_cli import text
from stillmotion_cli.client import Client
from stillmotion_cli.display import PIPE_WIDTH
from stillmotion_cli.failures import EXIT_CODES, Misuse, interrupted_as, told_to
from stillmotion_cli.operations_records import Letter, Replayed
from stillmotion_cli.surroundings import surroundings_of

QUEUES = ("inbox", "announcements")
REASON_LENGTH = 80

app = typer.Typer(
    help="List what the stack could not handle: uploads that became no job, events that did not reach the bus.",
    epilog=EXIT_CODES,
)


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON, and nothing else.")] = False,
) -> None:
    """List the dead letters, the oldest first; at most 100 of each queue. Without a further word, that is all."""
    if context.invoked_subcommand is not None:
        return
    surroundings, errors = surroundings_of(context), Console(stderr=True)
    with told_to(errors), surroundings.client() as client:
        found = client.dead_letters()
    if as_json:
        typer.echo(json.dumps(found.raw, indent=2, ensure_ascii=False))
    elif found.value.data:
        console = Console()
        console = console if console.is_terminal else Console(width=PIPE_WIDTH)
        console.print(_table(found.value.data))
    else:
        errors.print("There are no dead letters.")


@app.command(epilog=EXIT_CODES)
def replay(
    context: typer.Context,
    which: Annotated[
        list[str] | None, typer.Argument(metavar="[QUEUE] [ID]...", help="inbox or announcements, and letters' ids.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that are listed, or those of the queue.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what came of it as JSON, and nothing else.")] = False,
) -> None:
    """Handle dead letters again. Twice does no harm; what fails again comes back."""
    errors = Console(stderr=True)
    with told_to(errors), surroundings_of(context).client() as client:
        queue, ids = _chosen(which or [])
        if everything is bool(ids):
            raise Misuse("Give the ids of letters, or --all.", next_step="`stillmotion dead-letters` lists them.")
        letters = _letters(client, queue, ids)
        with interrupted_as("Interrupted. What was not replayed is still listed."):
            answers = [answer for name in QUEUES for answer in _replay(client, name, letters)]
    if as_json:
        typer.echo(json.dumps([raw for _, raw in answers], indent=2, ensure_ascii=False))
        return
    done = sum(len(result.replayed) for result, _ in answers)
    sent = sum(result.events for result, _ in answers)
    typer.echo(f"Replayed {done} of {len(letters)}{f'; {sent} events were sent again' if sent else ''}.")
    for left in {left.id: left for result, _ in answers for left in result.left}.values():
        errors.print(text.clean(f"{left.id}: {left.reason}"), markup=False, highlight=False, soft_wrap=True)


def _chosen(words: Sequence[str]) -> tuple[str | None, set[str]]:
    """The queue, where the first word is one, and the ids."""
    queue = words[0] if words and words[0] in QUEUES else None
    return queue, set(words[1:] if queue else words)


def _letters(client: Client, queue: str | None, ids: set[str]) -> list[Letter]:
    """Those that are meant. Raises Misuse for ids that are not listed."""
    listed = [letter for letter in client.dead_letters().value.data if queue in (None, letter.queue)]
    missing = ids - {letter.id for letter in listed}
    if missing:
        raise Misuse(f"No such dead letter: {', '.join(sorted(missing))}.", next_step="Those listed can be replayed.")
    return [letter for letter in listed if not ids or letter.id in ids]


def _replay(client: Client, queue: str, letters: Sequence[Letter]) -> list[tuple[Replayed, dict[str, Any]]]:
    """Replays the letters of one queue, in as many goes as the stack wants."""
    wanted: dict[str, Any] = {"queue": queue, "ids": [letter.id for letter in letters if letter.queue == queue]}
    answers = []
    while wanted["ids"]:
        answer = client.replay_dead_letters(wanted)
        answers.append((answer.value, answer.raw))
        rest = answer.value.rest
        wanted = {"queue": queue, "ids": list(rest.ids) if rest else [], "after": rest.after if rest else ""}
    return answers


def _table(letters: Sequence[Letter]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("Queue", "ID", "Sent"):
        table.add_column(column, no_wrap=True)
    for column in ("Subject", "Reason"):
        table.add_column(column)
    for letter in letters:
        table.add_row(
            Text(text.clean(letter.queue)),
            Text(text.clean(letter.id)),
            text.moment(letter.sent_at),
            Text(text.clean(letter.subject or "cannot be read")),
            Text(text.shortened(letter.reason, REASON_LENGTH)),
        )
    return table
