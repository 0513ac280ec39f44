"""What every step that is given a job id needs: the job, and a way to save what was decided about it."""

from collections.abc import Callable
from typing import TypeVar

from stillmotion.domain.job.records import Job
from stillmotion.ports import Conflict
from stillmotion.ports.records import JobStore

T = TypeVar("T")

# How often a step that lost the race for a record reads it again and decides anew.
MAX_WRITE_TRIES = 8


class UnknownJob(Exception):
    """No job has this id."""


def find(jobs: JobStore, job_id: str) -> Job:
    """The job of an id. Raises UnknownJob."""
    job = jobs.get(job_id)
    if job is None:
        raise UnknownJob(job_id)
    return job


def until_saved(step: Callable[[], T], message: str, lost: tuple[type[Exception], ...] = (Conflict,)) -> T:
    """What a step gives that reads a record, decides, and saves what it decided.

    It is repeated whenever it raises one of `lost`, which say that somebody else wrote in between: MAX_WRITE_TRIES
    times in all. Raises Conflict with `message` then.
    """
    for _ in range(MAX_WRITE_TRIES):
        try:
            return step()
        except lost:
            continue
    raise Conflict(message)
