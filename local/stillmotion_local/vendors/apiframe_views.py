"""How Apiframe shows a generation: its job, by its OpenAPI, and its webhook body."""

from typing import assert_never

from pydantic import JsonValue

from stillmotion_local.vendors.clock import timestamp
from stillmotion_local.vendors.faults import Fault
from stillmotion_local.vendors.generations import Generation, State, WebhookEvent
from stillmotion_local.vendors.settings import VendorsSettings

MODEL = "luma-ray-flash-2"


def status_of(generation: Generation) -> str:
    """Apiframe's word for a state. It has none for a time-out: that is a failure."""
    match generation.state:
        case State.QUEUED:
            return "QUEUED"
        case State.PROCESSING:
            return "PROCESSING"
        case State.COMPLETED:
            return "COMPLETED"
        case State.FAILED | State.TIMED_OUT:
            return "FAILED"
        case State.CANCELLED:
            return "CANCELLED"
        case _:
            assert_never(generation.state)


def job(
    generation: Generation, settings: VendorsSettings, now: float, *, with_input: bool = True
) -> dict[str, JsonValue]:
    """The job of `GET /v2/jobs/{id}`; items of the list leave the input out."""
    view: dict[str, JsonValue] = {
        "id": generation.id,
        "status": status_of(generation),
        "model": MODEL,
        "progress": _progress(generation, settings, now),
        "result": _result(generation),
        "error": generation.failure.message if generation.failure else None,
        "creditCost": int(generation.billed),
        "webhookStatus": _webhook_status(generation),
        "createdAt": timestamp(generation.accepted_at),
        "completedAt": timestamp(generation.completed_at) if generation.completed_at else None,
        "expired": generation.state is State.COMPLETED
        and generation.is_expired(now, settings.apiframe_retention_seconds),
    }
    if with_input:
        view["input"] = {
            "prompt": generation.order.prompt,
            **_dictionary(generation.request_body.get("lumaParams")),
        }
    return view


def webhook_body(
    generation: Generation, settings: VendorsSettings, now: float, event: WebhookEvent
) -> dict[str, JsonValue]:
    """The body of a webhook. The docs and the SDK's tests call the id `jobId` there."""
    view = job(generation, settings, now, with_input=False)
    view["jobId"] = view.pop("id")
    view["event"] = event
    return view


def _progress(generation: Generation, settings: VendorsSettings, now: float) -> int | None:
    match generation.state:
        case State.COMPLETED:
            return 100
        case State.PROCESSING:
            slow = generation.fault(Fault.SLOW)
            expected = settings.seconds_per_video + (slow.number("seconds", 30) if slow else 0)
            return min(99, max(1, round(100 * (now - generation.accepted_at) / max(expected, 0.001))))
        case State.QUEUED:
            return 0
        case State.FAILED | State.CANCELLED | State.TIMED_OUT:
            return None
        case _:
            assert_never(generation.state)


def _result(generation: Generation) -> JsonValue:
    """The documented example is `{"videoUrl": …}`; other pages show a bare string and `videos[]`."""
    if generation.state is not State.COMPLETED:
        return None
    shape = generation.fault(Fault.RESULT_SHAPE)
    match shape.word("as", "videoUrl") if shape else "videoUrl":
        case "string":
            return generation.video_url
        case "videos":
            return {"videos": [generation.video_url]}
        case _:
            return {"videoUrl": generation.video_url}


def _webhook_status(generation: Generation) -> str | None:
    if generation.webhook_url is None:
        return None
    if not generation.webhook_settled:
        return "pending"
    return "delivered" if any(delivery.was_taken for delivery in generation.webhooks) else "failed"


def _dictionary(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}
