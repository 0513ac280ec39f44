"""`stillmotion local`: the cloud on a laptop."""

import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stillmotion_local import stack
from stillmotion_local.failures import StackError
from stillmotion_local.processes import tail
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
        "[bold]Try[/]    .venv/bin/stillmotion generate photo.jpg --prompt 'a slow push in'",
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
