"""The template and the state machine's definition, read once."""

import pytest
from tests.unit.template.document import JsonObject, Template, read_definition, read_template


@pytest.fixture(scope="session")
def template() -> Template:
    return read_template()


@pytest.fixture(scope="session")
def definition() -> JsonObject:
    return read_definition()
