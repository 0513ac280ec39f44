"""The `stillmotion` command: only the list of its commands, each of which lives in a module of its own."""

import typer

from stillmotion_cli import generate, jobs, local
from stillmotion_cli.failures import EXIT_CODES

app = typer.Typer(
    name="stillmotion",
    help="Turn still images into short videos.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(local.app, name="local")
app.command(epilog=EXIT_CODES)(generate.generate)
app.command(epilog=EXIT_CODES)(jobs.jobs)
app.command(epilog=EXIT_CODES)(jobs.show)
