"""In which order tests run: those of the whole stack first, as they wait, and others run beside them meanwhile."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order within a file stays."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
