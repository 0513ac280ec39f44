"""What the event bus is told of a job. Pure; each event's id is the same however often it is made.

The detail of every event holds `job_id`, `tenant`, `status`, `reason`, `vendor`, `generation_id`, `aspect_ratio`,
`metadata`, `quoted` and `charged` (US dollars as text, null where unknown), `credits` (the vendor's unit), `created_at`
and `ended_at` (ISO 8601, UTC). The `reason` of a job whose vendor has not finished by the deadline is "overdue". Beside
these:

    Video Completed         `video`: bucket, key, bytes, sha256, width, height, duration_milliseconds; `completed_at`
    Video Failed            `failure`: kind, message, advice
    Video Cancelled         `failure`, of kind "cancelled"; a generation that failed meanwhile may have been charged
    Video Needs Attention   `failure`, null where only the reason is known
"""

from datetime import datetime
from decimal import Decimal

from stillmotion.domain.failures import Failure
from stillmotion.domain.identity import content_id
from stillmotion.domain.job.records import Job, Video
from stillmotion.ports.records import Event


def video_completed(job: Job, now: datetime) -> Event:
    """The video is in the user's bucket."""
    return _event(job, "Video Completed", now, {"video": _video(job.video), "completed_at": _text(job.ended_at)})


def video_failed(job: Job, now: datetime) -> Event:
    """The job ended without a video."""
    return _event(job, "Video Failed", now, {"failure": _failure(job.failure)})


def video_cancelled(job: Job, now: datetime) -> Event:
    """The job ended without a video because somebody wanted it no more."""
    return _event(job, "Video Cancelled", now, {"failure": _failure(job.failure)})


def video_needs_attention(job: Job, now: datetime) -> Event:
    """A person has to look at the job. Each reason, and being overdue, is told once."""
    return _event(job, "Video Needs Attention", now, {"failure": _failure(job.failure)}, _reason(job) or "")


def _event(job: Job, detail_type: str, now: datetime, more: dict[str, object], *distinct: str) -> Event:
    generation_id = job.generation.id if job.generation else None
    detail: dict[str, object] = {
        "job_id": job.id,
        "tenant": job.tenant,
        "status": job.status.value,
        "reason": _reason(job),
        "vendor": job.attempt.vendor.value if job.attempt else None,
        "generation_id": generation_id,
        "aspect_ratio": job.aspect_ratio,
        "metadata": dict(job.request.metadata) if job.request else {},
        "quoted": _dollars(job.attempt.quote if job.attempt else None),
        "charged": _dollars(job.generation.charged if job.generation else None),
        "credits": job.generation.credits if job.generation else None,
        "created_at": _text(job.created_at),
        "ended_at": _text(job.ended_at),
        **more,
    }
    # The sweeper's runs do not count: what it tries in vain, again and again, is told once.
    run = str(job.run - job.sweeps)
    identity = content_id("event", detail_type, job.id, run, generation_id or "", *distinct)
    return Event(id=identity, job_id=job.id, detail_type=detail_type, detail=detail, created_at=now)


def _reason(job: Job) -> str | None:
    if job.reason is not None:
        return job.reason.value
    return "overdue" if job.overdue else None


def _video(video: Video | None) -> dict[str, object] | None:
    if video is None:
        return None
    return {
        "bucket": video.bucket,
        "key": video.key,
        "bytes": video.bytes,
        "sha256": video.sha256,
        "width": video.width,
        "height": video.height,
        "duration_milliseconds": video.duration_milliseconds,
    }


def _failure(failure: Failure | None) -> dict[str, object] | None:
    if failure is None:
        return None
    return {"kind": failure.kind.value, "message": failure.message, "advice": failure.advice}


def _dollars(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
