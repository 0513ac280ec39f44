"""An image dropped in the inbox: one job for one upload and one request, whatever order events come in."""

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes import Died, FaultPlan, InMemoryJobStore, RecordingWorkflow
from tests.stills import image
from tests.world import BUCKET, World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.interventions import cancelled
from stillmotion.domain.job.attempts import attempt_begun, attempt_ended
from stillmotion.domain.job.lifecycle import failed
from stillmotion.domain.job.records import Outcome as AttemptOutcome
from stillmotion.domain.job.records import Reason, Status
from stillmotion.domain.request import VendorName

PROMPT = {"prompt": "waves roll in"}


def sidecar(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_an_image_with_a_prompt_in_its_metadata_starts_one_execution(world: World) -> None:
    assert world.drop("inbox/lake.jpg", metadata=PROMPT).result == "started"
    job = world.jobs.only()
    assert job.status is Status.DISPATCHING
    assert job.request is not None
    assert (job.request.prompt, job.request.image) == ("waves roll in", "s3://input/inbox/lake.jpg")
    assert world.workflow.started == [f"{job.id}-1"]


def test_the_record_tells_which_upload_it_was(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    still = world.jobs.only().still
    assert still is not None
    assert (still.bucket, still.key, still.version_id, still.width, still.height, still.media_type) == (
        BUCKET, "inbox/lake.jpg", "v1", 320, 200, "image/jpeg",
    )  # fmt: skip
    assert still.etag
    assert still.checksum


@pytest.mark.parametrize(
    "key", ["inbox/a b+c%20d.jpg", "inbox/🌊/é.jpg", "inbox/" + "x" * 990 + ".jpg", "inbox/nosuffix", "inbox/.jpg"]
)
def test_keys_of_every_kind_work(world: World, key: str) -> None:
    assert world.drop(key, metadata=PROMPT).result == "started"
    assert world.jobs.only().still.key == key  # type: ignore[union-attr]


@pytest.mark.parametrize("key", ["inbox/" + "x" * 1018, "inbox/" + "x" * 1016 + "/y", "inbox/" + "é" * 507 + ".j"])
def test_settings_whose_key_s3_would_not_take_are_absent(
    world: World, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read = world.objects.read

    def asking(bucket: str, key: str, **how: Any) -> bytes:
        asked.append(key)
        return read(bucket, key, **how)

    monkeypatch.setattr(world.objects, "read", asking)
    assert world.drop(key, metadata=PROMPT).result == "started"
    assert max(len(key.encode()) for key in asked) <= 1024


def test_the_same_event_five_times_is_one_job_and_one_execution(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    results = {world.deliver("inbox/lake.jpg", "v1").result for _ in range(4)}
    assert results == {"repeated"}
    assert len(world.jobs.all()) == len(world.workflow.started) == 1


def test_the_same_bytes_put_again_with_the_same_request_are_the_same_job(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    assert world.drop("inbox/lake.jpg", metadata=PROMPT).result == "repeated"
    assert len(world.workflow.started) == 1


def test_other_bytes_or_another_request_are_another_job(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    world.drop("inbox/lake.jpg", image("JPEG", 300, 300), metadata=PROMPT)
    world.drop("inbox/lake.jpg", image("JPEG", 300, 300), metadata={"prompt": "snow falls"})
    assert len(world.workflow.started) == 3


def test_the_shape_follows_the_image_where_nothing_names_it(world: World) -> None:
    world.drop("inbox/portrait.jpg", image("JPEG", 320, 200, orientation=6), metadata=PROMPT)
    assert world.jobs.only().aspect_ratio == "9:16"


# --- where the prompt and the parameters come from


def test_the_first_source_that_has_a_field_wins(world: World) -> None:
    world.default_prompt = "from the stack"
    world.objects.put(BUCKET, "inbox/_defaults.json", sidecar(prompt="far", duration=9, vendor="wavespeed"))
    world.objects.put(BUCKET, "inbox/a/_defaults.json", sidecar(prompt="near", duration=9, vendor="apiframe"))
    world.objects.put(BUCKET, "inbox/a/b/lake.json", sidecar(prompt="from the sidecar"))
    world.drop("inbox/a/b/lake.jpg", metadata={"prompt": "from metadata", "duration": "5"})
    request = world.jobs.only().request
    assert request is not None
    assert (request.prompt, request.duration, request.vendor) == ("from the sidecar", 5, "apiframe")


def test_the_stacks_default_prompt_comes_last(world: World) -> None:
    world.default_prompt = "from the stack"
    world.drop("inbox/lake.jpg")
    assert world.jobs.only().request.prompt == "from the stack"  # type: ignore[union-attr]


def test_a_shape_named_by_one_source_is_not_contradicted_by_the_next(world: World) -> None:
    world.objects.put(BUCKET, "inbox/_defaults.json", sidecar(size="1280*720"))
    world.drop("inbox/lake.jpg", metadata={**PROMPT, "aspect-ratio": "9:16"})
    assert world.jobs.only().aspect_ratio == "9:16"


def test_metadata_says_in_text_what_may_be_done_for_a_job(world: World) -> None:
    told = {
        "allow-substitution": "True",
        "failover": "always",
        "priority": "high",
        "max-dollars": "1.50",
        "when-over-budget": "fail",
    }
    assert world.drop("inbox/lake.jpg", metadata={**PROMPT, **told}).result == "started"
    request = world.jobs.only().request
    assert request is not None
    assert (request.allow_substitution, request.failover, request.priority) == (True, "always", "high")
    assert (request.max_dollars, request.when_over_budget) == (Decimal("1.50"), "fail")


def test_a_sidecar_says_what_may_be_done_for_a_job(world: World) -> None:
    fields: dict[str, Any] = {
        "prompt": "waves",
        "duration": 10,
        "vendor": "apiframe",
        "allow_substitution": True,
        "max_dollars": 1,
    }
    world.objects.put(BUCKET, "inbox/lake.json", sidecar(**fields))
    assert world.drop("inbox/lake.jpg").result == "started"
    request = world.jobs.only().request
    assert request is not None
    assert (request.allow_substitution, request.max_dollars) == (True, Decimal(1))


def test_metadata_speaks_in_text(world: World) -> None:
    world.drop(
        "inbox/lake.jpg",
        metadata={**PROMPT, "duration": "9", "loop": "true", "concepts": "push_in, tilt_up", "uploaded-by": "me"},
    )
    request = world.jobs.only().request
    assert request is not None
    assert (request.duration, request.loop, request.concepts) == (9, True, ("push_in", "tilt_up"))


def test_an_end_image_in_the_inbox_reaches_the_vendor(world: World) -> None:
    world.objects.put(BUCKET, "inbox/night.jpg", image("JPEG", 640, 400))
    world.drop("inbox/day.jpg", metadata={**PROMPT, "end-image": f"s3://{BUCKET}/inbox/night.jpg"})
    assert world.dispatch(world.jobs.only().id).outcome == "accepted"
    assert "inbox/night.jpg?X-Amz-Expires" in world.apiframe.posts[0][0].body


@pytest.mark.parametrize(
    "address", ["s3://other/inbox/night.jpg", f"s3://{BUCKET}/uploads/other/night.jpg", f"s3://{BUCKET}/inbox/gone.jpg"]
)
def test_an_end_image_from_elsewhere_is_refused(world: World, address: str) -> None:
    world.objects.put("other", "inbox/night.jpg", image())
    world.objects.put(BUCKET, "uploads/other/night.jpg", image())
    assert world.drop("inbox/day.jpg", metadata={**PROMPT, "end-image": address}).result == "failed"
    assert "end_image: " in world.jobs.only().failure.message  # type: ignore[union-attr]


# --- sidecars, in either order


def test_a_sidecar_before_its_image_is_read_by_it(world: World) -> None:
    world.objects.put(BUCKET, "inbox/lake.json", sidecar(**PROMPT))
    assert world.submit_upload(BUCKET, "inbox/lake.json", "v1") == []
    assert world.drop("inbox/lake.jpg").result == "started"


def test_an_image_without_a_prompt_waits_visibly_and_starts_with_its_sidecar(world: World) -> None:
    assert world.drop("inbox/lake.jpg").result == "waiting"
    waiting = world.jobs.only()
    assert (waiting.status, waiting.reason) == (Status.WAITING, Reason.PROMPT)
    assert world.drop("inbox/lake.json", sidecar(**PROMPT)).result == "started"
    assert world.jobs.only().id == waiting.id
    assert world.workflow.started == [f"{waiting.id}-1"]


def test_after_a_sidecar_started_it_the_same_image_again_is_the_same_job(world: World) -> None:
    world.drop("inbox/lake.jpg")
    world.drop("inbox/lake.json", sidecar(**PROMPT))
    assert world.drop("inbox/lake.jpg").result == "repeated"
    world.deliver("inbox/lake.jpg", "v1")
    world.deliver("inbox/lake.json", "v1")
    assert len(world.jobs.all()) == len(world.workflow.started) == 1


def test_a_sidecar_that_comes_between_the_look_and_the_record_is_not_missed(world: World) -> None:
    world.objects.put(BUCKET, "inbox/lake.jpg", image())

    create = world.jobs.create

    def sidecar_comes_first(*args: object) -> object:
        world.objects.put(BUCKET, "inbox/lake.json", sidecar(**PROMPT))
        return create(*args)  # type: ignore[arg-type]

    world.jobs.create = sidecar_comes_first  # type: ignore[assignment, method-assign]
    assert world.deliver("inbox/lake.jpg", "v1").result == "started"
    assert len(world.jobs.all()) == 1


def test_a_sidecars_event_that_overtakes_the_images_starts_it_once(world: World) -> None:
    world.objects.put(BUCKET, "inbox/lake.jpg", image())
    assert world.drop("inbox/lake.json", sidecar(**PROMPT)).result == "started"
    assert world.deliver("inbox/lake.jpg", "v1").result == "repeated"
    assert len(world.workflow.started) == 1


def test_a_late_sidecar_is_noted_and_starts_nothing(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    assert world.drop("inbox/lake.json", sidecar(prompt="snow falls")).result == "noted"
    world.deliver("inbox/lake.json", "v1")
    assert len(world.workflow.started) == 1
    assert len(world.jobs.only().notes) == 1


def test_the_images_own_late_repetition_does_not_see_a_later_sidecar(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    world.drop("inbox/lake.json", sidecar(prompt="snow falls"))
    assert world.deliver("inbox/lake.jpg", "v1").result == "repeated"
    assert len(world.workflow.started) == 1


def test_a_late_sidecar_that_says_regenerate_makes_another_video(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    assert world.drop("inbox/lake.json", sidecar(prompt="snow falls", regenerate=True)).result == "started"
    world.deliver("inbox/lake.json", "v1")
    assert len(world.workflow.started) == 2


def test_a_sidecar_stands_for_its_own_image_only(world: World) -> None:
    world.drop("inbox/lake.jpg")
    world.drop("inbox/lake.2.jpg")
    world.drop("inbox/lake.json", sidecar(**PROMPT))
    assert sorted(job.status for job in world.jobs.all()) == [Status.DISPATCHING, Status.WAITING]


# --- what cannot be processed ends in a record


@pytest.mark.parametrize(
    ("body", "metadata", "told"),
    [
        (b"%PDF-1.7 not an image", PROMPT, "image: must be a JPEG"),
        (b"", PROMPT, "image: must not be empty"),
        (image() + bytes(20 * 1024 * 1024), PROMPT, "image: must be at most 20971520 bytes"),
        (image("PNG", 20, 20), PROMPT, "image: must be 64 to 16384 pixels"),
        (image()[:100], PROMPT, "image: must be a whole image"),
        (image(), {"prompt": "\ud800"}, "prompt: must be text"),
        (image(), {**PROMPT, "duration": "7"}, "duration: must be one of 5, 9, 10"),
        (image(), {**PROMPT, "duration": "7" * 5000}, "duration: must be one of 5, 9, 10"),
        (image(), {**PROMPT, "duration": "10", "loop": "true"}, "loop: is not made by wavespeed"),
        (image(), {**PROMPT, "vendor": "wavespeed", "aspect_ratio": "1:1"}, "aspect_ratio: 1:1 is not made"),
    ],
)
def test_bad_input_is_a_failed_record_with_its_reason(
    world: World, body: bytes, metadata: dict[str, str], told: str
) -> None:
    assert world.drop("inbox/lake.jpg", body, metadata).result == "failed"
    job = world.jobs.only()
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert job.failure.kind is FailureKind.INVALID_INPUT
    assert told in job.failure.message
    assert world.workflow.started == []
    assert [event.detail_type for event in world.jobs.events] == ["Video Failed"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"{prompt: 1", "lake.json: must be JSON"),
        (b"\xff\xfe", "lake.json: must be JSON"),
        (b"[" * 60_000, "lake.json: must be JSON"),
        (b"[]", "lake.json: must be a JSON object"),
        (b" " * 70_000, "lake.json: must be at most 65536 bytes"),
        (sidecar(prompt="p", image="s3://x/y"), "image: is the object beside lake.json"),
        (sidecar(prompt="p", regenerate="yes"), "regenerate: must be true or false"),
        (sidecar(prompt="p", color="red"), "color: is not a field of a request"),
    ],
)
def test_a_broken_sidecar_is_a_failed_record_with_its_reason(world: World, text: bytes, told: str) -> None:
    world.objects.put(BUCKET, "inbox/lake.json", text)
    assert world.drop("inbox/lake.jpg").result == "failed"
    assert told in world.jobs.only().failure.message  # type: ignore[union-attr]


def test_a_sidecar_of_very_many_unknown_fields_is_a_failed_record_of_bounded_size(world: World) -> None:
    world.objects.put(BUCKET, "inbox/lake.json", sidecar(**PROMPT, **{f"field {number}": 1 for number in range(4000)}))
    assert world.drop("inbox/lake.jpg").result == "failed"
    assert len(world.jobs.only().failure.message) <= 2000  # type: ignore[union-attr]


def test_a_broken_sidecar_fails_the_waiting_job_and_a_mended_one_starts_another(world: World) -> None:
    world.drop("inbox/lake.jpg")
    assert world.drop("inbox/lake.json", b"{").result == "failed"
    assert world.jobs.only().status is Status.FAILED
    assert world.drop("inbox/lake.json", sidecar(**PROMPT)).result == "started"
    assert len(world.workflow.started) == 1


def test_a_failed_record_is_made_once_however_often_the_event_comes(world: World) -> None:
    world.drop("inbox/lake.jpg", b"not an image", PROMPT)
    world.deliver("inbox/lake.jpg", "v1")
    assert len(world.jobs.all()) == len(world.jobs.events) == 1


@pytest.mark.parametrize("key", ["inbox/", "inbox/a/", "inbox/_defaults.json", "elsewhere/lake.jpg"])
def test_what_is_no_upload_is_ignored(world: World, key: str) -> None:
    assert world.drop(key).result == "ignored"
    assert world.jobs.all() == []


def test_an_object_that_is_gone_is_ignored(world: World) -> None:
    assert world.deliver("inbox/gone.jpg", "v1").result == "ignored"


# --- again after a failure


def fail_unbilled(world: World) -> None:
    job = world.jobs.only()
    now = world.clock.now()
    begun = attempt_begun(
        job, now, vendor=VendorName.WAVESPEED, quote=Decimal("0.2"), path="/", body="{}", idempotency_key="k"
    )
    refusal = Failure(FailureKind.UNAUTHORIZED, "no such key")
    ended = attempt_ended(begun, 1, AttemptOutcome.REFUSED, refusal, now)
    world.jobs.put(failed(ended, refusal, now))


def test_dropped_again_after_a_failure_that_was_never_billed_it_runs_again(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    fail_unbilled(world)
    assert world.deliver("inbox/lake.jpg", "v1").result == "repeated"
    assert world.drop("inbox/lake.jpg", metadata=PROMPT).result == "started"
    job = world.jobs.only()
    assert (job.run, job.status, job.failure) == (2, Status.DISPATCHING, None)
    assert world.workflow.started == [f"{job.id}-1", f"{job.id}-2"]


def test_dropped_again_after_it_was_cancelled_it_runs_again(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    world.jobs.put(cancelled(world.jobs.only(), world.clock.now()))
    assert world.drop("inbox/lake.jpg", metadata=PROMPT).result == "started"
    assert world.dispatch(world.jobs.only().id).outcome == "accepted"


def test_the_new_run_is_sent_and_does_not_stop_at_the_old_refusal(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    fail_unbilled(world)
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    assert world.dispatch(world.jobs.only().id).outcome == "accepted"
    assert len(world.wavespeed.posts) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_new_run_whose_submission_died_is_started_by_the_events_repetition(world: World, *, after: bool) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    fail_unbilled(world)
    world.workflow.faults = FaultPlan(dies_at=1, after=after)
    with pytest.raises(Died):
        world.drop("inbox/lake.jpg", metadata=PROMPT)
    world.deliver("inbox/lake.jpg", "v2")
    job_id = world.jobs.only().id
    assert world.workflow.started == [f"{job_id}-1", f"{job_id}-2"]


def test_a_later_version_of_the_same_does_not_see_a_later_sidecar_either(world: World) -> None:
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    world.drop("inbox/lake.jpg", metadata=PROMPT)
    world.drop("inbox/lake.json", sidecar(prompt="snow falls"))
    assert world.deliver("inbox/lake.jpg", "v2").result == "repeated"
    assert len(world.workflow.started) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 12))
def test_a_submission_that_dies_anywhere_is_made_good_by_the_events_repetition(
    world: World,
    dies_at: int,
    after: bool,  # noqa: FBT001
) -> None:
    plan = FaultPlan(dies_at=dies_at, after=after)
    world.jobs, world.workflow = InMemoryJobStore(faults=plan), RecordingWorkflow(faults=plan)
    world.objects.faults = plan
    world.objects.put(BUCKET, "inbox/lake.json", sidecar(**PROMPT))
    try:
        world.drop("inbox/lake.jpg")
    except Died:
        world.deliver("inbox/lake.jpg", "v1")
    assert world.workflow.started == [f"{world.jobs.only().id}-1"]
