"""What is read of jobs in WaveSpeed's dialect. A job of another tenant is not there; one of another dialect is."""

from http import HTTPStatus

from pydantic import ConfigDict

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest, Problem
from stillmotion.dialects.models import Query, ResponseModel
from stillmotion.dialects.native.paths import JobIdInPath
from stillmotion.dialects.wavespeed import TAG, UNKNOWN_PARAMETER, WAVESPEED, views
from stillmotion.dialects.wavespeed.history import DEFAULT_PAGE_SIZE, WavespeedHistoryRequest
from stillmotion.domain.access import Scope
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.job.records import Job, Status
from stillmotion.ports.objects import ObjectStore
from stillmotion.ports.records import JobStore

OUTPUT_SECONDS = 3600
"""How long the URL of a video lives, at most; every read gives a new one."""


class FirstPageQuery(Query):
    """What a GET of the history may be asked: nothing."""

    UNKNOWN = f"{UNKNOWN_PARAMETER}: POST it as JSON"

    model_config = ConfigDict(extra="forbid")


class WavespeedHistoryData(ResponseModel):
    """A page of the history."""

    items: list[views.WavespeedListedView]
    page: int
    page_size: int


class WavespeedHistory(views.Envelope[WavespeedHistoryData]):
    """A page in the envelope."""


class WavespeedPredictions(Feature):
    """`base_url` is where callers reach the API."""

    TAG = TAG
    DIALECT = WAVESPEED
    FUNCTION = "read"

    def __init__(self, jobs: JobStore, objects: ObjectStore, base_url: str) -> None:
        self._jobs = jobs
        self._objects = objects
        self._base_url = base_url

    @operation(
        "GET",
        "/api/v3/predictions/{id}/result",
        operation_id="wavespeedGetResult",
        summary="Look at a prediction",
        scope=Scope.READ,
        description="A failed one comes with 200, and its `code`.",
        errors=(404,),
        examples=("WavespeedCompleted",),
    )
    @operation(
        "GET",
        "/api/v3/predictions/{id}",
        operation_id="wavespeedGetPrediction",
        summary="Look at a prediction",
        scope=Scope.READ,
        description="A failed one comes with 200, and its `code`.",
        errors=(404,),
        examples=("WavespeedCompleted",),
    )
    def result(self, request: HttpRequest, given_id: JobIdInPath) -> views.WavespeedAnswer:
        job_id = given_id.lower()
        # What is no id may be no key of the store either.
        job = self._jobs.get(job_id) if is_job_id(job_id) else None
        if job is None or not job.is_seen_by(request.tenant):
            raise Problem(HTTPStatus.NOT_FOUND, "prediction_not_found", "There is no prediction with this id.")
        return views.WavespeedAnswer(data=views.prediction(job, self._base_url, self._video_url(job)))

    @operation(
        "POST",
        "/api/v3/predictions",
        operation_id="wavespeedHistory",
        summary="List predictions",
        scope=Scope.READ,
        errors=(400, 413),
        examples=("WavespeedHistory",),
    )
    def history(self, request: HttpRequest, body: WavespeedHistoryRequest) -> WavespeedHistory:
        return self._page(request.tenant, body)

    @operation(
        "GET",
        "/api/v3/predictions",
        operation_id="wavespeedHistoryFirstPage",
        summary=f"List the newest {DEFAULT_PAGE_SIZE} predictions",
        scope=Scope.READ,
        errors=(400,),
        examples=("WavespeedHistory",),
    )
    def first_page(self, request: HttpRequest, _query: FirstPageQuery) -> WavespeedHistory:
        return self._page(request.tenant, WavespeedHistoryRequest())

    def _page(self, tenant: str, asked: WavespeedHistoryRequest) -> WavespeedHistory:
        items = [views.listed(job, self._base_url, self._video_url(job)) for job in asked.found(self._jobs, tenant)]
        return WavespeedHistory(data=WavespeedHistoryData(items=items, page=asked.page, page_size=asked.page_size))

    def _video_url(self, job: Job) -> str | None:
        if job.video is None or job.status is not Status.COMPLETED:
            return None
        video = job.video
        return self._objects.signed_get(video.bucket, video.key, seconds=OUTPUT_SECONDS, version_id=video.version_id)
