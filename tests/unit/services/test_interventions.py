"""A person's steps, taken on the record: once each, however often they are sent, by their own tenant alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from msgspec.structs import replace
from tests import ledgers
from tests.fakes import (
    Died,
    FakeClock,
    FaultPlan,
    InMemoryJobStore,
    InMemoryObjectStore,
    InMemoryParking,
    RecordingWorkflow,
    ScriptedVendor,
)

from stillmotion.domain.interventions import TooSoon
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Job, Outcome, Status
from stillmotion.domain.request import InvalidRequest, VendorName
from stillmotion.domain.routing import PriceTable
from stillmotion.keyspace import generation_key
from stillmotion.ports.records import Pointer
from stillmotion.ports.vendor import Succeeded
from stillmotion.services.jobs import UnknownJob
from stillmotion.services.operations.interventions import Interventions, InterventionSettings, PriceChanged, Which
from stillmotion.services.tracking.adopt import NotAdopted
from stillmotion.services.vendors import Vendors

MINE = Which(tenant="default", job_id="job-1")
FIRST = replace(MINE, run=1)
DONE = Succeeded(vendor_status="completed", video_url="https://cdn.example/v.mp4")
Step = Callable[[Interventions], Job]


@dataclass
class Scene:
    """One job in the table, an hour after its last step."""

    jobs: InMemoryJobStore = field(default_factory=InMemoryJobStore)
    objects: InMemoryObjectStore = field(default_factory=InMemoryObjectStore)
    parking: InMemoryParking = field(default_factory=InMemoryParking)
    workflow: RecordingWorkflow = field(default_factory=RecordingWorkflow)
    clock: FakeClock = field(default_factory=lambda: FakeClock(ledgers.LATER))
    wavespeed: ScriptedVendor = field(default_factory=lambda: ScriptedVendor(VendorName.WAVESPEED))
    apiframe: ScriptedVendor = field(default_factory=lambda: ScriptedVendor(VendorName.APIFRAME))
    keyless: set[VendorName] = field(default_factory=set)
    released: list[VendorName] = field(default_factory=list)
    prices: PriceTable = field(default_factory=PriceTable)

    @property
    def interventions(self) -> Interventions:
        makers = {VendorName.APIFRAME: lambda: self.apiframe, VendorName.WAVESPEED: lambda: self.wavespeed}
        return Interventions(
            jobs=self.jobs,
            objects=self.objects,
            vendors=Vendors(makers, has_key=lambda name: name not in self.keyless),
            parking=self.parking,
            workflow=self.workflow,
            clock=self.clock,
            prices=self.prices,
            settings=InterventionSettings(),
            release=lambda vendor, _job_id: self.released.append(vendor),
        )

    def given(self, job: Job) -> Job:
        return self.jobs.put(job)

    @property
    def told(self) -> list[str]:
        return [event.detail_type for event in self.jobs.events]

    @property
    def posts(self) -> int:
        return len(self.wavespeed.posts) + len(self.apiframe.posts)


@pytest.fixture
def scene() -> Scene:
    return Scene()


STEPS: list[Step] = [
    lambda taken: taken.cancel(MINE),
    lambda taken: taken.price(MINE)[0],
    lambda taken: taken.retry(MINE),
    lambda taken: taken.redrive(MINE),
    lambda taken: taken.adopt(MINE, "generation-1"),
    lambda taken: taken.not_sent(MINE),
    lambda taken: taken.abandon(MINE),
]


@pytest.mark.parametrize("step", STEPS)
def test_another_tenants_job_is_not_there(scene: Scene, step: Step) -> None:
    before = scene.given(replace(ledgers.unknown(), tenant="other"))
    with pytest.raises(UnknownJob):
        step(scene.interventions)
    assert scene.jobs.only() == before


# --- cancel


def test_a_job_that_waits_is_cancelled_and_told(scene: Scene) -> None:
    scene.given(ledgers.in_line())
    assert scene.interventions.cancel(MINE).status is Status.CANCELLED
    assert scene.told == ["Video Cancelled"]
    assert set(scene.released) == set(VendorName)


def test_the_parked_execution_of_a_cancelled_job_is_woken(scene: Scene) -> None:
    scene.given(ledgers.in_line())
    scene.parking.park("job-1", "token-1", 0)
    scene.workflow.parked.add("token-1")
    scene.interventions.cancel(MINE)
    assert (scene.parking.counts, scene.workflow.parked) == ({"job-1": 1}, set())


def test_cancelling_again_is_the_same_answer_and_one_event(scene: Scene) -> None:
    scene.given(ledgers.dispatching())
    first = scene.interventions.cancel(MINE)
    assert scene.interventions.cancel(MINE) == first
    assert len(scene.told) == 1


def test_a_job_that_is_generating_is_only_marked(scene: Scene) -> None:
    scene.given(ledgers.generating())
    job = scene.interventions.cancel(MINE)
    assert (job.status, job.cancel_requested_at) == (Status.GENERATING, ledgers.LATER)
    assert (scene.told, scene.released, scene.parking.counts) == ([], [], {})


def test_a_job_that_is_sent_while_it_is_cancelled_is_marked(scene: Scene) -> None:
    scene.given(ledgers.dispatching())

    def sent_meanwhile(_job: Job) -> None:
        scene.jobs.before_save = None
        scene.jobs.save(ledgers.sending(scene.jobs.only()))

    scene.jobs.before_save = sent_meanwhile
    job = scene.interventions.cancel(MINE)
    assert (job.status, job.cancel_requested_at) == (Status.DISPATCHING, ledgers.LATER)


# --- retry


def test_the_price_of_a_retry_is_told_and_nothing_is_written(scene: Scene) -> None:
    before = scene.given(ledgers.refused())
    job, route, others = scene.interventions.price(MINE)
    assert (route.vendor, route.quote) == (VendorName.WAVESPEED, Decimal("0.20"))
    assert [(other.vendor, other.quote) for other in others] == [(VendorName.APIFRAME, Decimal("0.51"))]
    assert (scene.jobs.only(), scene.workflow.started) == (before, [])
    assert job == before


def test_the_price_is_of_a_vendor_that_has_a_key(scene: Scene) -> None:
    scene.given(ledgers.refused())
    scene.keyless = {VendorName.WAVESPEED}
    _, route, others = scene.interventions.price(MINE)
    assert (route.vendor, others) == (VendorName.APIFRAME, ())


def test_a_retry_starts_a_run_and_sends_nothing_itself(scene: Scene) -> None:
    scene.given(ledgers.refused())
    job = scene.interventions.retry(FIRST, Decimal("0.20"))
    assert (job.status, job.run, job.line) == (Status.DISPATCHING, 2, VendorName.WAVESPEED)
    assert scene.workflow.started == ["job-1-2"]
    assert scene.posts == 0


def test_a_retry_whose_answer_was_lost_is_one_run(scene: Scene) -> None:
    scene.given(ledgers.refused())
    scene.interventions.retry(FIRST)
    scene.jobs.put(replace(scene.jobs.only(), status=Status.FAILED))
    assert scene.interventions.retry(FIRST).run == 2
    assert scene.workflow.started == ["job-1-2"]


def test_a_retry_that_died_before_it_started_anything_starts_it_when_it_is_sent_again(scene: Scene) -> None:
    scene.given(ledgers.refused())
    scene.workflow.faults = FaultPlan(dies_at=1)
    with pytest.raises(Died):
        scene.interventions.retry(FIRST)
    scene.workflow.faults = FaultPlan()
    scene.interventions.retry(FIRST)
    assert scene.workflow.started == ["job-1-2"]


def test_a_run_that_has_never_been_is_told(scene: Scene) -> None:
    scene.given(ledgers.refused())
    with pytest.raises(WrongStep, match="no run 7"):
        scene.interventions.retry(replace(MINE, run=7))


def test_a_retry_that_would_cost_more_than_expected_is_refused(scene: Scene) -> None:
    before = scene.given(ledgers.refused())
    with pytest.raises(PriceChanged):
        scene.interventions.retry(FIRST, Decimal("0.19"))
    assert scene.jobs.only() == before


def test_a_retry_that_no_price_allows_any_more_is_refused(scene: Scene) -> None:
    job = ledgers.refused()
    assert job.request is not None
    scene.given(replace(job, request=replace(job.request, max_dollars=Decimal("0.20"))))
    scene.prices = PriceTable(wavespeed_dollars_5_seconds=Decimal("0.30"))
    with pytest.raises(InvalidRequest):
        scene.interventions.retry(FIRST)


# --- redrive


def test_a_redrive_starts_a_run_and_sends_nothing(scene: Scene) -> None:
    scene.given(ledgers.unreachable())
    job = scene.interventions.redrive(FIRST)
    assert (job.status, job.run) == (Status.GENERATING, 2)
    assert (scene.workflow.started, scene.posts) == (["job-1-2"], 0)
    assert scene.interventions.redrive(FIRST).run == 2


def test_a_completed_job_is_redriven_only_when_its_object_is_gone(scene: Scene) -> None:
    scene.given(ledgers.done())
    scene.objects.put("output", "v.mp4", b"video")
    with pytest.raises(WrongStep, match="is there"):
        scene.interventions.redrive(FIRST)
    scene.objects.versions.clear()
    assert scene.interventions.redrive(FIRST).status is Status.GENERATING


# --- resolve


def test_a_generation_is_read_claimed_and_taken_in(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    scene.wavespeed.readings = [DONE]
    job = scene.interventions.adopt(FIRST, "generation-7")
    assert (job.status, job.run) == (Status.GENERATING, 2)
    assert scene.wavespeed.reads == ["generation-7"]
    assert generation_key(VendorName.WAVESPEED, "generation-7") in scene.jobs.pointers
    assert scene.workflow.started == ["job-1-2"]


def test_adopting_again_is_the_same_answer(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    first = scene.interventions.adopt(FIRST, "generation-7")
    assert scene.interventions.adopt(FIRST, "generation-7") == first
    assert scene.interventions.adopt(MINE, "generation-7") == first
    assert scene.wavespeed.reads == ["generation-7"]


def test_a_generation_of_another_attempt_is_not_adopted(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    key = generation_key(VendorName.WAVESPEED, "generation-7")
    scene.jobs.remember(Pointer(key=key, job_id="job-2", attempt=1, created_at=ledgers.NOW))
    with pytest.raises(NotAdopted) as caught:
        scene.interventions.adopt(FIRST, "generation-7")
    assert "job-2" not in str(caught.value)
    assert scene.jobs.only().status is Status.NEEDS_ATTENTION


def test_an_abandoned_job_can_still_be_given_its_generation(scene: Scene) -> None:
    scene.given(ledgers.given_up())
    job = scene.interventions.adopt(FIRST, "generation-7")
    assert (job.status, job.failure) == (Status.GENERATING, None)
    assert scene.workflow.started == ["job-1-2"]


def test_an_attempt_that_was_never_sent_gives_its_slot_back_and_the_job_goes_on(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    job = scene.interventions.not_sent(FIRST)
    assert (job.status, job.run, job.attempts[0].outcome) == (Status.DISPATCHING, 2, Outcome.NOT_SENT)
    assert set(scene.released) == set(VendorName)
    assert scene.workflow.started == ["job-1-2"]


def test_settling_again_frees_no_slot_of_the_run_that_follows(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    scene.interventions.not_sent(FIRST)
    scene.released.clear()
    assert scene.interventions.not_sent(FIRST).run == 2
    assert scene.released == []


def test_the_doubt_about_what_a_person_settled_is_kept(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    scene.interventions.not_sent(FIRST)
    assert any(key.startswith("doubt#wavespeed#") for key in scene.jobs.pointers)


def test_never_sent_is_refused_while_a_sender_may_be_alive(scene: Scene) -> None:
    before = scene.given(ledgers.unknown())
    scene.clock.time = ledgers.NOW
    with pytest.raises(TooSoon):
        scene.interventions.not_sent(FIRST)
    assert scene.jobs.only() == before


def test_a_job_that_was_to_be_cancelled_ends_when_it_was_never_sent(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    scene.interventions.cancel(MINE)
    assert scene.interventions.not_sent(FIRST).status is Status.CANCELLED
    assert (scene.told, scene.workflow.started) == (["Video Cancelled"], [])


def test_an_abandoned_job_is_told_once_and_stays_booked(scene: Scene) -> None:
    scene.given(ledgers.unknown())
    job = scene.interventions.abandon(FIRST)
    assert scene.interventions.abandon(FIRST) == job
    assert (job.status, scene.told) == (Status.FAILED, ["Video Failed"])
    assert job.attempts[0].booked.reserved == Decimal("0.20")
