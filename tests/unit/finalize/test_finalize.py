"""Finalize: the vendor's video becomes the user's, once, whatever happens on the way."""

import hashlib
import json
from decimal import Decimal
from functools import partial

import pytest
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan, Served
from tests.movies import film, sound
from tests.unit.finalize.conftest import BUCKET, KEY, RECORD_KEY, URL, Interruption, Scene, succeeded

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.lifecycle import WrongStep, needs_attention
from stillmotion.domain.job.records import Job, Reason, Status, Verdict
from stillmotion.ports.egress import FetchFailed
from stillmotion.services.delivery.finalize import FetchPolicy, FinalizeResult
from stillmotion.services.jobs import UnknownJob

COMPLETED = FinalizeResult(outcome="completed")
HTML = b"<!DOCTYPE html><title>Not Found</title>"


def gone() -> FetchFailed:
    return FetchFailed(FailureKind.EXPIRED, "cdn.example no longer has the video: status 404")


def calls_of_a_whole_run() -> list[str]:
    scene = Scene()
    scene.run()
    return scene.faults.calls


CALLS = calls_of_a_whole_run()
EVERY_LINE = pytest.mark.parametrize(
    ("line", "after"),
    [
        pytest.param(number, after, id=f"{'after' if after else 'before'} {number}: {name}")
        for number, name in enumerate(CALLS, start=1)
        for after in (False, True)
    ],
)


def assert_one_video(scene: Scene) -> None:
    """One video with its provenance in the bucket, one completed record that fits it, one event."""
    job, data = scene.job, film()
    assert job.status is Status.COMPLETED
    assert job.video is not None
    assert scene.objects.all_keys(BUCKET) == [RECORD_KEY, KEY]
    assert [len(scene.objects.versions[BUCKET, key]) for key in (KEY, RECORD_KEY)] == [1, 1]
    assert scene.objects.body(BUCKET, KEY) == data
    assert (job.video.key, job.video.bytes) == (KEY, len(data))
    assert job.video.sha256 == hashlib.sha256(data).hexdigest()
    assert job.video.version_id == "v1"
    assert len({event.id for event in scene.jobs.events}) == 1
    assert {event.detail_type for event in scene.jobs.events} == {"Video Completed"}
    assert scene.objects.uploads_open == 0


def test_the_video_is_stored_and_the_job_completed(scene: Scene) -> None:
    assert scene.run() == COMPLETED
    assert_one_video(scene)
    assert scene.job.video is not None
    assert (scene.job.video.width, scene.job.video.height) == (64, 36)
    assert scene.job.video.duration_milliseconds == 5000
    assert scene.job.notes == ()


def test_the_video_is_stored_as_mp4(scene: Scene) -> None:
    scene.run()
    assert scene.objects.head(BUCKET, KEY).content_type == "video/mp4"


def test_a_completed_job_is_left_alone(scene: Scene) -> None:
    scene.run()
    before = scene.job
    assert scene.run() == COMPLETED
    assert scene.job == before
    assert scene.downloads.opened == [URL]


@EVERY_LINE
def test_a_run_that_dies_is_made_good_by_the_next(line: int, *, after: bool) -> None:
    scene = Scene(FaultPlan(dies_at=line, after=after))
    with pytest.raises(Died):
        scene.run()
    assert scene.run() == COMPLETED
    assert_one_video(scene)


@EVERY_LINE
def test_a_second_run_between_any_two_lines_changes_nothing(line: int, *, after: bool) -> None:
    faults = Interruption(line, after=after)
    scene = Scene(faults)
    faults.finalize = scene.finalize
    assert scene.run() == COMPLETED
    assert_one_video(scene)
    assert len(scene.jobs.events) == 1


def test_a_video_that_an_earlier_run_stored_is_not_fetched_again(scene: Scene) -> None:
    scene.objects.put(BUCKET, KEY, film(), "video/mp4")
    assert scene.run() == COMPLETED
    assert scene.downloads.opened == []
    assert_one_video(scene)


def test_a_stored_video_completes_the_job_after_the_vendor_lost_it() -> None:
    scene = Scene(served=[Served(failure=gone())])
    scene.objects.put(BUCKET, KEY, film(), "video/mp4")
    assert scene.run() == COMPLETED


def test_what_is_stored_and_is_no_video_needs_a_person_and_stays(scene: Scene) -> None:
    scene.objects.put(BUCKET, KEY, HTML)
    assert scene.run() == FinalizeResult(outcome="attention")
    assert (scene.job.status, scene.job.reason) == (Status.NEEDS_ATTENTION, Reason.CORRUPT_VIDEO)
    assert scene.objects.body(BUCKET, KEY) == HTML
    assert scene.downloads.opened == []


@pytest.mark.parametrize(
    "served",
    [
        Served(HTML),
        Served(b""),
        Served(sound()),
        Served(film()[:-10], content_length=-1),
        Served(film()[:2000], content_length=len(film())),
        Served(film(), content_length=len(film()) + 1),
    ],
    ids=["html", "empty", "sound alone", "cut off", "cut off short of its length", "lying length"],
)
def test_a_false_file_is_not_stored_and_fetched_again(served: Served) -> None:
    scene = Scene(served=[served, Served(film())])
    assert scene.run() == FinalizeResult(outcome="again", wait_seconds=60)
    assert scene.objects.all_keys(BUCKET) == []
    assert (scene.objects.uploads_open, scene.objects.aborted) == (0, 1)
    assert (scene.job.status, scene.generation.fetches) == (Status.FINALIZING, 1)
    assert "corrupt_video" in scene.job.notes[0].text
    assert scene.run() == COMPLETED
    assert_one_video(scene)


@pytest.mark.parametrize(
    "served",
    [
        Served(failure=gone()),
        Served(failure=FetchFailed(FailureKind.UNAVAILABLE, "cdn.example answered with status 503")),
        Served(film(), breaks_after=3000),
    ],
    ids=["gone", "unavailable", "breaks off"],
)
def test_a_fetch_that_fails_is_tried_again(served: Served) -> None:
    scene = Scene(served=[served, Served(film())])
    assert scene.run().outcome == "again"
    assert scene.generation.fetches == 1
    assert scene.objects.all_keys(BUCKET) == []
    assert scene.run() == COMPLETED
    assert_one_video(scene)


def test_waits_between_fetches_grow_over_hours_and_then_a_person_has_to_look() -> None:
    scene = Scene(served=[Served(failure=gone())])
    waits = []
    while (result := scene.run()).outcome == "again":
        waits.append(result.wait_seconds)
    assert waits == [60, 120, 240, 480, 960, 1920, 3840]
    assert result == FinalizeResult(outcome="attention")
    assert (scene.job.status, scene.job.reason) == (Status.NEEDS_ATTENTION, Reason.VIDEO_UNREACHABLE)
    assert scene.job.failure == Failure(FailureKind.EXPIRED, str(gone()))
    assert scene.generation.fetches == 8
    assert [event.detail_type for event in scene.jobs.events] == ["Video Needs Attention"]


def test_a_file_that_stays_false_needs_attention_as_a_corrupt_video() -> None:
    scene = Scene(served=[Served(HTML)], policy=FetchPolicy(fetch_tries=1))
    assert scene.run() == FinalizeResult(outcome="attention")
    assert scene.job.reason is Reason.CORRUPT_VIDEO
    assert scene.job.failure is not None
    assert scene.job.failure.kind is FailureKind.CORRUPT_VIDEO


def test_a_job_that_needed_a_person_is_completed_when_the_video_can_be_had() -> None:
    scene = Scene(served=[Served(failure=gone()), Served(film())], policy=FetchPolicy(fetch_tries=1))
    scene.run()
    assert scene.run() == COMPLETED
    assert (scene.job.failure, scene.job.reason) == (None, None)


def test_a_job_that_needs_a_person_for_its_workflow_keeps_its_paid_video_within_reach(scene: Scene) -> None:
    scene.put(needs_attention(scene.job, Reason.WORKFLOW_FAILED, None, scene.clock.now()))
    assert scene.run() == COMPLETED


def test_a_fetch_that_fails_while_a_person_has_to_look_leaves_it_to_that_person() -> None:
    scene = Scene(served=[Served(failure=gone())])
    scene.put(needs_attention(scene.job, Reason.WORKFLOW_FAILED, None, scene.clock.now()))
    assert scene.run() == FinalizeResult(outcome="attention")
    assert scene.job.status is Status.NEEDS_ATTENTION


def test_a_failed_fetch_that_another_run_overtook_is_not_counted() -> None:
    scene = Scene(served=[Served(failure=gone()), Served(film())])

    def complete_in_between(_: Job) -> None:
        scene.jobs.before_save = None
        scene.run()

    scene.jobs.before_save = complete_in_between
    assert scene.run() == COMPLETED
    assert_one_video(scene)


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_job_that_ended_otherwise_is_left_alone(scene: Scene, status: Status) -> None:
    scene.put(replace(scene.job, status=status))
    assert scene.run() == FinalizeResult(outcome="ended")
    assert scene.downloads.opened == []


def test_a_job_that_nobody_knows_is_an_error(scene: Scene) -> None:
    with pytest.raises(UnknownJob):
        scene.finalize("job-2")


def test_a_job_without_a_finished_video_is_an_error(scene: Scene) -> None:
    assert scene.job.attempt is not None
    running = replace(scene.generation, verdict=Verdict.RUNNING, video_url=None)
    attempt = replace(scene.job.attempt, generation=running)
    scene.put(replace(scene.job, status=Status.GENERATING, attempts=(attempt,)))
    with pytest.raises(WrongStep):
        scene.run()


@pytest.mark.parametrize("generation_id", ["../../secrets", "a/b", "a b", "ä", "x" * 200, ""])
def test_an_odd_generation_id_becomes_a_plain_key(scene: Scene, generation_id: str) -> None:
    scene.put(succeeded(scene.clock, generation_id))
    assert scene.run() == COMPLETED
    name = hashlib.sha256(generation_id.encode()).hexdigest()
    assert scene.objects.all_keys(BUCKET) == [f"videos/default/job-1/{name}.{suffix}" for suffix in ("json", "mp4")]


@pytest.mark.parametrize(
    ("served", "remark"),
    [
        (partial(film, seconds=3), "The video is 3 s long; 5 s were ordered."),
        (partial(film, 36, 64), "The video is 36 by 64 pixels; 16:9 was ordered."),
        (partial(film, movflags="frag_keyframe+empty_moov"), "The video does not say how long it is."),
    ],
    ids=["too short", "upright", "of unknown length"],
)
def test_a_video_other_than_asked_for_is_kept_and_noted(served: partial[bytes], remark: str) -> None:
    scene = Scene(served=[Served(served())])
    assert scene.run() == COMPLETED
    assert [note.text for note in scene.job.notes] == [remark]


def test_a_video_that_is_what_was_ordered_in_place_of_what_was_asked_for_is_as_it_should_be() -> None:
    """WaveSpeed has no 9 seconds and no square."""
    scene = Scene(served=[Served(film(seconds=10))])
    job = scene.job
    assert job.request is not None
    wanted = replace(job.request, duration=9, aspect_ratio="1:1", allow_substitution=True)
    scene.put(replace(job, request=wanted, aspect_ratio="1:1"))
    assert scene.run() == COMPLETED
    assert scene.job.notes == ()


def test_the_event_tells_what_was_made_and_where_it_lies(scene: Scene) -> None:
    scene.run()
    (event,) = scene.jobs.events
    ended = scene.clock.now().isoformat()
    assert event.detail == {
        "job_id": "job-1",
        "tenant": "default",
        "status": "completed",
        "reason": None,
        "vendor": "wavespeed",
        "generation_id": "generation-1",
        "aspect_ratio": "16:9",
        "metadata": {"album": "summer"},
        "quoted": "0.20",
        "charged": "0.20",
        "credits": None,
        "created_at": scene.job.created_at.isoformat(),
        "ended_at": ended,
        "completed_at": ended,
        "video": {
            "bucket": BUCKET,
            "key": KEY,
            "bytes": len(film()),
            "sha256": hashlib.sha256(film()).hexdigest(),
            "width": 64,
            "height": 36,
            "duration_milliseconds": 5000,
        },
    }


def test_the_provenance_beside_the_video_tells_where_it_comes_from(scene: Scene) -> None:
    scene.run()
    told = json.loads(scene.objects.body(BUCKET, RECORD_KEY))
    assert told["job"]["id"] == "job-1"
    assert told["request"]["prompt"] == "a lake"
    assert told["image"] == {**told["image"], "checksum": "SHA256:AbC=", "bytes": 123}
    assert told["model"] == {"name": "Luma Ray 2 Flash", "at_vendor": "luma/ray-2-flash-i2v"}
    assert (told["vendor"], told["generation"]["id"]) == ("wavespeed", "generation-1")
    assert Decimal(told["cost"]["charged"]) == Decimal("0.20")
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["accepted"]
    assert told["video"]["sha256"] == hashlib.sha256(film()).hexdigest()
    assert told["generation"]["fetched_from"] == "https://cdn.example/v.mp4"


def test_the_provenance_opens_nothing(scene: Scene) -> None:
    scene.run()
    told = scene.objects.body(BUCKET, RECORD_KEY).decode()
    for word in ("secret", "Signature", "signature", "key-of-the-attempt", "X-Amz"):
        assert word not in told
