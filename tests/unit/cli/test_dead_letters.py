"""`stillmotion dead-letters`."""

import json

import pytest
from tests.fakes import DAWN
from tests.unit.cli.stage import Stage
from tests.unit.services.test_dead_letters import UPLOAD, MemoryQueue, failed

from stillmotion.domain.dead_letters import QueueName


@pytest.fixture(autouse=True)
def dead(stage: Stage) -> None:
    """Two uploads and an announcement."""
    stage.letters[QueueName.INBOX] = MemoryQueue(UPLOAD, UPLOAD)
    stage.letters[QueueName.ANNOUNCEMENTS] = MemoryQueue("no JSON", failed(DAWN))


def left(stage: Stage, queue: QueueName = QueueName.INBOX) -> list[str]:
    return [message.id for message in stage.letters[queue].messages]


def test_they_are_listed_with_what_they_are_about(stage: Stage) -> None:
    printed = stage.run("dead-letters").stdout
    assert "inbox/Möwe 1.jpg" in printed
    assert "cannot be read" in printed
    assert "RetryAttemptsExhausted, after 21 tries" in printed


def test_with_json_they_are_printed_as_they_came(stage: Stage) -> None:
    assert len(json.loads(stage.run("dead-letters", "--json").stdout)["data"]) == 4


def test_where_there_are_none_that_is_said(stage: Stage) -> None:
    stage.letters |= dict.fromkeys(QueueName, MemoryQueue())
    assert "no dead letters" in stage.run("dead-letters").stderr


def test_one_of_a_queue_is_replayed(stage: Stage) -> None:
    ended = stage.run("dead-letters", "replay", "inbox", "m2")
    assert (ended.exit_code, ended.stdout) == (0, "Replayed 1 of 1.\n")
    assert (stage.inbox.sent, left(stage)) == ([UPLOAD], ["m1"])


def test_all_of_a_queue_are_replayed(stage: Stage) -> None:
    assert stage.run("dead-letters", "replay", "inbox", "--all").exit_code == 0
    assert (left(stage), left(stage, QueueName.ANNOUNCEMENTS)) == ([], ["m1", "m2"])


def test_what_cannot_be_replayed_is_told_and_stays(stage: Stage) -> None:
    ended = stage.run("dead-letters", "replay", "--all")
    assert "Replayed 3 of 4." in ended.stdout
    assert "m1: It does not say when" in ended.stderr
    assert left(stage, QueueName.ANNOUNCEMENTS) == ["m1"]


@pytest.mark.parametrize("words", [(), ("inbox",), ("m1", "--all"), ("inbox", "m7"), ("post", "--all")])
def test_what_is_meant_has_to_be_clear(stage: Stage, words: tuple[str, ...]) -> None:
    assert stage.run("dead-letters", "replay", *words).exit_code == 2
    assert left(stage) == ["m1", "m2"]


def test_what_was_replayed_is_told_as_json(stage: Stage) -> None:
    told = json.loads(stage.run("dead-letters", "replay", "inbox", "--all", "--json").stdout)
    assert [answer["replayed"] for answer in told] == [["m1", "m2"]]
