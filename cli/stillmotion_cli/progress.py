"""A job on its way, on standard error: a live table on a terminal, else one line for each change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from stillmotion_cli.records import COMPLETED, Job
from stillmotion_cli.text import clean, seconds
from stillmotion_cli.timeline import attempt_text, facts, generation_text, status_text
from stillmotion_cli.waiting import Display

REFRESHES_PER_SECOND = 8
BAR_WIDTH = 24


@contextmanager
def progress_on(console: Console, monotonic: Callable[[], float]) -> Iterator[Display]:
    """The display that suits the console. It leaves its last state standing."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield PlainProgress(console)
        return
    table = ProgressTable(monotonic)
    with Live(get_renderable=table.render, console=console, refresh_per_second=REFRESHES_PER_SECOND):
        yield table


class PlainProgress:
    """A line for each fact, with the time since the job was made; each fact once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed: set[tuple[object, ...]] = set()
        self._in_trouble = False

    def show(self, job: Job) -> None:
        self._in_trouble = False
        for fact in facts(job):
            if fact.key not in self._printed:
                self._printed.add(fact.key)
                self._print(f"{seconds((fact.at - job.created_at).total_seconds()):>10}  {fact.text}")

    def trouble(self, sentence: str) -> None:
        if not self._in_trouble:
            self._in_trouble = True
            self._print(clean(sentence))

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class ProgressTable:
    """One row for each state, with the time spent in it.

    States that are over are timed by the record; the present one by this machine, from when it was first seen: two
    machines' clocks may disagree.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._job: Job | None = None
        self._first_seen: dict[int, float] = {}
        self._trouble = ""

    def show(self, job: Job) -> None:
        self._first_seen.setdefault(len(job.history), self._monotonic())
        self._job, self._trouble = job, ""

    def trouble(self, sentence: str) -> None:
        self._trouble = sentence

    def render(self) -> Table:
        """The table as of now."""
        table = Table.grid(padding=(0, 1))
        job = self._job
        if job is None:
            return table
        for index, change in enumerate(job.history):
            is_present = index == len(job.history) - 1
            word = Text(status_text(change.status, change.reason))
            if is_present:
                table.add_row(self._mark(job), word, self._present_time(job), self._detail(job))
            else:
                spent = (job.history[index + 1].at - change.at).total_seconds()
                table.add_row(Text("✓", style="green"), word, seconds(spent), self._past(job, change.status))
        if self._trouble:
            table.add_row(Text("!", style="yellow"), "", "", Text(clean(self._trouble), style="yellow"))
        return table

    def _mark(self, job: Job) -> Text | Spinner:
        if not job.is_over:
            return Spinner("dots", style="cyan")
        if job.status == COMPLETED:
            return Text("✓", style="green")
        return Text("!", style="yellow") if job.needs_person else Text("✗", style="red")

    def _present_time(self, job: Job) -> str:
        if job.is_over and not job.overdue:
            return ""
        return seconds(self._monotonic() - self._first_seen[len(job.history)])

    def _past(self, job: Job, status: str) -> Text:
        """What is worth remembering of a state that is over."""
        if status == "dispatching" and job.attempts:
            count = len(job.attempts)
            tries = f", {count} attempts" if count > 1 else ""
            return Text(f"{job.attempts[-1].vendor}{tries}", style="dim")
        return Text("")

    def _detail(self, job: Job) -> Text | Table:
        if not job.attempts or job.is_over:
            return Text("overdue: the deadline passed", style="yellow") if job.overdue else Text("")
        attempt = job.attempts[-1]
        if job.status == "dispatching":
            text = f"attempt {attempt.number}: {attempt_text(attempt, goes_on=True)}"
            return Text(text, style="dim" if attempt.outcome == "sending" else "yellow")
        if job.status == "finalizing":
            return Text("copying the video into your bucket", style="dim")
        if attempt.generation is None:
            return Text("")
        words = Text(generation_text(attempt.vendor, attempt.generation), style="dim")
        if attempt.generation.progress is None:
            return words
        detail = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=100, completed=attempt.generation.progress, width=BAR_WIDTH)
        detail.add_row(bar, words)
        return detail
