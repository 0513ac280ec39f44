"""How a job looks in WaveSpeed's dialect: its prediction, alone or in the envelope of API v3.

Sources: wavespeed.ai/docs (predictions-api, error-codes, webhooks, balance, pricing); wavespeed-python (client.py).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.job import Generation, Job, Status
from stillmotion.domain.request import RATIO_OF_SIZE, bare

MODEL = "luma/ray-2-flash-i2v"
OK = 200
SIZE_OF_RATIO: Mapping[str, str] = {ratio: size for size, ratio in RATIO_OF_SIZE.items()}

WORDS: Mapping[Status, str] = {
    Status.WAITING: "created",
    Status.DISPATCHING: "created",
    Status.GENERATING: "processing",
    Status.FINALIZING: "processing",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    # No document has it, but both official clients end on it; after `failed` they may order another.
    Status.CANCELLED: "cancelled",
    # Not failed: somebody who reads so would order, and pay for, another.
    Status.NEEDS_ATTENTION: "processing",
}

STATUSES = tuple(dict.fromkeys(WORDS.values()))

# Never 5004: it says that the task is still being processed.
CODES: Mapping[FailureKind, int] = {
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


def envelope(data: object) -> dict[str, object]:
    """What every answer that is no error is wrapped in."""
    return {"code": OK, "message": "success", "data": data}


def ordered(job: Job, base_url: str) -> dict[str, object]:
    """The `data` that answers an order: what has become of it meanwhile, a read tells."""
    new = replace(job, status=Status.DISPATCHING, failure=None, attempts=())
    return prediction(new, base_url, None)


def prediction(job: Job, base_url: str, video_url: str | None) -> dict[str, object]:
    """The `data` of a read. A failed job carries its `code`, and comes with HTTP 200 all the same.

    `base_url` is where the caller reaches the API, `video_url` where the copy in the user's bucket is fetched from.
    """
    view: dict[str, object] = {
        "id": job.id,
        "model": MODEL,
        "outputs": [video_url] if video_url is not None and job.status is Status.COMPLETED else [],
        "urls": {"get": f"{base_url}/api/v3/predictions/{job.id}/result"},
        "has_nsfw_contents": _nsfw(job),
        "status": WORDS[job.status],
        "created_at": timestamp(job.created_at),
        "error": job.failure.told if job.failure and job.is_final else "",
        "timings": {"inference": _inference_milliseconds(job.generation)},
    }
    if job.failure is not None and job.is_final:
        view["code"] = CODES[job.failure.kind]
    return view


def listed(job: Job, base_url: str, video_url: str | None) -> dict[str, object]:
    """An item of the history: the prediction, with the milliseconds that it took under one more name."""
    return {**prediction(job, base_url, video_url), "executionTime": _inference_milliseconds(job.generation)}


def webhook_body(job: Job, base_url: str, video_url: str | None) -> dict[str, object]:
    """What a webhook tells: the prediction with what was asked for, without an envelope."""
    asked: dict[str, object] = {}
    if job.request is not None:
        asked = {
            "image": bare(job.request.image),
            "prompt": job.request.prompt,
            "size": SIZE_OF_RATIO.get(job.request.aspect_ratio or job.aspect_ratio or ""),
            "duration": job.request.duration,
        }
    told = {name: value for name, value in asked.items() if value is not None}
    return {**prediction(job, base_url, video_url), "input": told}


def upload(url: str, filename: str, size: int) -> dict[str, object]:
    """A picture that was kept; `size` in bytes."""
    return {"type": "image", "download_url": url, "filename": filename, "size": size}


def price(dollars: Decimal) -> dict[str, object]:
    """A quote, in US dollars, under each name that it has had. Nobody has a discount."""
    prices = dict.fromkeys(("price", "discounted_price", "unit_price"), float(dollars))
    return {"model_id": MODEL, **prices, "currency": "USD"}


def balance(dollars: Decimal) -> dict[str, object]:
    """What is left, in US dollars."""
    return {"balance": float(dollars), "currency": "USD"}


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
