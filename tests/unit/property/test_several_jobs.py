"""Several jobs, two vendors with few slots, a small budget and people who interfere: still nothing is paid twice.

`test_interleavings` asks the same of one job in more detail. Here is what only happens between jobs and vendors:
failover, the line, the day's budget, and steps that a person takes at the worst moment.
"""

from collections.abc import Callable
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace
from tests.fakes import Died, FaultPlan, InMemoryJobStore, InMemoryObjectStore, ScriptedDownloader, Served
from tests.movies import film
from tests.unit.property.bookkeeping import ANSWERS, BookkeepingVendor, Made
from tests.world import BUCKET, NO_LIMITS, PRICES, WORKFLOW_FAULT, World, new_job

from stillmotion.domain.interventions import TooSoon
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Job, Outcome, Status, Verdict
from stillmotion.domain.request import VendorName
from stillmotion.edge.request import parse_request
from stillmotion.ports.vendor import ReadFailed
from stillmotion.services.delivery.finalize import Finalize
from stillmotion.services.dispatch.governor import GovernorSettings
from stillmotion.services.operations.interventions import Interventions, InterventionSettings, Which
from stillmotion.services.tracking.adopt import NotAdopted
from stillmotion.services.tracking.rounds import Rounds
from stillmotion.services.tracking.sweep import Sweep, SweepSettings

FILM = film()
LIMITS: GovernorSettings = replace(NO_LIMITS, wavespeed_concurrency=1, apiframe_concurrency=1, breaker_rest_seconds=60)
JOBS = 3
NUMBERS = st.integers(0, JOBS - 1)
DIES = st.one_of(st.just(0), st.just(0), st.just(0), st.integers(1, 16))
REQUESTS = st.sampled_from([
    {},
    {"failover": "always"},
    {"vendor": "apiframe"},
    {"vendor": "wavespeed", "priority": "high"},
    {"duration": 9, "allow_substitution": True},
    {"when_over_budget": "fail", "failover": "never"},
])  # fmt: skip


class SeveralJobs(RuleBasedStateMachine):
    """Three jobs, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.faults = FaultPlan()
        self.names: list[str] = []
        self.vendors: list[BookkeepingVendor] = []

    @initialize(requests=st.lists(REQUESTS, min_size=JOBS, max_size=JOBS), ours=st.booleans())
    def order(self, requests: list[dict[str, object]], *, ours: bool) -> None:
        world = self.world
        self.vendors = [
            BookkeepingVendor(name, world.clock, supports_idempotency=name is VendorName.APIFRAME)
            for name in VendorName
        ]
        for vendor in self.vendors:
            setattr(world, vendor.name.value, vendor)
        world.jobs = InMemoryJobStore(faults=self.faults)
        world.objects = InMemoryObjectStore(faults=self.faults)
        world.limits = LIMITS
        world.tenant_dollars = Decimal(2)
        world.account_is_ours = ours
        for number, fields in enumerate(requests):
            wanted = parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg", **fields})
            name = f"00000000-0000-4000-8000-00000000000{number}"
            world.jobs.put(replace(new_job(world.clock, wanted), id=name))
            self.names.append(name)
            world.clock.advance(1)

    # --- what may happen

    @rule(number=NUMBERS, answer=st.sampled_from(ANSWERS), dies=DIES, after=st.booleans())
    def dispatch(self, number: int, answer: str, dies: int, *, after: bool) -> None:
        for vendor in self.vendors:
            vendor.answer = answer
        self._call(lambda: self.world.dispatch(self.names[number]), dies, after=after)

    @rule(number=NUMBERS, answer=st.sampled_from(ANSWERS), dies=DIES, after=st.booleans())
    def the_workflow_goes_on(self, number: int, answer: str, dies: int, *, after: bool) -> None:
        for vendor in self.vendors:
            vendor.answer = answer
        self._call(lambda: self._run_the_workflow(self.names[number], steps=3), dies, after=after)

    @rule(number=NUMBERS, dies=DIES, after=st.booleans())
    def check(self, number: int, dies: int, *, after: bool) -> None:
        self._call(lambda: self.world.check(self.names[number]), dies, after=after)

    @rule(number=NUMBERS, dies=DIES, after=st.booleans())
    def finalize(self, number: int, dies: int, *, after: bool) -> None:
        self._call(lambda: self._finalize(self.names[number]), dies, after=after)

    @rule(number=NUMBERS, dies=DIES, after=st.booleans(), overdue=st.booleans())
    def close(self, number: int, dies: int, *, after: bool, overdue: bool) -> None:
        self._call(lambda: self.world.close(self.names[number], WORKFLOW_FAULT, overdue=overdue), dies, after=after)

    @rule(lost=st.booleans(), dies=DIES, after=st.booleans())
    def sweep(self, dies: int, *, lost: bool, after: bool) -> None:
        if lost:
            self.world.workflow.running.clear()
        self._call(self._sweep, dies, after=after)

    @rule(number=NUMBERS, wish=st.sampled_from(["cancel", "retry", "redrive"]), dies=DIES, after=st.booleans())
    def a_person_wishes(self, number: int, wish: str, dies: int, *, after: bool) -> None:
        people = self._people()
        steps = {"cancel": people.cancel, "retry": people.retry, "redrive": people.redrive}
        self._call(lambda: steps[wish](self._which(number)), dies, after=after)

    @rule(number=NUMBERS, gives_up=st.booleans(), dies=DIES, after=st.booleans())
    def a_person_looks_it_up(self, number: int, dies: int, *, gives_up: bool, after: bool) -> None:
        """Whoever resolves tells the truth: what the vendor's own books say of the attempt's POST."""
        job = self._job(self.names[number])
        if job.attempt is None or job.attempt.outcome not in (Outcome.SENDING, Outcome.UNKNOWN):
            return
        people, which = self._people(), self._which(number)
        made = [found for found in self._made() if found.key == job.attempt.idempotency_key]
        if gives_up:
            self._call(lambda: people.abandon(which), dies, after=after)
        elif made:
            self._call(lambda: people.adopt(which, made[0].id), dies, after=after)
        else:
            self._call(lambda: people.not_sent(which), dies, after=after)

    @rule(seconds=st.sampled_from([1, 30, 66, 130, 700, 3600, 6 * 3600, 24 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(state=st.sampled_from(["done", "failed", "unreadable"]), number=st.integers(0, 5))
    def a_vendor_works(self, state: str, number: int) -> None:
        for made in self._made()[number : number + 1]:
            if made.state in ("running", "unreadable"):
                made.state = state

    # --- what must hold

    @invariant()
    def no_job_is_paid_twice(self) -> None:
        """Another generation, at whichever vendor, only after the one before was declared failed, and told us so."""
        for name in self.names:
            declared = {
                attempt.generation.id
                for attempt in self._job(name).attempts
                if attempt.generation is not None and attempt.generation.verdict is Verdict.FAILED
            }
            alive = [made for made in self._made() if name in made.key and made.id not in declared]
            assert len(alive) <= 1, alive

    @invariant()
    def what_may_be_paid_for_is_in_sight(self) -> None:
        for name in self.names:
            job = self._job(name)
            unfinished = [made for made in self._made() if name in made.key and made.state != "failed"]
            if unfinished and job.status in (Status.FAILED, Status.CANCELLED):
                assert job.failure is not None
                abandoned = job.attempt is not None and job.attempt.outcome is Outcome.UNKNOWN
                assert abandoned or job.failure.kind in ("expired", "outcome_unknown"), job.failure

    @invariant()
    def no_slot_is_given_to_more_than_one(self) -> None:
        for vendor in VendorName if self.names else ():
            assert len(self.world.governor.leases(vendor)) <= 1

    @invariant()
    def the_days_budget_is_kept(self) -> None:
        assert self.world.tenant_dollars is None or all(
            tally.committed <= self.world.tenant_dollars for tally in self.world.jobs.books.values()
        )

    def teardown(self) -> None:
        """With everybody well again, every job ends, or says that nobody knows what became of it."""
        if not self.names:
            return
        for vendor in self.vendors:
            vendor.answer = "accept"
        for _ in range(40):
            for made in self._made():
                made.state = "done" if made.state in ("running", "unreadable") else made.state
            for name in self.names:
                self._run_the_workflow(name)
            if all(self._job(name).is_final for name in self.names):
                break
            self.world.clock.advance(6 * 3600)
            self.sweep(0, lost=True, after=False)
        for name in self.names:
            job = self._job(name)
            unknown = job.attempt is not None and job.attempt.outcome in (Outcome.SENDING, Outcome.UNKNOWN)
            assert job.is_final or (job.status is Status.NEEDS_ATTENTION and unknown), job

    # --- how

    def _call(self, step: Callable[[], object], dies: int, *, after: bool) -> None:
        self.faults.calls.clear()
        self.faults.dies_at, self.faults.after = dies or None, after
        try:
            step()
        except (Died, WrongStep, TooSoon, NotAdopted, ReadFailed):
            pass
        finally:
            self.faults.dies_at = None

    def _run_the_workflow(self, name: str, steps: int = 30) -> None:
        for _ in range(steps):
            dispatched = self.world.dispatch(name)
            if dispatched.parks and dispatched.outcome == "wait":
                return
            if dispatched.outcome == "wait":
                self.world.clock.advance(max(1, min(dispatched.wait_seconds, 400)))
                continue
            outcome: str = dispatched.outcome
            if outcome == "accepted":
                outcome = self.world.check(name).outcome
                if outcome == "failed":
                    continue
            if outcome == "succeeded":
                self._finalize(name)
            elif outcome != "ended":
                self.world.close(name, WORKFLOW_FAULT, overdue=outcome == "overdue")
            return

    def _finalize(self, name: str) -> None:
        job = self._job(name)
        if job.generation is None or job.generation.verdict is not Verdict.SUCCEEDED:
            return
        Finalize(
            jobs=self.world.jobs,
            downloads=ScriptedDownloader(
                {f"https://cdn.example/{made.id}.mp4": [Served(FILM)] for made in self._made()}, faults=self.faults
            ),
            objects=self.world.objects,
            clock=self.world.clock,
            output_bucket=BUCKET,
        )(name)

    def _sweep(self) -> object:
        world = self.world
        return Sweep(
            jobs=world.jobs,
            workflow=world.workflow,
            clock=world.clock,
            settings=SweepSettings(sweep_quiet_seconds=600),
            reconcile=world.reconcile,
            rounds=Rounds(governor=world.governor, jobs=world.jobs, workflow=world.workflow, clock=world.clock),
        )()

    def _people(self) -> Interventions:
        world = self.world
        return Interventions(
            jobs=world.jobs,
            objects=world.objects,
            vendors=world.vendors,
            parking=world.parking,
            workflow=world.workflow,
            clock=world.clock,
            prices=PRICES,
            settings=InterventionSettings(),
        )

    def _which(self, number: int) -> Which:
        return Which(tenant="default", job_id=self.names[number])

    def _made(self) -> list[Made]:
        return [made for vendor in self.vendors for made in vendor.made]

    def _job(self, name: str) -> Job:
        job = self.world.jobs.get(name)
        assert job is not None
        return job


SeveralJobs.TestCase.settings = settings(
    max_examples=150, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSeveralJobs = SeveralJobs.TestCase
