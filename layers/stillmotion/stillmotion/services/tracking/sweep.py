"""Sets jobs going again that have gone quiet, and calls those expired whose video their vendor no longer has.
Before, makes the governor's round (`rounds`); then looks for what was never answered (`reconcile`).

May run at any time, twice, and twice at once: each job is taken by a compare-and-set, and a job whose new execution
was not started is quiet again, and found again.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from stillmotion.domain.job.attempts import expired
from stillmotion.domain.job.lifecycle import WrongStep, resumed
from stillmotion.domain.job.records import Job
from stillmotion.domain.sweeping import Remedy, is_due, remedy
from stillmotion.ports import Clock, Conflict, StoreError
from stillmotion.ports.records import JobStore
from stillmotion.ports.workflow import Workflow
from stillmotion.services.tracking.reconcile import Reconciled
from stillmotion.services.tracking.rounds import Rounded
from stillmotion.services.webhooks import announcements

FAILURES_TOLD = 5


class SweepFailed(Exception):
    """Some jobs could not be swept; the others were."""


class SweepSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`sweep_quiet_seconds`: how long a job under way may say nothing; longer than any of its waits."""

    sweep_quiet_seconds: int = 1800
    sweep_at_most: int = 500


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """How many jobs were found quiet, and what was done about them.

    `adopted` were settled by their vendor's history; for `unread` it could not be had. `slots_…` is what the
    governor's round did (`services.tracking.rounds`).
    """

    resumed: int = 0
    expired: int = 0
    running: int = 0
    overtaken: int = 0
    adopted: int = 0
    unread: int = 0
    slots_freed: int = 0
    slots_granted: int = 0
    slots_told: int = 0
    slots_started: int = 0


class Sweep:
    """One round over the jobs that have gone quiet."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        workflow: Workflow,
        clock: Clock,
        settings: SweepSettings,
        reconcile: Callable[[], Reconciled] = Reconciled,
        rounds: Callable[[], Rounded] = Rounded,
    ) -> None:
        self._jobs = jobs
        self._workflow = workflow
        self._clock = clock
        self._settings = settings
        self._reconcile = reconcile
        self._rounds = rounds

    def __call__(self) -> Swept:
        """Takes the quietest first; what is over the number for one round is left for the next."""
        quiet = timedelta(seconds=self._settings.sweep_quiet_seconds)
        done: Counter[str] = Counter()
        rounded = self._rounds()
        failures = list(rounded.failures)
        for job in self._jobs.quiet_since(self._clock.now() - quiet):
            if done.total() + len(failures) >= self._settings.sweep_at_most:
                break
            now = self._clock.now()
            if not is_due(job, quiet, now) or remedy(job, now) is Remedy.LEAVE:
                continue
            try:
                done[self._take(job)] += 1
            except (Conflict, WrongStep):
                done["overtaken"] += 1
            except StoreError as error:
                # One record that cannot be written must not keep the others from being taken.
                failures.append(f"{job.id}: {error}")
        reconciled = self._reconciled()
        failures += reconciled.failures
        if failures:
            raise SweepFailed(f"{len(failures)} jobs could not be swept: {'; '.join(failures[:FAILURES_TOLD])}")
        return Swept(
            **done,
            adopted=reconciled.adopted,
            unread=reconciled.unread,
            slots_freed=rounded.freed,
            slots_granted=rounded.granted,
            slots_told=rounded.told,
            slots_started=rounded.started,
        )

    def _reconciled(self) -> Reconciled:
        try:
            return self._reconcile()
        except StoreError as error:
            return Reconciled(failures=(f"reconciling: {error}",))

    def _take(self, job: Job) -> str:
        now = self._clock.now()
        if self._workflow.is_running(job):
            self._jobs.save(replace(job, updated_at=now))
            return "running"
        match remedy(job, now):
            case Remedy.EXPIRE:
                lost = expired(job, now)
                self._jobs.save(lost, event=announcements.video_failed(lost, now))
                return "expired"
            case Remedy.RESUME | Remedy.LEAVE:
                self._workflow.start(self._jobs.save(resumed(job, now)))
                return "resumed"
