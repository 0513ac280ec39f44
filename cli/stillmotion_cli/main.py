"""The `stillmotion` command: only the list of its commands, each of which lives in a module of its own."""

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

app = typer.Typer(
    name="stillmotion",
    help="Turn still images into short videos.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
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
