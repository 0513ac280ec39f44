"""What a stack tells a tenant's server in the standard dialect: each webhook, and the event that it carries.

What is told may get more members: these schemas are open. docs/events has the same ones.
"""

from collections.abc import Mapping
from typing import get_args

from stillmotion.dialects.native import WEBHOOKS
from stillmotion.dialects.openapi.examples import message, named
from stillmotion.dialects.openapi.operation import JSON, in_header
from stillmotion.dialects.openapi.schemas import MOMENT, TEXT, Json, constant, nullable, one_of, ref
from stillmotion.domain.deliveries import event_word
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.job.records import Reason, Status
from stillmotion.domain.request import AspectRatio, VendorName

_ID: Json = {**TEXT, "format": "uuid"}
_DOLLARS: Json = {**TEXT, "pattern": r"^[0-9]+(\.[0-9]+)?$"}
_NUMBER: Json = {**TEXT, "pattern": "^[0-9]+$"}
_SIGNATURES: Json = {**TEXT, "pattern": "^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)*$"}
_COUNT: Json = {"type": "integer", "minimum": 1}
_TOLD: Mapping[str, str] = {
    "Video Completed": "The video is in the output bucket.",
    "Video Failed": "The job ended without a video.",
    "Video Cancelled": "The job ended without a video because somebody wanted it no more.",
    "Video Needs Attention": "The job may be paid for and has not ended: a person has to look at it.",
}


def components() -> dict[str, Json]:
    """The detail of each event."""
    failure = {"failure": _described(_failure(), "What went wrong.")}
    ended = _described(MOMENT, "When that was.")
    attention = one_of((Status.NEEDS_ATTENTION, Status.GENERATING), description="generating, while it is overdue.")
    perhaps = {"failure": _described(nullable(_failure()), "What went wrong; null where only the reason is known.")}
    return {
        "VideoCompleted": _detail(constant("completed"), {"video": _video(), "completed_at": ended}),
        "VideoFailed": _detail(constant("failed"), failure),
        "VideoCancelled": _detail(constant("cancelled"), failure),
        "VideoNeedsAttention": _detail(attention, perhaps),
    }


def webhooks() -> dict[str, Json]:
    """The path items, by the word for the event."""
    return {str(event_word(name, "standard")): {"post": _operation(name)} for name in _TOLD}


def _operation(detail_type: str) -> Json:
    name = detail_type.replace(" ", "")
    headers = message(detail_type).headers
    body = {"type": constant(event_word(detail_type, "standard")), "timestamp": MOMENT, "data": ref(name)}
    return {
        "operationId": f"{name[0].lower()}{name[1:]}",
        "tags": [WEBHOOKS],
        "summary": _TOLD[detail_type],
        "parameters": [
            _header("webhook-id", headers, _ID, "That of the event: drop what you have seen."),
            _header("webhook-timestamp", headers, _NUMBER, "When this try was made, in seconds since 1970 (UTC)."),
            _header("webhook-signature", headers, _SIGNATURES, "Two of them, while the secret is being changed."),
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": _open(body), "examples": named(f"{name}Told")}}},
        "responses": {
            "2XX": {"description": "It was taken. The body is not read."},
            "410": {"description": "Nothing more is to be told of this job."},
            "default": {"description": "It is tried again, 13 times within a day. Redirects are not followed."},
        },
        "security": [],
    }


def _header(name: str, sent: Mapping[str, str], schema: Json, description: str) -> Json:
    return {**in_header(name, schema, description), "required": True, "example": sent[name]}


def _detail(status: Json, more: Mapping[str, Json]) -> Json:
    reason = "Why the job waits, or needs a person; overdue where its vendor has not finished by the deadline."
    nobody = "Whom the latest attempt was sent to; null where nothing was."
    nothing = "The vendor's own id of what it made; null where it took nothing."
    metadata = {"type": "object", "additionalProperties": TEXT}
    return _open(
        {
            "event_id": _described(_ID, "The same whenever this event is sent again: drop what you have seen."),
            "job_id": _described(_ID, "Ask GET /v1/videos/{job_id} for the whole record."),
            "tenant": _described({**TEXT, "minLength": 1}, "Whose job it is."),
            "status": status,
            "reason": one_of((*Reason, "overdue", None), description=reason),
            "vendor": one_of((*VendorName, None), description=nobody),
            "generation_id": _described(nullable(TEXT), nothing),
            "aspect_ratio": one_of((*get_args(AspectRatio), None), description="The shape that was ordered."),
            "metadata": _described(metadata, "The request's own."),
            "quoted": _described(nullable(_DOLLARS), "What the latest attempt was expected to cost, in US dollars."),
            "charged": _described(nullable(_DOLLARS), "What its vendor charged for it, in US dollars."),
            "credits": _described(nullable({"type": "integer"}), "The same in the vendor's unit, where it has one."),
            "created_at": _described(MOMENT, "When the job was made."),
            "ended_at": _described(nullable(MOMENT), "When the job ended; null while it has not."),
            **more,
        }
    )


def _video() -> Json:
    members = {
        "bucket": TEXT,
        "key": TEXT,
        "bytes": _COUNT,
        "sha256": {**TEXT, "pattern": "^[0-9a-f]{64}$"},
        "width": _COUNT,
        "height": _COUNT,
        "duration_milliseconds": {**_COUNT, "minimum": 0},
    }
    return _described(_open(members), "The copy in the output bucket, verified.")


def _failure() -> Json:
    return _open({"kind": one_of(FailureKind), "message": TEXT, "advice": _described(TEXT, "What to do about it.")})


def _open(members: Mapping[str, Json]) -> Json:
    """An object with these members, and maybe others."""
    return {"type": "object", "required": list(members), "properties": dict(members)}


def _described(schema: Json, description: str) -> Json:
    return {**schema, "description": description}
