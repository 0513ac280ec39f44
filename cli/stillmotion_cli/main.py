"""The `stillmotion` command: only the list of its commands, each of which lives in a module of its own."""

from importlib import metadata
from typing import Annotated

import typer

from stillmotion_cli import (
    dead_letters,
    estimate,
    generate,
    jobs,
    key_bootstrap,
    keys,
    local,
    operations,
    spend,
    webhooks,
)
from stillmotion_cli.failures import EXIT_CODES


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        typer.echo(f"stillmotion {metadata.version('stillmotion-cli')}")
        raise typer.Exit


app = typer.Typer(
    name="stillmotion",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version, and end.")
    ] = False,
) -> None:
    """Turn still images into short videos."""


app.add_typer(local.app, name="local")
app.command(epilog=EXIT_CODES)(generate.generate)
app.command(epilog=EXIT_CODES)(estimate.estimate)
app.command(epilog=EXIT_CODES)(jobs.jobs)
app.command(epilog=EXIT_CODES)(jobs.show)
app.command(epilog=EXIT_CODES)(spend.spend)
app.command(epilog=EXIT_CODES)(operations.cancel)
app.command(epilog=EXIT_CODES)(operations.retry)
app.command(epilog=EXIT_CODES)(operations.redrive)
app.command(epilog=EXIT_CODES)(operations.resolve)
app.add_typer(dead_letters.app, name="dead-letters")
keys.app.command(epilog=EXIT_CODES)(key_bootstrap.bootstrap)
app.add_typer(keys.app, name="keys")
app.add_typer(webhooks.app, name="webhooks")
