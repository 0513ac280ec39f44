"""What is asked for: the options of a request, as the commands that take one share them, and its pictures."""

from typing import Annotated, Literal

import typer
from rich.console import Console

from stillmotion.domain.request import MAX_PROMPT, AspectRatio, Failover, OverBudget, Priority, VendorChoice
from stillmotion_cli.client import Client
from stillmotion_cli.failures import Misuse, interrupted_as
from stillmotion_cli.pictures import LocalPicture, Picture, find_picture
from stillmotion_cli.text import size as size_text

ImageArgument = Annotated[
    str | None,
    typer.Argument(metavar="IMAGE", help="A JPEG, PNG or WebP file, an https:// URL, or s3://bucket/key."),
]
PromptOption = Annotated[str, typer.Option(help="What happens in the video.")]
DurationOption = Annotated[Literal["5", "9", "10"] | None, typer.Option(help="Seconds; 5 unless given.")]
AspectRatioOption = Annotated[
    AspectRatio | None,
    typer.Option(metavar="RATIO", help="16:9, 9:16, 1:1, 4:3, 3:4 or 21:9; by the image unless given."),
]
SizeOption = Annotated[str | None, typer.Option(metavar="SIZE", help="1280x720 or 720x1280, in place of a ratio.")]
EndImageOption = Annotated[str | None, typer.Option(metavar="IMAGE", help="The picture that the video ends with.")]
LoopOption = Annotated[bool, typer.Option("--loop", help="End where it starts.")]
ConceptOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A camera move, such as push_in; may be repeated.")
]
VendorOption = Annotated[VendorChoice | None, typer.Option(help="Who makes it; the cheapest unless given.")]
SubstitutionOption = Annotated[
    bool,
    typer.Option("--allow-substitution", help="Let a vendor make the nearest it can: 10 s for 9 s, moves in words."),
]
FailoverOption = Annotated[
    Failover | None,
    typer.Option(
        metavar="WHEN",
        help="normal: the other vendor is tried after a failure that has nothing to do with the request; always: after"
        " one that has, too; never.",
    ),
]
MaxDollarsOption = Annotated[
    str | None, typer.Option(metavar="DOLLARS", help="The most that one attempt may be expected to cost.")
]
PriorityOption = Annotated[
    Priority | None, typer.Option(metavar="LEVEL", help="high, normal or low, where jobs wait for a vendor.")
]
OverBudgetOption = Annotated[
    OverBudget | None,
    typer.Option(metavar="WHAT", help="When the day's budget is spent: wait for the next day, or fail."),
]
CallbackOption = Annotated[
    str | None,
    typer.Option("--callback-url", metavar="URL", help="An https:// address that is told what becomes of it."),
]
MetadataOption = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="Kept with the job; may be repeated.")
]


def pairs_of(given: list[str] | None) -> dict[str, str]:
    """The metadata in `NAME=VALUE` words. Raises Misuse."""
    pairs: dict[str, str] = {}
    for pair in given or []:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise Misuse(f"--metadata {pair!r} is not NAME=VALUE.")
        if name in pairs:
            raise Misuse(f"--metadata names {name!r} twice.")
        pairs[name] = value
    return pairs


def fields(*, prompt: str, **given: object) -> dict[str, object]:
    """A request's fields as the API takes them: what was not given is left out. Raises Misuse.

    A prompt that the API would refuse is seen here, before a picture is uploaded.
    """
    if not prompt.strip() or len(prompt) > MAX_PROMPT:
        raise Misuse(f"--prompt must be text of 1 to {MAX_PROMPT} characters.")
    return {"prompt": prompt} | {name: value for name, value in given.items() if value}


def find_pictures(image: str | None, end_image: str | None) -> dict[str, Picture]:
    """The pictures that were named, by field. Raises Misuse, Interrupted."""
    with interrupted_as("Interrupted; nothing was ordered."):
        return {name: find_picture(given) for name, given in (("image", image), ("end_image", end_image)) if given}


def addresses_of(client: Client, pictures: dict[str, Picture], console: Console) -> dict[str, str]:
    """The addresses to name the pictures by, by field; files are uploaded for it. Raises what an upload raises."""
    return {name: _address(client, found, console) for name, found in pictures.items()}


def _address(client: Client, found: Picture, console: Console) -> str:
    if not isinstance(found, LocalPicture):
        return found.address
    line = f"Uploading {found.path.name} ({size_text(len(found.content))})"
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    with interrupted_as("Interrupted; nothing was ordered."):
        return client.upload(found.content, found.media_type)
