"""A run is waited for until nothing more can come of it, and no longer than it may take."""

from typing import Any, cast

import httpx
import pytest
from tests.unit.local.chaos.cases import generation, job, play

from stillmotion_local.chaos import watching
from stillmotion_local.chaos.ground import Ground
from stillmotion_local.chaos.watching import STILL_SECONDS, TimeIsUp, Watch

LIMIT_SECONDS = 500.0


class Stage:
    """A stack whose jobs are what a test says, look by look; the last look repeats itself."""

    def __init__(self, *looks: list[dict[str, Any]]) -> None:
        self.looks = list(looks)
        self.made: list[dict[str, Any]] = []
        self.hastened = 0
        self.now = 1000.0
        self.told: list[str] = []

    def hasten(self) -> None:
        self.hastened += 1

    def ask_vendors(self, path: str) -> httpx.Response:
        if path == "/_offline/health":
            return httpx.Response(200, json={"running": {"apiframe": 1, "wavespeed": 0}})
        return httpx.Response(200, json={"generations": self.made})

    def read_jobs(self, _ground: object) -> tuple[dict[str, Any], ...]:
        return tuple(self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def waited(self) -> float:
        """Seconds until the one play is settled. Raises TimeIsUp."""
        watch = Watch(cast("Ground", self), [play()], seconds=LIMIT_SECONDS, tell=self.told.append)
        watch.until_settled()
        return self.now - 1000.0


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage([])
    monkeypatch.setattr(watching, "time", made)
    monkeypatch.setattr(watching, "read_jobs", made.read_jobs)
    return made


def test_a_completed_job_is_settled(stage: Stage) -> None:
    stage.looks = [[job("generating")], [job("generating")], [job()]]
    assert stage.waited() == 3 * watching.LOOK_EVERY_SECONDS
    assert " 0:12  1 of 1 jobs: 1 completed; 1 at apiframe, 0 at wavespeed" in stage.told


def test_a_play_without_a_job_is_waited_for(stage: Stage) -> None:
    stage.looks = [[], [job()]]
    assert stage.waited() == 2 * watching.LOOK_EVERY_SECONDS


def test_a_job_that_only_a_person_can_move_is_settled(stage: Stage) -> None:
    stage.looks = [[job("needs_attention")]]
    assert stage.waited() == watching.LOOK_EVERY_SECONDS


def test_a_job_that_is_shown_and_may_be_mended_is_given_time(stage: Stage) -> None:
    stage.looks = [[job("needs_attention", sweep_flag="yes")]]
    assert STILL_SECONDS <= stage.waited() <= STILL_SECONDS + 2 * watching.LOOK_EVERY_SECONDS


def test_a_vendor_that_has_yet_to_tell_is_waited_for_and_one_that_is_stuck_is_not(stage: Stage) -> None:
    stage.looks = [[job("needs_attention")]]
    stage.made = [generation(webhook_settled=False, faults=[{"name": "stuck"}])]
    assert stage.waited() == watching.LOOK_EVERY_SECONDS
    stage.made = [generation(webhook_settled=False)]
    with pytest.raises(TimeIsUp):
        stage.waited()


def test_a_job_that_never_ends_is_not_waited_for_for_ever(stage: Stage) -> None:
    stage.looks = [[job("dispatching")]]
    with pytest.raises(TimeIsUp):
        stage.waited()
    assert stage.now - 1000.0 <= LIMIT_SECONDS + 2 * watching.LOOK_EVERY_SECONDS


def test_what_schedules_do_is_hastened_while_it_waits(stage: Stage) -> None:
    stage.looks = [*[[job("dispatching")]] * 10, [job()]]
    stage.waited()
    assert stage.hastened == 3
