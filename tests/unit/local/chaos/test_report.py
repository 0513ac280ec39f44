"""The run is good only where nothing is wrong and every fault was seen."""

import json
from pathlib import Path

from tests.unit.local.chaos.cases import generation, job, play

from stillmotion_local.chaos.judge import Finding
from stillmotion_local.chaos.plan import MIN_SEEN
from stillmotion_local.chaos.report import Verdict, verdict_of, write_json
from stillmotion_local.chaos.variants import VARIANTS, Arrival

NUMBERS = range(MIN_SEEN)


def finding(name: str, **changes: object) -> Finding:
    whole = Finding(play(name), (job(),), (generation(),), frozenset({name}))
    return Finding(**{**{field: getattr(whole, field) for field in Finding.__dataclass_fields__}, **changes})


def verdict(*more: Finding, arrived: set[int] | None = None, in_time: bool = True) -> Verdict:
    """Of a run in which every fault was seen just often enough, and of `more`."""
    findings = [finding(variant.name) for variant in VARIANTS for _ in NUMBERS]
    numbers = {play("stuck").number} if arrived is None else arrived
    return verdict_of([*findings, *more], dict.fromkeys(Arrival, numbers), in_time=in_time, seed=1, seconds=60)


def test_a_run_without_a_wrong_in_which_everything_was_seen_is_good() -> None:
    assert verdict().is_good


def test_a_fault_that_was_planned_and_not_seen_often_enough_spoils_the_run() -> None:
    told = verdict_of(
        [finding(variant.name, seen=frozenset()) for variant in VARIANTS for _ in NUMBERS],
        {arrival: {7} for arrival in Arrival},
        in_time=True,
        seed=1,
        seconds=60,
    )
    assert not told.is_good
    assert "stuck: seen 0 times" in told.unseen


def test_a_run_that_did_not_end_in_time_is_not_good() -> None:
    assert not verdict(in_time=False).is_good


def test_an_arrival_that_did_not_take_place_spoils_the_run() -> None:
    assert not verdict(arrived=set()).is_good


def test_one_job_paid_twice_spoils_the_run_and_is_told() -> None:
    told = verdict(finding("stuck", paid_twice="two of them"))
    assert not told.is_good
    assert told.wrongs == ("play 7 (stuck): two of them",)
    assert next(row for row in told.rows if row.fault == "stuck").paid_twice == 1


def test_jobs_that_need_a_person_are_told_and_spoil_nothing() -> None:
    told = verdict(finding("stuck", attention="overdue"))
    assert told.is_good
    assert told.attention == ("play 7 (stuck): overdue",)


def test_the_total_counts_each_job_once() -> None:
    assert verdict().total.jobs == len(VARIANTS) * MIN_SEEN


def test_the_json_holds_the_table_and_the_verdict(tmp_path: Path) -> None:
    write_json(verdict(), tmp_path / "table.json")
    told = json.loads((tmp_path / "table.json").read_text())
    assert told["is_good"]
    assert len(told["rows"]) == len(VARIANTS) + len(Arrival) + 1
