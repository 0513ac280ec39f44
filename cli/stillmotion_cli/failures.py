"""What ends a command early, said so that a person can act on it, and the exit codes.

CommandFailed             a sentence about what is wrong, perhaps one about what to do, and an exit code
├── Misuse                an argument or a setting that cannot be used; nothing was called
├── Refused               the API said no, with the fields and rules
├── NoAnswer              the API, or the store of files, cannot be reached or answers nonsense
└── Interrupted           Ctrl-C
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer
from rich.console import Console

from stillmotion_cli.text import clean

EXIT_CODES = (
    "Exit codes: 0 done; 1 the video failed; 2 the command was wrong, or the API refused it; 3 the job needs a person,"
    " and may be paid for; 4 no answer from the API or the store; 130 interrupted."
)


class ExitCode(IntEnum):
    """What a command says to the shell."""

    DONE = 0
    VIDEO_FAILED = 1
    REFUSED = 2
    NEEDS_ATTENTION = 3
    NO_ANSWER = 4
    INTERRUPTED = 130


class CommandFailed(Exception):
    """Printed as its sentences, without a traceback. `code` is the exit code."""

    code = ExitCode.VIDEO_FAILED

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class Misuse(CommandFailed):
    """The caller has to change an argument or a setting."""

    code = ExitCode.REFUSED


class Refused(CommandFailed):
    """The API's problem details. `status` is HTTP's; `fields` are pairs of a field and the rule that it breaks."""

    code = ExitCode.REFUSED

    def __init__(
        self,
        status: int,
        problem: str,
        message: str,
        fields: tuple[tuple[str, str], ...] = (),
        *,
        next_step: str = "",
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status
        self.problem = problem
        self.fields = fields


class NoAnswer(CommandFailed):
    """Nothing can be told about what was asked. `never_sent` when no connection was made at all: nothing happened."""

    code = ExitCode.NO_ANSWER

    def __init__(self, message: str, *, next_step: str = "", never_sent: bool = False) -> None:
        super().__init__(message, next_step=next_step)
        self.never_sent = never_sent


class Interrupted(CommandFailed):
    """Ctrl-C, with what it leaves behind."""

    code = ExitCode.INTERRUPTED


@contextmanager
def told_to(console: Console) -> Iterator[None]:
    """Prints a CommandFailed and leaves with its code."""
    try:
        yield
    except CommandFailed as failed:
        tell(console, failed)
        raise typer.Exit(failed.code) from None


@contextmanager
def interrupted_as(message: str, *, next_step: str = "") -> Iterator[None]:
    """Says what Ctrl-C means in here."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(message, next_step=next_step) from None


def tell(console: Console, failed: CommandFailed) -> None:
    """The sentences of a failure; for a refusal with fields, each field with its rule."""
    fields = failed.fields if isinstance(failed, Refused) else ()
    message = "The API refused the request:" if fields else failed.message
    console.print(clean(message), style="red", markup=False, highlight=False, soft_wrap=True)
    for name, rule in fields:
        console.print(clean(f"  {name}: {rule}"), markup=False, highlight=False, soft_wrap=True)
    if failed.next_step:
        console.print(clean(failed.next_step), markup=False, highlight=False, soft_wrap=True)
