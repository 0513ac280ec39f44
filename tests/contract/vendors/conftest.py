"""The recorded shapes: one JSON file for each answer that a vendor's documents show, with its source."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

SHAPES = Path(__file__).parent / "shapes"
OPENAPI = Path(__file__).parents[3].parent / "shared" / "contracts" / "apiframe-v2-luma.openapi.json"


@pytest.fixture
def shape() -> Callable[[str], httpx.Response]:
    """The recorded answer of a name, as it comes over the wire."""

    def recorded(name: str) -> httpx.Response:
        file = json.loads((SHAPES / f"{name}.json").read_text())
        return httpx.Response(file["status"], headers=file["headers"], json=file["body"])

    return recorded


@pytest.fixture
def openapi() -> dict[str, Any]:
    """Apiframe's own OpenAPI document, cut to the calls used here. It is not part of this project."""
    if not OPENAPI.exists():
        pytest.skip("Apiframe's OpenAPI document is not beside this checkout (../shared/contracts)")
    document: dict[str, Any] = json.loads(OPENAPI.read_text())
    return document
