"""The recorder adds entries, and changes none."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.vectors import files
from tests.vectors.record import Moved, record

OLD = {"one": {"given": {"number": 1}, "gives": 2}}


def doubled(given: Mapping[str, Any]) -> Any:
    return given["number"] * 2


def tripled(given: Mapping[str, Any]) -> Any:
    return given["number"] * 3


def file_of(folder: Path, vectors: Mapping[str, Any]) -> Path:
    path = folder / "doubles.json"
    path.write_text(files.text(vectors), encoding="utf-8")
    return path


def test_a_new_entry_is_recorded(tmp_path: Path) -> None:
    path = file_of(tmp_path, {**OLD, "two": {"given": {"number": 2}}})

    assert record(path, doubled) == ["two"]
    assert files.read(path) == {**OLD, "two": {"given": {"number": 2}, "gives": 4}}


def test_a_recorded_entry_is_never_overwritten(tmp_path: Path) -> None:
    path = file_of(tmp_path, {**OLD, "two": {"given": {"number": 2}}})
    before = path.read_bytes()

    with pytest.raises(Moved, match="one"):
        record(path, tripled)
    assert path.read_bytes() == before


def test_without_new_entries_a_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "doubles.json"
    path.write_text(json.dumps(OLD), encoding="utf-8")

    assert record(path, doubled) == []
    assert path.read_text(encoding="utf-8") == json.dumps(OLD)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "doubles.json"
    path.write_text('{"one": {"given": {"number": 1}}, "one": {"given": {"number": 2}}}', encoding="utf-8")

    with pytest.raises(ValueError, match="stands twice"):
        record(path, doubled)


def test_the_files_are_written_as_the_recorder_writes_them() -> None:
    for path in (*files.paths(), *files.paths(files.ANSWERS)):
        assert path.read_text(encoding="utf-8") == files.text(files.read(path)), path.name
