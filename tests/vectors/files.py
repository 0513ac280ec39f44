"""The files of vectors: where they are, and how they are written.

A file holds entries by name, each with what is `given` and what it `gives`; an entry without `gives` is not recorded
yet.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import is_normalized

FOLDER = Path(__file__).parent
ANSWERS = FOLDER / "answers"
WIDTH = 118

Vectors = dict[str, dict[str, Any]]


def paths(folder: Path = FOLDER) -> list[Path]:
    """Every file of vectors, by name."""
    return sorted(folder.glob("*.json"))


def read(path: Path) -> Vectors:
    vectors: Vectors = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    return vectors


def text(value: object) -> str:
    """JSON with one member a line, but for what fits a line whole. The order of members is kept."""
    return "".join(_lines(value, 0)) + "\n"


def canonical(value: object) -> str:
    """JSON in which equal values are equal texts."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two entries of one name, the first would be lost without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"a name stands twice among {names}")
    return found


def _lines(value: object, depth: int) -> Iterator[str]:
    whole = _whole(value)
    # The entries of a file stand below one another, however short they are.
    if depth and len(whole) + depth <= WIDTH:
        yield whole
        return
    match value:
        case dict() if value:
            members = [(f"{_whole(name)}: ", member) for name, member in value.items()]
            yield from _block("{", members, "}", depth)
        case list() if value:
            yield from _block("[", [("", member) for member in value], "]", depth)
        case _:
            yield whole


def _whole(value: object) -> str:
    """In one line; with escapes where an editor would show something else, or store something else."""
    plain = json.dumps(value, ensure_ascii=False)
    return plain if plain.isprintable() and is_normalized("NFC", plain) else json.dumps(value)


def _block(start: str, members: list[tuple[str, object]], end: str, depth: int) -> Iterator[str]:
    inner = "\n" + " " * (depth + 2)
    yield start
    for index, (name, member) in enumerate(members):
        yield ("," if index else "") + inner + name
        yield from _lines(member, depth + 2)
    yield "\n" + " " * depth + end
