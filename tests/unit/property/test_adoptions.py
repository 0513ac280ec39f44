"""Several jobs whose answers are lost at a vendor that knows no keys: a generation never ends at a job that did not
make it, whoever settles what, whenever, and however late the table's indexes and however wrong the vendor's clock.

People are wrong here as often as not about what was never sent. What they adopt is left out: nobody can check that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace
from tests.fakes import Died, FakeClock, FaultPlan, InMemoryJobStore
from tests.unit.property.bookkeeping import ANSWERS, BookkeepingVendor
from tests.world import PRICES, WORKFLOW_FAULT, World, new_job

from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Attempt, Job, Outcome, Status
from stillmotion.domain.request import VendorName
from stillmotion.domain.sweeping import is_swept
from stillmotion.edge.request import parse_request
from stillmotion.ports.records import Page
from stillmotion.services.operations.interventions import Interventions, InterventionSettings, Which
from stillmotion.services.tracking.reconcile import Reconcile, ReconcileSettings
from stillmotion.services.tracking.wake_up import WebhookAddress

MARGIN_SECONDS = 90
LATEST_INDEX_SECONDS = 60
MAX_JOBS = 4
PASSING = st.sampled_from([0, 1, 20, 59])
NUMBER = st.integers(0, MAX_JOBS - 1)
ANSWER = st.sampled_from([*ANSWERS, "lose", "lose", "lost on the way", "lost on the way"])
DIES = st.one_of(st.just(0), st.just(0), st.integers(0, 12))
Moment = tuple[datetime, bytes]


@dataclass
class LateIndexes(InMemoryJobStore):
    """A table whose indexes show each job as it was some seconds ago."""

    clock: FakeClock = field(default_factory=FakeClock)
    late_seconds: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self._written: dict[str, list[Moment]] = {}

    def put(self, job: Job) -> Job:
        return self._noted(super().put(job))

    def save(self, job: Job, *more: object, **named: object) -> Job:
        return self._noted(super().save(job, *more, **named))  # type: ignore[arg-type]

    def needing_attention(self, limit: int, after: str | None = None) -> Page:
        seen = [job for job in self._seen() if job.overdue or job.status is Status.NEEDS_ATTENTION]
        return self._page(seen, limit, after, lambda job: job.updated_at)

    def quiet_since(self, before: datetime) -> Iterator[Job]:
        yield from [job for job in self._seen() if is_swept(job) and job.updated_at < before]

    def _noted(self, job: Job) -> Job:
        self._written.setdefault(job.id, []).append((self.clock.now(), msgspec.json.encode(job)))
        return job

    def _seen(self) -> Iterator[Job]:
        until = self.clock.now() - timedelta(seconds=self.late_seconds)
        for moments in self._written.values():
            shown = [text for moment, text in moments if moment <= until]
            if shown:
                yield msgspec.json.decode(shown[-1], type=Job)


class Adoptions(RuleBasedStateMachine):
    """Some jobs at WaveSpeed, and everything that may become of their answers."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(webhook_base_url="https://api.example")
        self.faults = FaultPlan()
        self.vendor = BookkeepingVendor(VendorName.WAVESPEED, self.world.clock, supports_idempotency=False)
        setattr(self.world, VendorName.WAVESPEED, self.vendor)
        self.jobs = LateIndexes(clock=self.world.clock)
        self.world.jobs = self.jobs

    @initialize(
        ours=st.booleans(),
        ahead=st.integers(-MARGIN_SECONDS, MARGIN_SECONDS),
        late=st.sampled_from([0, 1, LATEST_INDEX_SECONDS]),
        after=st.sampled_from([20, 300]),
    )
    def begin(self, ahead: int, late: int, after: int, *, ours: bool) -> None:
        self.world.account_is_ours = ours
        self.reconcile = Reconcile(
            jobs=self.jobs,
            vendors=self.world.vendors,
            workflow=self.world.workflow,
            clock=self.world.clock,
            settings=ReconcileSettings(wavespeed_account_exclusive=ours, reconcile_after_seconds=after),
        )
        self.vendor.ahead = timedelta(seconds=ahead)
        self.jobs.late_seconds = late
        self.jobs.faults = self.faults
        self.submit()

    def submit(self) -> None:
        wanted = parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg", "vendor": "wavespeed"})
        self.jobs.put(replace(new_job(self.world.clock, wanted), id=f"job-{len(self.jobs.all())}"))

    @rule(answer=ANSWER, passing=PASSING, meanwhile=st.booleans(), dies=DIES)
    def a_new_job_is_sent(self, answer: str, passing: int, dies: int, *, meanwhile: bool) -> None:
        if len(self.jobs.all()) < MAX_JOBS:
            self.submit()
            self.dispatch(len(self.jobs.all()) - 1, answer, passing, dies, meanwhile=meanwhile)

    @rule(number=NUMBER, answer=ANSWER, passing=PASSING, meanwhile=st.booleans(), dies=DIES)
    def dispatch(self, number: int, answer: str, passing: int, dies: int, *, meanwhile: bool) -> None:
        def posting() -> None:
            self.world.clock.advance(passing)
            if meanwhile:
                self.reconcile()

        self.vendor.answer, self.vendor.meanwhile = answer, posting
        job_id = self._name(number)

        def step() -> None:
            if self.world.dispatch(job_id).outcome == "attention":
                self.world.close(job_id, WORKFLOW_FAULT, unknown=True)

        self._call(step, dies)

    @rule(number=NUMBER)
    def an_execution_fails(self, number: int) -> None:
        self._call(lambda: self.world.close(self._name(number), WORKFLOW_FAULT))

    @rule(seconds=st.sampled_from([0, 20, 150, 300, 300, 700]), dies=DIES)
    def the_history_is_read(self, seconds: int, dies: int) -> None:
        self.world.clock.advance(seconds)

        def step() -> None:
            event(f"adopted {self.reconcile().adopted}")

        self._call(step, dies)

    @rule(dies=DIES)
    def quiet_jobs_are_swept(self, dies: int) -> None:
        self.world.clock.advance(3600)
        self.world.workflow.running.clear()
        self._call(self.world.sweep, dies)

    @rule(number=st.integers(0, 5))
    def a_webhook_comes(self, number: int) -> None:
        if number < len(self.vendor.made):
            made = self.vendor.made[number]
            job, attempt = self._maker(made.key)
            token = attempt.webhook_token or ""
            address = WebhookAddress(vendor=attempt.vendor, job_id=job.id, attempt=attempt.number, token=token)
            self._call(lambda: self.world.nudge(address, f"delivery-{made.id}", made.id))

    @rule(number=NUMBER, word=st.sampled_from(["not sent", "abandon"]))
    def a_person_says(self, number: int, word: str) -> None:
        person = Interventions(
            jobs=self.jobs,
            objects=self.world.objects,
            vendors=self.world.vendors,
            parking=self.world.parking,
            workflow=self.world.workflow,
            clock=self.world.clock,
            prices=PRICES,
            settings=InterventionSettings(),
        )
        which = Which(tenant="default", job_id=self._name(number))
        try:
            settled = person.not_sent(which) if word == "not sent" else person.abandon(which)
        except WrongStep:
            return
        event(f"a person settled {settled.status}")

    @rule()
    def a_stranger_orders_there_too(self) -> None:
        if not self.world.account_is_ours:
            self.vendor.make_for_a_stranger()

    @rule(seconds=st.sampled_from([1, 20, 66, 150]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    def _call(self, step: Callable[[], object], dies: int = 0) -> None:
        self.faults.calls.clear()
        self.faults.dies_at, self.faults.after = dies or None, True
        try:
            step()
        except Died:
            pass
        finally:
            self.faults.dies_at = None

    def _name(self, number: int) -> str:
        return f"job-{number % len(self.jobs.all())}"

    def _maker(self, key: str) -> tuple[Job, Attempt]:
        return next(
            (job, attempt) for job in self.jobs.all() for attempt in job.attempts if attempt.idempotency_key == key
        )

    # --- what must hold, whatever happened

    @invariant()
    def a_generation_ends_at_the_attempt_that_made_it(self) -> None:
        made_with = {made.id: made.key for made in (*self.vendor.made, *self.vendor.strangers)}
        for job in self.jobs.all():
            for attempt in job.attempts:
                if attempt.generation is not None:
                    assert made_with[attempt.generation.id] == attempt.idempotency_key

    @invariant()
    def nothing_is_sent_again(self) -> None:
        keys = [key for key, _ in self.vendor.posts]
        assert len(keys) == len(set(keys))

    @invariant()
    def what_a_webhook_or_the_history_can_still_tell_stays_to_be_seen(self) -> None:
        for job in self.jobs.all():
            unknown = job.attempt is not None and job.attempt.outcome is Outcome.UNKNOWN
            assert not unknown or job.status in (Status.DISPATCHING, Status.NEEDS_ATTENTION, Status.FAILED)


Adoptions.TestCase.settings = settings(
    max_examples=300, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAdoptions = Adoptions.TestCase
