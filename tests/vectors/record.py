"""Records what the present code makes of new inputs: `python -m tests.vectors.record`.

An entry that is recorded is never written again: where the present code makes anything else of it, nothing is written
at all, and the command ends with 1.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.vectors import files
from tests.vectors.present import COMPUTED
from tests.vectors.stage import answers


class Moved(Exception):
    """Recorded entries to which the present code gives something else."""

    def __init__(self, *names: str) -> None:
        super().__init__(f"the present code gives something else for: {', '.join(names)}")


def record(path: Path, compute: Callable[[Mapping[str, Any]], Any]) -> list[str]:
    """Adds what new entries of a file give, and tells which ones those are. Raises Moved."""
    vectors = files.read(path)
    new = [name for name, vector in vectors.items() if "gives" not in vector]
    moved = [
        name
        for name, vector in vectors.items()
        if name not in new and files.canonical(compute(vector["given"])) != files.canonical(vector["gives"])
    ]
    if moved:
        raise Moved(*moved)
    for name in new:
        vectors[name]["gives"] = compute(vectors[name]["given"])
    if new:
        path.write_text(files.text(vectors), encoding="utf-8")
    return new


def main() -> int:
    status = 0
    of_answers = dict.fromkeys(files.paths(files.ANSWERS), answers)
    for path, compute in ({path: COMPUTED[path.stem] for path in files.paths()} | of_answers).items():
        try:
            for name in record(path, compute):
                print(f"{path.name}: {name}")  # noqa: T201 - a command tells what it did
        except Moved as moved:
            print(f"{path.name}: {moved}", file=sys.stderr)  # noqa: T201
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
