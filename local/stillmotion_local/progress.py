"""What `up` tells while it works."""

from enum import StrEnum
from typing import Protocol


class Step(StrEnum):
    """The steps of `up`; the value is what a person reads."""

    TOOLS = "tools"
    EMULATOR = "local AWS"
    VENDORS = "offline vendors"
    BUILD = "sam build"
    DEPLOY = "sam deploy"
    ACCESS = "keys"


class Progress(Protocol):
    """Takes the news of a stack coming up."""

    def begin(self, step: Step) -> None: ...

    def done(self, step: Step, detail: str) -> None: ...

    def note(self, sentence: str) -> None:
        """Something worth knowing that is no step."""
