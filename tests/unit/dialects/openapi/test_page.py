"""What a person finds on the page: every limit and choice, calls to copy, and what is answered."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import get_args

import pytest

from stillmotion.dialects.openapi.document import document, operations
from stillmotion.dialects.openapi.page import page
from stillmotion.dialects.openapi.schemas import Json
from stillmotion.domain.request import Concept

BASE_URL = "https://api.example/$default"
DOCUMENT = document(BASE_URL)
PAGE = page(DOCUMENT)
VOID = ("meta", "br")


class Reader(HTMLParser):
    """Where each id stands (the elements around it), and the texts of each kind of element."""

    def __init__(self) -> None:
        super().__init__()
        self.around: dict[str, tuple[str, ...]] = {}
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.links: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if "id" in given:
            self.around[str(given["id"])] = tuple(self._open)
        if tag == "a":
            self.links.append(str(given["href"]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self._open), data))


@pytest.fixture(scope="module")
def read() -> Reader:
    reader = Reader()
    reader.feed(PAGE)
    return reader


def shown_as(name: str) -> str:
    """The part of the page that a link to a name leads to, as text."""
    (part,) = re.findall(rf'<div id="{name}">(.*?)</div>', PAGE, re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", part))


def row(name: str, member: str) -> str:
    """What is told of a member, or of a parameter."""
    (part,) = re.findall(rf'<div id="{name}">(.*?)</div>', PAGE, re.DOTALL)
    found: list[str] = re.findall(rf"<tr><td><code>{member}</code>(.*?)</tr>", part, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[0])).split())


def calls() -> Iterator[list[str]]:
    """Every call that can be copied, as a shell splits it."""
    for part in re.findall(r"<pre>(.*?)</pre>", PAGE, re.DOTALL):
        for call in unescape(part).split("\n\n"):
            if call.startswith("curl"):
                yield shlex.split(call)


def test_what_a_link_leads_to_is_inside_of_what_opens(read: Reader) -> None:
    targets = {link.removeprefix("#") for link in read.links if link.startswith("#")}
    assert targets <= read.around.keys()
    for name in {*DOCUMENT["components"]["schemas"], *(operation.id for operation in operations())}:
        assert read.around[name][-1] == "details"


def test_no_two_things_have_the_same_name() -> None:
    assert set(Counter(re.findall(r' id="([^"]*)"', PAGE)).values()) == {1}


@pytest.mark.parametrize(
    ("name", "member", "told"),
    [
        ("VideoOrder", "prompt", "string (1 to 4000 characters, matching \\S )"),
        ("VideoOrder", "duration", "5 , 9 , 10 or null; by default 5"),
        ("VideoOrder", "vendor", 'by default "auto"'),
        ("VideoOrder", "loop", "boolean or null; by default false"),
        (
            "VideoOrder",
            "metadata",
            "string (up to 512 characters) (up to 16 entries, names of 1 to 64 characters)",
        ),
        ("VideoOrder", "image", "an https:// address, s3://bucket/key of an upload, or a data: URI"),
        ("VideoOrder", "size", "matching ^([1-9][0-9]{1,4})[xX*]([1-9][0-9]{1,4})$"),
        ("VideoOrder", "max_dollars", "number (0.000001 to 1000000)"),
        ("listVideos", "limit", "integer (1 to 100); by default 20"),
        ("KeyRequest", "rate_per_minute", "integer (0 to 100000); by default 0"),
        ("WavespeedOrder", "duration", '5 , 10 or "5" , "10" or null; by default 5'),
    ],
)
def test_limits_and_defaults_are_told(name: str, member: str, told: str) -> None:
    assert told in row(name, member)


def test_every_choice_is_told() -> None:
    told = row("VideoOrder", "concepts")
    assert all(f'"{concept}"' in told for concept in get_args(Concept))
    assert "…" not in told


def test_every_operation_has_a_call_to_copy() -> None:
    for operation in operations():
        if operation.id != "receiveVendorWebhook":
            assert "curl" in shown_as(operation.id), operation.id


def test_a_shell_takes_a_call_as_it_is_meant() -> None:
    found = list(calls())
    assert len(found) > len(operations())
    for call in found:
        assert any(word.startswith(f"{BASE_URL}/") for word in call)
    assert not re.search(r"curl[^']*\$default", unescape(PAGE))


def test_a_video_is_fetched_into_a_file() -> None:
    assert "curl -L -o video.mp4 '" in shown_as("getVideoContent")


def examples(operation: Json) -> Iterator[Json]:
    contents = [operation.get("requestBody", {}), *operation["responses"].values()]
    for content in contents:
        for body in content.get("content", {}).values():
            for example in body.get("examples", {}).values():
                if "$ref" in example:
                    yield DOCUMENT["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]


def test_every_example_of_an_answer_and_of_a_webhook_is_shown() -> None:
    told = [operation for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    told += [item["post"] for item in DOCUMENT["webhooks"].values()]
    for operation in told:
        for value in examples(operation):
            assert json.dumps(value, ensure_ascii=False, indent=2) in unescape(PAGE)


def test_every_webhook_is_shown_with_its_headers() -> None:
    for word, item in DOCUMENT["webhooks"].items():
        assert f"<code>{word}</code>" in PAGE
        for header in item["post"]["parameters"]:
            assert header["name"] in shown_as(item["post"]["operationId"])


def test_no_mark_of_markdown_is_left(read: Reader) -> None:
    for around, text in read.texts:
        if not {"pre", "style"} & set(around):
            assert "`" not in text
            assert "**" not in text
