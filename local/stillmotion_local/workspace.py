"""Where everything is: the one place that knows this checkout's folders."""

import os
from dataclasses import dataclass
from pathlib import Path

from stillmotion_local.failures import StackError


@dataclass(frozen=True, slots=True)
class Workspace:
    """A checkout of the project. `.local` is the stack's state, `.cache` is what can be made anew."""

    root: Path

    @property
    def cache(self) -> Path:
        return self.root / ".cache"

    @property
    def local(self) -> Path:
        return self.root / ".local"

    @property
    def template(self) -> Path:
        return self.root / "template.yaml"

    @property
    def requirements(self) -> Path:
        return self.root / "requirements"

    @property
    def build(self) -> Path:
        return self.local / "build"

    @property
    def logs(self) -> Path:
        return self.local / "logs"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @property
    def emulator_state(self) -> Path:
        return self.local / "emulator"

    @property
    def vendors_state(self) -> Path:
        return self.local / "vendors"

    @property
    def stack_file(self) -> Path:
        return self.local / "stack.json"

    @property
    def processes_file(self) -> Path:
        return self.local / "processes.json"

    @property
    def sample(self) -> Path:
        """A picture to try the stack with."""
        return self.local / "sample.jpg"

    def shown(self, path: Path) -> str:
        """A path as a person in the checkout would type it."""
        return os.path.relpath(path, self.root) if path.is_relative_to(self.root) else str(path)

    def make_folders(self) -> None:
        """Makes the folders of the state; nobody else on the machine may read them."""
        for folder in (self.local, self.logs, self.emulator_state, self.vendors_state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def find_workspace() -> Workspace:
    """The checkout that this package was installed from. Raises StackError when there is none."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "template.yaml").is_file():
        raise StackError(
            f"There is no template.yaml in {root}: the local stack runs from a checkout of the project.",
            next_step="Run `make setup` in a checkout, and there: source .venv/bin/activate",
        )
    return Workspace(root)


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once; only its owner may read it."""
    draft = path.with_name(path.name + ".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
