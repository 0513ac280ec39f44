"""What is asked for: the options of a request, as the commands that take one share them, and its pictures.

What an option says, and what may be chosen, follows from the field of the request that it is.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, get_args, get_type_hints

import typer
from msgspec.structs import fields as fields_of
from rich.console import Console

from stillmotion.domain.request import (
    MAX_PROMPT,
    RATIO_OF_SIZE,
    AspectRatio,
    Concept,
    Duration,
    Failover,
    OverBudget,
    Priority,
    Request,
    VendorChoice,
)
from stillmotion.edge.descriptions import DESCRIPTIONS
from stillmotion_cli.client import Client
from stillmotion_cli.failures import Misuse, interrupted_as
from stillmotion_cli.pictures import LocalPicture, Picture, find_picture
from stillmotion_cli.text import size as size_text

_SIZES = tuple(size.replace("*", "x") for size in RATIO_OF_SIZE)
_DEFAULTS = {field.name: field.default for field in fields_of(Request)}


def _option(
    field: str,
    *names: str,
    choices: tuple[object, ...] = (),
    is_list: bool = False,
    **how: Any,  # noqa: ANN401 - typer's own
) -> Any:  # noqa: ANN401
    """The option of a request's field; `names` where it is not called as the field is."""
    help_parts = [DESCRIPTIONS[field], *(["May be repeated."] if is_list else [])]
    if choices:
        default = _DEFAULTS.get(field)
        unless_given = f"; {default} unless given" if default in choices else ""
        help_parts.append(f"One of {', '.join(map(str, choices))}{unless_given}.")
    return typer.Option(*names, help=" ".join(help_parts), **how)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The options of a request, each under its field's name; what was not given is empty."""

    image: Annotated[
        str | None,
        typer.Argument(metavar="IMAGE", help="A JPEG, PNG or WebP file, an https:// URL, or s3://bucket/key."),
    ] = None
    prompt: Annotated[str, _option("prompt")]
    duration: Annotated[Duration | None, _option("duration", choices=get_args(Duration), metavar="SECONDS")] = None
    aspect_ratio: Annotated[
        AspectRatio | None, _option("aspect_ratio", choices=get_args(AspectRatio), metavar="RATIO")
    ] = None
    size: Annotated[str | None, _option("size", choices=_SIZES, metavar="SIZE")] = None
    end_image: Annotated[str | None, _option("end_image", metavar="IMAGE")] = None
    loop: Annotated[bool, _option("loop", "--loop")] = False
    concepts: Annotated[
        list[str] | None,
        _option("concepts", "--concept", choices=get_args(Concept), is_list=True, metavar="NAME"),
    ] = None
    vendor: Annotated[VendorChoice | None, _option("vendor", choices=get_args(VendorChoice), metavar="VENDOR")] = None
    allow_substitution: Annotated[bool, _option("allow_substitution", "--allow-substitution")] = False
    failover: Annotated[Failover | None, _option("failover", choices=get_args(Failover), metavar="WHEN")] = None
    max_dollars: Annotated[str | None, _option("max_dollars", metavar="DOLLARS")] = None
    priority: Annotated[Priority | None, _option("priority", choices=get_args(Priority), metavar="LEVEL")] = None
    when_over_budget: Annotated[
        OverBudget | None, _option("when_over_budget", choices=get_args(OverBudget), metavar="WHAT")
    ] = None
    callback_url: Annotated[str | None, _option("callback_url", metavar="URL")] = None
    metadata: Annotated[list[str] | None, _option("metadata", is_list=True, metavar="NAME=VALUE")] = None

    def fields(self) -> dict[str, object]:
        """The request as the API takes it, but for its pictures: what was not given is left out. Raises Misuse.

        A prompt that the API would refuse is seen here, before a picture is uploaded.
        """
        if not self.prompt.strip() or len(self.prompt) > MAX_PROMPT:
            raise Misuse(f"--prompt must be text of 1 to {MAX_PROMPT} characters.")
        given = {**asdict(self), "image": None, "end_image": None, "metadata": pairs_of(self.metadata)}
        return {name: value for name, value in given.items() if value}

    def pictures(self) -> dict[str, Picture]:
        """The pictures that were named, by field. Raises Misuse, Interrupted."""
        named = {"image": self.image, "end_image": self.end_image}
        with interrupted_as("Interrupted; nothing was ordered."):
            return {name: find_picture(given) for name, given in named.items() if given}


def takes_wish(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of a Wish in place of its parameter `wish`."""
    options = inspect.signature(Wish).parameters

    @functools.wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - each as its option has it
        command(wish=Wish(**{name: given.pop(name) for name in options}), **given)

    own = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != "wish"]
    hints = {**get_type_hints(Wish, include_extras=True), **get_type_hints(command, include_extras=True)}
    shown = [own[0], *options.values(), *own[1:]]
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[each.name]) for each in shown]
    # As typer reads a command.
    run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in named}
    return run


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
