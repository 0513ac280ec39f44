"""What every step that is given a job id needs."""

from stillmotion.domain.job.records import Job
from stillmotion.ports.records import JobStore

# How often a step that lost the race for a record reads it again and decides anew.
WRITE_TRIES = 8


class UnknownJob(Exception):
    """No job has this id."""


def find(jobs: JobStore, job_id: str) -> Job:
    """The job of an id. Raises UnknownJob."""
    job = jobs.get(job_id)
    if job is None:
        raise UnknownJob(job_id)
    return job
