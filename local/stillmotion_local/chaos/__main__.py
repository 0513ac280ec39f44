"""`make chaos`: drops many jobs while everything goes wrong, and judges what became of the money."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from stillmotion_local.chaos.drops import DropFailed, Drops
from stillmotion_local.chaos.evidence import Record, keep, read_all, read_jobs
from stillmotion_local.chaos.ground import ChaosWorkspace, Ground, ground
from stillmotion_local.chaos.judge import judge
from stillmotion_local.chaos.plan import MIN_SEEN, Play, plan_of, planned
from stillmotion_local.chaos.report import Verdict, show, verdict_of, write_json
from stillmotion_local.chaos.variants import Arrival
from stillmotion_local.chaos.watching import TimeIsUp, Watch
from stillmotion_local.failures import StackError
from stillmotion_local.status import StatusTable
from stillmotion_local.workspace import find_workspace

INTERRUPTED = 130
WIDTH = 170
# Deadlines, sweeps and the longest waits take so long whatever their number.
FIXED_SECONDS = 480.0
SECONDS_PER_JOB = 3.0
# The emulator is stopped when this share of the first half has ended.
ENDED_AT_STOP = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 when nothing was paid twice, lost or stuck, and every fault was seen."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    plays = plan_of(options.jobs, options.seed)
    few = [name for name, count in planned(plays).items() if count < MIN_SEEN]
    if few:
        console.print(f"{options.jobs} jobs are too few for every fault to be seen {MIN_SEEN} times.")
    try:
        workspace = ChaosWorkspace(find_workspace().root)
        with ExitStack() as opened:
            with StatusTable(console) as table:
                stack = opened.enter_context(ground(workspace, table))
            verdict = _play(stack, plays, options.seed, _teller(console))
            # Before the stack is taken down, which takes a while.
            show(verdict, Console(width=None if sys.stdout.isatty() else WIDTH))
    except StackError as error:
        console.print(error.message, style="red", markup=False, highlight=False)
        console.print(error.next_step, markup=False, highlight=False)
        return 1
    except DropFailed as error:
        console.print(f"The jobs could not be dropped: {error}", style="red", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted; everything that was started is stopped.")
        return INTERRUPTED
    if options.json is not None:
        write_json(verdict, options.json)
    return 0 if verdict.is_good else 1


def _play(stack: Ground, plays: list[Play], seed: int, tell: Callable[[str], None]) -> Verdict:
    began = time.monotonic()
    drops = Drops(stack, seed)
    watch = Watch(stack, plays, seconds=FIXED_SECONDS + SECONDS_PER_JOB * len(plays), tell=tell)
    half = len(plays) // 2
    jobs: Sequence[Record] | None = None
    try:
        drops.drop(plays[:half])
        drops.arrived[Arrival.EMULATOR_STOPPED] |= watch.until_under_way(ENDED_AT_STOP / 2)
        tell("The emulator is stopped and started")
        stack.stop_and_start_emulator()
        drops.drop(plays[half:])
        jobs = watch.until_settled()
    except TimeIsUp:
        tell("The time is up")
    tell("Reading what the vendors, the table and the bucket say")
    evidence = read_all(stack, read_jobs(stack) if jobs is None else jobs)
    keep(evidence, stack.workspace.evidence)
    findings = judge(plays, evidence)
    return verdict_of(
        findings, drops.arrived, in_time=jobs is not None, seed=seed, seconds=int(time.monotonic() - began)
    )


def _teller(console: Console) -> Callable[[str], None]:
    return lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make chaos", description="Many jobs, every fault, and an account of the money. See docs/chaos.md."
    )
    parser.add_argument("--jobs", type=int, default=500, help="how many (default: 500)")
    parser.add_argument("--seed", type=int, default=1, help="of the plan (default: 1)")
    parser.add_argument("--json", type=Path, help="a file to write the table to, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
