"""Each `stillmotion …` that is printed, in the documents and by the command itself, is one that there is."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from tests.unit.docs.pages import FENCED, PAGES, ROOT, page

from stillmotion_cli.main import app

SOURCES = sorted(
    str(path.relative_to(ROOT))
    for folder in ("cli/stillmotion_cli", "local/stillmotion_local")
    for path in (ROOT / folder).rglob("*.py")
)
INLINE = re.compile(r"`(stillmotion [^`]+)`")
PRINTED = re.compile(r"(?<![\w./-])stillmotion ([a-z][^`#|\n]*)")
COMMANDS = typer.main.get_command(app)


def printed(name: str) -> Iterator[str]:
    """What follows the command's name, wherever it is printed as something to type."""
    text = page(name)
    if name.endswith(".md"):
        text = "\n".join([*FENCED.findall(text), *INLINE.findall(text)])
        yield from PRINTED.findall(text)
    else:
        yield from (found.removeprefix("stillmotion ") for found in INLINE.findall(text))
        yield from re.findall(r": stillmotion ([a-z][^\"\n]*)", text)


def unknown(words: list[str]) -> list[str]:
    """Those that the command does not know."""
    command: Any = COMMANDS
    wrong, may_descend = [], True
    for word in (re.sub(r"[\])\"',;.:]+$", "", word).lstrip("[") for word in words):
        if word.startswith("-"):
            known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
            wrong += [] if word in known else [word]
        elif may_descend and hasattr(command, "commands"):
            may_descend = word in command.commands
            wrong += [] if may_descend or command.invoke_without_command else [word]
            command = command.commands.get(word, command)
    return wrong


@pytest.mark.parametrize("name", [*PAGES, *SOURCES])
def test_every_command_that_is_printed_is_known(name: str) -> None:
    assert {line: unknown(line.split()) for line in printed(name) if unknown(line.split())} == {}


def test_commands_are_found_where_they_are_printed() -> None:
    assert "webhooks set http://127.0.0.1:3000/hook" in list(printed("docs/webhooks.md"))
    assert "resolve ID --adopt GENERATION" in list(printed("docs/operations.md"))
    assert "keys list" in list(printed("cli/stillmotion_cli/keys.py"))
    assert unknown(["keys", "lend"]) == ["lend"]
    assert unknown(["jobs", "--every"]) == ["--every"]


@pytest.mark.parametrize("name", PAGES)
def test_the_command_has_one_name(name: str) -> None:
    assert ".venv/bin/stillmotion" not in page(name)


def test_the_readme_puts_the_command_on_the_path_before_it_is_used() -> None:
    text = page("README.md")
    assert text.index("source .venv/bin/activate\n") < text.index("\nstillmotion local up")
