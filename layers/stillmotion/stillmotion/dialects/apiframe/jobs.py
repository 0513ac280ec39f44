"""`GET /v2/jobs` and `GET /v2/jobs/{id}`. A job of another tenant is not there; one of another dialect is."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, WithJsonSchema

from stillmotion.dialects.apiframe import APIFRAME, TAG, views
from stillmotion.dialects.apiframe.zod import ZodModel
from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import MAX_LISTED, HttpRequest, Problem
from stillmotion.dialects.models import Query
from stillmotion.dialects.native.paths import JobIdInPath
from stillmotion.domain.access import Scope, permits
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.domain.routing import PriceTable
from stillmotion.edge.fields import refusing
from stillmotion.ports import UnknownPage
from stillmotion.ports.objects import ObjectStore
from stillmotion.ports.records import JobStore

OUTPUT_SECONDS = 3600
"""How long the URL of a video lives, at most; every read gives a new one."""
MAX_PAGES = 10
"""So many pages of the store are looked through for one page of a list: what fits the filters may be rare."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _uuid_rule(text: str) -> str | None:
    return None if _UUID.fullmatch(text) else "Invalid uuid"


class JobsQuery(ZodModel, Query):
    """Which jobs are to be listed. Parameters that it does not know are passed over, as at Apiframe."""

    status: Annotated[views.JobStatus | None, Field(json_schema_extra={"example": "COMPLETED"})] = None
    model: Annotated[str | None, Field(json_schema_extra={"example": views.MODEL})] = None
    limit: Annotated[int, Ge(1), Le(MAX_LISTED), Field(json_schema_extra={"example": 10})] = 20
    cursor: Annotated[
        str | None, Field(description="`nextCursor` of an earlier page.", json_schema_extra={"minLength": 1})
    ] = None
    scope: Annotated[Literal["user", "team"], Field(description="team takes an admin key.")] = "user"
    search: Annotated[
        Annotated[str, AfterValidator(refusing(_uuid_rule)), WithJsonSchema({"type": "string", "format": "uuid"})]
        | None,
        Field(description="The id of a job."),
    ] = None
    include_models: Literal["true", "false"] = "false"


class ApiframeJobs(Feature):
    """What only looks at jobs."""

    TAG = TAG
    DIALECT = APIFRAME
    FUNCTION = "read"

    def __init__(self, jobs: JobStore, objects: ObjectStore, prices: PriceTable) -> None:
        self._jobs = jobs
        self._objects = objects
        self._prices = prices

    @operation(
        "GET",
        "/v2/jobs/{id}",
        operation_id="apiframeGetJob",
        summary="Look at a job",
        scope=Scope.READ,
        errors=(400, 404),
        examples=("ApiframeJob",),
    )
    def retrieve(self, request: HttpRequest, job_id: JobIdInPath) -> views.ApiframeJobView:
        if _uuid_rule(job_id):
            raise Problem(HTTPStatus.BAD_REQUEST, "invalid_job_id", "Invalid job ID")
        job = self._find(request.tenant, job_id)
        if job is None:
            raise Problem(HTTPStatus.NOT_FOUND, "job_not_found", "Job not found")
        return views.job_view(job, self._prices, self._video_url(job))

    @operation(
        "GET",
        "/v2/jobs",
        operation_id="apiframeListJobs",
        summary="List jobs",
        scope=Scope.READ,
        errors=(400,),
        examples=("ApiframeJobList",),
    )
    def listed(self, request: HttpRequest, query: JobsQuery) -> views.ApiframeJobListView:
        if query.scope == "team" and not permits(request.good_key.scopes, Scope.ADMIN):
            raise Problem(HTTPStatus.FORBIDDEN, "insufficient_scope", "scope=team takes a key with the scope admin.")
        found, cursor = self._searched(request.tenant, query)
        jobs = [views.listed(job, self._prices, self._video_url(job)) for job in found]
        return views.page(jobs, cursor, with_models=query.include_models == "true")

    def _find(self, tenant: str, job_id: str) -> Job | None:
        job = self._jobs.get(job_id.lower())
        return job if job is not None and job.is_seen_by(tenant) else None

    def _searched(self, tenant: str, query: JobsQuery) -> tuple[Sequence[Job], str | None]:
        """Jobs that fit, and where to go on; fewer than were asked for where those that fit are rare.

        Raises InvalidRequest.
        """
        if query.model not in (None, views.MODEL):
            return [], None
        if query.search is not None:
            job = self._find(tenant, query.search)
            return [job] if job is not None and _fits(job, query) else [], None
        found: list[Job] = []
        cursor = query.cursor
        for _ in range(MAX_PAGES):
            try:
                page = self._jobs.of_tenant(tenant, query.limit - len(found), cursor)
            except UnknownPage as unknown:
                raise InvalidRequest(FieldError("cursor", "Invalid cursor")) from unknown
            found += [job for job in page.jobs if _fits(job, query)]
            cursor = page.next
            if cursor is None or len(found) == query.limit:
                break
        return found, cursor

    def _video_url(self, job: Job) -> str | None:
        video = job.video
        if video is None or job.status is not Status.COMPLETED:
            return None
        return self._objects.signed_get(video.bucket, video.key, seconds=OUTPUT_SECONDS, version_id=video.version_id)


def _fits(job: Job, query: JobsQuery) -> bool:
    return query.status is None or views.status_of(job) == query.status
