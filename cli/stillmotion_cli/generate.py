"""`stillmotion generate`: orders a video, shows its way, and brings it here."""

import json
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stillmotion_cli.client import Client
from stillmotion_cli.display import print_ending, print_summary
from stillmotion_cli.download import choose_path, download, refuse_bad_place
from stillmotion_cli.failures import ExitCode, Misuse, NoAnswer, interrupted_as, told_to
from stillmotion_cli.pictures import stem
from stillmotion_cli.progress import progress_on
from stillmotion_cli.records import COMPLETED, Answer, Video
from stillmotion_cli.surroundings import Surroundings, surroundings_of
from stillmotion_cli.waiting import wait_for
from stillmotion_cli.wish import Wish, addresses_of, takes_wish

MAX_IDEMPOTENCY_KEY = 255


@takes_wish
def generate(
    context: typer.Context,
    *,
    wish: Wish,
    idempotency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The same key and request are the same job; a fresh one unless given."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to put the video; here unless given.")
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Print the job's id and return at once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON, and nothing else.")] = False,
) -> None:
    """Turn an image, or a prompt alone, into a video; the last line printed is its path."""
    surroundings, console = surroundings_of(context), Console(stderr=True)
    with told_to(console):
        if no_wait and output is not None:
            raise Misuse("--no-wait brings no video here: leave out -o.")
        if not no_wait:
            refuse_bad_place(output)
        order = wish.fields()
        key = _key(idempotency_key)
        pictures = wish.pictures()
        with surroundings.client() as client:
            addresses = addresses_of(client, pictures, console)
            ordered = _order(client, order | addresses, key)
            if no_wait:
                _print_ordered(ordered, console, as_json=as_json)
                return
            ended = _wait(client, ordered, console, surroundings)
            if ended.value.job.status != COMPLETED:
                _print_unfinished(ended, console, as_json=as_json)
            name = stem(pictures["image"]) if "image" in pictures else ""
            path = choose_path(output, name, ended.value.id)
            _fetch(client, ended, path, console, surroundings)
        _print_completed(ended, path, as_json=as_json)


def _key(given: str | None) -> str:
    """The Idempotency-Key to send: always one, so that a lost answer can be asked for again."""
    if given is None:
        return str(uuid.uuid4())
    if not 1 <= len(given) <= MAX_IDEMPOTENCY_KEY or not given.isascii() or not given.isprintable() or " " in given:
        raise Misuse(f"--idempotency-key must be 1 to {MAX_IDEMPOTENCY_KEY} ASCII characters without spaces.")
    return given


def _order(client: Client, order: dict[str, Any], key: str) -> Answer[Video]:
    """Raises NoAnswer or Interrupted with the way to find out, without paying twice, whether there is a job."""
    again = f"Repeat the command with --idempotency-key {key}: it finds the job, or makes it, but never a second one."
    uploaded = [str(order[name]) for name in ("image", "end_image") if str(order.get(name, "")).startswith("s3://")]
    if uploaded:
        again += f" Name the uploaded picture in it, not the file: {', '.join(uploaded)}."
    try:
        with interrupted_as("Interrupted while ordering: it may have been taken.", next_step=again):
            return client.create(order, key)
    except NoAnswer as failed:
        if failed.never_sent:
            raise
        raise NoAnswer(f"{failed.message} The order may have been taken.", next_step=again) from failed


def _wait(client: Client, ordered: Answer[Video], console: Console, surroundings: Surroundings) -> Answer[Video]:
    console.print(f"Job {ordered.value.id}", markup=False, highlight=False, soft_wrap=True)
    look = f"Look at it: stillmotion show {ordered.value.id}"
    with (
        interrupted_as("Interrupted; the job goes on by itself.", next_step=look),
        progress_on(console, surroundings.monotonic) as display,
    ):
        return wait_for(client, ordered, display, surroundings)


def _fetch(client: Client, ended: Answer[Video], path: Path, console: Console, surroundings: Surroundings) -> None:
    later = f"Fetch it with: stillmotion show {ended.value.id} -o FILE"
    with interrupted_as("Interrupted; the video is completed and kept in the output bucket.", next_step=later):
        console.print(f"Downloading to {path}", markup=False, highlight=False, soft_wrap=True)
        download(client, ended.value.job, path, surroundings.sleep)


def _print_ordered(ordered: Answer[Video], console: Console, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(ordered.raw, indent=2, ensure_ascii=False))
        return
    console.print(f"Ordered. Look at it: stillmotion show {ordered.value.id}", highlight=False, soft_wrap=True)
    typer.echo(ordered.value.id)


def _print_unfinished(ended: Answer[Video], console: Console, *, as_json: bool) -> None:
    """Raises typer.Exit."""
    job = ended.value.job
    if as_json:
        typer.echo(json.dumps(ended.raw, indent=2, ensure_ascii=False))
    print_ending(console, job)
    console.print(f"The whole record: stillmotion show {job.id}", highlight=False, soft_wrap=True)
    raise typer.Exit(ExitCode.NEEDS_ATTENTION if job.needs_person else ExitCode.VIDEO_FAILED)


def _print_completed(ended: Answer[Video], path: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**ended.raw, "saved_to": str(path)}, indent=2, ensure_ascii=False))
        return
    print_summary(Console(), ended.value.job)
    typer.echo(str(path))
