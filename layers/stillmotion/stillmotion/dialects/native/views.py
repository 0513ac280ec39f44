"""A job as the API shows it: the shape of OpenAI's video object, with the whole record under `job`.

Left out of the record: the frozen bodies of attempts, the vendor's URL and the queries of images' addresses, which hold
signatures; webhooks' tokens; the hash of the API key that ordered. What is the operator's own is shown of the jobs of
the stack's owner only: the vendor's words on why one failed, which may tell of his account there, and the candidates,
which may be another tenant's generations. Others, and `error`, have words for any caller.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from pydantic import Field

from stillmotion.dialects.models import Dollars, Epoch, JobIdText, ResponseModel, record
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Attempt, Job, Status, Substitution, Video
from stillmotion.domain.request import Duration, VendorName, bare
from stillmotion.domain.substitution import as_sent

if TYPE_CHECKING:
    from stillmotion.domain.routing import Route
    from stillmotion.services.intake.estimate import Estimated

Model = Literal["luma-ray-2-flash"]
JobRecord = Annotated[dict[str, Any], record("Job")]
SubstitutionRecord = Annotated[dict[str, Any], record("Substitution")]
VideoStatus = Literal["completed", "failed", "in_progress", "queued"]
MODEL: Model = "luma-ray-2-flash"
SIZE_OF_RATIO = {"16:9": "1280x720", "9:16": "720x1280"}

WORDS: Mapping[Status, VideoStatus] = {
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
HIDDEN_OF_ATTEMPT = frozenset({"path", "body", "webhook_token", "counted"})
HIDDEN_OF_GENERATION = frozenset({"video_url"})
ADDRESSES_OF_IMAGES = (("request", "image"), ("request", "end_image"), ("still", "address"), ("end_still", "address"))
HIDDEN_OF_JOB = frozenset({"fingerprint", "ordered_with", "version", "attempts", "failure", "deleted_at"})


class VideoErrorView(ResponseModel):
    """Why a video failed, in words for any caller."""

    code: FailureKind
    message: str


class VideoView(ResponseModel):
    """A job in the shape of OpenAI's video object, with the whole record under `job`."""

    id: JobIdText
    object: Literal["video"] = "video"
    model: Model = MODEL
    status: VideoStatus
    progress: Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": 100})]
    created_at: Epoch
    completed_at: Epoch | None
    expires_at: Epoch | None
    # The types of OpenAI's clients have no null for these two.
    seconds: Annotated[str, Field(description="As it is ordered, then as it is; empty until a prompt is known.")]
    size: Annotated[str, Field(description="WIDTHxHEIGHT; of most shapes, empty until the video is there.")]
    prompt: str | None
    remixed_from_video_id: None = None
    error: VideoErrorView | None
    job: JobRecord


class VideoListView(ResponseModel):
    """A page of videos. OpenAI's clients go on after `last_id`."""

    object: Literal["list"] = "list"
    data: list[VideoView]
    first_id: str | None
    last_id: str | None
    has_more: bool
    next: Annotated[str | None, Field(description="What the next ones come after.")]


class VideoDeletedView(ResponseModel):
    """A video that is not there any more."""

    id: str
    object: Literal["video.deleted"] = "video.deleted"
    deleted: Literal[True] = True


class OfferView(ResponseModel):
    """A vendor that an order may go to, and its price there."""

    vendor: VendorName
    price_dollars: Dollars
    substitutions: list[SubstitutionRecord]


class VideoEstimateView(OfferView):
    """What an order would come to; nothing is sent."""

    object: Literal["video.estimate"] = "video.estimate"
    method: Literal["POST"] = "POST"
    path: str
    body: Annotated[dict[str, Any], Field(description="The very body that the vendor would be sent.")]
    duration: Duration
    aspect_ratio: str
    alternatives: list[OfferView]
    notes: list[str]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """How a stack shows its jobs.

    Videos are kept for `output_expiration_days` days, 0 for good; the inbox's tenant is the stack's owner.
    """

    output_expiration_days: int = 0
    inbox_tenant: str = "default"

    def video(self, job: Job) -> VideoView:
        """The video object of a job."""
        ordered = as_sent(job)
        seconds = job.video.duration_milliseconds / 1000 if job.video else ordered.duration if ordered else None
        ratio = (ordered.aspect_ratio if ordered else None) or job.aspect_ratio or ""
        return VideoView(
            id=job.id,
            status=WORDS[job.status],
            progress=_progress(job),
            created_at=_epoch(job.created_at),
            completed_at=_epoch(job.ended_at) if job.ended_at and job.status is Status.COMPLETED else None,
            expires_at=self._end(job.video),
            seconds="" if seconds is None else f"{seconds:g}",
            size=f"{job.video.width}x{job.video.height}" if job.video else SIZE_OF_RATIO.get(ratio, ""),
            prompt=job.request.prompt if job.request else None,
            error=VideoErrorView(code=job.failure.kind, message=job.failure.public_message) if job.failure else None,
            job=_record(job, is_owners=job.tenant == self.inbox_tenant),
        )

    def page(self, jobs: Sequence[Job], after: str | None) -> VideoListView:
        """Some videos of a list; `after` is what the next ones come after, None where there are none."""
        return VideoListView(
            data=[self.video(job) for job in jobs],
            first_id=jobs[0].id if jobs else None,
            last_id=jobs[-1].id if jobs else None,
            has_more=after is not None,
            next=after,
        )

    def _end(self, kept: Video | None) -> int | None:
        """When the bucket's rule deletes a video: S3 counts from the midnight (UTC) after it was stored."""
        days = self.output_expiration_days
        if kept is None or not days:
            return None
        midnight = datetime.combine(kept.stored_at.astimezone(UTC), time(tzinfo=UTC))
        return _epoch(midnight + timedelta(days=days + 1))


def estimate(estimated: "Estimated", notes: Sequence[str] = ()) -> VideoEstimateView:
    """What an order would come to. `notes` go before the estimate's own."""
    route = estimated.route
    return VideoEstimateView(
        vendor=route.vendor,
        price_dollars=route.quote,
        path=estimated.envelope.path,
        body=msgspec.json.decode(estimated.envelope.body),
        duration=route.request.duration,
        aspect_ratio=estimated.aspect_ratio,
        substitutions=_substitutions(route.substitutions),
        alternatives=offers(estimated.alternatives),
        notes=[*notes, *estimated.notes],
    )


def offers(others: "Sequence[Route]") -> list[OfferView]:
    """The other vendors that an order may go to."""
    return [
        OfferView(vendor=other.vendor, price_dollars=other.quote, substitutions=_substitutions(other.substitutions))
        for other in others
    ]


def _substitutions(made: Sequence[Substitution]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(one) for one in made]


def _record(job: Job, *, is_owners: bool) -> dict[str, Any]:
    """Everything that a person may ask about a job."""
    shown = {name: value for name, value in msgspec.to_builtins(job).items() if name not in HIDDEN_OF_JOB}
    shown["attempts"] = [_attempt(attempt, is_owners=is_owners) for attempt in job.attempts]
    for field, address in ADDRESSES_OF_IMAGES:
        if shown[field] is not None:
            shown[field][address] = bare(shown[field][address])
    shown["failure"] = _failure(job.failure, is_owners=is_owners)
    shown["vendor"] = job.attempt.vendor if job.attempt else None
    shown["generation_id"] = job.generation.id if job.generation else None
    return shown


def _attempt(attempt: Attempt, *, is_owners: bool) -> dict[str, Any]:
    shown = {name: value for name, value in msgspec.to_builtins(attempt).items() if name not in HIDDEN_OF_ATTEMPT}
    shown["failure"] = _failure(attempt.failure, is_owners=is_owners)
    if not is_owners:
        shown["candidates"] = []
    if attempt.generation is not None:
        generation = msgspec.to_builtins(attempt.generation)
        shown["generation"] = {name: value for name, value in generation.items() if name not in HIDDEN_OF_GENERATION}
        shown["generation"]["failure"] = _failure(attempt.generation.failure, is_owners=is_owners)
    return shown


def _failure(failure: Failure | None, *, is_owners: bool) -> dict[str, str] | None:
    if failure is None:
        return None
    message = failure.message if is_owners else failure.public_message
    return {"kind": failure.kind, "message": message, "advice": failure.advice}


def _progress(job: Job) -> int:
    progress = job.generation.progress if job.generation else None
    return _PROGRESS.get(job.status, min(progress or 0, 94))


def _epoch(at: datetime) -> int:
    return int(at.timestamp())
