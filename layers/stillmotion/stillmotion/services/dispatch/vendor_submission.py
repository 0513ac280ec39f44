"""One POST of an attempt that is written down as `sending`, and the writing down of what came back."""

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import attempt_accepted, attempt_ended
from stillmotion.domain.job.lifecycle import WrongStep, noted
from stillmotion.domain.job.records import Attempt, Job, Outcome
from stillmotion.keyspace import generation_key
from stillmotion.ports import Clock, StoreError
from stillmotion.ports.records import AlreadyExists, Claim, JobStore, Pointer
from stillmotion.ports.vendor import Accepted, Envelope, NotSent, Refused, Unanswered
from stillmotion.services.jobs import find, until_saved
from stillmotion.services.vendors import Vendors


class AcceptanceUnwritten(Exception):
    """A generation was accepted, and is paid for, and the ledger could not be told: the message names it.

    It is not tried again by the workflow, but closed with this message in the record.
    """


class VendorSubmission:
    """Sends attempts."""

    def __init__(self, *, jobs: JobStore, vendors: Vendors, clock: Clock) -> None:
        self._jobs = jobs
        self._vendors = vendors
        self._clock = clock

    def __call__(self, job_id: str, attempt: Attempt) -> Job:
        """POSTs once; the job as it was written down after it.

        Raises AcceptanceUnwritten; Conflict where an outcome without a generation is not written.
        """
        vendor = self._vendors[attempt.vendor]
        answer = vendor.submit(Envelope(attempt.path, attempt.body), attempt.idempotency_key)
        if isinstance(answer, Accepted):
            return self._accepted(job_id, attempt, answer)
        outcome, failure = _read(answer)
        retry_after = answer.retry_after if isinstance(answer, Refused) else None
        return self._write(job_id, attempt.number, outcome, failure, retry_after)

    def _accepted(self, job_id: str, attempt: Attempt, answer: Accepted) -> Job:
        try:
            return self._write_accepted(job_id, attempt, answer)
        except StoreError as error:
            paid = f"{attempt.vendor} accepted generation {answer.generation_id} for attempt {attempt.number}"
            raise AcceptanceUnwritten(f"{paid}, and it could not be written down: {error}") from error

    def _write_accepted(self, job_id: str, attempt: Attempt, answer: Accepted) -> Job:
        def accept() -> Job:
            job = find(self._jobs, job_id)
            now = self._clock.now()
            pointer = Pointer(
                key=generation_key(attempt.vendor, answer.generation_id),
                job_id=job_id,
                attempt=attempt.number,
                created_at=now,
            )
            accepted = attempt_accepted(job, attempt.number, answer.generation_id, now, answer.vendor_status)
            return self._jobs.save(accepted, [Claim(pointer, unique=True)])

        try:
            return until_saved(accept, "the record is written by too many at once")
        except WrongStep:
            return self._one_too_many(job_id, attempt, answer)
        except AlreadyExists:
            message = f"{attempt.vendor} answered with generation {answer.generation_id}, which is another job's."
            failure = Failure(FailureKind.OUTCOME_UNKNOWN, message)
            return self._write(job_id, attempt.number, Outcome.UNKNOWN, failure)

    def _one_too_many(self, job_id: str, attempt: Attempt, answer: Accepted) -> Job:
        """The ledger has another generation for this attempt already: a vendor that forgot a key. A person is told."""
        text = f"{attempt.vendor} also accepted generation {answer.generation_id} for attempt {attempt.number}."
        return until_saved(lambda: self._jobs.save(noted(find(self._jobs, job_id), text, self._clock.now())), text)

    def _write(
        self, job_id: str, number: int, outcome: Outcome, failure: Failure, retry_after: int | None = None
    ) -> Job:
        def end() -> Job:
            job = find(self._jobs, job_id)
            try:
                ended = attempt_ended(job, number, outcome, failure, self._clock.now(), retry_after=retry_after)
            except WrongStep:
                return job
            return self._jobs.save(ended)

        return until_saved(end, f"attempt {number} of job {job_id}: {outcome} could not be written down")


def _read(answer: Refused | NotSent | Unanswered) -> tuple[Outcome, Failure]:
    match answer:
        case Refused():
            return Outcome.REFUSED, answer.failure
        case NotSent():
            return Outcome.NOT_SENT, Failure(FailureKind.UNAVAILABLE, answer.detail)
        case Unanswered(resendable=True):
            return Outcome.UNKNOWN, Failure(FailureKind.UNAVAILABLE, answer.detail)
        case Unanswered():
            return Outcome.UNKNOWN, Failure(FailureKind.OUTCOME_UNKNOWN, answer.detail)
