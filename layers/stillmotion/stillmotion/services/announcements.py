"""What the event bus is told of a job. Pure; each event's id is the same however often it is made."""

from datetime import datetime

import msgspec

from stillmotion.domain.identity import content_id
from stillmotion.domain.job import Job
from stillmotion.ports import Event


def video_completed(job: Job, now: datetime) -> Event:
    """The video is in the user's bucket."""
    return _event(job, "Video Completed", now)


def video_failed(job: Job, now: datetime) -> Event:
    """The job ended without a video."""
    return _event(job, "Video Failed", now)


def video_needs_attention(job: Job, now: datetime) -> Event:
    """A person has to look at the job."""
    return _event(job, "Video Needs Attention", now)


def _event(job: Job, detail_type: str, now: datetime) -> Event:
    generation_id = job.generation.id if job.generation else ""
    detail = {"job_id": job.id, "tenant": job.tenant, "status": job.status, "video": msgspec.to_builtins(job.video)}
    identity = content_id("event", job.id, str(job.run), generation_id, detail_type)
    return Event(id=identity, job_id=job.id, detail_type=detail_type, detail=detail, created_at=now)
