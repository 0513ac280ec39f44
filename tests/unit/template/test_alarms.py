"""What raises an alarm is a line of a log: no setting may silence it."""

import ast
from pathlib import Path

import pytest
from tests.unit.template.document import ROOT, Template

APPS = sorted((ROOT / "functions").glob("*/app.py"))


def counted_lines(source: str) -> list[str]:
    """The level of each line that carries a metric."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    counted = [call for call in calls if "metric" in {keyword.arg for keyword in call.keywords}]
    return [call.func.attr for call in counted if isinstance(call.func, ast.Attribute)]


def test_no_log_level_that_may_be_chosen_silences_a_warning(template: Template) -> None:
    assert set(template.parameters["LogLevel"]["AllowedValues"]) <= {"DEBUG", "INFO", "WARN"}


def test_the_lines_that_are_counted_are_found() -> None:
    found = {path.parent.name for path in APPS if counted_lines(path.read_text(encoding="utf-8"))}
    assert {"fail", "finalize", "submit", "sweep"} <= found


@pytest.mark.parametrize("app", APPS, ids=lambda path: path.parent.name)
def test_every_line_that_an_alarm_counts_is_a_warning(app: Path) -> None:
    assert set(counted_lines(app.read_text(encoding="utf-8"))) <= {"warning"}
