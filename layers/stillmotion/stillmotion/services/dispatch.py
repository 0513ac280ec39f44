"""The only code that spends money: one POST per call at most, written down before it is sent.

What a call finds in the ledger decides what it does:

    no attempt, or one that is settled and may be followed   begin an attempt, send it
    sending, and its sender may still be alive               wait for it
    sending or unknown, at a vendor that knows keys          send the same once more
    sending or unknown, elsewhere                            never again on a guess: a person looks
    accepted                                                 nothing to do
"""

import secrets
from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec.structs import replace

from stillmotion.domain import identity
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job import (
    Attempt,
    Job,
    Outcome,
    Status,
    Still,
    WrongStep,
    attempt_accepted,
    attempt_begun,
    attempt_ended,
    attempt_sent_again,
    noted,
    seconds_between,
)
from stillmotion.domain.request import Request, VendorName
from stillmotion.domain.routing import PriceTable, routes
from stillmotion.domain.sweeping import is_remembered, may_be_sent_again
from stillmotion.domain.waiting import WaitPolicy, backoff
from stillmotion.ports import (
    Accepted,
    AlreadyExists,
    Claim,
    Clock,
    Conflict,
    Envelope,
    JobStore,
    NotSent,
    ObjectStore,
    Order,
    Parking,
    Pointer,
    ReadFailed,
    Refused,
    StoreError,
    Unanswered,
    Vendor,
    generation_key,
)
from stillmotion.services.jobs import WRITE_TRIES, find
from stillmotion.services.vendors import Vendors

SENDER_MARGIN_SECONDS = 5
TRANSFER_RETRY_SECONDS = 20
# So often a vendor's word is taken as it is. Then waits grow, and in the end the record would be too large to write.
OBEDIENT_TRIES = 10
MOST_ATTEMPTS = 200
_MENDED_BY_TIME = frozenset({FailureKind.THROTTLED, FailureKind.UNAVAILABLE})


class AcceptanceUnwritten(Exception):
    """A generation was accepted, and is paid for, and the ledger could not be told: the message names it.

    It is not tried again by the workflow, but closed with this message in the record.
    """


class Dispatched(msgspec.Struct, frozen=True, kw_only=True):
    """What the workflow does next; `wait_seconds` before it does.

    With `parks`, a webhook ends the wait; it is not begun when the job was nudged more often than `nudges` times.
    """

    outcome: Literal["accepted", "wait", "failed", "attention", "ended"]
    wait_seconds: int = 0
    parks: bool = False
    nudges: int = 0


class DispatchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds. `dispatch_timeout_seconds` is the function's own: past it, no sender can be alive.

    `webhook_base_url` is where the vendors reach the API; empty for no webhooks.
    """

    dispatch_timeout_seconds: int = 60
    dispatch_patience_seconds: int = 3600
    input_url_seconds: int = 21_600
    image_transfer: Literal["signed_url", "upload"] = "signed_url"
    webhook_base_url: str = ""


class Dispatch:
    """Sends a job to a vendor."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        objects: ObjectStore,
        vendors: Vendors,
        parking: Parking,
        clock: Clock,
        prices: PriceTable,
        waits: WaitPolicy,
        settings: DispatchSettings,
        knows_signature: Callable[[VendorName], bool] = lambda _vendor: True,
    ) -> None:
        """`knows_signature` says whether a vendor's webhooks could be told from forged ones."""
        self._jobs = jobs
        self._parking = parking
        self._knows_signature = knows_signature
        self._objects = objects
        self._vendors = vendors
        self._clock = clock
        self._prices = prices
        self._waits = waits
        self._settings = settings

    def __call__(self, job_id: str) -> Dispatched:
        """One step of getting the job accepted. Raises UnknownJob."""
        # Before the POST: a webhook may be quicker than the answer.
        nudges = self._parking.nudges(job_id) if self._settings.webhook_base_url else 0
        ready = self._decide(job_id)
        return ready if isinstance(ready, Dispatched) else self._send(ready, nudges)

    def _decide(self, job_id: str) -> Dispatched | Job:
        """What to do without a POST, or the job whose latest attempt this invocation alone may send."""
        for _ in range(WRITE_TRIES):
            job = find(self._jobs, job_id)
            try:
                return self._step(job)
            except (Conflict, WrongStep):
                continue
        raise Conflict(f"job {job_id} is written by too many at once")

    def _step(self, job: Job) -> Dispatched | Job:
        attempt = job.attempt
        if job.status in (Status.GENERATING, Status.FINALIZING):
            return Dispatched(outcome="accepted")
        if job.status is not Status.DISPATCHING or job.request is None:
            return Dispatched(outcome="ended")
        if attempt is None or not job.tries:
            return self._begin(job, job.request)
        match attempt.outcome:
            case Outcome.SENDING | Outcome.UNKNOWN:
                return self._without_answer(job, attempt)
            case Outcome.NOT_SENT | Outcome.REFUSED:
                return self._begin(job, job.request) if self._may_follow(job, attempt) else Dispatched(outcome="failed")
            case Outcome.ACCEPTED:
                return Dispatched(outcome="failed")

    # --- before the POST

    def _begin(self, job: Job, request: Request) -> Dispatched | Job:
        able = routes(request, self._prices)
        route = next((route for route in able if self._vendors.has_key(route.vendor)), able[0])
        vendor = self._vendors[route.vendor]
        number = len(job.attempts) + 1
        token = self._webhook_token(route.vendor)
        try:
            order = self._order(job, request, vendor)
        except ReadFailed as failed:
            return self._not_handed_over(job, vendor, failed)
        if token is not None:
            base = self._settings.webhook_base_url.rstrip("/")
            url = f"{base}/v1/webhooks/{route.vendor}/{job.id}/{number}/{token}"
            order = replace(order, webhook_url=url)
        envelope = vendor.compose(order)
        begun = attempt_begun(
            job,
            self._clock.now(),
            vendor=route.vendor,
            quote=route.quote,
            path=envelope.path,
            body=envelope.body,
            idempotency_key=identity.idempotency_key(job.id, number),
            webhook_token=token,
        )
        return self._jobs.save(begun)

    def _webhook_token(self, vendor: VendorName) -> str | None:
        """A word that nobody guesses, where webhooks are wanted and can be told from forged ones."""
        wanted = self._settings.webhook_base_url and self._knows_signature(vendor)
        return secrets.token_urlsafe(24) if wanted else None

    def _not_handed_over(self, job: Job, vendor: Vendor, failed: ReadFailed) -> Dispatched:
        """The vendor's own storage did not take the image: nothing was sent, and no attempt is in the ledger."""
        failure = Failure(failed.kind, f"The image could not be handed to {vendor.name}: {failed}")
        told = self._jobs.save(replace(job, failure=failure, updated_at=self._clock.now()))
        if failed.kind not in _MENDED_BY_TIME:
            return Dispatched(outcome="failed")
        return self._patiently(told, failed.retry_after or TRANSFER_RETRY_SECONDS)

    def _without_answer(self, job: Job, attempt: Attempt) -> Dispatched | Job:
        now = self._clock.now()
        age = seconds_between(attempt.sent_at, now)
        alive = self._settings.dispatch_timeout_seconds + SENDER_MARGIN_SECONDS - age
        if attempt.outcome is Outcome.SENDING and alive > 0:
            return Dispatched(outcome="wait", wait_seconds=alive)
        vendor = self._vendors[attempt.vendor]
        if vendor.knows_keys and may_be_sent_again(attempt) and is_remembered(attempt, now):
            return self._jobs.save(attempt_sent_again(job, now))
        if attempt.outcome is Outcome.SENDING:
            failure = Failure(FailureKind.OUTCOME_UNKNOWN, "The submission ended before an answer was written down.")
            self._jobs.save(attempt_ended(job, attempt.number, Outcome.UNKNOWN, failure, now))
        return Dispatched(outcome="attention")

    def _order(self, job: Job, request: Request, vendor: Vendor) -> Order:
        return Order(
            request=request,
            aspect_ratio=job.aspect_ratio or "16:9",
            image_url=self._address(job.still, vendor),
            end_image_url=self._address(job.end_still, vendor),
        )

    def _address(self, still: Still | None, vendor: Vendor) -> str | None:
        if still is None or still.bucket is None or still.key is None:
            return still.address if still is not None else None
        if self._settings.image_transfer == "upload":
            image = b"".join(self._objects.chunks(still.bucket, still.key, still.version_id))
            return vendor.upload(image, still.media_type or "application/octet-stream", still.key.rpartition("/")[2])
        seconds = self._settings.input_url_seconds
        return self._objects.signed_get(still.bucket, still.key, seconds=seconds, version_id=still.version_id)

    # --- the POST, and what came back

    def _send(self, job: Job, nudges: int) -> Dispatched:
        attempt = job.attempt
        assert attempt is not None  # noqa: S101 - written a line before
        vendor = self._vendors[attempt.vendor]
        submission = vendor.submit(Envelope(attempt.path, attempt.body), attempt.idempotency_key)
        if isinstance(submission, Accepted):
            return self._accepted(job.id, attempt, submission, nudges)
        outcome, failure = _read(submission)
        written = self._write(job.id, attempt.number, outcome, failure)
        told = submission.retry_after if isinstance(submission, Refused) else None
        return self._after(written, _wait_seconds(written, told))

    def _accepted(self, job_id: str, attempt: Attempt, answer: Accepted, nudges: int) -> Dispatched:
        try:
            return self._write_accepted(job_id, attempt, answer, nudges)
        except StoreError as error:
            paid = f"{attempt.vendor} accepted generation {answer.generation_id} for attempt {attempt.number}"
            raise AcceptanceUnwritten(f"{paid}, and it could not be written down: {error}") from error

    def _write_accepted(self, job_id: str, attempt: Attempt, answer: Accepted, nudges: int) -> Dispatched:
        for _ in range(WRITE_TRIES):
            job = find(self._jobs, job_id)
            now = self._clock.now()
            pointer = Pointer(
                key=generation_key(attempt.vendor, answer.generation_id),
                job_id=job_id,
                attempt=attempt.number,
                created_at=now,
            )
            try:
                accepted = attempt_accepted(job, attempt.number, answer.generation_id, now, answer.vendor_status)
                self._jobs.save(accepted, [Claim(pointer, unique=True)])
            except WrongStep:
                return self._one_too_many(job_id, attempt, answer)
            except Conflict:
                continue
            except AlreadyExists:
                message = f"{attempt.vendor} answered with generation {answer.generation_id}, which is another job's."
                self._write(job_id, attempt.number, Outcome.UNKNOWN, Failure(FailureKind.OUTCOME_UNKNOWN, message))
                return Dispatched(outcome="attention")
            if attempt.webhook_token is not None:
                wait = self._waits.slow(0)
                return Dispatched(outcome="accepted", wait_seconds=wait, parks=True, nudges=nudges)
            duration = job.request.duration if job.request else 5
            return Dispatched(outcome="accepted", wait_seconds=self._waits.first(duration))
        raise Conflict("the record is written by too many at once")

    def _one_too_many(self, job_id: str, attempt: Attempt, answer: Accepted) -> Dispatched:
        """The ledger has another generation for this attempt already: a vendor that forgot a key. A person is told."""
        text = f"{attempt.vendor} also accepted generation {answer.generation_id} for attempt {attempt.number}."
        for _ in range(WRITE_TRIES):
            job = find(self._jobs, job_id)
            try:
                self._jobs.save(noted(job, text, self._clock.now()))
            except Conflict:
                continue
            return Dispatched(outcome="accepted" if job.generation is not None else "attention")
        raise Conflict(text)

    def _write(self, job_id: str, number: int, outcome: Outcome, failure: Failure) -> Job:
        for _ in range(WRITE_TRIES):
            job = find(self._jobs, job_id)
            try:
                return self._jobs.save(attempt_ended(job, number, outcome, failure, self._clock.now()))
            except Conflict:
                continue
            except WrongStep:
                return job
        raise Conflict(f"attempt {number} of job {job_id}: {outcome} could not be written down")

    # --- what follows

    def _after(self, job: Job, wait_seconds: int) -> Dispatched:
        attempt = job.attempt
        assert attempt is not None  # noqa: S101 - written a line before
        match attempt.outcome:
            case Outcome.ACCEPTED:
                return Dispatched(outcome="accepted")
            case Outcome.SENDING | Outcome.UNKNOWN:
                vendor = self._vendors[attempt.vendor]
                if vendor.knows_keys and may_be_sent_again(attempt):
                    return Dispatched(outcome="wait", wait_seconds=wait_seconds)
                return Dispatched(outcome="attention")
            case Outcome.NOT_SENT | Outcome.REFUSED:
                if not self._may_follow(job, attempt):
                    return Dispatched(outcome="failed")
                return self._patiently(job, wait_seconds)

    def _patiently(self, job: Job, wait_seconds: int) -> Dispatched:
        began = next(
            (change.at for change in reversed(job.history) if change.status is Status.DISPATCHING), job.created_at
        )
        if seconds_between(began, self._clock.now()) + wait_seconds > self._settings.dispatch_patience_seconds:
            return Dispatched(outcome="failed")
        return Dispatched(outcome="wait", wait_seconds=wait_seconds)

    def _may_follow(self, job: Job, attempt: Attempt) -> bool:
        """Whether another attempt may follow this settled one by itself: it was throttled, or proven unsent."""
        failure = attempt.failure
        if failure is None or failure.kind not in _MENDED_BY_TIME or len(job.attempts) >= MOST_ATTEMPTS:
            return False
        return self._patiently(job, 0).outcome == "wait"


def _read(submission: Refused | NotSent | Unanswered) -> tuple[Outcome, Failure]:
    match submission:
        case Refused():
            return Outcome.REFUSED, submission.failure
        case NotSent():
            return Outcome.NOT_SENT, Failure(FailureKind.UNAVAILABLE, submission.detail)
        case Unanswered(resendable=True):
            return Outcome.UNKNOWN, Failure(FailureKind.UNAVAILABLE, submission.detail)
        case Unanswered():
            return Outcome.UNKNOWN, Failure(FailureKind.OUTCOME_UNKNOWN, submission.detail)


def _wait_seconds(job: Job, told: int | None) -> int:
    """As long as the vendor said, or as its silence suggests; a vendor that says so often is given longer."""
    sends = sum(attempt.sends for attempt in job.tries)
    if told is None:
        return backoff(sends)
    return told if sends <= OBEDIENT_TRIES else max(told, backoff(sends - OBEDIENT_TRIES))
