"""What the README prints is what was run: its clients' lines are those of docs/clients.md, which e2e tests run."""

import re

import pytest
from tests.unit.docs.pages import code_in, page, rows

from stillmotion.domain.request import Request

BLOCK = re.compile(r"^```(?:python|bash)\n(.+?)^```", re.DOTALL | re.MULTILINE)
# What the API calls it, and what goes with it that is no field of a request.
BESIDE = {"callback": {"callback_url"}, "aspect_ratio": {"aspect_ratio", "size"}}


def blocks(name: str) -> list[str]:
    return BLOCK.findall(page(name))


@pytest.mark.parametrize("client", ["import openai", "import wavespeed", "/v2/videos/generate"])
def test_the_readme_shows_each_client_in_the_lines_that_are_run(client: str) -> None:
    (shown,) = [block for block in blocks("README.md") if client in block]
    assert shown in blocks("docs/clients.md")
    assert len([line for line in shown.splitlines() if line]) <= 5


def test_every_field_of_a_request_is_in_the_table() -> None:
    told = {name for row in rows(page("README.md"), "field") for name in code_in(row[0])}
    fields = {name for field in Request.__struct_fields__ for name in BESIDE.get(field, {field})}
    assert told == fields | {"dry_run"}
