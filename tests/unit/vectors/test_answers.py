"""The API answers recorded calls as e906955 did, in its three dialects, but for what `differences` allows."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.unit.vectors.differences import DIFFERENCES
from tests.vectors import files
from tests.vectors.stage import answers

Recorded = Mapping[str, Any]
CALLS: Mapping[str, Recorded] = {
    f"{path.stem}: {name}": vector for path in files.paths(files.ANSWERS) for name, vector in files.read(path).items()
}


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each member that holds no others, by its path; an empty list or object is one."""
    match value:
        case dict() if value:
            members = list(value.items())
        case list() if value:
            members = [(str(index), member) for index, member in enumerate(value)]
        case _:
            yield path, value
            return
    for name, member in members:
        yield from flat(member, f"{path}.{name}" if path else name)


def differing(recorded: Any, present: Any) -> set[str]:
    """The paths of members that only one has, or that are not the same. 5 is not 5.0, and 1 is not true."""
    before, after = ({path: repr(member) for path, member in flat(value)} for value in (recorded, present))
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def is_below(path: str, member: str) -> bool:
    return f"{path}.".startswith(f"{member}.")


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_answered_as_before(name: str) -> None:
    recorded, allowed = CALLS[name], DIFFERENCES.get(name, {})

    found = differing(recorded["gives"], answers(recorded["given"]))

    assert {path for path in found if not any(is_below(path, member) for member in allowed)} == set()
    assert {member for member in allowed if not any(is_below(path, member) for path in found)} == set()


def test_each_difference_is_of_a_recorded_call_and_has_its_reason() -> None:
    assert DIFFERENCES.keys() <= CALLS.keys()
    assert all(reason for members in DIFFERENCES.values() for reason in members.values())


def test_a_changed_member_is_found_by_its_path() -> None:
    before = {"answers": [{"status": 200, "body": {"seconds": 5, "data": [1, 2]}}]}
    after = {"answers": [{"status": 201, "body": {"seconds": 5.0, "data": [1]}}]}
    assert differing(before, after) == {"answers.0.status", "answers.0.body.seconds", "answers.0.body.data.1"}


def test_a_difference_covers_what_is_below_it_and_nothing_beside_it() -> None:
    assert is_below("answers.0.body.error.code", "answers.0.body")
    assert not is_below("answers.0.body_length", "answers.0.body")


def test_all_kinds_of_refusals_are_among_them() -> None:
    statuses = {answer["status"] for vector in CALLS.values() for answer in vector["gives"]["answers"]}
    assert statuses >= {200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429, 503}
