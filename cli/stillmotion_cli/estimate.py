"""`stillmotion estimate`: what an order would come to, before anything is paid."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from stillmotion_cli import text
from stillmotion_cli.display import instead
from stillmotion_cli.failures import interrupted_as, told_to
from stillmotion_cli.records import Alternative, Estimate
from stillmotion_cli.surroundings import surroundings_of
from stillmotion_cli.wish import Wish, addresses_of, takes_wish


@takes_wish
def estimate(
    context: typer.Context,
    *,
    wish: Wish,
    as_json: Annotated[bool, typer.Option("--json", help="Print the estimate as JSON, and nothing else.")] = False,
) -> None:
    """Show the vendor, the price and the exact body that `generate` would send, and send nothing to a vendor.

    A file is uploaded to the stack's own input bucket first, as `generate` does it: the body names its address.
    """
    console = Console(stderr=True)
    with told_to(console):
        fields, pictures = wish.fields(), wish.pictures()
        with surroundings_of(context).client() as client, interrupted_as("Interrupted; nothing was ordered."):
            told = client.estimate(fields | addresses_of(client, pictures, console))
        if as_json:
            typer.echo(json.dumps(told.raw, indent=2, ensure_ascii=False))
            return
        _print(Console(), told.value)


def _or(other: Alternative) -> str:
    words = [other.vendor, text.dollars(other.price_dollars), *map(instead, other.substitutions)]
    return ", ".join(words)


def _print(console: Console, told: Estimate) -> None:
    rows = [
        ("Vendor", told.vendor),
        ("Price", text.dollars(told.price_dollars)),
        ("Video", f"{told.duration} s, {told.aspect_ratio}"),
        *(("Instead", instead(one)) for one in told.substitutions),
        *(("Or", _or(other)) for other in told.alternatives),
        ("Sends", f"{told.method} {told.path}"),
    ]
    for name, value in rows:
        console.print(Text.assemble((f"{name:<8}", "bold"), text.clean(value)), soft_wrap=True)
    body = json.dumps(told.body, indent=2, ensure_ascii=False)
    console.print(text.clean(body), markup=False, highlight=False, soft_wrap=True)
    for note in told.notes:
        console.print(Text(text.clean(note), style="dim"), soft_wrap=True)
