"""`stillmotion local`: the cloud on a laptop."""

import json
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stillmotion_cli import text
from stillmotion_local import emulator, offline_vendors, processes, running, stack, stack_file
from stillmotion_local.failures import StackError
from stillmotion_local.processes import ProcessRecord, tail
from stillmotion_local.running import names
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.status import StatusTable
from stillmotion_local.workspace import Workspace, find_workspace

app = typer.Typer(help="The whole stack on this machine: nothing leaves it, nothing costs.", no_args_is_help=True)

WATCH_SECONDS = 1.0
INTERRUPTED = 130


@app.command()
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is ready; stop it with `down`.")] = False,
) -> None:
    """Start and deploy everything. Waits for Ctrl-C, which stops it again, unless told to detach."""
    console = Console(stderr=True)
    _treat_termination_as_interrupt()
    came_up = False
    try:
        workspace = find_workspace()
        if detach and stack.is_up(workspace):
            console.print("A local stack is running already.")
            return
        with StatusTable(console) as table:
            description = stack.up(workspace, table)
        came_up = True
        _describe(console, description)
        if not detach:
            console.print("Press Ctrl-C to stop it.")
            _watch(workspace, console)
    except StackError as error:
        _fail(console, error)
    except KeyboardInterrupt:
        if came_up:
            stack.down(workspace)
        console.print("Stopped.")
        raise typer.Exit(0 if came_up else INTERRUPTED) from None


@app.command()
def down() -> None:
    """Stop everything. Jobs and videos are kept for the next time."""
    console = Console(stderr=True)
    try:
        stopped = stack.down(find_workspace())
    except StackError as error:
        _fail(console, error)
    else:
        console.print("Stopped." if stopped else "No local stack was running.")


@app.command()
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the state as JSON, and nothing else.")] = False
) -> None:
    """Say what runs, where, and since when. Exits with 0 while the stack is up, and else with 1."""
    console = Console(stderr=True)
    try:
        workspace = find_workspace()
        is_up = stack.is_up(workspace)
        description = stack_file.read(workspace) if is_up else None
        parts = [_part(record, description) for record in running.read(workspace).processes]
        if as_json:
            typer.echo(json.dumps({"up": is_up, **_place(description), "parts": parts}, indent=2))
        elif description is None:
            raise _not_up(workspace)
        else:
            _print_state(description, parts)
    except StackError as error:
        _fail(console, error)
    if not is_up:
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="emulator, vendors, build or deploy")] = "emulator",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep showing what is added.")] = False,
) -> None:
    """Show a log of the local stack."""
    console = Console(stderr=True)
    try:
        log = _find_log(name)
        if follow:
            subprocess.run(["tail", "-n", "40", "-f", str(log)], check=False)  # noqa: S603, S607
        else:
            typer.echo(log.read_text(encoding="utf-8", errors="replace"), nl=False)
    except StackError as error:
        _fail(console, error)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _part(record: ProcessRecord, description: StackDescription | None) -> dict[str, Any]:
    """One of the stack's processes; where it is, while the stack is up."""
    places = {}
    if description is not None:
        places = {emulator.NAME: description.aws_endpoint_url, offline_vendors.NAME: description.vendors_url}
    return {
        "name": record.name,
        "url": places.get(record.name),
        "running": processes.find(record) is not None,
        "pid": record.pid,
        "started_at": datetime.fromtimestamp(record.started_at, UTC).isoformat(timespec="seconds"),
    }


def _place(description: StackDescription | None) -> dict[str, str]:
    """Where the stack is; without its key."""
    if description is None:
        return {}
    names = ("api_url", "region", "input_bucket", "output_bucket")
    return {name: getattr(description, name) for name in names}


def _not_up(workspace: Workspace) -> StackError:
    """Why the stack cannot be used, and what to do."""
    gone = stack.missing_processes(workspace)
    if gone:
        return StackError(
            f"The local stack is not up: its {names(gone)} ended without being told to.",
            next_step="Start it again, which stops the rest first: stillmotion local up --detach",
        )
    if running.read(workspace).processes:
        return StackError("The local stack is starting or stopping.", next_step="Look again in a moment.")
    return StackError("No local stack is running.", next_step="Start one: stillmotion local up --detach")


def _print_state(description: StackDescription, parts: list[dict[str, Any]]) -> None:
    typer.echo(f"{'API':<10}{description.api_url}/v1/videos")
    typer.echo(f"{'Inbox':<10}s3://{description.input_bucket}/inbox/")
    for part in parts:
        since = text.moment(datetime.fromisoformat(part["started_at"]))
        typer.echo(f"{str(part['name']).capitalize():<10}{part['url']}, since {since}, process {part['pid']}")


def _find_log(name: str) -> Path:
    log = find_workspace().log(name)
    if not log.is_file():
        raise StackError(f"There is no log {name!r} yet.", next_step="Give emulator, vendors, build or deploy.")
    return log


def _watch(workspace: Workspace, console: Console) -> None:
    """Returns when another command stopped the stack. Raises StackError when a part of it ends by itself."""
    while workspace.stack_file.exists():
        time.sleep(WATCH_SECONDS)
        gone = stack.missing_processes(workspace)
        if gone and workspace.stack_file.exists():
            last_words = tail(workspace.log(gone[0].name))
            stack.down(workspace)
            raise StackError(
                f"The stack's {names(gone)} ended unexpectedly; the rest is stopped:\n{last_words}",
                next_step=f"The whole log is in {workspace.shown(workspace.logs)}. Then: stillmotion local up",
            )
    console.print("The stack was stopped by another command.")


def _describe(console: Console, description: StackDescription) -> None:
    console.print(f"[bold]API[/]    {description.api_url}/v1/videos", highlight=False, soft_wrap=True)
    console.print(f"[bold]Inbox[/]  s3://{description.input_bucket}/inbox/", highlight=False, soft_wrap=True)
    console.print(
        "[bold]Try[/]    stillmotion generate .local/sample.jpg --prompt 'a slow push in'",
        highlight=False,
        soft_wrap=True,
    )


def _fail(console: Console, error: StackError) -> None:
    console.print(error.message, style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(error.next_step, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _treat_termination_as_interrupt() -> None:
    """So that a closed terminal or a `kill` stops the stack as Ctrl-C does, also for a shell's background job."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
