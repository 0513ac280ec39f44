"""One read of the vendor's job: what it came to, and when to look again. Nothing else."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.job.attempts import generation_read
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Generation, Job, Status, Verdict, seconds_between
from stillmotion.domain.request import VendorName
from stillmotion.domain.routing import PriceTable
from stillmotion.domain.waiting import WaitPolicy
from stillmotion.ports import Clock, Conflict
from stillmotion.ports.records import JobStore
from stillmotion.ports.vendor import Declared, ReadFailed, Reading, Running, Succeeded
from stillmotion.ports.workflow import Parking
from stillmotion.services.dispatch.governor import Ending, Governor
from stillmotion.services.jobs import MAX_WRITE_TRIES, find
from stillmotion.services.vendors import Vendors

# Declared failures that say more of the vendor than of what was asked.
_OF_THE_VENDOR = frozenset({FailureKind.GENERATION_FAILED, FailureKind.UNAVAILABLE, FailureKind.TIMED_OUT})


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What the workflow does next; `wait_seconds` before it does.

    With `parks`, a webhook ends the wait; it is not begun when the job was nudged more often than `nudges` times.
    """

    outcome: Literal["running", "succeeded", "failed", "overdue", "ended"]
    wait_seconds: int = 0
    parks: bool = False
    nudges: int = 0


class Check:
    """Reads a job's generation at its vendor."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        vendors: Vendors,
        governor: Governor,
        parking: Parking,
        clock: Clock,
        prices: PriceTable,
        waits: WaitPolicy,
    ) -> None:
        self._jobs = jobs
        self._governor = governor
        self._vendors = vendors
        self._parking = parking
        self._clock = clock
        self._prices = prices
        self._waits = waits

    def __call__(self, job_id: str) -> Checked:
        """The verdict, with which the vendor's slot is given back. A read that fails changes nothing but a count.

        Raises UnknownJob.
        """
        job = find(self._jobs, job_id)
        known = self._known(job)
        attempt = job.attempt
        if known is not None:
            if known.outcome != "ended":
                # Whoever wrote the verdict down may have died before the slot was given back.
                self._give_back(job, repeated=True)
            return known
        if attempt is None or attempt.generation is None:
            return Checked(outcome="ended")
        # Before the vendor is read: a webhook that comes after its answer is not slept through.
        nudges = self._parking.nudges(job_id) if attempt.webhook_token is not None else None
        reading: Reading | ReadFailed
        try:
            reading = self._vendors[attempt.vendor].read(attempt.generation.id)
        except ReadFailed as failed:
            reading = failed
        return self._write(job, reading, nudges)

    def _known(self, job: Job) -> Checked | None:
        """What the ledger tells without a read."""
        if job.generation is None or job.status not in (Status.GENERATING, Status.FINALIZING):
            return Checked(outcome="ended")
        match job.generation.verdict:
            case Verdict.RUNNING:
                return None
            case Verdict.SUCCEEDED:
                return Checked(outcome="succeeded")
            case Verdict.FAILED:
                return Checked(outcome="failed")

    def _write(self, job: Job, reading: Reading | ReadFailed, nudges: int | None) -> Checked:
        number = job.attempt.number if job.attempt else 0
        for _ in range(MAX_WRITE_TRIES):
            attempt = job.attempt
            assert attempt is not None  # noqa: S101 - a job with a generation has an attempt
            assert attempt.generation is not None  # noqa: S101
            now = self._clock.now()
            generation = self._after_read(attempt.vendor, attempt.generation, reading, job, now)
            try:
                read = self._jobs.save(generation_read(job, generation, now))
            except (Conflict, WrongStep):
                job = find(self._jobs, job.id)
                known = self._known(job)
                if known is not None:
                    return known
                if job.attempt is None or job.attempt.number != number:
                    # What was read is of an attempt that another has followed by now.
                    return Checked(outcome="running", wait_seconds=self._waits.short_wait_seconds)
                continue
            return self._next(read, generation, reading, nudges, now)
        raise Conflict(f"job {job.id} is written by too many at once")

    def _after_read(
        self, vendor: VendorName, before: Generation, reading: Reading | ReadFailed, job: Job, now: datetime
    ) -> Generation:
        if isinstance(reading, ReadFailed):
            return replace(before, failed_reads=before.failed_reads + 1)
        read = replace(before, reads=before.reads + 1, last_read_at=now, vendor_status=reading.vendor_status)
        match reading:
            case Running():
                words = before.undocumented
                if reading.undocumented and reading.vendor_status not in words:
                    words = (*words, reading.vendor_status)
                return replace(read, progress=reading.progress, undocumented=words)
            case Succeeded():
                quote = job.attempt.quote if job.attempt else None
                return replace(
                    read,
                    verdict=Verdict.SUCCEEDED,
                    ended_at=now,
                    video_url=reading.video_url,
                    credits=reading.credits,
                    charged=quote if reading.credits is None else self._prices.dollars(vendor, reading.credits),
                    nsfw=reading.nsfw,
                    inference_milliseconds=reading.inference_milliseconds,
                )
            case Declared():
                return replace(
                    read,
                    verdict=Verdict.FAILED,
                    ended_at=now,
                    failure=reading.failure,
                    credits=reading.credits,
                    charged=before.charged
                    if reading.credits is None
                    else self._prices.dollars(vendor, reading.credits),
                    nsfw=reading.nsfw,
                )

    def _next(
        self, job: Job, generation: Generation, reading: Reading | ReadFailed, nudges: int | None, now: datetime
    ) -> Checked:
        match generation.verdict:
            case Verdict.SUCCEEDED:
                self._give_back(job)
                return Checked(outcome="succeeded")
            case Verdict.FAILED:
                self._give_back(job)
                return Checked(outcome="failed")
            case Verdict.RUNNING:
                elapsed = seconds_between(generation.accepted_at, now)
                if elapsed >= self._waits.deadline_seconds:
                    return Checked(outcome="overdue")
                if nudges is not None and not isinstance(reading, ReadFailed):
                    wait = self._waits.slow(elapsed)
                    return Checked(outcome="running", wait_seconds=wait, parks=True, nudges=nudges)
                wait = self._waits.next(elapsed, job.request.duration if job.request else 5)
                if isinstance(reading, ReadFailed) and reading.retry_after is not None:
                    wait = self._waits.within_deadline(max(wait, reading.retry_after), elapsed)
                return Checked(outcome="running", wait_seconds=wait)

    def _give_back(self, job: Job, *, repeated: bool = False) -> None:
        """The slot, with what the verdict says of the vendor."""
        attempt, generation = job.attempt, job.generation
        if attempt is None or generation is None:
            return
        kind = generation.failure.kind if generation.failure else None
        match generation.verdict:
            case Verdict.SUCCEEDED:
                ending = Ending.GOOD
            case Verdict.FAILED if kind in _OF_THE_VENDOR:
                ending = Ending.BAD
            case _:
                ending = Ending.NEUTRAL
        self._governor.release(attempt.vendor, job.id, ending, repeated=repeated)
