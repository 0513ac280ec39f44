"""What the README prints is what was run: its clients' lines are those of docs/clients.md, which e2e tests run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(?:python|bash)\n(.+?)^```", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("client", ["import openai", "import wavespeed", "/v2/videos/generate"])
def test_the_readme_shows_each_client_in_the_lines_that_are_run(client: str) -> None:
    (shown,) = [block for block in blocks("README.md") if client in block]
    assert shown in blocks("docs/clients.md")
    assert len([line for line in shown.splitlines() if line]) <= 5
