"""An API call becomes a job. Pays nothing.

A call with an Idempotency-Key names its job by it. A client that retries by itself says so in a header and repeats the
same body: it is given the job that the first try made.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from stillmotion.domain import identity
from stillmotion.domain.job.lifecycle import started
from stillmotion.domain.job.records import Job, Note, Status, Still
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import Request
from stillmotion.domain.routing import PriceTable, Route, routes, shape
from stillmotion.keyspace import recent_key
from stillmotion.ports import Clock
from stillmotion.ports.keys import AllowanceSpent
from stillmotion.ports.objects import ObjectStore
from stillmotion.ports.records import AlreadyExists, Claim, JobStore, Pointer
from stillmotion.ports.workflow import Workflow
from stillmotion.services.intake.inbox import UPLOADS
from stillmotion.services.intake.input_images import InputImages, Unpacked
from stillmotion.services.intake.repetitions import KeyReused, OrderDeleted
from stillmotion.services.keys.limits import Allowance

RETRY_WINDOW = timedelta(minutes=10)
UPLOAD_SECONDS = 900


class ApiOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One API call. `retry_count` is what a retrying client says of itself; None where it says nothing.

    `key` is whose daily allowance the order is taken from, if that key has one. `notes` are sentences about what is
    made in place of what was asked for, to be kept with the job.
    """

    tenant: str
    request: Request
    arrived_at: datetime
    key: ApiKey | None = None
    idempotency_key: str | None = None
    retry_count: int | None = None
    notes: tuple[str, ...] = ()


class PresignedUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Where an image may be put, for `seconds` seconds, and the address to name it by afterwards."""

    image: str
    url: str
    headers: dict[str, str]
    seconds: int


class SubmitApiOrder:
    """Makes, or finds, the job of a call."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        objects: ObjectStore,
        workflow: Workflow,
        clock: Clock,
        prices: PriceTable,
        receiving: InputImages,
        input_bucket: str,
        allowance: Allowance,
    ) -> None:
        self._jobs = jobs
        self._objects = objects
        self._workflow = workflow
        self._clock = clock
        self._prices = prices
        self._receiving = receiving
        self._input_bucket = input_bucket
        self._allowance = allowance

    def __call__(self, call: ApiOrder) -> Job:
        """The job. Raises InvalidRequest, NotRepeated, or AllowanceSpent; all before a record is written.

        A repetition is told before an image is looked at: it fetches and stores nothing again.
        """
        unpacked = self._receiving.unpacked(call.tenant, call.request)
        call = replace(call, request=unpacked.request)
        fingerprint = unpacked.fingerprint
        earlier = self._earlier(call, fingerprint)
        if earlier is not None:
            return self._repeated(earlier, fingerprint)
        try:
            return self._ordered(call, unpacked)
        except AllowanceSpent:
            # What it repeats may have been made since this one looked, and have spent the allowance.
            earlier = self._earlier(call, fingerprint)
            if earlier is None:
                raise
            return self._repeated(earlier, fingerprint)

    def ticket(self, tenant: str, content_type: str, content_length: int) -> PresignedUpload:
        """A place to put an image for a later call."""
        key = f"{UPLOADS}{tenant}/{identity.new_job_id()}"
        url = self._objects.signed_put(
            self._input_bucket, key, seconds=UPLOAD_SECONDS, content_type=content_type, content_length=content_length
        )
        headers = {"content-type": content_type, "content-length": str(content_length)}
        return PresignedUpload(
            image=f"s3://{self._input_bucket}/{key}", url=url, headers=headers, seconds=UPLOAD_SECONDS
        )

    def still(self, tenant: str, field: str, address: str) -> Still:
        """The image that a tenant's call would name in `field`; nothing is fetched or stored. Raises InvalidRequest."""
        return self._receiving.sketched(tenant, field, address)

    def store_picture(self, tenant: str, image: bytes, field: str = "image") -> str:
        """Keeps a picture that came with a call; gives the address to name it by. Raises InvalidRequest."""
        return self._receiving.store_picture(tenant, image, field)

    def _ordered(self, call: ApiOrder, unpacked: Unpacked) -> Job:
        fingerprint = unpacked.fingerprint
        able = routes(call.request, self._prices)
        if call.request.image is not None:
            # Pictures are fetched and stored for nobody who may not order: no picture changes a price.
            self._allowance.look(call.key, _dearest(able))
        stills = self._receiving(call.tenant, unpacked)
        now = self._clock.now()
        job = Job(
            id=identity.keyed_job_id(call.tenant, call.idempotency_key)
            if call.idempotency_key
            else identity.new_job_id(),
            tenant=call.tenant,
            status=Status.WAITING,
            created_at=now,
            updated_at=now,
            ordered_with=call.key.hash if call.key else None,
            fingerprint=fingerprint,
            still=stills.image,
            end_still=stills.end_image,
            notes=tuple(Note(now, text) for text in call.notes),
        )
        width, height = (stills.image.width, stills.image.height) if stills.image else (None, None)
        able = routes(call.request, self._prices, width, height)
        job = started(job, call.request, shape(call.request, width, height), now, able[0].vendor)
        taking = self._allowance.taking(call.key, _dearest(able))
        try:
            self._jobs.create(job, self._claims(call, job, fingerprint), taking=taking)
        except AlreadyExists as taken:
            earlier = self._jobs.get(taken.pointer.job_id if taken.pointer else job.id)
            if earlier is None:
                raise
            return self._repeated(earlier, fingerprint)
        self._workflow.start(job)
        return job

    def _earlier(self, call: ApiOrder, fingerprint: str) -> Job | None:
        if call.idempotency_key is not None:
            return self._jobs.get(identity.keyed_job_id(call.tenant, call.idempotency_key))
        if not call.retry_count:
            return None
        pointer = self._jobs.pointer(recent_key(call.tenant, fingerprint))
        if pointer is None or pointer.created_at < call.arrived_at - RETRY_WINDOW:
            return None
        return self._jobs.get(pointer.job_id)

    def _repeated(self, job: Job, fingerprint: str) -> Job:
        if job.fingerprint != fingerprint:
            raise KeyReused
        if job.deleted_at is not None:
            raise OrderDeleted
        if job.status is Status.DISPATCHING:
            # The record may have been written by a call that died before it started the execution.
            self._workflow.start(job)
        return job

    def _claims(self, call: ApiOrder, job: Job, fingerprint: str) -> list[Claim]:
        if call.idempotency_key is not None or call.retry_count is None:
            return []
        pointer = Pointer(
            key=recent_key(call.tenant, fingerprint),
            job_id=job.id,
            created_at=job.created_at,
            by_retry=call.retry_count > 0,
            expires_at=job.created_at + 2 * RETRY_WINDOW,
        )
        if call.retry_count > 0:
            # What it repeats, or another retry, may have made the job since this one looked.
            return [Claim(pointer, unless_written_since=call.arrived_at - RETRY_WINDOW)]
        # A retry that overtook the call it repeats has made the job already.
        return [Claim(pointer, unless_retried_since=call.arrived_at)]


def _dearest(able: Iterable[Route]) -> Decimal:
    """What the dearest vendor of an order is quoted at: which one it will be is known when it is sent."""
    return max(route.quote for route in able)
