"""`stillmotion jobs` and `stillmotion show`: what became of the orders."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stillmotion_cli.client import Client
from stillmotion_cli.display import PIPE_WIDTH, subject, table_of
from stillmotion_cli.download import choose_path, download, refuse_bad_place
from stillmotion_cli.failures import Misuse, told_to
from stillmotion_cli.record_view import print_record
from stillmotion_cli.records import COMPLETED
from stillmotion_cli.surroundings import surroundings_of
from stillmotion_cli.text import shortened

MAX_LISTED = 100
WHOLE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
START_OF_ID = re.compile(r"[0-9a-f-]{1,36}")
PROMPT_LENGTH = 60


def jobs(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LISTED, help="How many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="Go on where an earlier list ended.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON, and nothing else.")] = False,
) -> None:
    """List the jobs, newest first."""
    surroundings, errors = surroundings_of(context), Console(stderr=True)
    with told_to(errors), surroundings.client() as client:
        listing = client.listing(limit, after)
    if as_json:
        typer.echo(json.dumps(listing.raw, indent=2, ensure_ascii=False))
        return
    if not listing.value.data:
        errors.print("There are no jobs yet." if after is None else "There are no more jobs.")
        return
    console = _wide_console()
    console.print(table_of(listing.value.data, surroundings.now(), console.width))
    if listing.value.next is not None:
        more = f"More: stillmotion jobs --limit {limit} --after {listing.value.next}"
        errors.print(more, markup=False, highlight=False, soft_wrap=True)


def show(
    context: typer.Context,
    video_id: Annotated[str, typer.Argument(metavar="ID", help="A job's id, or the start of a recent one's.")],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Put the job's video there as well.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON, and nothing else.")] = False,
) -> None:
    """Show everything that is known of one job."""
    surroundings, errors = surroundings_of(context), Console(stderr=True)
    with told_to(errors), surroundings.client() as client:
        if output is not None:
            refuse_bad_place(output)
        found = client.retrieve(whole_id(client, video_id))
        if as_json:
            typer.echo(json.dumps(found.raw, indent=2, ensure_ascii=False))
        else:
            print_record(_wide_console(), found.value.job)
        if output is None:
            return
        if found.value.job.status != COMPLETED:
            raise Misuse(f"The job is {found.value.job.status}: there is no video to put into {output}.")
        path = choose_path(output, "", found.value.id)
        download(client, found.value.job, path, surroundings.sleep)
        errors.print(f"Saved to {path}", markup=False, highlight=False, soft_wrap=True)


def whole_id(client: Client, given: str) -> str:
    """The id that starts so, in any case, among the recent jobs. Raises Misuse unless there is just one."""
    given = given.strip().lower()
    if WHOLE_ID.fullmatch(given):
        return given
    if not START_OF_ID.fullmatch(given):
        raise Misuse(f"{given!r} is no job id, nor the start of one.", next_step="`stillmotion jobs` lists them.")
    found = [video for video in client.listing(MAX_LISTED).value.data if video.id.startswith(given)]
    if not found:
        raise Misuse(
            f"None of the last {MAX_LISTED} jobs has an id that starts with {given}.",
            next_step="Give the whole id for an older one; `stillmotion jobs` lists the recent ones.",
        )
    if len(found) > 1:
        candidates = "\n".join(f"  {video.id}  {shortened(subject(video), PROMPT_LENGTH)}" for video in found)
        raise Misuse(f"{len(found)} jobs have an id that starts with {given}:\n{candidates}")
    return found[0].id


def _wide_console() -> Console:
    """Standard output; in a pipe it is wide, for a table that is cut there is of no use."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)
