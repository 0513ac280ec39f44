"""Faults called for by a marker in a prompt, and by the plan."""

from pathlib import Path

import pytest

from stillmotion_local.vendors import faults as faults_module
from stillmotion_local.vendors.fault_plan import FaultPlan, PlanDocument
from stillmotion_local.vendors.faults import ActiveFault, BadFaultError, Fault, faults_in, without_markers
from stillmotion_local.vendors.generations import Vendor


def plan_of(path: Path, **document: object) -> FaultPlan:
    plan = FaultPlan(path / "plan.json")
    plan.replace(PlanDocument.model_validate(document))
    return plan


def struck(plan: FaultPlan, vendor: Vendor, *, prompts: int = 100) -> list[int]:
    return [number for number in range(prompts) if plan.strike(vendor, f"prompt {number}", 1)]


def test_several_markers_are_read_with_their_parameters() -> None:
    found = faults_in("a [[fault:throttle retry_after=7 times=1]] fox [[fault:stuck]]")
    assert [fault.name for fault in found] == [Fault.THROTTLE, Fault.STUCK]
    assert found[0].number("retry_after", 1) == 7


def test_markers_are_not_part_of_the_picture() -> None:
    assert without_markers("a [[fault:stuck]] fox") == "a fox"


def test_a_note_calls_for_nothing_and_is_not_part_of_the_picture() -> None:
    assert faults_in("a [[note:play=7]] fox") == []
    assert without_markers("a [[note:play=7]] fox") == "a fox"


@pytest.mark.parametrize(
    "marker", ["[[fault:nope]]", "[[fault:slow weeks=1]]", "[[fault:slow seconds=soon]]", "[[fault:slow soon]]"]
)
def test_unknown_faults_and_parameters_are_errors(marker: str) -> None:
    with pytest.raises(BadFaultError):
        faults_in(marker)


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_is_in_the_table(fault: Fault) -> None:
    assert f"\n{fault.value} " in (faults_module.__doc__ or "")


def test_times_limits_refusals_to_the_first_submissions() -> None:
    fault = ActiveFault(name=Fault.UNAVAILABLE_503, parameters={"times": "2"})
    assert [fault.applies_to("apiframe", number) for number in (1, 2, 3)] == [True, True, False]


def test_times_of_a_video_fault_does_not_limit_submissions() -> None:
    fault = ActiveFault(name=Fault.VIDEO_EMPTY, parameters={"times": "1"})
    assert fault.applies_to("apiframe", 9)


def test_a_vendor_limits_a_fault() -> None:
    fault = ActiveFault(name=Fault.STUCK, parameters={"vendor": "apiframe"})
    assert fault.applies_to("apiframe", 1)
    assert not fault.applies_to("wavespeed", 1)


def test_nth_strikes_that_submission_of_that_vendor_only(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, rules=[{"fault": "stuck", "vendor": "wavespeed", "nth": [3]}])
    assert struck(plan, Vendor.APIFRAME) == []
    assert struck(plan, Vendor.WAVESPEED) == [2]


def test_chance_is_the_same_for_the_same_seed_whatever_the_order(tmp_path: Path) -> None:
    rules = [{"fault": "stuck", "probability": 0.3}]
    first = struck(plan_of(tmp_path, seed=1, rules=rules), Vendor.APIFRAME)
    plan = plan_of(tmp_path, seed=1, rules=rules)
    backwards = [n for n in reversed(range(100)) if plan.strike(Vendor.APIFRAME, f"prompt {n}", 1)]
    assert first == sorted(backwards)
    assert 15 < len(first) < 45
    assert first != struck(plan_of(tmp_path, seed=2, rules=rules), Vendor.APIFRAME)


def test_limit_bounds_how_often_a_rule_strikes(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, rules=[{"fault": "stuck", "limit": 2}])
    assert len(struck(plan, Vendor.APIFRAME)) == 2


def test_the_plan_survives_a_restart(tmp_path: Path) -> None:
    plan_of(tmp_path, seed=5, rules=[{"fault": "stuck"}])
    assert FaultPlan(tmp_path / "plan.json").document.seed == 5


def test_a_rule_with_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFaultError):
        plan_of(tmp_path, rules=[{"fault": "stuck", "parameters": {"weeks": "1"}}])
