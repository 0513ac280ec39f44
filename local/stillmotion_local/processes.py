"""Processes that outlive the command that started them, and how to end them with all their children.

A process is known by its pid *and* its start time, because pids are used again. Everything that a stack starts also
carries the stack's folder in its environment (children inherit it: Lambda workers, a build's compilers), so that what
a killed parent left behind can be found.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from stillmotion_local.failures import StackError

MARKER = "STILLMOTION_STACK"
POLL_SECONDS = 0.05
# Nothing survives SIGKILL, save for a moment in the kernel.
KILL_SECONDS = 5.0
LOG_TAIL_LINES = 8
# Start times are computed from the boot time, which moves a little when the clock is set.
SAME_START_SECONDS = 2.0
# Held because Python complains of children that it forgets, and these may outlive this process.
_STARTED: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process that was started: `started_at` is its start time in seconds since the epoch."""

    name: str
    pid: int
    started_at: float


def start(
    name: str, command: Sequence[str], *, environment: Mapping[str, str], stack: Path, log: Path
) -> ProcessRecord:
    """Starts a process in a session of its own, with nothing of the caller's streams."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - commands are built by this package
            [*command],
            env={**environment, MARKER: str(stack)},
            cwd=stack,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _STARTED.append(process)
    return ProcessRecord(name, process.pid, psutil.Process(process.pid).create_time())


def find(record: ProcessRecord) -> psutil.Process | None:
    """The process, if it still runs and is the same."""
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.started_at) < SAME_START_SECONDS
    except psutil.NoSuchProcess:
        return None
    return process if same and not _has_ended(process) else None


def stop(record: ProcessRecord, *, patience_seconds: float) -> None:
    """Asks a process to end, waits, then ends it and every child by force. Does nothing when it is gone."""
    process = find(record)
    if process is None:
        return
    family = [process, *_children(process)]
    _send(process, signal.SIGTERM)
    _wait([process], patience_seconds)
    _end(family + _children(process))


def sweep(stack: Path) -> int:
    """Ends every process that carries the stack's mark, and says how many there were."""
    strays = [process for process in psutil.process_iter() if _carries(process, stack)]
    _end(strays)
    return len(strays)


def wait_until_healthy(record: ProcessRecord, url: str, *, log: Path, timeout_seconds: float) -> None:
    """Returns when the URL answers 2xx. Raises StackError when the process ends first or time runs out."""
    deadline = time.monotonic() + timeout_seconds
    with httpx.Client(trust_env=False, timeout=2.0) as client:
        while time.monotonic() < deadline:
            if find(record) is None:
                raise StackError(
                    f"The {record.name} ended as soon as it was started:\n{tail(log)}",
                    next_step=f"The whole log is {log}. Then try again.",
                )
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(POLL_SECONDS)
    raise StackError(
        f"The {record.name} did not answer at {url} within {timeout_seconds:.0f} seconds.",
        next_step=f"Its log, {log}, may say why.",
    )


def tail(log: Path) -> str:
    """The last lines of a log, for an error message."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:] if line.strip())


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _carries(process: psutil.Process, stack: Path) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.environ().get(MARKER) == str(stack)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _has_ended(process: psutil.Process) -> bool:
    """Also when its parent, which may be a slow init, has not yet taken note of it."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _wait(family: Sequence[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not all(_has_ended(process) for process in family):
        time.sleep(POLL_SECONDS)


def _end(family: Sequence[psutil.Process]) -> None:
    alive = [process for process in family if not _has_ended(process)]
    for process in alive:
        _send(process, signal.SIGKILL)
    _wait(alive, KILL_SECONDS)
    _STARTED[:] = [process for process in _STARTED if process.poll() is None]
