"""Waits until every job has ended or is shown to a person, and says all the while how it stands."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from stillmotion_local.chaos.evidence import Record, number_of, read_jobs
from stillmotion_local.chaos.ground import Ground
from stillmotion_local.chaos.judge import FINAL, is_shown
from stillmotion_local.chaos.plan import Play
from stillmotion_local.vendors.faults import Fault

LOOK_EVERY_SECONDS = 4.0
# A look at many jobs takes the emulator's time, which the jobs need.
REST_FOR_EACH_SECOND_OF_LOOKING = 5.0
HASTEN_EVERY_SECONDS = 12.0
# A job that is shown may still be mended: the sweeper looks after 12 s, then after twice and four times as long. What
# it tried in vain so often, or what nobody has touched for so long, is as it will stay.
SWEPT_ENOUGH = 3
STILL_SECONDS = 60.0


class TimeIsUp(Exception):
    """Some jobs neither ended nor were shown to a person within the time."""


class Watch:
    """Looks at the jobs of a run."""

    def __init__(self, ground: Ground, plays: Sequence[Play], *, seconds: float, tell: Callable[[str], None]) -> None:
        """`seconds` is how long the whole run may take from now on."""
        self._ground = ground
        self._plays = plays
        self._tell = tell
        self._began = time.monotonic()
        self._until = self._began + seconds
        self._hastened = self._began
        self._look_seconds = 0.0
        self._seen: dict[str, tuple[object, float]] = {}

    def until_under_way(self, share: float) -> frozenset[int]:
        """Waits until this share of what was dropped has come to an end; gives the plays that have not, and run."""
        while True:
            jobs = self._look()
            ended = sum(job.get("status") in FINAL for job in jobs)
            if ended >= share * len(self._plays):
                return frozenset(
                    number for job in jobs if job.get("status") not in FINAL and (number := number_of(job)) is not None
                )

    def until_settled(self) -> Sequence[Record]:
        """The jobs as they were when all of them were settled. Raises TimeIsUp."""
        while True:
            jobs = self._look()
            known = {number_of(job) for job in jobs}
            missing = [play for play in self._plays if play.number not in known]
            if not missing and not self._has_news_to_come() and all(self._is_settled(job) for job in jobs):
                return jobs

    def _look(self) -> Sequence[Record]:
        """The jobs as they are now. An emulator that does not answer in time is asked again."""
        time.sleep(max(LOOK_EVERY_SECONDS, self._look_seconds * REST_FOR_EACH_SECOND_OF_LOOKING))
        now = time.monotonic()
        try:
            if now - self._hastened >= HASTEN_EVERY_SECONDS:
                self._hastened = now
                self._ground.hasten()
            jobs = read_jobs(self._ground)
            self._tell(self._state(jobs))
        except (BotoCoreError, ClientError, httpx.HTTPError) as error:
            jobs = ()
            self._tell(f"{self._elapsed()}  no answer: {type(error).__name__}")
        self._look_seconds = time.monotonic() - now
        if now > self._until:
            raise TimeIsUp
        for job in jobs:
            self._remember(job, now)
        return jobs

    def _remember(self, job: Record, now: float) -> None:
        state = _state_of(job)
        if self._seen.get(job["id"], (None, 0.0))[0] != state:
            self._seen[job["id"]] = (state, now)

    def _is_settled(self, job: Record) -> bool:
        if job.get("status") in FINAL:
            return True
        if not is_shown(job):
            return False
        # The sweeper's own mark: without it nothing but a webhook or a person moves the job.
        if "sweep_flag" not in job or int(job.get("sweeps", 0)) >= SWEPT_ENOUGH:
            return True
        return time.monotonic() - self._seen[job["id"]][1] >= STILL_SECONDS

    def _has_news_to_come(self) -> bool:
        """Whether the vendors are at work on a generation, or have yet to tell of one, but for those stuck for ever."""
        try:
            ledger: Mapping[str, Any] = self._ground.ask_vendors("/_offline/ledger").json()
        except httpx.HTTPError:
            return True
        return any(
            not generation["webhook_settled"] and all(fault["name"] != Fault.STUCK for fault in generation["faults"])
            for generation in ledger["generations"]
        )

    def _state(self, jobs: Sequence[Record]) -> str:
        counts = Counter("overdue" if is_shown(job) and job.get("overdue") else str(job.get("status")) for job in jobs)
        told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none"
        running: Mapping[str, int] = self._ground.ask_vendors("/_offline/health").json()["running"]
        at_vendors = ", ".join(f"{count} at {vendor}" for vendor, count in running.items())
        return f"{self._elapsed()}  {len(jobs)} of {len(self._plays)} jobs: {told}; {at_vendors}"

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:2}:{seconds:02}"


def _state_of(job: Record) -> object:
    attempts = job.get("attempts") or ()
    outcome = attempts[-1].get("outcome") if attempts else None
    verdict = (attempts[-1].get("generation") or {}).get("verdict") if attempts else None
    return (job.get("status"), job.get("reason"), bool(job.get("overdue")), len(attempts), outcome, verdict)
