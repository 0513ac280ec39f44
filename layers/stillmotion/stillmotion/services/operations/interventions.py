"""What a person does to a job: cancel, retry, redrive, resolve. `domain.interventions` says what is allowed and when.

Each may be repeated by a caller that lost the answer: one that names the run it has seen is told how things are once
that run is over, and nothing is started twice.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from stillmotion.domain.interventions import (
    abandoned,
    never_sent,
    redriven,
    reopened,
    retried,
    unanswered,
    withdrawn,
)
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Attempt, Job, Status
from stillmotion.domain.reconciling import disputed_periods, has_no_answer
from stillmotion.domain.request import VendorName
from stillmotion.domain.routing import PriceTable, Route, routes
from stillmotion.domain.sweeping import MAX_GENERATION, RETENTION
from stillmotion.keyspace import doubt_keys
from stillmotion.ports import Clock
from stillmotion.ports.objects import ObjectMissing, ObjectStore
from stillmotion.ports.records import Claim, Event, JobStore, Pointer
from stillmotion.ports.workflow import Parking, Workflow
from stillmotion.services.jobs import UnknownJob, find, until_saved
from stillmotion.services.tracking.adopt import Adopt
from stillmotion.services.vendors import Vendors
from stillmotion.services.webhooks import announcements

_UNDER_WAY = frozenset({Status.DISPATCHING, Status.GENERATING, Status.FINALIZING})

Release = Callable[[VendorName, str], object]
"""Gives back the slot that a job, by its id, holds or stands in line for at a vendor; none is as good."""
Step = Callable[[Job, datetime], "Change"]


class PriceChanged(Exception):
    """It would cost more than the caller expects."""

    def __init__(self, route: Route) -> None:
        super().__init__(f"It would cost ${route.quote} at {route.vendor}, which is more than what was expected.")


class InterventionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`dispatch_timeout_seconds` is the dispatch function's own: past it, and a margin, no sender can be alive."""

    dispatch_timeout_seconds: int = 60


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """The job that a caller means, of this tenant or, with None, of any; and the run of it that he has seen, None where
    he does not say."""

    tenant: str | None
    job_id: str
    run: int | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be stored together. `frees`: nothing of the job is at a vendor any more, so it needs no slot."""

    job: Job
    event: Event | None = None
    claims: tuple[Claim, ...] = ()
    frees: bool = False


class Interventions:
    """Takes a person's steps. All raise UnknownJob, also for another tenant's job, and WrongStep."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        objects: ObjectStore,
        vendors: Vendors,
        parking: Parking,
        workflow: Workflow,
        clock: Clock,
        prices: PriceTable,
        settings: InterventionSettings,
        release: Release = lambda _vendor, _job_id: None,
    ) -> None:
        self._jobs = jobs
        self._objects = objects
        self._vendors = vendors
        self._adopt = Adopt(jobs=jobs, vendors=vendors, workflow=workflow, clock=clock)
        self._parking = parking
        self._workflow = workflow
        self._clock = clock
        self._prices = prices
        self._timeout_seconds = settings.dispatch_timeout_seconds
        self._release = release

    def cancel(self, which: Which) -> Job:
        """Ends the job if nothing was sent, whichever run it is in; else notes the wish."""

        def step(job: Job, now: datetime) -> Change:
            return _cancelled_perhaps(withdrawn(job, now), now)

        job = self._change(which, step)
        if job.status is Status.CANCELLED:
            self._give_back(job)
            self._wake(job)
        return job

    def price(self, which: Which) -> tuple[Job, Route, tuple[Route, ...]]:
        """The job, where a retry of it would go first, and where it may go instead. Raises InvalidRequest as well."""
        job = self._found(which)
        retried(job, self._clock.now())
        first, *others = self._routes(job)
        return job, first, tuple(others)

    def retry(self, which: Which, expected: Decimal | None = None) -> Job:
        """A new run with a new attempt, which costs again. Raises InvalidRequest and PriceChanged as well."""

        def step(job: Job, now: datetime) -> Change:
            retried(job, now)
            route = self._routes(job)[0]
            if expected is not None and route.quote > expected:
                raise PriceChanged(route)
            return Change(job=retried(job, now, route.vendor))

        return self._run(which, step)

    def redrive(self, which: Which) -> Job:
        """A new run that takes in what is paid for; sends nothing."""
        return self._run(which, lambda job, now: Change(job=redriven(job, now, is_gone=self._is_gone(job))))

    # --- resolve

    def adopt(self, which: Which, generation_id: str) -> Job:
        """The unanswered attempt made this generation. Raises ReadFailed, and NotAdopted, as well."""

        def step(job: Job, now: datetime) -> Change:
            if job.generation is not None and job.generation.id == generation_id:
                return Change(job=job)
            unanswered(job, now, self._timeout_seconds)
            return Change(job=reopened(job, now))

        job = self._change(which, lambda job, now: _unless_over(which, job) or step(job, now))
        if job.attempt is None or job.attempt.generation is not None:
            return job
        taken = self._adopt(job.id, job.attempt, generation_id)
        self._wake(taken)
        return taken

    def not_sent(self, which: Which) -> Job:
        """The unanswered attempt made nothing: the job goes on with another, or ends if it was to be cancelled."""

        def step(job: Job, now: datetime) -> Change:
            attempt = unanswered(job, now, self._timeout_seconds)
            change = _cancelled_perhaps(never_sent(job, now, self._timeout_seconds), now)
            return replace(change, claims=dispute_claims(job.id, attempt, now), frees=True)

        return self._run(which, step)

    def abandon(self, which: Which) -> Job:
        """Nobody will find out. What may have been paid stays booked, and a webhook that comes is noted."""

        def step(job: Job, now: datetime) -> Change:
            attempt = unanswered(job, now, self._timeout_seconds)
            changed = abandoned(job, now, self._timeout_seconds)
            event = announcements.video_failed(changed, now)
            return Change(job=changed, event=event, claims=dispute_claims(job.id, attempt, now), frees=True)

        return self._change(which, step)

    # --- the record

    def _run(self, which: Which, step: Step) -> Job:
        """Takes a step that begins a run, unless the run that the caller has seen is over already."""

        job = self._change(which, lambda job, now: _unless_over(which, job) or step(job, now))
        if job.status in _UNDER_WAY:
            # Also for a caller who repeats himself: the first time may have ended before this.
            self._workflow.start(job)
        return job

    def _change(self, which: Which, step: Step) -> Job:
        """Takes a step on the record, from whatever state the last writer left it in."""

        def take() -> tuple[Job, bool]:
            job = self._found(which)
            change = step(job, self._clock.now())
            if change.job is job:
                return job, False
            return self._jobs.save(change.job, change.claims, change.event), change.frees

        saved, frees = until_saved(take, f"job {which.job_id} is written by too many at once")
        if frees:
            self._give_back(saved)
        return saved

    def _found(self, which: Which) -> Job:
        job = find(self._jobs, which.job_id)
        if which.tenant is not None and not job.is_seen_by(which.tenant):
            raise UnknownJob(which.job_id)
        return job

    def _routes(self, job: Job) -> list[Route]:
        """Where a retry may go, in order of preference; without any key, the vendor that would say so."""
        assert job.request is not None  # noqa: S101 - only such a job is retried
        width, height = (job.still.width, job.still.height) if job.still else (None, None)
        able = routes(job.request, self._prices, width, height)
        return [route for route in able if self._vendors.has_key(route.vendor)] or able[:1]

    def _is_gone(self, job: Job) -> bool:
        if job.video is None:
            return False
        try:
            self._objects.head(job.video.bucket, job.video.key)
        except ObjectMissing:
            return True
        return False

    # --- who waits, and what is held

    def _give_back(self, job: Job) -> None:
        for vendor in VendorName:
            self._release(vendor, job.id)

    def _wake(self, job: Job) -> None:
        """A parked execution finds that its job has ended."""
        token = self._parking.nudge(job.id, self._clock.now())
        if token is not None:
            self._workflow.wake(token)


def _unless_over(which: Which, job: Job) -> Change | None:
    """No change, where the run that the caller has seen is over. Raises WrongStep for one that has never been."""
    if which.run is None or which.run == job.run:
        return None
    if which.run > job.run:
        raise WrongStep(f"The job is in run {job.run}: there was no run {which.run} yet.")
    return Change(job=job)


def _cancelled_perhaps(job: Job, now: datetime) -> Change:
    if job.status is not Status.CANCELLED:
        return Change(job=job)
    return Change(job=job, event=announcements.video_cancelled(job, now))


def dispute_claims(job_id: str, attempt: Attempt, now: datetime) -> tuple[Claim, ...]:
    """The claims to store with a person's word that an attempt was never sent, or that nobody will find out.

    People may be wrong. If they are, the generation that the attempt made belongs to no attempt, and must not be taken
    for that of another attempt without an answer (`services.tracking.reconcile`). `attempt` is as it was without an
    answer. There are no claims where its vendor recognizes idempotency keys.
    """
    if not has_no_answer(attempt):
        return ()
    forgotten = attempt.sent_at + RETENTION[attempt.vendor] + MAX_GENERATION
    return tuple(
        Claim(Pointer(key=key, job_id=job_id, attempt=attempt.number, created_at=now, expires_at=forgotten))
        for key in doubt_keys(attempt.vendor, disputed_periods(attempt))
    )
