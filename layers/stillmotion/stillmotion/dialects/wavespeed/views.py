"""How a job looks in WaveSpeed's dialect: its prediction, alone or in the envelope of API v3.

Sources: wavespeed.ai/docs (predictions-api, error-codes, webhooks); wavespeed-python (client.py).
"""

from collections.abc import Mapping
from typing import Annotated, Generic, Literal, TypeVar

from msgspec.structs import replace
from pydantic import Field

from stillmotion.dialects.models import LEFT_OUT, Address, JobIdText, ResponseModel, Timestamp
from stillmotion.dialects.wavespeed import MODEL, Model
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.job.records import Generation, Job, Status
from stillmotion.domain.request import RATIO_OF_SIZE, bare

PredictionStatus = Literal["created", "processing", "completed", "failed", "cancelled"]
FailureCode = Literal[1200, 1401, 1402, 1403, 1405, 5000, 5003]
"""Never 5004: it says that the task is still being processed."""
SIZE_OF_RATIO: Mapping[str, str] = {ratio: size for size, ratio in RATIO_OF_SIZE.items()}

WORDS: Mapping[Status, PredictionStatus] = {
    Status.WAITING: "created",
    Status.DISPATCHING: "created",
    Status.GENERATING: "processing",
    Status.FINALIZING: "processing",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    # No document has it, but both official clients end on it; after `failed` they may order another.
    Status.CANCELLED: "cancelled",
    # Not failed: a caller who reads so would order, and pay for, another.
    Status.NEEDS_ATTENTION: "processing",
}
CODES: Mapping[FailureKind, FailureCode] = {
    FailureKind.MODERATED: 1200,
    FailureKind.INVALID_INPUT: 1401,
    FailureKind.INPUT_UNREACHABLE: 1402,
    FailureKind.GENERATION_FAILED: 1403,
    FailureKind.TIMED_OUT: 1405,
    FailureKind.EXPIRED: 1405,
    FailureKind.CORRUPT_VIDEO: 1405,
    FailureKind.CANCELLED: 1405,
    FailureKind.OUTCOME_UNKNOWN: 5000,
    FailureKind.OUT_OF_CREDITS: 5003,
    FailureKind.UNAUTHORIZED: 5003,
    FailureKind.THROTTLED: 5003,
    FailureKind.UNAVAILABLE: 5003,
    FailureKind.OVER_BUDGET: 5003,
}

Data = TypeVar("Data")


class Envelope(ResponseModel, Generic[Data]):
    """What every answer that is no error is wrapped in. The document has one component for each kind of data."""

    code: Literal[200] = 200
    message: Literal["success"] = "success"
    data: Data


class WavespeedUrls(ResponseModel):
    """Where a prediction is read."""

    get: Address


class WavespeedTimings(ResponseModel):
    """How long a prediction took."""

    inference: Annotated[int, Field(description="Milliseconds.")]


class WavespeedPredictionView(ResponseModel):
    """A job as WaveSpeed shows a task."""

    id: JobIdText
    model: Model = MODEL
    outputs: Annotated[list[Address], Field(description="Signed URLs; each read gives new ones.")]
    urls: WavespeedUrls
    has_nsfw_contents: list[bool]
    status: PredictionStatus
    created_at: Timestamp
    error: Annotated[str, Field(description="Empty, unless it failed.")]
    timings: WavespeedTimings
    code: Annotated[FailureCode | None, LEFT_OUT, Field(description="Why it failed; of a failed one only.")] = None


class WavespeedAnswer(Envelope[WavespeedPredictionView]):
    """A prediction in the envelope."""


class WavespeedListedView(WavespeedPredictionView):
    """A prediction as an item of the history."""

    execution_time: Annotated[
        int, Field(serialization_alias="executionTime", description="Milliseconds, as in `timings`.")
    ]


class WavespeedInputView(ResponseModel):
    """The parameters of an order, without those that it has not got."""

    image: Annotated[str | None, LEFT_OUT] = None
    prompt: Annotated[str | None, LEFT_OUT] = None
    size: Annotated[str | None, LEFT_OUT] = None
    duration: Annotated[int | None, LEFT_OUT] = None


class WavespeedWebhookView(WavespeedPredictionView):
    """The body of a webhook: the prediction with the parameters of its order, without an envelope."""

    input: WavespeedInputView


def ordered(job: Job, base_url: str) -> WavespeedPredictionView:
    """The `data` that answers an order: the job as it was when it was ordered. A read shows its present state."""
    new = replace(job, status=Status.DISPATCHING, failure=None, attempts=())
    return prediction(new, base_url, None)


def prediction(job: Job, base_url: str, video_url: str | None) -> WavespeedPredictionView:
    """The `data` of a read. A failed job carries its `code`, and comes with HTTP 200 all the same.

    `base_url` is where the caller reaches the API, `video_url` where the copy in the user's bucket is fetched from.
    """
    failure = job.failure if job.is_final else None
    return WavespeedPredictionView(
        id=job.id,
        outputs=[video_url] if video_url is not None and job.status is Status.COMPLETED else [],
        urls=WavespeedUrls(get=f"{base_url}/api/v3/predictions/{job.id}/result"),
        has_nsfw_contents=_nsfw(job),
        status=WORDS[job.status],
        created_at=job.created_at,
        error=failure.public_message if failure else "",
        timings=WavespeedTimings(inference=_inference_milliseconds(job.generation)),
        code=CODES[failure.kind] if failure else None,
    )


def listed(job: Job, base_url: str, video_url: str | None) -> WavespeedListedView:
    """An item of the history: the prediction, with the milliseconds that it took under one more name."""
    shown = prediction(job, base_url, video_url)
    return WavespeedListedView(**dict(shown), execution_time=shown.timings.inference)


def webhook_body(job: Job, base_url: str, video_url: str | None) -> WavespeedWebhookView:
    """What a webhook carries."""
    request = job.request
    asked = WavespeedInputView()
    if request is not None:
        asked = WavespeedInputView(
            image=bare(request.image),
            prompt=request.prompt,
            size=SIZE_OF_RATIO.get(request.aspect_ratio or job.aspect_ratio or ""),
            duration=request.duration,
        )
    return WavespeedWebhookView(**dict(prediction(job, base_url, video_url)), input=asked)


def _nsfw(job: Job) -> list[bool]:
    """One flag for each output; what the vendor said nothing of is taken to be harmless, as it was made."""
    if job.failure is not None and job.failure.kind is FailureKind.MODERATED:
        return [True]
    if job.status is not Status.COMPLETED:
        return []
    return [bool(job.generation is not None and job.generation.nsfw)]


def _inference_milliseconds(generation: Generation | None) -> int:
    """As the vendor measured it; of one that does not, from the order to when its end was seen."""
    if generation is None or generation.ended_at is None:
        return 0
    if generation.inference_milliseconds is not None:
        return generation.inference_milliseconds
    return round(1000 * (generation.ended_at - generation.accepted_at).total_seconds())
