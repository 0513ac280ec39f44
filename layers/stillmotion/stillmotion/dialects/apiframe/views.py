"""How things look in Apiframe's dialect: jobs, the account, uploads, the catalogue. Prices are in its credits.

Source: Apiframe's OpenAPI of v2; for the body of a webhook, its Node SDK.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from stillmotion.dialects.models import LEFT_OUT, Address, JobIdText, ResponseModel, Timestamp
from stillmotion.domain.access import Scope
from stillmotion.domain.identity import content_id
from stillmotion.domain.job.records import Attempt, Job, Status
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import AspectRatio, Concept, VendorName, bare
from stillmotion.domain.routing import APIFRAME_CREDITS, PriceTable
from stillmotion.domain.spend import due

Model = Literal["luma-ray-flash-2"]
JobStatus = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"]
MODEL: Model = "luma-ray-flash-2"
UNLIMITED_CREDITS = 100_000_000
"""The balance of a tenant that may spend as much as it wants."""
MAX_UNFINISHED = 99

_STATUS: Mapping[Status, JobStatus] = {
    Status.WAITING: "QUEUED",
    Status.DISPATCHING: "QUEUED",
    Status.GENERATING: "PROCESSING",
    Status.FINALIZING: "PROCESSING",
    Status.COMPLETED: "COMPLETED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "CANCELLED",
    # Not failed: somebody who reads so would order, and pay for, another.
    Status.NEEDS_ATTENTION: "PROCESSING",
}


Shape = Annotated[str, WithJsonSchema({"type": "string", "enum": list(get_args(AspectRatio))})]
Percent = Annotated[int, Field(json_schema_extra={"minimum": 0, "maximum": 100})]


class ApiframeAnswer(ResponseModel):
    """An answer whose members are spelt in camel case."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)


class ApiframeAcceptedView(ApiframeAnswer):
    """The answer to an order."""

    job_id: JobIdText
    status: JobStatus


class ApiframeResultView(ApiframeAnswer):
    """Where a video is fetched from."""

    video_url: Address


class ApiframeListedJobView(ApiframeAnswer):
    """A job as an item of the list."""

    id: JobIdText
    status: JobStatus
    model: Model = MODEL
    progress: Percent | None
    result: ApiframeResultView | None
    error: str | None
    credit_cost: int | None
    webhook_status: Literal["pending"] | None
    created_at: Timestamp
    completed_at: Timestamp | None
    expired: Literal[False] = False


class ApiframeInputView(ResponseModel):
    """What was ordered."""

    prompt: Annotated[str | None, LEFT_OUT] = None
    duration: Annotated[int | None, LEFT_OUT] = None
    aspect_ratio: Annotated[Shape | None, LEFT_OUT] = None
    start_image: Annotated[str | None, LEFT_OUT] = None
    end_image: Annotated[str | None, LEFT_OUT] = None
    loop: Annotated[bool | None, LEFT_OUT] = None
    concepts: Annotated[tuple[Concept, ...] | None, LEFT_OUT] = None


class ApiframeJobView(ApiframeListedJobView):
    """A job as it is read."""

    input: ApiframeInputView | None


class ApiframeEvent(ApiframeAnswer):
    """What a webhook tells of, beside the job itself."""

    event: str
    job_id: JobIdText


# Its members come in the reverse order of its bases: receivers are sent the event first.
class ApiframeWebhookView(ApiframeListedJobView, ApiframeEvent):
    """What a webhook tells: the job without its input. Apiframe's pages call the id `jobId` there, or `id`: both."""


class ApiframeJobListView(ApiframeAnswer):
    """A page of jobs."""

    jobs: list[ApiframeListedJobView]
    next_cursor: str | None
    has_more: bool
    models: Annotated[list[Model] | None, LEFT_OUT] = None


class ApiframeUserView(ApiframeAnswer):
    """Who calls."""

    id: JobIdText
    email: str
    role: Literal["OWNER", "MEMBER"]


class ApiframeTeamView(ApiframeAnswer):
    """Whose key it is, and what may still be spent."""

    id: JobIdText
    name: str
    credits: int
    plan: Literal["stillmotion"] = "stillmotion"
    customer_id: None = None


class ApiframeKeyView(ApiframeAnswer):
    """The key of the call."""

    id: JobIdText
    name: str
    prefix: str


class ApiframeMeView(ApiframeAnswer):
    """The caller. A tenant is Apiframe's user and its team; the ids are made of its name."""

    user: ApiframeUserView
    team: ApiframeTeamView
    api_key: ApiframeKeyView


class ApiframeUploadView(ApiframeAnswer):
    """A file that was kept."""

    id: JobIdText
    url: Address
    kind: Literal["image"] = "image"
    content_type: str
    byte_size: int
    expires_at: Timestamp


class ApiframeModelView(ApiframeAnswer):
    """A model, and what a video of it costs in credits."""

    id: Model = MODEL
    label: str
    description: str
    modality: Literal["video"] = "video"
    pricing_mode: Literal["flat"] = "flat"
    cost_min: int
    cost_max: int


class ApiframeModelsView(ApiframeAnswer):
    """The catalogue."""

    models: list[ApiframeModelView]


def status_of(job: Job) -> JobStatus:
    """Apiframe's word for where a job is."""
    return _STATUS[job.status]


def accepted(job: Job) -> ApiframeAcceptedView:
    """The answer to an order; to a repeated one, with the status of by now. It has no word for a cancelled job."""
    status = "FAILED" if job.status is Status.CANCELLED else status_of(job)
    return ApiframeAcceptedView(job_id=job.id, status=status)


def job_view(job: Job, prices: PriceTable, video_url: str | None) -> ApiframeJobView:
    """A job as it is read. `video_url` is where the copy in the user's bucket is fetched from."""
    return ApiframeJobView(**dict(listed(job, prices, video_url)), input=_input(job))


def listed(job: Job, prices: PriceTable, video_url: str | None) -> ApiframeListedJobView:
    """A job as an item of the list."""
    if job.status is not Status.COMPLETED:
        video_url = None
    return ApiframeListedJobView(
        id=job.id,
        status=status_of(job),
        progress=_progress(job),
        result=ApiframeResultView(video_url=video_url) if video_url is not None else None,
        error=job.failure.public_message if job.failure is not None and job.is_final else None,
        credit_cost=_credit_cost(job, prices),
        # After the end, the outcome of a webhook is in its delivery, which the record does not have.
        webhook_status="pending" if job.request and job.request.callback and not job.is_final else None,
        created_at=job.created_at,
        completed_at=job.ended_at if job.is_final else None,
        # The copy is in the user's own bucket, whose rules decide when it goes.
        expired=False,
    )


def webhook_body(job: Job, event: str, prices: PriceTable, video_url: str | None) -> ApiframeWebhookView:
    """What a webhook tells of a job; `event` is the dialect's word."""
    return ApiframeWebhookView(**dict(listed(job, prices, video_url)), event=event, job_id=job.id)


def page(jobs: Sequence[ApiframeListedJobView], cursor: str | None, *, with_models: bool) -> ApiframeJobListView:
    """Some jobs of a list; `cursor` is where the next ones begin, None where there are none."""
    models = [MODEL] if with_models else None
    return ApiframeJobListView(jobs=list(jobs), next_cursor=cursor, has_more=cursor is not None, models=models)


def me(key: ApiKey, credits_left: int) -> ApiframeMeView:
    """Who calls with a key."""
    tenant = key.tenant
    return ApiframeMeView(
        user=ApiframeUserView(
            id=content_id("user", tenant),
            email=f"{tenant}@stillmotion.invalid",
            role="OWNER" if Scope.ADMIN in key.scopes else "MEMBER",
        ),
        team=ApiframeTeamView(id=content_id("team", tenant), name=tenant, credits=credits_left),
        api_key=ApiframeKeyView(id=content_id("key", key.hash), name=key.name, prefix=key.prefix),
    )


def catalogue(prices: PriceTable, modality: str | None) -> ApiframeModelsView:
    """The one model that there is."""
    quotes = [prices.quote(VendorName.APIFRAME, duration) for duration in APIFRAME_CREDITS]
    entry = ApiframeModelView(
        label="Luma Ray 2 Flash",
        description="A video of 5 or 9 seconds at 720p from an image, from two, or from a prompt alone.",
        cost_min=needed(min(*quotes, prices.wavespeed_dollars_5_seconds), prices),
        cost_max=needed(max(quotes), prices),
    )
    return ApiframeModelsView(models=[entry] if modality in (None, entry.modality) else [])


def needed(dollars: Decimal, prices: PriceTable) -> int:
    """Credits that an amount is paid with; of credits that cost nothing, none."""
    return _credits(dollars, prices, ROUND_CEILING) or 0


def available(dollars: Decimal | None, prices: PriceTable) -> int:
    """Credits that an amount is good for; None is as much as is wanted."""
    whole = None if dollars is None else _credits(max(dollars, Decimal(0)), prices, ROUND_FLOOR)
    return UNLIMITED_CREDITS if whole is None else min(whole, UNLIMITED_CREDITS)


def _credits(dollars: Decimal, prices: PriceTable, rounding: str) -> int | None:
    price = prices.apiframe_dollars_per_credit
    return int((dollars / price).to_integral_value(rounding)) if price > 0 else None


def _credit_cost(job: Job, prices: PriceTable) -> int | None:
    """What all attempts came to, or are expected to; None before there is one."""
    return sum(_cost(attempt, prices) for attempt in job.attempts) if job.attempts else None


def _cost(attempt: Attempt, prices: PriceTable) -> int:
    if attempt.generation is not None and attempt.generation.credits is not None:
        return attempt.generation.credits
    booked = due(attempt)
    return needed(booked.reserved + booked.charged, prices)


def _progress(job: Job) -> int | None:
    match status_of(job):
        case "COMPLETED":
            return 100
        case "PROCESSING":
            reported = job.generation.progress if job.generation else None
            return min(reported or 0, MAX_UNFINISHED)
        case "QUEUED":
            return 0
    return None


def _input(job: Job) -> ApiframeInputView | None:
    request = job.request
    if request is None:
        return None
    return ApiframeInputView(
        prompt=request.prompt,
        duration=request.duration,
        aspect_ratio=request.aspect_ratio or job.aspect_ratio,
        start_image=bare(request.image),
        end_image=bare(request.end_image),
        loop=request.loop or None,
        concepts=request.concepts or None,
    )
