"""The live table: what a person sees while a job is on its way."""

import io

import msgspec
from rich.console import Console
from tests.unit.cli.stage import Stage

from stillmotion.dialects.native.views import View
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.ports.vendor import Refused, Running
from stillmotion_cli.progress import ProgressTable, progress_on
from stillmotion_cli.records import Job


def seen(stage: Stage) -> Job:
    """The job as the API tells it."""
    return msgspec.convert(View().video(stage.world.jobs.only()).job, Job)


def lines(table: ProgressTable) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=120).print(table.render())
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def table_on(stage: Stage) -> ProgressTable:
    return ProgressTable(lambda: stage.world.clock.now().timestamp())


def test_a_state_that_is_over_is_timed_by_the_record_and_the_present_one_by_this_machine(stage: Stage) -> None:
    stage.world.dispatching()
    table = table_on(stage)
    table.show(seen(stage))
    stage.dispatch()
    table.show(seen(stage))
    stage.world.clock.advance(14)
    dispatching, generating = lines(table)
    assert dispatching.split() == ["✓", "dispatching", "1.0", "s", "wavespeed"]
    assert generating.split()[1:] == ["generating", "14", "s", "wavespeed:", "running"]


def test_the_vendors_progress_is_a_bar_with_its_number(stage: Stage) -> None:
    stage.world.dispatching()
    stage.world.wavespeed.readings = [Running(vendor_status="processing", progress=40)]
    stage.dispatch()
    stage.check()
    table = table_on(stage)
    table.show(seen(stage))
    assert "━━━" in lines(table)[-1]
    assert "wavespeed: processing, 40 %" in lines(table)[-1]


def test_a_throttled_attempt_is_said_to_be_tried_again(stage: Stage) -> None:
    stage.world.dispatching()
    stage.world.wavespeed.submissions = [Refused(failure=Failure(FailureKind.THROTTLED, "Slow down."), retry_after=5)]
    stage.dispatch()
    table = table_on(stage)
    table.show(seen(stage))
    assert "attempt 1: wavespeed: throttled, trying again" in lines(table)[0]


def test_trouble_is_shown_until_the_next_news(stage: Stage) -> None:
    stage.world.dispatching()
    table = table_on(stage)
    table.show(seen(stage))
    table.trouble("The API does not answer.")
    assert lines(table)[-1].endswith("The API does not answer.")
    table.show(seen(stage))
    assert len(lines(table)) == 1


def test_a_terminal_gets_the_live_table(stage: Stage) -> None:
    stage.completed_job()
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, _environ={"TERM": "xterm"})
    with progress_on(console, lambda: 0.0) as display:
        assert isinstance(display, ProgressTable)
        display.show(seen(stage))
    assert "completed" in stream.getvalue()
