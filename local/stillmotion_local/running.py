"""`.local/processes.json`: what was started, so that a later command can find and end it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from stillmotion_local.processes import ProcessRecord
from stillmotion_local.workspace import Workspace, write_private

# The emulators' usual port, so that other tools' examples work as they are.
EMULATOR_PORT = 4566
VENDORS_PORT = 4577


@dataclass(frozen=True, slots=True)
class Running:
    """The processes of a stack, and the ports that it has or last had: the next one asks for the same."""

    emulator_port: int = EMULATOR_PORT
    vendors_port: int = VENDORS_PORT
    processes: tuple[ProcessRecord, ...] = ()

    def with_process(self, process: ProcessRecord) -> "Running":
        return replace(self, processes=(*self.processes, process))


def read(workspace: Workspace) -> Running:
    """What was last written; the defaults when there is nothing, or nothing that makes sense."""
    try:
        saved = json.loads(workspace.processes_file.read_text(encoding="utf-8"))
        processes = tuple(ProcessRecord(**process) for process in saved.pop("processes"))
        return Running(**saved, processes=processes)
    except (OSError, ValueError, TypeError, KeyError):
        return Running()


def write(workspace: Workspace, running: Running) -> None:
    write_private(workspace.processes_file, json.dumps(asdict(running), indent=2) + "\n")


def names(processes: Sequence[ProcessRecord]) -> str:
    return " and ".join(process.name for process in processes)
