"""Apiframe's own OpenAPI document, which is not part of this project."""

import json
from pathlib import Path
from typing import Any

import pytest

OPENAPI = Path(__file__).parents[3].parent / "shared" / "contracts" / "apiframe-v2-luma.openapi.json"


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    """The document, cut to the calls used here."""
    if not OPENAPI.exists():
        pytest.skip("Apiframe's OpenAPI document is not beside this checkout (../shared/contracts)")
    document: dict[str, Any] = json.loads(OPENAPI.read_text())
    return document
