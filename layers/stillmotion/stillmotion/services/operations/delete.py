"""A tenant wants a video no more.

The job is hidden from him, in every dialect, and its video is taken out of the bucket, whose versions keep it as long
as the bucket's rules say. What was spent stays in the books, and the record in the table.
"""

from collections.abc import Callable

from stillmotion.domain.job.lifecycle import WrongStep, deleted
from stillmotion.domain.job.records import Job, Status
from stillmotion.ports import Clock
from stillmotion.ports.objects import ObjectStore
from stillmotion.ports.records import JobStore
from stillmotion.services.jobs import UnknownJob, find, until_saved
from stillmotion.services.operations.interventions import Which

_SENT = (
    "It has been sent to a vendor, and is paid for or may be: what becomes of it has to be seen."
    " Delete it when it has ended; until then, it can be cancelled."
)


class Delete:
    """Hides a job that has ended, and takes its video away. One that nobody has sent yet is cancelled first."""

    def __init__(self, *, jobs: JobStore, objects: ObjectStore, cancel: Callable[[Which], Job], clock: Clock) -> None:
        self._jobs = jobs
        self._objects = objects
        self._cancel = cancel
        self._clock = clock

    def __call__(self, tenant: str, job_id: str) -> Job:
        """The job as it is kept. Twice is once. Raises UnknownJob, or WrongStep for one that is under way.

        The record goes first: a job that its tenant sees as completed has its video.
        """
        job = self._hidden(tenant, job_id)
        if job.video is not None:
            self._objects.delete(job.video.bucket, job.video.key)
        return job

    def _hidden(self, tenant: str, job_id: str) -> Job:
        def hide() -> Job:
            job = find(self._jobs, job_id)
            if job.tenant != tenant:
                raise UnknownJob(job_id)
            if job.deleted_at is not None:
                return job
            return self._jobs.save(deleted(self._ended(job), self._clock.now()))

        return until_saved(hide, f"job {job_id} is written by too many at once")

    def _ended(self, job: Job) -> Job:
        if job.is_final:
            return job
        if not all(attempt.is_settled for attempt in job.attempts):
            raise WrongStep(_SENT)
        cancelled = self._cancel(Which(tenant=job.tenant, job_id=job.id))
        # Somebody may have sent it in between: the wish is noted then.
        if cancelled.status is not Status.CANCELLED:
            raise WrongStep(_SENT)
        return cancelled
