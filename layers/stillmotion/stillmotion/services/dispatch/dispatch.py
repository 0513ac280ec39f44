"""The only code that spends money: one POST per call at most, written down before it is sent.

What a call finds in the ledger decides what it does:

    nothing sent yet, or what was sent is settled   choose a vendor, take a slot, begin an attempt, send it
    sending, and its sender may still be alive      wait for it
    sending or unknown, at a vendor that knows keys send the same once more
    sending or unknown, elsewhere                   never again on a guess: it has to be settled first
    accepted                                        nothing to do
"""

import secrets
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from stillmotion.domain import identity
from stillmotion.domain.failover import TRANSIENT
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import attempt_begun, attempt_ended, attempt_sent_again
from stillmotion.domain.job.lifecycle import WrongStep, lined_up, waiting
from stillmotion.domain.job.records import Attempt, Job, Outcome, Reason, Status, seconds_between
from stillmotion.domain.request import InvalidRequest, VendorName
from stillmotion.domain.routing import PriceTable, Route
from stillmotion.domain.sweeping import is_remembered, may_be_sent_again
from stillmotion.domain.waiting import WaitPolicy
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.records import Budget, JobStore, OverBudget
from stillmotion.ports.vendor import ReadFailed, Vendor
from stillmotion.ports.workflow import Parking
from stillmotion.services.dispatch.governor import Admitted, Ending, Governor, InLine, Later
from stillmotion.services.dispatch.vendor_choice import Patience, VendorChoice
from stillmotion.services.dispatch.vendor_orders import VendorOrders
from stillmotion.services.dispatch.vendor_submission import VendorSubmission
from stillmotion.services.jobs import find, until_saved
from stillmotion.services.vendors import Vendors

SENDER_MARGIN_SECONDS = 5
TRANSFER_RETRY_SECONDS = 20
# Where an execution cannot be parked, it looks again after so long.
LINE_RETRY_SECONDS = 60
# The jobs that wait for a new day's budget do not all come in its first second.
MORNING_SECONDS = 300
# An exchange with a vendor takes so long at most, with what follows it: none is begun with less time left than that.
EXCHANGE_SECONDS = 50
# Refusals that every job of the stack would meet: the vendor is rested when they go on.
_OF_THE_VENDOR = frozenset({FailureKind.UNAVAILABLE, FailureKind.UNAUTHORIZED, FailureKind.OUT_OF_CREDITS})


class Dispatched(msgspec.Struct, frozen=True, kw_only=True):
    """What the workflow does next; `wait_seconds` before it does.

    With `parks`, a slot that is given to the job ends `wait`, and a webhook `accepted`; neither is begun when
    the job was nudged more often than `nudges` times.
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
    webhook_base_url: str = ""


class Dispatch:
    """Sends a job to a vendor."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        orders: VendorOrders,
        vendors: Vendors,
        governor: Governor,
        parking: Parking,
        clock: Clock,
        prices: PriceTable,
        waits: WaitPolicy,
        settings: DispatchSettings,
        patience: Patience,
        budget: Budget,
        knows_signature: Callable[[VendorName], bool] = lambda _vendor: True,
    ) -> None:
        """`knows_signature` says whether a vendor's webhooks could be told from forged ones."""
        self._jobs = jobs
        self._orders = orders
        self._vendors = vendors
        self._governor = governor
        self._parking = parking
        self._clock = clock
        self._waits = waits
        self._settings = settings
        self._budget = budget
        self._knows_signature = knows_signature
        self._choose = VendorChoice(vendors=vendors, governor=governor, clock=clock, prices=prices, patience=patience)
        self._submit = VendorSubmission(jobs=jobs, vendors=vendors, clock=clock)

    def __call__(self, job_id: str) -> Dispatched:
        """One step of getting the job accepted. Raises UnknownJob."""
        # Before anything is looked at: a slot, or a webhook that is quicker than the answer, is not slept through.
        nudges = self._parking.nudges(job_id)
        latest_start = self._clock.now() + timedelta(seconds=self._settings.dispatch_timeout_seconds - EXCHANGE_SECONDS)
        ready = self._decide(job_id, nudges, latest_start)
        if isinstance(ready, Dispatched):
            return ready
        attempt = _latest(ready)
        return self._after(self._submit(job_id, attempt), attempt.vendor, nudges)

    def _decide(self, job_id: str, nudges: int, latest_start: datetime) -> Dispatched | Job:
        """What to do without a POST, or the job whose latest attempt this invocation alone may send."""
        return until_saved(
            lambda: self._step(find(self._jobs, job_id), nudges, latest_start),
            f"job {job_id} is written by too many at once",
            (Conflict, WrongStep),
        )

    def _step(self, job: Job, nudges: int, latest_start: datetime) -> Dispatched | Job:
        attempt = job.attempt
        if job.status is Status.FINALIZING:
            return Dispatched(outcome="accepted")
        if job.status is Status.GENERATING and (attempt is None or not attempt.is_settled):
            return Dispatched(outcome="accepted")
        if not job.is_sendable and job.status is not Status.GENERATING:
            return Dispatched(outcome="ended")
        if attempt is not None and not attempt.is_settled:
            return self._without_answer(job, attempt)
        return self._follow(job, nudges, latest_start)

    def _without_answer(self, job: Job, attempt: Attempt) -> Dispatched | Job:
        now = self._clock.now()
        age = seconds_between(attempt.sent_at, now)
        alive = self._settings.dispatch_timeout_seconds + SENDER_MARGIN_SECONDS - age
        if attempt.outcome is Outcome.SENDING and alive > 0:
            return Dispatched(outcome="wait", wait_seconds=alive)
        vendor = self._vendors[attempt.vendor]
        if vendor.supports_idempotency and may_be_sent_again(attempt) and is_remembered(attempt, now):
            return self._jobs.save(attempt_sent_again(job, now))
        if attempt.outcome is Outcome.SENDING:
            failure = Failure(FailureKind.OUTCOME_UNKNOWN, "The submission ended before an answer was written down.")
            self._jobs.save(attempt_ended(job, attempt.number, Outcome.UNKNOWN, failure, now))
        return Dispatched(outcome="attention")

    # --- before the POST

    def _follow(self, job: Job, nudges: int, latest_start: datetime) -> Dispatched | Job:
        """A new attempt, where nothing that was sent before can bring a video any more."""
        try:
            route = self._choose(job)
        except InvalidRequest as invalid:
            # What could be served at submission cannot be any more: a price has risen over the job's own limit.
            failure = Failure(FailureKind.INVALID_INPUT, str(invalid))
            self._jobs.save(replace(job, failure=failure, updated_at=self._clock.now()))
            route = None
        if route is None or job.cancel_requested_at is not None:
            self._leave(job)
            return Dispatched(outcome="failed")
        if job.line is not route.vendor or not job.is_sendable:
            # It stands in line before it asks: a slot that frees from here on is given to it.
            lined = self._jobs.save(lined_up(job, route.vendor, self._clock.now()))
            self._leave(job, to=route.vendor)
            job = lined
        match self._governor.admit(job, route.vendor):
            case Admitted() if self._clock.now() > latest_start:
                # Others wrote for so long that the answer might come when this invocation is over.
                self._governor.release(route.vendor, job.id, Ending.UNSENT)
                return Dispatched(outcome="wait", wait_seconds=1)
            case Admitted():
                return self._begin(job, route, latest_start)
            case Later(wait_seconds=seconds):
                if not job.tries:
                    self._wait_for_slot(job)
                return Dispatched(outcome="wait", wait_seconds=seconds)
            case InLine():
                self._wait_for_slot(job)
                return Dispatched(outcome="wait", wait_seconds=LINE_RETRY_SECONDS, parks=True, nudges=nudges)

    def _leave(self, job: Job, to: VendorName | None = None) -> None:
        """Gives back what the job may hold at the vendors that it has done with: a throttled one kept its slot."""
        last = job.attempt.vendor if job.attempt is not None and job.tries else None
        for vendor in VendorName:
            if vendor in (job.line, last) and vendor is not to:
                self._governor.release(vendor, job.id, Ending.NEUTRAL)

    def _wait_for_slot(self, job: Job) -> None:
        if job.reason is not Reason.SLOT:
            self._jobs.save(waiting(job, Reason.SLOT, self._clock.now()))

    def _begin(self, job: Job, route: Route, latest_start: datetime) -> Dispatched | Job:
        vendor = self._vendors[route.vendor]
        number = len(job.attempts) + 1
        token = self._webhook_token(route.vendor)
        url = None
        if token is not None:
            base = self._settings.webhook_base_url.rstrip("/")
            url = f"{base}/v1/webhooks/{route.vendor}/{job.id}/{number}/{token}"
        try:
            order = self._orders.ready(job, route, vendor, webhook_url=url)
        except ReadFailed as failed:
            return self._not_handed_over(job, vendor, failed)
        if self._clock.now() > latest_start:
            slow = ReadFailed(FailureKind.UNAVAILABLE, "it took so long that no time was left to send the job")
            return self._not_handed_over(job, vendor, slow)
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
            substitutions=route.substitutions,
        )
        try:
            return self._jobs.save(begun, budget=self._budget)
        except OverBudget as over:
            return self._over_budget(job, route, over)

    def _webhook_token(self, vendor: VendorName) -> str | None:
        """A word that nobody guesses, where webhooks are wanted and can be told from forged ones."""
        wanted = self._settings.webhook_base_url and self._knows_signature(vendor)
        return secrets.token_urlsafe(24) if wanted else None

    def _not_handed_over(self, job: Job, vendor: Vendor, failed: ReadFailed) -> Dispatched:
        """The vendor's own storage did not take the image: nothing was sent, and no attempt is in the ledger."""
        failure = Failure(failed.kind, f"The image could not be handed to {vendor.name}: {failed}")
        self._jobs.save(replace(job, line=None, failure=failure, updated_at=self._clock.now()))
        self._governor.release(vendor.name, job.id, Ending.UNSENT)
        wait_seconds = failed.retry_after or TRANSFER_RETRY_SECONDS
        if failed.kind not in TRANSIENT or not self._choose.is_patient(job, wait_seconds):
            return Dispatched(outcome="failed")
        return Dispatched(outcome="wait", wait_seconds=wait_seconds)

    def _over_budget(self, job: Job, route: Route, over: OverBudget) -> Dispatched:
        """The request says whether it waits for the next day, in UTC, or fails. It leaves the line either way.

        What is dearer than a whole day's budget would wait for ever, and fails.
        """
        now = self._clock.now()
        failure = Failure(FailureKind.OVER_BUDGET, str(over))
        budgets = (self._budget.tenant_dollars, self._budget.stack_dollars)
        is_hopeless = any(budget is not None and budget < route.quote for budget in budgets)
        if is_hopeless or (job.request is not None and job.request.when_over_budget == "fail"):
            self._jobs.save(replace(job, line=None, failure=failure, updated_at=now))
            dispatched = Dispatched(outcome="failed")
        else:
            self._jobs.save(waiting(job, Reason.BUDGET, now, failure))
            morning = _seconds_to_tomorrow(now) + secrets.randbelow(MORNING_SECONDS)
            dispatched = Dispatched(outcome="wait", wait_seconds=morning)
        self._governor.release(route.vendor, job.id, Ending.UNSENT)
        return dispatched

    # --- after the POST

    def _after(self, job: Job, vendor: VendorName, nudges: int) -> Dispatched:
        attempt = _latest(job)
        match attempt.outcome:
            case Outcome.ACCEPTED:
                return self._accepted(job, attempt, nudges)
            case Outcome.SENDING | Outcome.UNKNOWN:
                self._governor.failing(vendor, job.id)
                if self._vendors[vendor].supports_idempotency and may_be_sent_again(attempt):
                    return Dispatched(outcome="wait", wait_seconds=self._choose.wait_seconds(job))
                return Dispatched(outcome="attention")
            case Outcome.NOT_SENT | Outcome.REFUSED:
                self._give_back(job.id, attempt)
                return self._try_again(job, attempt)

    def _accepted(self, job: Job, attempt: Attempt, nudges: int) -> Dispatched:
        if attempt.webhook_token is not None:
            return Dispatched(outcome="accepted", wait_seconds=self._waits.slow(0), parks=True, nudges=nudges)
        duration = job.request.duration if job.request else 5
        return Dispatched(outcome="accepted", wait_seconds=self._waits.first(duration))

    def _give_back(self, job_id: str, attempt: Attempt) -> None:
        """Tells the governor how the vendor refused: a throttled job keeps its slot, and its place with it."""
        kind = attempt.failure.kind if attempt.failure else FailureKind.UNAVAILABLE
        if kind is FailureKind.THROTTLED:
            self._governor.throttled(attempt.vendor, job_id, attempt.retry_after)
        else:
            self._governor.release(attempt.vendor, job_id, Ending.BAD if kind in _OF_THE_VENDOR else Ending.NEUTRAL)

    def _try_again(self, job: Job, attempt: Attempt) -> Dispatched:
        try:
            route = self._choose(job)
        except InvalidRequest:
            return Dispatched(outcome="wait")
        if route is None:
            self._leave(job)
            return Dispatched(outcome="failed")
        is_same = route.vendor is attempt.vendor
        return Dispatched(outcome="wait", wait_seconds=self._choose.wait_seconds(job) if is_same else 0)


def _latest(job: Job) -> Attempt:
    attempt = job.attempt
    assert attempt is not None  # noqa: S101 - what was sent was written down before
    return attempt


def _seconds_to_tomorrow(now: datetime) -> int:
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    return seconds_between(now, tomorrow) + 1
