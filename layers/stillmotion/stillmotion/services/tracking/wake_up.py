"""What a webhook that is its vendor's sets going: the vendor is read again, and nothing that it says is believed.

    the attempt is sending or unknown     adopt the generation that it names, once the vendor knows it
    the attempt has that generation       count the nudge; wake the execution, or start one where none is left
    the job has ended                     nothing
    anything else                         a note on the job: somebody should know

Every step may be repeated, and the delivery is remembered last: one that was not wholly dealt with is dealt with when
the vendor sends it again.
"""

import hmac
from datetime import timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from stillmotion.domain.job.lifecycle import noted, resumed
from stillmotion.domain.job.records import Attempt, Job, Reason, Status
from stillmotion.domain.request import VendorName
from stillmotion.keyspace import generation_key, inbound_delivery_key
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.records import AlreadyExists, Claim, JobStore, Pointer
from stillmotion.ports.workflow import Parking, Workflow
from stillmotion.services.jobs import until_saved
from stillmotion.services.tracking.adopt import Adopt, NotAdopted
from stillmotion.services.vendors import Vendors

REMEMBERED = timedelta(days=30)
"""How long a delivery is known again: longer than any vendor keeps a video."""


class NotOurs(Exception):
    """No attempt has this address: the caller is to hear no more than that."""


class WebhookAddress(msgspec.Struct, frozen=True, kw_only=True):
    """What the URL of a webhook names."""

    vendor: VendorName
    job_id: str
    attempt: int
    token: str


class WakeUpResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, for the log."""

    result: Literal["seen", "ended", "noted", "adopted", "woken", "started", "counted"]


class WakeUp:
    """Takes verified webhooks."""

    def __init__(self, *, jobs: JobStore, parking: Parking, vendors: Vendors, workflow: Workflow, clock: Clock) -> None:
        self._adopt = Adopt(jobs=jobs, vendors=vendors, workflow=workflow, clock=clock)
        self._jobs = jobs
        self._parking = parking
        self._workflow = workflow
        self._clock = clock

    def __call__(self, address: WebhookAddress, delivery_id: str, generation_id: str) -> WakeUpResult:
        """Raises NotOurs; ReadFailed where the vendor has to be read and cannot: it should send it again."""
        job, attempt = self._find(address)
        key = inbound_delivery_key(address.vendor, f"{address.job_id}#{delivery_id}")
        if self._jobs.pointer(key) is not None:
            return WakeUpResult(result="seen")
        nudged = self._take(job, attempt, generation_id)
        now = self._clock.now()
        self._jobs.remember(Pointer(key=key, job_id=job.id, created_at=now, expires_at=now + REMEMBERED))
        return nudged

    def _find(self, address: WebhookAddress) -> tuple[Job, Attempt]:
        job = self._jobs.get(address.job_id)
        named = [attempt for attempt in job.attempts if attempt.number == address.attempt] if job else []
        # Compared in any case, so that the time does not tell whether there is such an attempt.
        wanted = (named[0].webhook_token if named else None) or ""
        fits = hmac.compare_digest(wanted.encode(), address.token.encode())
        if job is None or not wanted or not fits or named[0].vendor is not address.vendor:
            raise NotOurs
        return job, named[0]

    def _take(self, job: Job, attempt: Attempt, generation_id: str) -> WakeUpResult:
        if attempt.generation is not None and attempt.generation.id == generation_id:
            return self._go_on(job, attempt.number)
        if attempt.generation is None and not attempt.is_settled and not job.is_final:
            return self._settle(job.id, attempt, generation_id)
        return self._note(job.id, attempt, generation_id)

    def _settle(self, job_id: str, attempt: Attempt, generation_id: str) -> WakeUpResult:
        """Makes the generation the attempt's, if the vendor knows it and nobody else has it."""
        try:
            saved = self._adopt(job_id, attempt, generation_id)
        except NotAdopted:
            return self._note(job_id, attempt, generation_id)
        self._go_on(saved, attempt.number)
        return WakeUpResult(result="adopted")

    def _go_on(self, job: Job, number: int) -> WakeUpResult:
        """Wakes whoever waits for this generation; starts somebody where nobody is left."""
        if job.is_final or job.attempt is None or job.attempt.number != number:
            return WakeUpResult(result="ended")
        token = self._parking.nudge(job.id, self._clock.now())
        if token is not None and self._workflow.wake(token):
            return WakeUpResult(result="woken")
        now = self._clock.now()
        if job.status is Status.NEEDS_ATTENTION and job.reason is Reason.WORKFLOW_FAILED:
            again = resumed(job, now)
        elif job.status is Status.GENERATING and not self._workflow.is_running(job):
            again = replace(job, run=job.run + 1, updated_at=now)
        else:
            return WakeUpResult(result="counted")
        try:
            saved = self._jobs.save(again)
        except Conflict:
            # Somebody is at work on it.
            return WakeUpResult(result="counted")
        self._workflow.start(saved)
        return WakeUpResult(result="started")

    def _note(self, job_id: str, attempt: Attempt, generation_id: str) -> WakeUpResult:
        """A generation that the ledger has no place for may have cost money: a person is told.

        It is claimed for the attempt that its webhook names, so that no other is given it.
        """
        text = f"{attempt.vendor} tells of generation {generation_id} for attempt {attempt.number}, which has it not."

        def step() -> None:
            job = self._found(job_id)
            with_note = noted(job, text, self._clock.now())
            if with_note is job:
                return
            key = generation_key(attempt.vendor, generation_id)
            pointer = Pointer(key=key, job_id=job_id, attempt=attempt.number, created_at=with_note.updated_at)
            owner = self._jobs.pointer(key)
            self._jobs.save(with_note, [Claim(pointer, unique=True)] if owner is None else [])

        until_saved(step, f"job {job_id} is written by too many at once", (Conflict, AlreadyExists))
        return WakeUpResult(result="noted")

    def _found(self, job_id: str) -> Job:
        job = self._jobs.get(job_id)
        if job is None:
            raise NotOurs
        return job
