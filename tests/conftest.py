"""In which order tests run: those of the whole stack first, and first of them those that others would keep waiting."""

import pytest

# It waits until no attempt of another file can be in doubt.
UNHURRIED = "test_unknown_outcomes.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order within a file stays."""
    items.sort(key=lambda item: ("e2e" not in item.path.parts, item.path.name != UNHURRIED))
