"""The table that a person watches while a stack comes up."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from stillmotion_local.progress import Step

REFRESHES_PER_SECOND = 8


class StatusTable:
    """A live table on a terminal; plain lines, one per finished step, anywhere else."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun: dict[Step, float] = {}
        self._finished: dict[Step, tuple[float, str]] = {}
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=REFRESHES_PER_SECOND)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def begin(self, step: Step) -> None:
        self._begun[step] = time.monotonic()

    def done(self, step: Step, detail: str) -> None:
        seconds = time.monotonic() - self._begun[step]
        self._finished[step] = (seconds, detail)
        if not self._console.is_terminal:
            self._console.print(f"{step:<16} {seconds:5.1f} s  {detail}", highlight=False, soft_wrap=True)

    def note(self, sentence: str) -> None:
        self._console.print(sentence, highlight=False, soft_wrap=True)

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for step, begun in self._begun.items():
            if step in self._finished:
                seconds, detail = self._finished[step]
                table.add_row(Text("✓", style="green"), step, f"{seconds:5.1f} s", Text(detail, style="dim"))
            else:
                table.add_row(Spinner("dots"), step, f"{time.monotonic() - begun:5.1f} s", "")
        return table
