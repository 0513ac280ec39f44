"""What all tests share: no property is timed, and in which order they run: those of the whole stack first."""

import pytest
from hypothesis import settings

# How fast the machine is, is no property.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# It waits until no attempt of another file can be in doubt.
UNHURRIED = "test_unknown_outcomes.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order within a file stays."""
    items.sort(key=lambda item: ("e2e" not in item.path.parts, item.path.name != UNHURRIED))
