"""What is read in Apiframe's dialect: jobs, the account, the catalogue."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from stillmotion.dialects import apiframe_views as views
from stillmotion.dialects.apiframe_bodies import JobsQuery, is_uuid, jobs_query, modality_of
from stillmotion.dialects.apiframe_problems import told
from stillmotion.dialects.http import Endpoints, HttpRequest, HttpResponse, Problem, Route
from stillmotion.dialects.purse import Purse
from stillmotion.domain.access import Scope, permits
from stillmotion.domain.job import Job, Status
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.domain.routing import PriceTable
from stillmotion.ports import JobStore, ObjectStore, UnknownPage

OUTPUT_SECONDS = 3600
"""How long the URL of a video lives, at most; every read gives a new one."""
MOST_PAGES = 10
"""So many pages of the store are looked through for one page of a list: what fits the filters may be rare."""
MODELS = "GET /v2/models"


class ApiframeEndpoints(Endpoints):
    """The routes behind the check of the caller's key, but for the catalogue: anybody may see that."""

    keyless = frozenset({MODELS})


def read_routes(jobs: JobStore, objects: ObjectStore, purse: Purse, prices: PriceTable) -> Mapping[str, Route]:
    """What only looks. A job of another tenant is not there; one of another dialect is."""

    def video_url(job: Job) -> str | None:
        if job.video is None or job.status is not Status.COMPLETED:
            return None
        video = job.video
        return objects.signed_get(video.bucket, video.key, seconds=OUTPUT_SECONDS, version_id=video.version_id)

    def retrieve(request: HttpRequest) -> HttpResponse:
        job_id = request.path.get("id", "")
        if not is_uuid(job_id):
            raise Problem(HTTPStatus.BAD_REQUEST, "invalid_job_id", "Invalid job ID")
        job = _find(jobs, request.tenant, job_id)
        if job is None:
            raise Problem(HTTPStatus.NOT_FOUND, "job_not_found", "Job not found")
        return HttpResponse(body=views.job_view(job, prices, video_url(job)))

    def listing(request: HttpRequest) -> HttpResponse:
        query = jobs_query(request.query)
        if query.scope == "team" and (request.caller is None or not permits(request.caller.scopes, Scope.ADMIN)):
            raise Problem(HTTPStatus.FORBIDDEN, "insufficient_scope", "scope=team takes a key with the scope admin.")
        found, cursor = _searched(jobs, request.tenant, query)
        body = {
            "jobs": [views.listed(job, prices, video_url(job)) for job in found],
            "nextCursor": cursor,
            "hasMore": cursor is not None,
        }
        return HttpResponse(body=body | ({"models": [views.MODEL]} if query.include_models else {}))

    def me(request: HttpRequest) -> HttpResponse:
        left = purse.left(request.good_key, request.arrived_at)
        return HttpResponse(body=views.me(request.good_key, views.available(left, prices)))

    def models(request: HttpRequest) -> HttpResponse:
        return HttpResponse(body=views.catalogue(prices, modality_of(request.query)))

    return {
        "GET /v2/jobs/{id}": retrieve,
        "GET /v2/jobs": told(listing),
        "GET /v2/me": me,
        MODELS: told(models),
    }


def _find(jobs: JobStore, tenant: str, job_id: str) -> Job | None:
    job = jobs.get(job_id.lower())
    return job if job is not None and job.is_seen_by(tenant) else None


def _searched(jobs: JobStore, tenant: str, query: JobsQuery) -> tuple[Sequence[Job], str | None]:
    """Jobs that fit, and where to go on; fewer than were asked for where those that fit are rare.

    Raises InvalidRequest.
    """
    if query.model not in (None, views.MODEL):
        return [], None
    if query.search is not None:
        job = _find(jobs, tenant, query.search)
        return [job] if job is not None and _fits(job, query) else [], None
    found: list[Job] = []
    cursor = query.cursor
    for _ in range(MOST_PAGES):
        try:
            page = jobs.of_tenant(tenant, query.limit - len(found), cursor)
        except UnknownPage as unknown:
            raise InvalidRequest(FieldError("cursor", "Invalid cursor")) from unknown
        found += [job for job in page.jobs if _fits(job, query)]
        cursor = page.next
        if cursor is None or len(found) == query.limit:
            break
    return found, cursor


def _fits(job: Job, query: JobsQuery) -> bool:
    return query.status is None or views.status_of(job) == query.status
