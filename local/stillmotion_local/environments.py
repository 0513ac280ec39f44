"""The tools' own environments: the emulator and the SAM CLI pin packages that nobody else should have to share.

They live below `.cache`, are made when first needed, and made anew when their requirement file changes.
`python -m stillmotion_local.environments` makes them all.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rich.console import Console

from stillmotion_local.failures import StackError
from stillmotion_local.workspace import Workspace, find_workspace


class Tool(StrEnum):
    """A tool with an environment of its own; the value is its requirement file's name."""

    EMULATOR = "emulator"
    SAM = "sam"


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that is ready to use."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def executable(self, name: str) -> Path:
        return self.folder / "bin" / name


def find_uv(workspace: Workspace) -> Path:
    """uv from the PATH or from `make setup`. Raises StackError when there is none."""
    own = workspace.cache / "uv" / "bin" / "uv"
    found = os.environ.get("UV") or shutil.which("uv") or (str(own) if own.exists() else None)
    if found is None or shutil.which(found) is None:
        raise StackError("uv, which installs the tools, is not here.", next_step="Run `make setup`.")
    return Path(found).absolute()


def ensure(workspace: Workspace, tool: Tool, announce: Callable[[str], None]) -> Environment:
    """The tool's environment, made if it is missing or out of date. Two callers at once make it once.

    Raises StackError when it cannot be installed.
    """
    requirements = workspace.requirements / f"{tool}.txt"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    environment = Environment(workspace.cache / tool)
    stamp = environment.folder / ".requirements-sha256"
    if _read(stamp) == wanted:
        return environment
    workspace.cache.mkdir(exist_ok=True)
    with (workspace.cache / f"{tool}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _read(stamp) != wanted:
            announce(f"Installing the {tool} environment, once")
            _install(find_uv(workspace), environment, requirements)
            stamp.write_text(wanted, encoding="ascii")
    return environment


def _read(stamp: Path) -> str | None:
    return stamp.read_text(encoding="ascii") if stamp.exists() else None


def _install(uv: Path, environment: Environment, requirements: Path) -> None:
    make = ["venv", "--quiet", "--clear", "--python", sys.executable, str(environment.folder)]
    fill = ["pip", "sync", "--quiet", "--require-hashes"]
    fill += ["--python", str(environment.python), str(requirements)]
    for step in (make, fill):
        try:
            subprocess.run([str(uv), *step], check=True, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()
            raise StackError(
                f"Installing {requirements.name} did not work:\n{said}",
                next_step="It needs a Python package registry. Check the network and try again.",
            ) from error


def main() -> None:
    console = Console(stderr=True)
    try:
        workspace = find_workspace()
        for tool in Tool:
            ensure(workspace, tool, console.print)
    except StackError as error:
        console.print(f"{error.message}\n{error.next_step}", style="red", markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
