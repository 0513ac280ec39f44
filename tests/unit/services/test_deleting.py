"""A video is taken away once it can cost nothing more; what it cost stays."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests import ledgers
from tests.fakes import Died, FaultPlan
from tests.unit.services.test_interventions import Scene

from stillmotion.domain.job.lifecycle import WrongStep, run_again
from stillmotion.domain.job.records import Job, Status
from stillmotion.services.jobs import UnknownJob
from stillmotion.services.operations.delete import Delete
from stillmotion.services.operations.interventions import Which

ENDED = [ledgers.done, ledgers.refused, ledgers.declared_failed, ledgers.given_up, ledgers.never_begun]
UNDER_WAY = [ledgers.sending, ledgers.unknown, ledgers.generating, ledgers.finalizing, ledgers.overdue]
NOT_SENT = [ledgers.unprompted, ledgers.dispatching, ledgers.in_line, ledgers.throttled]
Given = Callable[[], Job]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def deleting(scene: Scene) -> Delete:
    return Delete(jobs=scene.jobs, objects=scene.objects, cancel=scene.interventions.cancel, clock=scene.clock)


def stored_video(scene: Scene) -> Job:
    job = scene.given(ledgers.done())
    scene.objects.put("output", "v.mp4", b"video")
    return job


def seen(scene: Scene) -> bool:
    listed = scene.jobs.of_tenant("default", 10).jobs
    read = scene.jobs.only().is_seen_by("default")
    assert bool(listed) == read
    return read


def test_a_completed_video_is_hidden_and_taken_out_of_the_bucket(scene: Scene) -> None:
    stored_video(scene)
    deleting(scene)("default", "job-1")
    assert not seen(scene)
    assert scene.objects.all_keys("output") == []


@pytest.mark.parametrize("given", ENDED)
def test_what_has_ended_keeps_its_record_and_what_it_cost(scene: Scene, given: Given) -> None:
    before = scene.given(given())
    deleting(scene)("default", "job-1")
    after = scene.jobs.only()
    assert not seen(scene)
    assert (after.status, after.deleted_at) == (before.status, ledgers.LATER)
    assert [(one.quote, one.outcome, one.generation) for one in after.attempts] == [
        (one.quote, one.outcome, one.generation) for one in before.attempts
    ]


@pytest.mark.parametrize("given", NOT_SENT)
def test_what_was_not_sent_is_cancelled_first(scene: Scene, given: Given) -> None:
    scene.given(given())
    deleting(scene)("default", "job-1")
    assert not seen(scene)
    assert scene.jobs.only().status is Status.CANCELLED
    assert scene.told == ["Video Cancelled"]
    assert scene.released
    assert scene.posts == 0


@pytest.mark.parametrize("given", UNDER_WAY)
def test_what_may_be_paid_for_stays_as_it_is(scene: Scene, given: Given) -> None:
    before = scene.given(given())
    with pytest.raises(WrongStep, match="has been sent to a vendor"):
        deleting(scene)("default", "job-1")
    assert scene.jobs.only() == before
    assert seen(scene)


def test_what_is_sent_while_it_is_being_deleted_stays(scene: Scene) -> None:
    scene.given(ledgers.dispatching())

    def sent(_job: Job) -> None:
        scene.jobs.before_save = None
        scene.jobs.save(replace(ledgers.sending(), version=1))

    scene.jobs.before_save = sent
    with pytest.raises(WrongStep, match="has been sent to a vendor"):
        deleting(scene)("default", "job-1")
    assert seen(scene)
    assert scene.jobs.only().cancel_requested_at is not None


@pytest.mark.parametrize(("tenant", "job_id"), [("other", "job-1"), ("default", "job-2")])
def test_what_is_not_the_tenants_is_not_there(scene: Scene, tenant: str, job_id: str) -> None:
    stored_video(scene)
    with pytest.raises(UnknownJob):
        deleting(scene)(tenant, job_id)
    assert seen(scene)
    assert scene.objects.all_keys("output") == ["v.mp4"]


def test_twice_is_once(scene: Scene) -> None:
    stored_video(scene)
    once = deleting(scene)("default", "job-1")
    scene.clock.advance(60)
    assert deleting(scene)("default", "job-1") == once


@pytest.mark.parametrize("dies_at", [1, 2])
@pytest.mark.parametrize("after", [False, True])
def test_a_deletion_that_broke_off_is_completed_by_the_next(scene: Scene, dies_at: int, *, after: bool) -> None:
    stored_video(scene)
    faults = FaultPlan(dies_at=dies_at, after=after)
    scene.jobs.faults = scene.objects.faults = faults
    with pytest.raises(Died):
        deleting(scene)("default", "job-1")
    scene.jobs.faults = scene.objects.faults = FaultPlan()
    # What its tenant sees as completed has its video.
    assert not seen(scene) or scene.objects.all_keys("output")

    deleting(scene)("default", "job-1")

    assert not seen(scene)
    assert scene.objects.all_keys("output") == []


def test_a_job_that_goes_on_after_its_end_is_there_again(scene: Scene) -> None:
    scene.given(ledgers.refused())
    gone = deleting(scene)("default", "job-1")
    again = run_again(gone, ledgers.LATER)
    assert again.is_seen_by("default")


def test_nothing_more_is_done_to_a_deleted_job(scene: Scene) -> None:
    stored_video(scene)
    deleting(scene)("default", "job-1")
    with pytest.raises(UnknownJob):
        scene.interventions.redrive(Which(tenant="default", job_id="job-1"))
