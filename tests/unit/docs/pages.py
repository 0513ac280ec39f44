"""The documents as text, and the tables in them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")))
CODE = re.compile(r"`([^`]+)`")
FENCED = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    """A page without its blocks of code."""
    return FENCED.sub("", page(name))


def section(name: str, title: str) -> str:
    """What stands below a heading of the second rank, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page(name), re.DOTALL | re.MULTILINE)
    assert found is not None, f"{name} has no section {title!r}"
    return found[1]


def rows(text: str, head: str) -> list[list[str]]:
    """The rows of the table whose first line begins with the cell `head`, as their cells."""
    found = re.search(rf"^\| {re.escape(head)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert found is not None, f"no table {head!r}"
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in found[1].splitlines()]


def code_in(text: str) -> list[str]:
    """What is set as code in a line."""
    return CODE.findall(text)
