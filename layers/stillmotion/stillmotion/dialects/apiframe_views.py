"""How things look in Apiframe's dialect: jobs, the account, uploads, the catalogue. Prices are in its credits.

Source: Apiframe's OpenAPI of v2; for the body of a webhook, its Node SDK.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from stillmotion.domain.access import Scope
from stillmotion.domain.identity import content_id
from stillmotion.domain.job import Attempt, Job, Status
from stillmotion.domain.request import VendorName, bare
from stillmotion.domain.routing import APIFRAME_CREDITS, PriceTable
from stillmotion.domain.spend import due
from stillmotion.ports import ApiKey

MODEL = "luma-ray-flash-2"
STATUSES = ("QUEUED", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED")
UNLIMITED_CREDITS = 100_000_000
"""The balance of a tenant that may spend as much as it wants."""
MOST_UNFINISHED = 99

_STATUS: Mapping[Status, str] = {
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


def status_of(job: Job) -> str:
    """Apiframe's word for where a job is."""
    return _STATUS[job.status]


def accepted(job: Job) -> dict[str, object]:
    """The answer to an order; to a repeated one, with the status of by now. It has no word for a cancelled job."""
    status = "FAILED" if job.status is Status.CANCELLED else status_of(job)
    return {"jobId": job.id, "status": status}


def job_view(job: Job, prices: PriceTable, video_url: str | None) -> dict[str, object]:
    """A job as it is read. `video_url` is where the copy in the user's bucket is fetched from."""
    return {**listed(job, prices, video_url), "input": _input(job)}


def listed(job: Job, prices: PriceTable, video_url: str | None) -> dict[str, object]:
    """A job as an item of the list."""
    return {
        "id": job.id,
        "status": status_of(job),
        "model": MODEL,
        "progress": _progress(job),
        "result": {"videoUrl": video_url} if video_url is not None and job.status is Status.COMPLETED else None,
        "error": job.failure.told if job.failure is not None and job.is_final else None,
        "creditCost": _credit_cost(job, prices),
        # Afterwards the record does not know it: who has been told what is asked elsewhere.
        "webhookStatus": "pending" if job.request and job.request.callback and not job.is_final else None,
        "createdAt": timestamp(job.created_at),
        "completedAt": timestamp(job.ended_at) if job.ended_at is not None and job.is_final else None,
        # The copy is the user's own, and goes when he says so.
        "expired": False,
    }


def webhook_body(job: Job, event: str, prices: PriceTable, video_url: str | None) -> dict[str, object]:
    """What a webhook tells: the job without its input. Apiframe's pages call the id `jobId` there, or `id`: both."""
    return {"event": event, "jobId": job.id, **listed(job, prices, video_url)}


def me(key: ApiKey, credits_left: int) -> dict[str, object]:
    """The caller. A tenant is Apiframe's user and its team; the ids are made of its name."""
    tenant = key.tenant
    return {
        "user": {
            "id": content_id("user", tenant),
            "email": f"{tenant}@stillmotion.invalid",
            "role": "OWNER" if Scope.ADMIN in key.scopes else "MEMBER",
        },
        "team": {
            "id": content_id("team", tenant),
            "name": tenant,
            "credits": credits_left,
            "plan": "stillmotion",
            "customerId": None,
        },
        "apiKey": {"id": content_id("key", key.hash), "name": key.name, "prefix": key.prefix},
    }


def upload(id_: str, url: str, media_type: str, size: int, expires_at: datetime) -> dict[str, object]:
    """A file that was kept; `size` in bytes."""
    return {
        "id": id_,
        "url": url,
        "kind": "image",
        "contentType": media_type,
        "byteSize": size,
        "expiresAt": timestamp(expires_at),
    }


def catalogue(prices: PriceTable, modality: str | None) -> dict[str, object]:
    """The one model that there is."""
    quotes = [prices.quote(VendorName.APIFRAME, duration) for duration in APIFRAME_CREDITS]
    entry = {
        "id": MODEL,
        "label": "Luma Ray 2 Flash",
        "description": "A video of 5 or 9 seconds at 720p from an image, from two, or from a prompt alone.",
        "modality": "video",
        "pricingMode": "flat",
        "costMin": needed(min(*quotes, prices.wavespeed_dollars_5_seconds), prices),
        "costMax": needed(max(quotes), prices),
    }
    return {"models": [entry] if modality in (None, "video") else []}


def needed(dollars: Decimal, prices: PriceTable) -> int:
    """Credits that an amount is paid with; of credits that cost nothing, none."""
    return _credits(dollars, prices, ROUND_CEILING) or 0


def available(dollars: Decimal | None, prices: PriceTable) -> int:
    """Credits that an amount is good for; None is as much as is wanted."""
    whole = None if dollars is None else _credits(max(dollars, Decimal(0)), prices, ROUND_FLOOR)
    return UNLIMITED_CREDITS if whole is None else min(whole, UNLIMITED_CREDITS)


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
            told = job.generation.progress if job.generation else None
            return min(told or 0, MOST_UNFINISHED)
        case "QUEUED":
            return 0
    return None


def _input(job: Job) -> dict[str, object] | None:
    request = job.request
    if request is None:
        return None
    told = {
        "prompt": request.prompt,
        "duration": request.duration,
        "aspect_ratio": request.aspect_ratio or job.aspect_ratio,
        "start_image": bare(request.image),
        "end_image": bare(request.end_image),
        "loop": request.loop or None,
        "concepts": list(request.concepts) or None,
    }
    return {name: value for name, value in told.items() if value is not None}
