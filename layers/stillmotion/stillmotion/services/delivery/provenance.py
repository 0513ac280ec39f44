"""Where a video comes from, as a JSON document to lie beside it. Pure.

It holds no key, no frozen body and no URL that opens anything: of addresses, queries and user names are left out.
"""

from datetime import datetime
from typing import Any

import msgspec

from stillmotion.domain.job.records import Attempt, Job, Still, Video
from stillmotion.domain.request import Request, VendorName, bare

FORMAT = "stillmotion-provenance/1"
MODEL = "Luma Ray 2 Flash"
# The model's name at each vendor, as its documents write it.
_MODEL_AT = {VendorName.APIFRAME: "luma-ray-flash-2", VendorName.WAVESPEED: "luma/ray-2-flash-i2v"}


def provenance(job: Job, video: Video, now: datetime) -> bytes:
    """The document, as indented JSON in UTF-8. Times are ISO 8601, amounts US dollars as text."""
    attempt, generation = job.attempt, job.generation
    document = {
        "format": FORMAT,
        "written_at": now,
        "job": {"id": job.id, "tenant": job.tenant, "run": job.run, "created_at": job.created_at},
        "request": _request(job.request),
        "aspect_ratio": job.aspect_ratio,
        "image": _still(job.still),
        "end_image": _still(job.end_still),
        "model": {"name": MODEL, "at_vendor": _MODEL_AT[attempt.vendor] if attempt else None},
        "vendor": attempt.vendor if attempt else None,
        "generation": None
        if generation is None
        else {
            "id": generation.id,
            "accepted_at": generation.accepted_at,
            "ended_at": generation.ended_at,
            "inference_milliseconds": generation.inference_milliseconds,
            "nsfw": generation.nsfw,
            "fetched_from": bare(generation.video_url),
        },
        "cost": {
            "quoted": attempt.quote if attempt else None,
            "charged": generation.charged if generation else None,
            "credits": generation.credits if generation else None,
        },
        "attempts": [_attempt(each) for each in job.attempts],
        "history": job.history,
        "video": video,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def _request(request: Request | None) -> dict[str, Any] | None:
    if request is None:
        return None
    shown = {**msgspec.to_builtins(request), "image": bare(request.image), "end_image": bare(request.end_image)}
    # Where the caller is told has nothing to do with the video, and may carry a secret.
    shown.pop("callback", None)
    return shown


def _still(still: Still | None) -> dict[str, Any] | None:
    return None if still is None else {**msgspec.to_builtins(still), "address": bare(still.address)}


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "vendor": attempt.vendor,
        "outcome": attempt.outcome,
        "failure": attempt.failure.kind if attempt.failure else None,
        "generation_id": attempt.generation.id if attempt.generation else None,
        "quoted": attempt.quote,
        "started_at": attempt.started_at,
        "sent_at": attempt.sent_at,
        "answered_at": attempt.answered_at,
        "sends": attempt.sends,
    }
