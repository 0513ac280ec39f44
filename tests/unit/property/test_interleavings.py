"""The ledger under every interleaving: steps that repeat, die at any call, come late or in the wrong order.

Hypothesis plays Step Functions, S3, the sweeper and two vendors at once. Whatever it does, the vendors' own books and
the bucket must agree with the record: nothing is paid twice, and nothing paid is lost.
"""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.fakes import Died, FaultPlan, InMemoryJobStore, InMemoryObjectStore, ScriptedDownloader, Served
from tests.movies import film
from tests.unit.property.bookkeeping import ANSWERS, BookkeepingVendor
from tests.world import WORKFLOW_FAULT, World

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.job.records import Job, Outcome, Status, Verdict
from stillmotion.domain.request import VendorName
from stillmotion.services.delivery.finalize import Finalize

FILM = film()


def crashes(calls: int) -> st.SearchStrategy[int]:
    """At which call of a step its process ends: mostly at none (0)."""
    return st.one_of(st.just(0), st.just(0), st.integers(0, calls))


class Interleavings(RuleBasedStateMachine):
    """One job at one vendor, and everything that may happen to it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.faults = FaultPlan()
        self.vendor = BookkeepingVendor(VendorName.WAVESPEED, self.world.clock, supports_idempotency=False)

    @initialize(name=st.sampled_from(list(VendorName)), ours=st.booleans(), ahead=st.integers(-90, 90))
    def order(self, name: VendorName, ahead: int, *, ours: bool) -> None:
        self.vendor = BookkeepingVendor(name, self.world.clock, supports_idempotency=name is VendorName.APIFRAME)
        self.vendor.ahead = timedelta(seconds=ahead)
        self.world.account_is_ours = ours
        setattr(self.world, name.value, self.vendor)
        self.world.jobs = InMemoryJobStore(faults=self.faults)
        self.world.objects = InMemoryObjectStore(faults=self.faults)
        self.world.dispatching(vendor=name.value)

    # --- what may happen, at any time and any number of times

    @rule(answer=st.sampled_from(ANSWERS), dies=crashes(12), after=st.booleans())
    def dispatch(self, answer: str, dies: int, *, after: bool) -> None:
        self.vendor.answer = answer
        self._call(lambda: self.world.dispatch("job-1"), dies, after=after)

    @rule(dies=crashes(6), after=st.booleans())
    def check(self, dies: int, *, after: bool) -> None:
        self._call(lambda: self.world.check("job-1"), dies, after=after)

    @rule(
        served=st.sampled_from([Served(FILM), Served(FILM[:-9], content_length=len(FILM)), Served(b"<html>")]),
        dies=crashes(14),
        after=st.booleans(),
    )
    def finalize(self, served: Served, dies: int, *, after: bool) -> None:
        job = self._job()
        if job.generation is None or job.generation.verdict is not Verdict.SUCCEEDED:
            return
        answers = {f"https://cdn.example/{made.id}.mp4": [served] for made in self.vendor.made}
        finalize = Finalize(
            jobs=self.world.jobs,
            downloads=ScriptedDownloader(answers, faults=self.faults),
            objects=self.world.objects,
            clock=self.world.clock,
            output_bucket="output",
        )
        self._call(lambda: finalize("job-1"), dies, after=after)

    @rule(overdue=st.booleans(), dies=crashes(4), after=st.booleans())
    def close(self, dies: int, *, overdue: bool, after: bool) -> None:
        self._call(lambda: self.world.close("job-1", WORKFLOW_FAULT, overdue=overdue), dies, after=after)

    @rule(lost=st.booleans(), dies=crashes(5), after=st.booleans())
    def sweep(self, dies: int, *, lost: bool, after: bool) -> None:
        if lost:
            self.world.workflow.running.clear()
        self._call(self.world.sweep, dies, after=after)

    @rule()
    def a_stranger_orders_there_too(self) -> None:
        if not self.world.account_is_ours:
            self.vendor.make_for_a_stranger()

    @rule(seconds=st.sampled_from([1, 30, 66, 700, 3600, 6 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(state=st.sampled_from(["running", "done", "failed", "unreadable"]), number=st.integers(0, 3))
    def the_vendor_works(self, state: str, number: int) -> None:
        for made in self.vendor.made[number : number + 1]:
            if made.state in ("running", "unreadable"):
                made.state = state

    def _call(self, step: Callable[[], object], dies: int, *, after: bool) -> None:
        self.faults.calls.clear()
        self.faults.dies_at, self.faults.after = dies or None, after
        try:
            step()
        except Died:
            pass
        finally:
            self.faults.dies_at = None

    def _job(self) -> Job:
        return self.world.jobs.only()

    # --- what must hold, whatever happened

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        """Another generation only after the vendor declared the one before it failed, and told us so."""
        if self.world.jobs.all():
            declared = [
                attempt.generation.id
                for attempt in self._job().attempts
                if attempt.generation is not None and attempt.generation.verdict is Verdict.FAILED
            ]
            assert len([made for made in self.vendor.made if made.id not in declared]) <= 1

    @invariant()
    def a_key_always_carries_the_same_body(self) -> None:
        bodies: dict[str, set[str]] = {}
        for key, body in self.vendor.posts:
            bodies.setdefault(key, set()).add(body)
        assert all(len(found) == 1 for found in bodies.values())

    @invariant()
    def wavespeed_is_posted_to_once_for_an_attempt(self) -> None:
        if not self.vendor.supports_idempotency:
            keys = [key for key, _ in self.vendor.posts]
            assert len(keys) == len(set(keys))

    @invariant()
    def an_attempt_has_only_what_its_own_post_made(self) -> None:
        made_with = {made.id: made.key for made in (*self.vendor.made, *self.vendor.strangers)}
        for attempt in self._job().attempts if self.world.jobs.all() else ():
            if attempt.generation is not None:
                assert made_with[attempt.generation.id] == attempt.idempotency_key

    @invariant()
    def what_may_be_paid_for_does_not_just_fail(self) -> None:
        if not self.world.jobs.all():
            return
        job = self._job()
        unfinished = [made for made in self.vendor.made if made.state != "failed"]
        if job.status is Status.FAILED and unfinished:
            assert job.failure is not None
            assert job.failure.kind is FailureKind.EXPIRED

    @invariant()
    def an_unsettled_attempt_is_the_last(self) -> None:
        if self.world.jobs.all():
            assert all(attempt.is_settled for attempt in self._job().attempts[:-1])

    @invariant()
    def a_completed_job_has_its_video_whole(self) -> None:
        if not self.world.jobs.all():
            return
        job = self._job()
        videos = [key for key in self.world.objects.all_keys("output") if key.endswith(".mp4")]
        assert len(videos) <= 1
        assert all(self.world.objects.body("output", key) == FILM for key in videos)
        if job.status is Status.COMPLETED:
            assert job.video is not None
            assert videos == [job.video.key]
            assert sum(event.detail_type == "Video Completed" for event in self.world.jobs.events) == 1

    def teardown(self) -> None:
        """With everybody well again, what was accepted is brought home, and what nobody knows stays visible."""
        if not self.world.jobs.all():
            return
        self.vendor.answer = "accept"
        for _ in range(12):
            for made in self.vendor.made:
                made.state = "done" if made.state in ("running", "unreadable") else made.state
            self._run_the_workflow()
            if self._job().is_final:
                break
            self.world.clock.advance(6 * 3600)
            self.sweep(0, lost=True, after=False)
        job = self._job()
        unknown = job.attempt is not None and job.attempt.outcome in (Outcome.SENDING, Outcome.UNKNOWN)
        assert job.is_final or (job.status is Status.NEEDS_ATTENTION and unknown)

    def _run_the_workflow(self) -> None:
        """What the state machine does, once through, with nothing going wrong."""
        outcome = "wait"
        while outcome == "wait":
            outcome = self.world.dispatch("job-1").outcome
            self.world.clock.advance(66)
        if outcome == "accepted":
            outcome = self.world.check("job-1").outcome
        if outcome == "succeeded":
            self.finalize(Served(FILM), 0, after=False)
        elif outcome != "ended":
            self.world.close("job-1", WORKFLOW_FAULT, overdue=outcome == "overdue")


Interleavings.TestCase.settings = settings(
    max_examples=300, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestInterleavings = Interleavings.TestCase
