"""A job as the API shows it: the shape of OpenAI's video object, with the whole record under `job`.

Left out of the record: the frozen bodies of attempts and the vendor's URL, which hold signatures, and webhooks' tokens.
"""

from datetime import datetime
from typing import Any

import msgspec

from stillmotion.domain.failures import Failure
from stillmotion.domain.job import Attempt, Job, Status

MODEL = "luma-ray-2-flash"
SIZE_OF_RATIO = {"16:9": "1280x720", "9:16": "720x1280"}

_WORD = {
    Status.WAITING: "queued",
    Status.DISPATCHING: "queued",
    Status.GENERATING: "in_progress",
    Status.FINALIZING: "in_progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
    # Not failed: somebody who reads so would order, and pay for, another.
    Status.NEEDS_ATTENTION: "in_progress",
}
_PROGRESS = {Status.FINALIZING: 95, Status.COMPLETED: 100}
_HIDDEN_OF_ATTEMPT = frozenset({"path", "body", "webhook_token"})
_HIDDEN_OF_GENERATION = frozenset({"video_url"})
_HIDDEN_OF_JOB = frozenset({"fingerprint", "version", "attempts", "failure"})


def video(job: Job) -> dict[str, object]:
    """The video object of a job."""
    seconds = job.video.duration_milliseconds / 1000 if job.video else job.request.duration if job.request else None
    size = f"{job.video.width}x{job.video.height}" if job.video else SIZE_OF_RATIO.get(job.aspect_ratio or "")
    return {
        "id": job.id,
        "object": "video",
        "model": MODEL,
        "status": _WORD[job.status],
        "progress": _progress(job),
        "created_at": _epoch(job.created_at),
        "completed_at": _epoch(job.ended_at) if job.status is Status.COMPLETED else None,
        "expires_at": None,
        "seconds": None if seconds is None else f"{seconds:g}",
        "size": size,
        "prompt": job.request.prompt if job.request else None,
        "error": {"code": job.failure.kind, "message": job.failure.message} if job.failure else None,
        "job": record(job),
    }


def record(job: Job) -> dict[str, Any]:
    """Everything that a person may ask about a job."""
    shown = {name: value for name, value in msgspec.to_builtins(job).items() if name not in _HIDDEN_OF_JOB}
    shown["attempts"] = [_attempt(attempt) for attempt in job.attempts]
    shown["failure"] = _failure(job.failure)
    shown["vendor"] = job.attempt.vendor if job.attempt else None
    shown["generation_id"] = job.generation.id if job.generation else None
    return shown


def _attempt(attempt: Attempt) -> dict[str, Any]:
    shown = {name: value for name, value in msgspec.to_builtins(attempt).items() if name not in _HIDDEN_OF_ATTEMPT}
    shown["failure"] = _failure(attempt.failure)
    if attempt.generation is not None:
        told = msgspec.to_builtins(attempt.generation)
        shown["generation"] = {name: value for name, value in told.items() if name not in _HIDDEN_OF_GENERATION}
        shown["generation"]["failure"] = _failure(attempt.generation.failure)
    return shown


def _failure(failure: Failure | None) -> dict[str, str] | None:
    return {"kind": failure.kind, "message": failure.message, "advice": failure.advice} if failure else None


def _progress(job: Job) -> int:
    told = job.generation.progress if job.generation else None
    return _PROGRESS.get(job.status, min(told or 0, 94))


def _epoch(at: datetime | None) -> int | None:
    return int(at.timestamp()) if at else None
