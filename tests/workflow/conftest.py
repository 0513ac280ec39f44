"""The state machine's own definition."""

import json
from pathlib import Path

import pytest
from tests.workflow.machine import JsonObject, Machine

DEFINITION = Path(__file__).parents[2] / "functions" / "video.asl.json"


@pytest.fixture(scope="session")
def definition() -> JsonObject:
    read: JsonObject = json.loads(DEFINITION.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="session")
def machine(definition: JsonObject) -> Machine:
    return Machine(definition)
