"""Events: the same id however often they are made, and what each tells."""

from collections.abc import Callable
from datetime import datetime

import pytest
from msgspec.structs import replace
from tests.unit.finalize.conftest import Scene

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Job, Reason, Status
from stillmotion.ports.records import Event
from stillmotion.services.webhooks.announcements import video_completed, video_failed, video_needs_attention

Announce = Callable[[Job, datetime], Event]

LATE = Failure(FailureKind.EXPIRED, "The video is gone.")


@pytest.mark.parametrize("announce", [video_completed, video_failed, video_needs_attention])
def test_an_event_made_again_later_has_the_same_id(scene: Scene, announce: Announce) -> None:
    first = announce(scene.job, scene.clock.now())
    scene.clock.advance(60)
    again = announce(replace(scene.job, version=9), scene.clock.now())
    assert first.id == again.id


def test_events_of_different_kinds_have_different_ids(scene: Scene) -> None:
    now = scene.clock.now()
    assert len({make(scene.job, now).id for make in (video_completed, video_failed, video_needs_attention)}) == 3


def test_another_run_of_a_job_tells_its_failure_anew(scene: Scene) -> None:
    now = scene.clock.now()
    assert video_failed(scene.job, now).id != video_failed(replace(scene.job, run=2), now).id


def test_what_the_sweeper_tries_in_vain_is_told_once(scene: Scene) -> None:
    now = scene.clock.now()
    again = replace(scene.job, run=scene.job.run + 3, sweeps=scene.job.sweeps + 3)
    assert video_needs_attention(scene.job, now).id == video_needs_attention(again, now).id


def test_each_reason_for_attention_is_told_by_itself(scene: Scene) -> None:
    def flagged(reason: Reason) -> Job:
        return replace(scene.job, status=Status.NEEDS_ATTENTION, reason=reason)

    now = scene.clock.now()
    ids = {video_needs_attention(flagged(reason), now).id for reason in (Reason.CORRUPT_VIDEO, Reason.OUTCOME_UNKNOWN)}
    assert len(ids) == 2


def test_being_overdue_is_told_as_the_reason(scene: Scene) -> None:
    event = video_needs_attention(replace(scene.job, status=Status.GENERATING, overdue=True), scene.clock.now())
    assert event.detail["reason"] == "overdue"


def test_a_failure_is_told_with_what_to_do(scene: Scene) -> None:
    event = video_failed(replace(scene.job, status=Status.FAILED, failure=LATE), scene.clock.now())
    assert event.detail["failure"] == {"kind": "expired", "message": LATE.message, "advice": LATE.advice}


def test_a_job_that_was_never_sent_can_be_told_of(scene: Scene) -> None:
    bare = replace(scene.job, attempts=(), request=None, status=Status.FAILED, failure=LATE)
    event = video_failed(bare, scene.clock.now())
    assert (event.detail["vendor"], event.detail["generation_id"], event.detail["metadata"]) == (None, None, {})
