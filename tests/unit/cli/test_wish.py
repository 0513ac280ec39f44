"""The options of a request follow from its fields, and are the same wherever a request is asked for."""

import subprocess
import sys
from typing import Any, get_args

import pytest
import typer
from tests.unit.cli.stage import Stage

from stillmotion.domain.request import AspectRatio, Concept, Duration, VendorChoice
from stillmotion.edge.descriptions import DESCRIPTIONS
from stillmotion.edge.request import RequestFields
from stillmotion_cli.main import app

COMMANDS = ("generate", "estimate")


def options(command: str) -> dict[str, Any]:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return {str(parameter.name): parameter for parameter in group.commands[command].params}


def help_of(command: str, field: str) -> str:
    return str(options(command)[field].help)


def test_every_field_of_a_request_has_its_sentence() -> None:
    assert DESCRIPTIONS.keys() == RequestFields.model_fields.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_field_of_a_request_is_an_option_with_the_same_sentence(command: str) -> None:
    assert options(command).keys() >= RequestFields.model_fields.keys()
    # A command takes files too.
    fields = RequestFields.model_fields.keys() - {"image"}
    assert all(help_of(command, field).startswith(DESCRIPTIONS[field]) for field in fields)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("field", "kind", "default"),
    [("duration", Duration, "5"), ("aspect_ratio", AspectRatio, None), ("vendor", VendorChoice, "auto")],
)
def test_choices_and_defaults_are_those_of_the_field(
    command: str, field: str, kind: object, default: str | None
) -> None:
    choices = ", ".join(map(str, get_args(kind)))
    usual = f"; {default} unless given" if default else ""
    assert help_of(command, field).endswith(f"One of {choices}{usual}.")


def test_every_camera_move_is_told() -> None:
    assert all(move in help_of("generate", "concepts") for move in get_args(Concept))


@pytest.mark.parametrize(("option", "given"), [("--duration", "7"), ("--aspect-ratio", "2:1"), ("--vendor", "luma")])
def test_what_is_no_choice_is_refused_before_anything_is_sent(stage: Stage, option: str, given: str) -> None:
    ended = stage.run("generate", "--prompt", "waves", option, given)
    assert ended.exit_code == 2
    assert given in ended.stderr


def test_the_command_starts_without_what_only_the_functions_need() -> None:
    asked = "import sys; import stillmotion_cli.main; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"pydantic", "stillmotion.edge.request", "aws_lambda_powertools"} & set(ran.stdout.split())
