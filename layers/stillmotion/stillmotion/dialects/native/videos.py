"""What only looks at videos, and what takes one away. A job of another tenant is not there."""

from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import Field

from stillmotion.dialects.declared import Answer, Feature, operation
from stillmotion.dialects.http import HttpRequest, Problem, refused
from stillmotion.dialects.models import PageQuery, Query
from stillmotion.dialects.native import NATIVE, VIDEOS
from stillmotion.dialects.native.paths import JobIdInPath, no_such_video
from stillmotion.dialects.native.views import VideoDeletedView, VideoListView, VideoView, View
from stillmotion.domain.access import Scope
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.request import FieldError
from stillmotion.ports import UnknownPage
from stillmotion.ports.objects import ObjectStore
from stillmotion.ports.records import JobStore
from stillmotion.services.jobs import UnknownJob
from stillmotion.services.operations.delete import Delete

CONTENT_SECONDS = 900
POLL_AFTER = {"openai-poll-after-ms": "5000"}
"""How long OpenAI's Python client waits between two looks, unless its caller says otherwise; else it is a second."""


class VideoPageQuery(PageQuery):
    """Which page of a tenant's videos."""

    order: Annotated[
        Literal["desc", "asc"], Field(description="Newest or oldest first.", json_schema_extra={"example": "asc"})
    ] = "desc"


class ContentQuery(Query):
    """Which of a video's files."""

    variant: Annotated[
        Literal["video", "thumbnail", "spritesheet"],
        Field(description="The thumbnail is the still that the video begins with. No spritesheet is made."),
    ] = "video"


class Videos(Feature):
    """The reads."""

    TAG = VIDEOS
    DIALECT = NATIVE
    FUNCTION = "read"

    def __init__(self, jobs: JobStore, objects: ObjectStore, view: View) -> None:
        self._jobs = jobs
        self._objects = objects
        self._view = view

    @operation(
        "GET",
        "/v1/videos",
        operation_id="listVideos",
        summary="List videos",
        scope=Scope.READ,
        errors=(400,),
        examples=("VideoList",),
    )
    def listed(self, request: HttpRequest, query: VideoPageQuery) -> VideoListView:
        try:
            page = self._jobs.of_tenant(request.tenant, query.limit, query.after, oldest_first=query.order == "asc")
        except UnknownPage as unknown:
            raise refused(FieldError("after", "must be a video's id, or the `next` of an earlier page")) from unknown
        return self._view.page(page.jobs, page.next)

    @operation(
        "GET",
        "/v1/videos/{id}",
        operation_id="getVideo",
        summary="Look at a video",
        scope=Scope.READ,
        errors=(404,),
        sends={
            "openai-poll-after-ms": {
                "description": "When to look again, of one that is under way.",
                "schema": {"type": "integer"},
            }
        },
        examples=("VideoUnderWay", "VideoCompleted", "VideoFailed"),
    )
    def retrieve(self, request: HttpRequest, job_id: JobIdInPath) -> Answer[VideoView]:
        shown = self._view.video(self._find(request.tenant, job_id))
        return Answer(shown, POLL_AFTER if shown.status in ("queued", "in_progress") else {})

    @operation(
        "GET",
        "/v1/videos/{id}/content",
        operation_id="getVideoContent",
        summary="Fetch a video",
        scope=Scope.READ,
        description="Leads to the copy in your own bucket by a signed URL that lives for 15 minutes at most.",
        status=302,
        answers="Where it is.",
        errors=(400, 404, 409),
        sends={"location": {"required": True, "description": "", "schema": {"type": "string", "format": "uri"}}},
    )
    def content(self, request: HttpRequest, job_id: JobIdInPath, query: ContentQuery) -> Answer[None]:
        job, variant = self._find(request.tenant, job_id), query.variant
        if job.video is None:
            ended = job.status in (Status.FAILED, Status.CANCELLED)
            detail = "This video failed: it has no content." if ended else "This video is not completed yet."
            raise Problem(HTTPStatus.CONFLICT, "video_failed" if ended else "video_not_ready", detail)
        shown = job.video if variant == "video" else job.still if variant == "thumbnail" else None
        if shown is None or shown.bucket is None or shown.key is None:
            raise Problem(HTTPStatus.NOT_FOUND, "variant_not_made", f"Of this video no {variant} is made.")
        # A signature is good for one method.
        sign = self._objects.signed_head if request.method == "HEAD" else self._objects.signed_get
        url = sign(shown.bucket, shown.key, seconds=CONTENT_SECONDS, version_id=shown.version_id)
        return Answer(None, {"location": url})

    def _find(self, tenant: str, job_id: str) -> Job:
        # What is no id may be no key of the store either.
        job = self._jobs.get(job_id) if is_job_id(job_id) else None
        if job is None or not job.is_seen_by(tenant):
            raise no_such_video()
        return job


class Deletion(Feature):
    """What takes a video away."""

    TAG = VIDEOS
    DIALECT = NATIVE
    FUNCTION = "operate"

    def __init__(self, delete: Delete) -> None:
        self._delete = delete

    @operation(
        "DELETE",
        "/v1/videos/{id}",
        operation_id="deleteVideo",
        summary="Delete a video",
        scope=Scope.WRITE,
        description="Takes the file away and hides the job. One that is under way is cancelled, if it can be.",
        errors=(404, 409),
        examples=("VideoDeleted",),
    )
    def delete(self, request: HttpRequest, job_id: JobIdInPath) -> VideoDeletedView:
        try:
            if not is_job_id(job_id):
                raise no_such_video()
            self._delete(request.tenant, job_id)
        except UnknownJob as unknown:
            raise no_such_video() from unknown
        except WrongStep as wrong:
            raise Problem(HTTPStatus.CONFLICT, "video_in_progress", str(wrong)) from wrong
        return VideoDeletedView(id=job_id)
