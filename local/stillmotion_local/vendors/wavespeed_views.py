"""How WaveSpeed shows a generation: its prediction, alone or in the envelope of API v3."""

from typing import assert_never

from pydantic import JsonValue

from stillmotion_local.vendors.clock import timestamp
from stillmotion_local.vendors.generations import FailureCode, Generation, State

MODEL = "luma/ray-2-flash-i2v"


def status_of(generation: Generation) -> str:
    """WaveSpeed's word for a state: four documented ones, and two that its official clients also end on."""
    match generation.state:
        case State.QUEUED:
            return "created"
        case State.PROCESSING:
            return "processing"
        case State.COMPLETED:
            return "completed"
        case State.FAILED:
            return "failed"
        case State.CANCELLED:
            return "cancelled"
        case State.TIMED_OUT:
            return "timeout"
        case _:
            assert_never(generation.state)


def envelope(data: JsonValue) -> dict[str, JsonValue]:
    """What every successful answer is wrapped in."""
    return {"code": 200, "message": "success", "data": data}


def prediction(generation: Generation) -> dict[str, JsonValue]:
    """The `data` of a submission and of a read. A failed task carries its `code`, with HTTP 200 all the same."""
    failure = generation.failure
    view: dict[str, JsonValue] = {
        **listed(generation),
        "has_nsfw_contents": [False] if generation.state is State.COMPLETED else [],
        "error": failure.message if failure else "",
        "timings": {"inference": _inference_milliseconds(generation)},
    }
    if failure is not None:
        view["code"] = failure.code
        if failure.code == FailureCode.MODERATED:
            view["has_nsfw_contents"] = [True]
    return view


def listed(generation: Generation) -> dict[str, JsonValue]:
    """An item of the history."""
    return {
        "id": generation.id,
        "model": MODEL,
        "outputs": [generation.video_url] if generation.state is State.COMPLETED else [],
        "urls": {"get": f"{generation.base_url}/api/v3/predictions/{generation.id}/result"},
        "status": status_of(generation),
        "created_at": timestamp(generation.accepted_at),
    }


def webhook_body(generation: Generation) -> dict[str, JsonValue]:
    """The body of a webhook: the prediction with its input, without an envelope."""
    return {**prediction(generation), "input": generation.request_body}


def _inference_milliseconds(generation: Generation) -> int:
    if generation.started_at is None or generation.completed_at is None:
        return 0
    return round(1000 * (generation.completed_at - generation.started_at))
