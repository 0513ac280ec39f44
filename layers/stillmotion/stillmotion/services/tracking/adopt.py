"""Makes a generation that the vendor knows the one of an attempt whose POST was never answered.

A webhook that names it, the vendor's history and a person end here alike.
"""

from msgspec.structs import replace

from stillmotion.domain.job.attempts import attempt_accepted
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Attempt, Job, Status
from stillmotion.keyspace import generation_key
from stillmotion.ports import Clock
from stillmotion.ports.records import AlreadyExists, Claim, JobStore, Pointer
from stillmotion.ports.workflow import Workflow
from stillmotion.services.jobs import find, until_saved
from stillmotion.services.vendors import Vendors


class NotAdopted(Exception):
    """The ledger has no place for the generation: the job or the attempt is settled, or somebody else has it."""


class Adopt:
    """Claims a generation and accepts the attempt with it, in one transaction."""

    def __init__(self, *, jobs: JobStore, vendors: Vendors, workflow: Workflow, clock: Clock) -> None:
        self._jobs = jobs
        self._vendors = vendors
        self._workflow = workflow
        self._clock = clock

    def __call__(self, job_id: str, attempt: Attempt, generation_id: str) -> Job:
        """The job, generating; with a new run, which is started, where its execution had left it to a person.

        Of `attempt`, only the number and the vendor count. Raises ReadFailed where the vendor does not show the
        generation, NotAdopted, Conflict, UnknownJob.
        """
        reading = self._vendors[attempt.vendor].read(generation_id)
        key = generation_key(attempt.vendor, generation_id)

        def step() -> tuple[Job, bool]:
            job = find(self._jobs, job_id)
            if job.is_final:
                raise NotAdopted(f"the job is {job.status} already")
            now = self._clock.now()
            pointer = Pointer(key=key, job_id=job_id, attempt=attempt.number, created_at=now)
            # Close has been there: that execution ends, whatever Step Functions still says of it.
            left = job.status is Status.NEEDS_ATTENTION
            try:
                accepted = attempt_accepted(job, attempt.number, generation_id, now, reading.vendor_status)
                again = replace(accepted, run=job.run + 1, failure=None) if left else accepted
                return self._jobs.save(again, [Claim(pointer, unique=True)]), left
            except WrongStep as error:
                raise NotAdopted(str(error)) from error
            except AlreadyExists as error:
                raise NotAdopted(f"generation {generation_id} is another attempt's") from error

        saved, left = until_saved(step, f"job {job_id} is written by too many at once")
        if left:
            self._workflow.start(saved)
        return saved
