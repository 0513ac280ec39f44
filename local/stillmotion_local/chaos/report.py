"""The verdict in numbers: a table by fault, the jobs that need a person, and what is wrong."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stillmotion_local.chaos.judge import Finding
from stillmotion_local.chaos.plan import MIN_SEEN
from stillmotion_local.chaos.variants import VARIANTS, Arrival

CLEAN = "nothing"
TOTAL = "all jobs"


@dataclass(frozen=True)
class Row:
    """One line of the table. `seen` is how many of the jobs the fault really struck."""

    fault: str
    jobs: int
    seen: int
    completed: int
    failed: int
    paid: int
    paid_twice: int
    paid_and_lost: int
    unpaid_and_completed: int
    stuck: int
    needs_attention: int

    @property
    def is_clean(self) -> bool:
        return not (self.paid_twice or self.paid_and_lost or self.unpaid_and_completed or self.stuck)


@dataclass(frozen=True)
class Verdict:
    """The whole outcome of a run. `in_time`: every job was settled before the time was up."""

    in_time: bool
    seed: int
    seconds: int
    rows: tuple[Row, ...]
    total: Row
    attention: tuple[str, ...]
    failed_unasked: tuple[str, ...]
    wrongs: tuple[str, ...]
    unseen: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """No wrong in any of the four words, every fault seen often enough, and an end within the time."""
        return self.in_time and self.total.is_clean and not self.unseen


def verdict_of(
    findings: Sequence[Finding], arrived: Mapping[Arrival, set[int]], *, in_time: bool, seed: int, seconds: int
) -> Verdict:
    """`arrived` are the plays that each way of arriving happened to."""

    rows = [_variant_row(variant.name, findings) for variant in VARIANTS]
    for arrival in Arrival:
        struck = [finding for finding in findings if finding.play.number in arrived[arrival]]
        rows.append(_row(arrival, struck, lambda _: True))
    clean = [finding for finding in findings if not finding.play.names]
    unseen = tuple(f"{row.fault}: seen {row.seen} times" for row in rows if row.seen < MIN_SEEN)
    return Verdict(
        in_time=in_time,
        seed=seed,
        seconds=seconds,
        rows=(*rows, _row(CLEAN, clean, lambda _: True)),
        total=_row(TOTAL, findings, lambda finding: bool(finding.seen)),
        attention=tuple(_told(finding, finding.attention) for finding in findings if finding.attention),
        failed_unasked=tuple(_told(one, one.failed_unasked) for one in findings if one.failed_unasked),
        wrongs=tuple(_told(finding, text) for finding in findings for text in finding.wrongs),
        unseen=unseen,
    )


def show(verdict: Verdict, console: Console) -> None:
    """Prints it."""
    table = Table(title=f"seed {verdict.seed}, {verdict.total.jobs} jobs, {verdict.seconds} s")
    for name in Row.__dataclass_fields__:
        table.add_column(
            name.replace("_", " "), justify="left" if name == "fault" else "right", no_wrap=name == "fault"
        )
    for row in verdict.rows:
        table.add_row(*map(str, asdict(row).values()), style=None if row.is_clean else "red")
    table.add_section()
    table.add_row(*map(str, asdict(verdict.total).values()), style="bold" if verdict.total.is_clean else "bold red")
    console.print(table)
    if not verdict.in_time:
        console.print("\nThe time was up before every job had ended or was shown to a person.", style="bold red")
    for title, lines in (
        ("Need a person, and why", verdict.attention),
        ("Failed unpaid, and by no vendor's word", verdict.failed_unasked),
        ("Wrong", verdict.wrongs),
        (f"Seen less than {MIN_SEEN} times", verdict.unseen),
    ):
        if lines:
            console.print(f"\n{title}:")
            for line in lines:
                console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def write_json(verdict: Verdict, path: Path) -> None:
    path.write_text(json.dumps({**asdict(verdict), "is_good": verdict.is_good}, indent=2) + "\n", encoding="utf-8")


def _variant_row(name: str, findings: Sequence[Finding]) -> Row:
    suffering = [finding for finding in findings if name in finding.play.names]
    return _row(name, suffering, lambda finding: name in finding.seen)


def _row(name: str, findings: Sequence[Finding], is_seen: Callable[[Finding], bool]) -> Row:
    return Row(
        fault=str(name),
        jobs=len(findings),
        seen=sum(map(is_seen, findings)),
        completed=sum(finding.status == "completed" for finding in findings),
        failed=sum(finding.status == "failed" for finding in findings),
        paid=sum(finding.paid for finding in findings),
        paid_twice=sum(finding.paid_twice is not None for finding in findings),
        paid_and_lost=sum(finding.paid_and_lost is not None for finding in findings),
        unpaid_and_completed=sum(finding.unpaid_and_completed is not None for finding in findings),
        stuck=sum(finding.stuck is not None for finding in findings),
        needs_attention=sum(finding.attention is not None for finding in findings),
    )


def _told(finding: Finding, text: str | None) -> str:
    suffered = ", ".join(map(str, finding.play.names)) or CLEAN
    return f"play {finding.play.number} ({suffered}): {text}"
