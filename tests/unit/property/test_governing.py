"""The governor under every interleaving: executions that ask, sleep, die, end and are throttled while others do.

Hypothesis plays Step Functions, the vendor, an index that is late, and whoever comes between a read and its write.
Whatever it does, the vendor never has more than the account allows, slots go to the first in line, and in the end
nobody is forgotten.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace
from tests.fakes import InMemoryJobStore
from tests.world import World

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.governing import GovernorState, stands_in_line, turn
from stillmotion.domain.job.attempts import attempt_accepted, attempt_begun, attempt_ended
from stillmotion.domain.job.lifecycle import lined_up, moved, resumed, started, waiting
from stillmotion.domain.job.records import Job, Outcome, Reason, Status
from stillmotion.domain.request import Priority, Request, VendorName
from stillmotion.services.dispatch.governor import Admitted, Ending, GovernorSettings, InLine, Later
from stillmotion.services.tracking.rounds import Rounds

HERE, ELSEWHERE = VendorName.WAVESPEED, VendorName.APIFRAME
MAX_JOBS = 12
THROTTLED = Failure(FailureKind.THROTTLED, "too many")


class LateIndexStore(InMemoryJobStore):
    """A jobs table whose index by line shows what was there when it last caught up."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Job] = []

    def catch_up(self) -> None:
        self.shown = list(super().in_line(HERE))

    def in_line(self, vendor: VendorName) -> Iterator[Job]:
        yield from self.shown if vendor is HERE else ()


class Vendors(RuleBasedStateMachine):
    """One vendor, its line, and the executions of its jobs."""

    @initialize(concurrency=st.integers(1, 3), per_minute=st.sampled_from([0, 1, 4]))
    def begin(self, concurrency: int, per_minute: int) -> None:
        self.jobs = LateIndexStore()
        limits = GovernorSettings(
            wavespeed_concurrency=concurrency,
            wavespeed_per_minute=per_minute,
            lease_seconds=100_000,
            breaker_failures=2,
        )
        self.world = World(jobs=self.jobs, limits=limits)
        self.limits = limits.limits(HERE)
        self.governor = self.world.governor
        self.world.governor_store.before_write = self._written
        self.between: list[Callable[[], None]] = []
        self.under_way: dict[str, bool] = {}
        self.posts: list[float] = []
        self.called: list[str] = []
        self.waits: dict[str, float] = {}
        self.parked: dict[str, str] = {}
        self.parkings = 0
        self.mended = False

    # --- what is seen of every write and every start

    def _written(self, state: GovernorState) -> None:
        """Who is granted a slot leaves nobody behind who was shown before it; then somebody else may come between."""
        before = self.world.governor_store.state(HERE)
        if state.version == before.version:
            for granted in state.leases.keys() - before.leases.keys():
                mine = turn(self._job(granted))
                for other in self.jobs.shown:
                    if turn(other) < mine and stands_in_line(self._job(other.id), HERE):
                        assert other.id in state.leases, f"{granted} was granted a slot before {other.id}"
            resting = before.breaker.rests_until
            if resting is not None and self.world.clock.now() < resting:
                fresh = [lease for job_id, lease in state.leases.items() if lease != before.leases.get(job_id)]
                assert not any(lease.has_started for lease in fresh), "a job was started at a vendor that rests"
        if self.between:
            self.between.pop()()

    def _post(self, job_id: str) -> None:
        now = self.world.clock.now().timestamp()
        self.posts.append(now)
        self.under_way[job_id] = True
        assert len(self.under_way) <= self.limits.concurrency, "more at the vendor than it allows"
        if self.limits.per_minute:
            assert sum(now - at < 60 for at in self.posts) <= self.limits.per_minute, "more in a minute than allowed"

    @invariant()
    def never_more_slots_than_the_account_has(self) -> None:
        leases = self.world.governor_store.state(HERE).leases
        assert len(leases) <= self.limits.concurrency
        assert self.under_way.keys() <= leases.keys(), "a job is at the vendor without a slot"

    @invariant()
    def nobody_sleeps_who_has_a_slot(self) -> None:
        assert self.world.governor_store.state(HERE).leases.keys().isdisjoint(self.parked.values())

    # --- what happens

    @rule(priority=st.sampled_from(["high", "normal", "normal", "low"]), shown=st.booleans())
    def a_job_comes(self, priority: Priority, shown: bool) -> None:  # noqa: FBT001 - drawn
        number = len(self.jobs.all())
        if number == MAX_JOBS:
            return
        now = self.world.clock.now()
        empty = Job(id=f"job-{number:02}", tenant="t", status=Status.WAITING, created_at=now, updated_at=now)
        job = self.jobs.create(started(empty, Request(prompt="x", priority=priority), "16:9", now, HERE))
        self.world.workflow.start(job)
        self.called.append(job.id)
        self.world.clock.advance(0.1)
        if shown:
            self.jobs.catch_up()

    @rule()
    def the_index_catches_up(self) -> None:
        self.jobs.catch_up()

    @rule(which=st.integers(0), answer=st.sampled_from(["accept", "accept", "accept", "throttle", "die", "unsent"]))
    def an_execution_asks(self, which: int, answer: str) -> None:
        if self.called:
            self._dispatch(self.called.pop(which % len(self.called)), answer)

    @rule(whiches=st.lists(st.integers(0), min_size=2, max_size=4))
    def several_ask_at_once(self, whiches: list[int]) -> None:
        self._between(whiches[1:])
        self.an_execution_asks(whiches[0], "accept")
        self.between = []

    @rule(which=st.integers(0), ending=st.sampled_from([Ending.GOOD, Ending.BAD, Ending.BAD]), twice=st.booleans())
    def a_generation_ends(self, which: int, ending: Ending, twice: bool) -> None:  # noqa: FBT001 - drawn
        if self.under_way:
            self._end(sorted(self.under_way)[which % len(self.under_way)], ending)
            if twice and self.posts:
                done = [job.id for job in self.jobs.all() if job.is_final]
                self.governor.release(HERE, done[which % len(done)], ending)

    @rule(which=st.integers(0), whiches=st.lists(st.integers(0), min_size=1, max_size=3))
    def one_ends_while_others_ask(self, which: int, whiches: list[int]) -> None:
        self._between(whiches)
        self.a_generation_ends(which, Ending.GOOD, False)  # noqa: FBT003
        self.between = []

    @rule(seconds=st.sampled_from([0.5, 3, 20, 61, 200]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        now = self.world.clock.now().timestamp()
        for job_id in [job_id for job_id, until in self.waits.items() if until <= now]:
            del self.waits[job_id]
            self.called.append(job_id)

    @rule(which=st.integers(0))
    def an_execution_dies(self, which: int) -> None:
        alive = sorted({*self.called, *self.waits, *self.parked.values()})
        if alive:
            self._lose(alive[which % len(alive)])

    @rule(which=st.integers(0))
    def a_job_that_waits_is_cancelled(self, which: int) -> None:
        if self.parked:
            job = self._job(sorted(self.parked.values())[which % len(self.parked)])
            self._lose(job.id)
            self.jobs.save(moved(job, Status.CANCELLED, self.world.clock.now()))

    @rule(which=st.integers(0))
    def a_job_goes_to_another_vendor(self, which: int) -> None:
        if self.called:
            job = self._job(self.called.pop(which % len(self.called)))
            if job.line is HERE:
                gone = self.jobs.save(lined_up(job, ELSEWHERE, self.world.clock.now()))
                self.governor.release(HERE, job.id, Ending.NEUTRAL)
                self._lose(gone.id)
                self._wake()
            else:
                self.called.append(job.id)

    @rule()
    def the_round_is_made(self) -> None:
        rounds = Rounds(governor=self.governor, jobs=self.jobs, workflow=self.world.workflow, clock=self.world.clock)
        before = set(self.world.workflow.started)
        assert not rounds().failures
        fresh = [name for name in self.world.workflow.started if name not in before]
        self.called += [name.rpartition("-")[0] for name in fresh]
        self._wake()

    def teardown(self) -> None:
        """Everything works from here on, and everybody comes to an end."""
        if not hasattr(self, "world"):
            return
        for _ in range(40 * MAX_JOBS):
            left = [job for job in self.jobs.all() if not job.is_final and job.line is not ELSEWHERE]
            if not left:
                break
            self.jobs.catch_up()
            while self.called:
                self._dispatch(self.called.pop(0), "accept")
            for job_id in sorted(self.under_way):
                self._end(job_id, Ending.GOOD)
            self.time_passes(70)
            self.the_round_is_made()
            self._sweep()
        assert not left, f"forgotten: {[job.id for job in left]}"

    # --- how it happens

    def _job(self, job_id: str) -> Job:
        job = self.jobs.get(job_id)
        assert job is not None
        return job

    def _between(self, whiches: list[int]) -> None:
        def ask(which: int) -> None:
            if self.called:
                self._dispatch(self.called.pop(which % len(self.called)), "accept")

        self.between = [lambda which=which: ask(which) for which in whiches]  # type: ignore[misc]

    def _lose(self, job_id: str) -> None:
        job = self._job(job_id)
        self.world.workflow.running.discard(job.execution_name)
        self.called = [called for called in self.called if called != job_id]
        self.waits.pop(job_id, None)
        for token in [token for token, parked in self.parked.items() if parked == job_id]:
            del self.parked[token]
            self.world.workflow.parked.discard(token)

    def _sweep(self) -> None:
        """Who stands in no line and lost its execution is found by its silence."""
        alive = {*self.called, *self.waits, *self.parked.values(), *self.under_way}
        for job in self.jobs.all():
            if job.line is None and not job.is_final and job.id not in alive:
                self.world.workflow.start(self.jobs.save(resumed(job, self.world.clock.now())))
                self.called.append(job.id)

    def _wake(self) -> None:
        """Who was woken is called."""
        for token in [token for token in self.parked if token not in self.world.workflow.parked]:
            self.called.append(self.parked.pop(token))

    def _dispatch(self, job_id: str, answer: str) -> None:
        """One call of Dispatch, and what its execution does after it."""
        seen = self.world.parking.nudges(job_id)
        job = self._job(job_id)
        if not stands_in_line(job, HERE) and job.line is None and job.is_sendable:
            job = self.jobs.save(lined_up(job, HERE, self.world.clock.now()))
        match self.governor.admit(job, HERE):
            case Admitted():
                self._send(self._job(job_id), answer)
            case Later(wait_seconds=seconds):
                self.waits[job_id] = self.world.clock.now().timestamp() + seconds
            case InLine():
                if job.reason is not Reason.SLOT:
                    self.jobs.save(waiting(job, Reason.SLOT, self.world.clock.now()))
                self._park(job_id, seen)
        self._wake()

    def _park(self, job_id: str, seen: int) -> None:
        self.parkings += 1
        token = f"{job_id}/{self.parkings}"
        if not self.world.parking.park(job_id, token, seen):
            self.called.append(job_id)
            return
        self.world.workflow.parked.add(token)
        self.parked[token] = job_id

    def _send(self, job: Job, answer: str) -> None:
        now = self.world.clock.now()
        if answer == "die":
            self._lose(job.id)
            return
        if answer == "unsent":
            self.jobs.save(replace(job, line=None))
            self.governor.release(HERE, job.id, Ending.UNSENT)
            self.waits[job.id] = now.timestamp() + 20
            return
        begun = attempt_begun(
            job, now, vendor=HERE, quote=Decimal(0), path="/", body="{}", idempotency_key=job.id
        )  # fmt: skip
        self.jobs.save(begun)
        self._post(job.id)
        number = len(begun.attempts)
        if answer == "throttle":
            del self.under_way[job.id]
            refused = attempt_ended(self._job(job.id), number, Outcome.REFUSED, THROTTLED, now)
            self.jobs.save(refused)
            self.governor.throttled(HERE, job.id, None)
            self.waits[job.id] = now.timestamp() + 5
            return
        self.jobs.save(attempt_accepted(self._job(job.id), number, f"g-{job.id}-{number}", now, None))

    def _end(self, job_id: str, ending: Ending) -> None:
        job = self._job(job_id)
        now = self.world.clock.now()
        attempt = job.attempt
        assert attempt is not None
        status = Status.COMPLETED
        self.jobs.save(replace(moved(job, status, now), video=None))
        del self.under_way[job_id]
        self.governor.release(HERE, job_id, ending)
        self._wake()


Vendors.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestGovernor = Vendors.TestCase
