"""An API call: one job for one Idempotency-Key, or for one client that tries again by itself."""

from datetime import timedelta
from typing import Any

import pytest
from tests.fakes import Died, FaultPlan, InMemoryJobStore, RecordingWorkflow
from tests.stills import image
from tests.world import BUCKET, World

from stillmotion.domain.interventions import cancelled
from stillmotion.domain.job.lifecycle import deleted
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.request import InvalidRequest
from stillmotion.edge.request import parse_request
from stillmotion.services.intake.api_orders import ApiOrder
from stillmotion.services.intake.repetitions import KeyReused, OrderDeleted


def call(
    world: World,
    *,
    tenant: str = "default",
    key: str | None = None,
    retry_count: int | None = None,
    **fields: object,
) -> Job:
    world.clock.advance(1)
    return world.submit_call(
        ApiOrder(
            tenant=tenant,
            request=parse_request({"prompt": "a lake", **fields}),
            arrived_at=world.clock.now(),
            idempotency_key=key,
            retry_count=retry_count,
        )
    )


def test_a_call_makes_a_job_and_starts_it(world: World) -> None:
    job = call(world)
    assert job.status is Status.DISPATCHING
    assert world.workflow.started == [f"{job.id}-1"]


def test_calls_that_nothing_marks_as_repetitions_are_two_jobs(world: World) -> None:
    assert call(world).id != call(world).id


def test_the_same_key_is_the_same_job(world: World) -> None:
    assert call(world, key="k").id == call(world, key="k").id
    assert len(world.workflow.started) == 1


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    call(world, key="k")
    with pytest.raises(KeyReused):
        call(world, key="k", duration=9)


@pytest.mark.parametrize(("key", "retry_count"), [("k", None), (None, 1)])
def test_a_repetition_of_an_order_whose_video_was_deleted_is_refused_and_orders_nothing(
    world: World, key: str | None, retry_count: int | None
) -> None:
    job = call(world, key=key, retry_count=0)
    world.jobs.put(deleted(cancelled(job, world.clock.now()), world.clock.now()))
    with pytest.raises(OrderDeleted):
        call(world, key=key, retry_count=retry_count)
    assert [each.id for each in world.jobs.all()] == [job.id]


def test_a_key_is_its_tenants_own(world: World) -> None:
    assert call(world, key="k", tenant="one").id != call(world, key="k", tenant="two").id


def test_a_client_that_tries_again_by_itself_gets_the_job_of_its_first_try(world: World) -> None:
    first = call(world, retry_count=0)
    assert call(world, retry_count=1).id == first.id
    assert call(world, retry_count=2).id == first.id
    assert len(world.workflow.started) == 1


@pytest.mark.parametrize("other", [0, 1])
def test_a_retry_that_meets_another_try_between_its_look_and_its_write_gets_that_ones_job(
    world: World, other: int
) -> None:
    create = world.jobs.create
    landed: list[Job] = []

    def another_lands_first(*arguments: Any, **more: Any) -> Job:
        world.jobs.create = create  # type: ignore[method-assign]
        landed.append(call(world, retry_count=other))
        return create(*arguments, **more)

    world.jobs.create = another_lands_first  # type: ignore[method-assign]
    retried = call(world, retry_count=1)
    assert [job.id for job in world.jobs.all()] == [retried.id] == [landed[0].id]
    assert world.workflow.started == [f"{retried.id}-1"]


def test_the_same_body_ordered_anew_is_another_job(world: World) -> None:
    first = call(world, retry_count=0)
    assert call(world, retry_count=0).id != first.id


def test_a_retry_minutes_later_is_another_job(world: World) -> None:
    first = call(world, retry_count=0)
    world.clock.advance(601)
    assert call(world, retry_count=1).id != first.id


def test_a_retry_whose_first_try_never_arrived_makes_the_job(world: World) -> None:
    job = call(world, retry_count=1)
    assert world.workflow.started == [f"{job.id}-1"]


def test_a_first_try_that_its_own_retry_overtook_gets_the_retrys_job(world: World) -> None:
    request = parse_request({"prompt": "a lake"})
    early = world.clock.now()
    retried = call(world, retry_count=1)
    late = world.submit_call(ApiOrder(tenant="default", request=request, arrived_at=early, retry_count=0))
    assert late.id == retried.id
    assert len(world.jobs.all()) == 1


def test_a_retry_of_another_tenant_is_its_own(world: World) -> None:
    first = call(world, retry_count=0, tenant="one")
    assert call(world, retry_count=1, tenant="two").id != first.id


def test_an_image_in_the_bucket_is_looked_at(world: World) -> None:
    world.objects.put(BUCKET, "uploads/default/x", image("JPEG", 200, 320))
    job = call(world, image=f"s3://{BUCKET}/uploads/default/x")
    assert job.still is not None
    assert (job.still.width, job.still.version_id, job.aspect_ratio) == (200, "v1", "9:16")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("s3://other/uploads/default/x", "image: must be an object that this key may read"),
        (f"s3://{BUCKET}/uploads/other/x", "image: must be an object that this key may read"),
        (f"s3://{BUCKET}/videos/x", "image: must be an object that this key may read"),
        (f"s3://{BUCKET}/uploads/default/gone", "image: does not exist"),
        (f"s3://{BUCKET}/uploads/default/text", "image: must be a JPEG"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_and_nothing_is_written(world: World, address: str, told: str) -> None:
    world.objects.put(BUCKET, "uploads/default/text", b"some text that is no image")
    world.objects.put(BUCKET, "uploads/other/x", image())
    with pytest.raises(InvalidRequest, match=told):
        call(world, image=address)
    assert world.jobs.all() == []


def test_only_the_inboxs_tenant_may_name_what_is_in_it(world: World) -> None:
    world.objects.put(BUCKET, "inbox/lake.jpg", image())
    assert call(world, image=f"s3://{BUCKET}/inbox/lake.jpg").still is not None
    with pytest.raises(InvalidRequest):
        call(world, image=f"s3://{BUCKET}/inbox/lake.jpg", tenant="other")


def test_what_no_vendor_makes_is_refused_before_anything_is_written(world: World) -> None:
    with pytest.raises(InvalidRequest, match="duration"):
        call(world, duration=10)
    assert world.jobs.all() == []


def test_a_failed_keyed_call_is_answered_with_its_failure_and_not_run_again(world: World) -> None:
    first = call(world, key="k")
    world.jobs.put(type(first)(**{n: getattr(first, n) for n in first.__struct_fields__} | {"status": Status.FAILED}))
    assert call(world, key="k").status is Status.FAILED
    assert len(world.workflow.started) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, 5))
@pytest.mark.parametrize("by", [{"key": "k"}, {"retry_count": 0}])
def test_a_call_that_dies_anywhere_is_made_good_by_its_repetition(
    world: World, by: dict[str, object], dies_at: int, *, after: bool
) -> None:
    plan = FaultPlan(dies_at=dies_at, after=after)
    world.jobs, world.workflow = InMemoryJobStore(faults=plan), RecordingWorkflow(faults=plan)
    try:
        call(world, **by)  # type: ignore[arg-type]
    except Died:
        call(world, **({"key": "k"} if "key" in by else {"retry_count": 1}))
    assert world.workflow.started == [f"{world.jobs.only().id}-1"]


def test_a_ticket_leads_to_the_tenants_own_uploads(world: World) -> None:
    ticket = world.submit_call.ticket("acme", "image/png", 1000)
    assert ticket.image.startswith(f"s3://{BUCKET}/uploads/acme/")
    assert "type=image/png&length=1000" in ticket.url
    assert timedelta(seconds=ticket.seconds) == timedelta(minutes=15)
