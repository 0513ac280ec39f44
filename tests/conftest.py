"""How tests are shared out among processes: a file stays together, and e2e files come first, as they wait."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# An attempt in doubt keeps others from being settled: files that make such attempts take turns, this one first.
IN_DOUBT = ("test_unknown_outcomes.py", "test_interventions.py", "test_vendors_that_misbehave.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups tests by file for `--dist loadgroup`; without processes, only their order changes."""
    items.sort(key=_turn)
    for item in items:
        group = "in doubt" if item.path.name in IN_DOUBT else str(item.path.relative_to(TESTS))
        item.add_marker(pytest.mark.xdist_group(group))


def _turn(item: pytest.Item) -> tuple[bool, int]:
    name = item.path.name
    return "e2e" not in item.path.parts, IN_DOUBT.index(name) if name in IN_DOUBT else len(IN_DOUBT)
