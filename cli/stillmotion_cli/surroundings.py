"""What the commands take from the world; put together once here, and otherwise by tests."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import typer

from stillmotion_cli.address import find_address
from stillmotion_cli.client import Client
from stillmotion_local import stack_file
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.workspace import find_workspace


def _read_stack() -> StackDescription:
    return stack_file.read(find_workspace())


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The environment, the running stack, the wire (None: the real one), and time in seconds."""

    environment: Mapping[str, str]
    read_stack: Callable[[], StackDescription] = _read_stack
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _now

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client of the API, closed afterwards. Raises Misuse when there is no API to talk to."""
        address = find_address(self.environment, self.read_stack)
        with Client(address, transport=self.transport, sleep=self.sleep) as client:
            yield client


def surroundings_of(context: typer.Context) -> Surroundings:
    """Those that a test handed to the command, else the real ones."""
    return context.obj if isinstance(context.obj, Surroundings) else Surroundings(environment=os.environ)
