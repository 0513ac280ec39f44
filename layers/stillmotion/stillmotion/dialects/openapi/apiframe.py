"""Apiframe's dialect."""

from collections.abc import Sequence
from typing import get_args

from stillmotion.dialects import elsewhere
from stillmotion.dialects.apiframe import MAX_IDEMPOTENCY_KEY
from stillmotion.dialects.apiframe_bodies import (
    DURATIONS,
    MAX_LISTED,
    MODALITIES,
    SCOPES,
    USUAL_LISTED,
    WEBHOOK_EVENTS,
)
from stillmotion.dialects.apiframe_views import MODEL, STATUSES
from stillmotion.dialects.multipart import MEDIA_TYPE
from stillmotion.dialects.openapi.forms import FILE
from stillmotion.dialects.openapi.native_schemas import CALLBACK_URL, IMAGE
from stillmotion.dialects.openapi.operation import OF_JOB, Described, answer, in_header, in_query, media, sent
from stillmotion.dialects.openapi.schemas import (
    ADDRESS,
    MOMENT,
    NAMED_PAGE,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    closed,
    constant,
    many,
    nullable,
    one_of,
    ref,
)
from stillmotion.domain.access import Scope
from stillmotion.domain.request import MAX_PROMPT, AspectRatio, Concept
from stillmotion.edge.request import EXAMPLE_IMAGE

APIFRAME = "Apiframe's dialect"
_WORDS = elsewhere.APIFRAME
_INPUT = ("prompt", "duration", "aspect_ratio", "start_image", "end_image", "loop", "concepts")


def components() -> dict[str, Json]:
    """What other schemas name."""
    listed = _job()
    told = {**_parameters(), "prompt": TEXT, "start_image": TEXT, "end_image": TEXT, "duration": WHOLE}
    ids = {"id": {**TEXT, "format": "uuid"}}
    return {
        "ApiframeOrder": _order(),
        "ApiframeAccepted": closed({"jobId": {**TEXT, "format": "uuid"}, "status": one_of(STATUSES)}),
        "ApiframeListedJob": closed(listed),
        "ApiframeJob": closed(
            {**listed, "input": nullable(closed({name: told[name] for name in _INPUT}, optional=_INPUT))}
        ),
        "ApiframeJobList": closed(
            {
                "jobs": many(ref("ApiframeListedJob")),
                "nextCursor": nullable(TEXT),
                "hasMore": TRUTH,
                "models": many(constant(MODEL)),
            },
            optional=("models",),
        ),
        "ApiframeMe": closed(
            {
                "user": closed({**ids, "email": TEXT, "role": one_of(("OWNER", "MEMBER"))}),
                "team": closed(
                    {
                        **ids,
                        "name": TEXT,
                        "credits": WHOLE,
                        "plan": constant("stillmotion"),
                        "customerId": {"type": "null"},
                    }
                ),
                "apiKey": closed({**ids, "name": TEXT, "prefix": TEXT}),
            }
        ),
        "ApiframeUpload": closed(
            {
                **ids,
                "url": ADDRESS,
                "kind": constant("image"),
                "contentType": TEXT,
                "byteSize": WHOLE,
                "expiresAt": MOMENT,
            }
        ),
        "ApiframeModels": closed({"models": many(_model())}),
        "ApiframeError": closed(
            {
                "error": TEXT,
                "details": {"type": "object", "additionalProperties": many(TEXT)},
                "creditsRequired": WHOLE,
                "creditsAvailable": WHOLE,
            },
            optional=("details", "creditsRequired", "creditsAvailable"),
            description="`details` has the broken rules by their place in the body.",
        ),
    }


def _parameters() -> dict[str, Json]:
    return {
        "duration": one_of(DURATIONS, default=DURATIONS[0]),
        "aspect_ratio": one_of(get_args(AspectRatio)),
        "start_image": IMAGE,
        "end_image": IMAGE,
        "loop": TRUTH,
        "concepts": many(one_of(get_args(Concept))),
    }


def _order() -> Json:
    parameters = _parameters()
    contradiction = {"properties": {"loop": constant(value=True)}, "required": ["loop", "end_image"]}
    fields = {
        "model": constant(MODEL),
        "prompt": {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT},
        "lumaParams": {**closed(parameters, optional=parameters), "not": contradiction},
        "webhookUrl": CALLBACK_URL,
        "webhookEvents": many(one_of(WEBHOOK_EVENTS), minItems=1),
    }
    return closed(fields, optional=("lumaParams", "webhookUrl", "webhookEvents"))


def _job() -> dict[str, Json]:
    return {
        "id": {**TEXT, "format": "uuid"},
        "status": one_of(STATUSES),
        "model": constant(MODEL),
        "progress": nullable({**WHOLE, "minimum": 0, "maximum": 100}),
        "result": nullable(closed({"videoUrl": ADDRESS})),
        "error": nullable(TEXT),
        "creditCost": nullable(WHOLE),
        "webhookStatus": nullable(constant("pending")),
        "createdAt": MOMENT,
        "completedAt": nullable(MOMENT),
        "expired": constant(value=False),
    }


def _model() -> Json:
    return closed(
        {
            "id": constant(MODEL),
            "label": TEXT,
            "description": TEXT,
            "modality": constant("video"),
            "pricingMode": constant("flat"),
            "costMin": WHOLE,
            "costMax": WHOLE,
        }
    )


def operations() -> Sequence[Described]:
    return [*_orders(), *_reads()]


def _orders() -> list[Described]:
    key = {"type": "string", "maxLength": MAX_IDEMPOTENCY_KEY}
    return [
        Described(
            route="POST /v2/videos/generate",
            id="apiframeGenerateVideo",
            tag=APIFRAME,
            summary="Order a video",
            dialect=_WORDS,
            scope=Scope.WRITE,
            parameters=(in_header("Idempotency-Key", key, "The same key is the same job."),),
            bodies=sent(
                ref("ApiframeOrder"),
                of_a_prompt={"model": MODEL, "prompt": "Slow push in over a mountain lake at dawn"},
                of_an_image={
                    "model": MODEL,
                    "prompt": "The boats begin to sway",
                    "lumaParams": {
                        "start_image": EXAMPLE_IMAGE,
                        "duration": 9,
                        "concepts": ["push_in"],
                    },
                    "webhookUrl": "https://shop.example/videos",
                    "webhookEvents": ["completed", "failed"],
                },
            ),
            answers={202: answer(ref("ApiframeAccepted"))},
            problems=(400, 402, 409, 413),
        ),
        Described(
            route="POST /v2/uploads",
            id="apiframeUpload",
            tag=APIFRAME,
            summary="Upload an image",
            description="A form with one file. It is at most 4.5 MB.",
            dialect=_WORDS,
            scope=Scope.WRITE,
            bodies={MEDIA_TYPE: media(closed({"file": FILE}))},
            answers={201: answer(ref("ApiframeUpload"))},
            problems=(400,),
        ),
    ]


def _reads() -> list[Described]:
    limit = {**WHOLE, "minimum": 1, "maximum": MAX_LISTED, "default": USUAL_LISTED}
    return [
        Described(
            route="GET /v2/jobs/{id}",
            id="apiframeGetJob",
            tag=APIFRAME,
            summary="Look at a job",
            dialect=_WORDS,
            scope=Scope.READ,
            parameters=(OF_JOB,),
            answers={200: answer(ref("ApiframeJob"))},
            problems=(400, 404),
        ),
        Described(
            route="GET /v2/jobs",
            id="apiframeListJobs",
            tag=APIFRAME,
            summary="List jobs",
            dialect=_WORDS,
            scope=Scope.READ,
            parameters=(
                in_query("status", one_of(STATUSES), "", example="COMPLETED"),
                in_query("model", TEXT, "", example=MODEL),
                in_query("limit", limit, "", example=10),
                in_query("cursor", NAMED_PAGE, "`nextCursor` of an earlier page."),
                in_query("scope", one_of(SCOPES, default=SCOPES[0]), "team takes an admin key."),
                in_query("search", {**TEXT, "format": "uuid"}, "The id of a job."),
                in_query("include_models", one_of(("true", "false")), ""),
            ),
            answers={200: answer(ref("ApiframeJobList"))},
            problems=(400,),
        ),
        Described(
            route="GET /v2/me",
            id="apiframeGetMe",
            tag=APIFRAME,
            summary="See who calls, and how many credits are left",
            dialect=_WORDS,
            scope=Scope.READ,
            answers={200: answer(ref("ApiframeMe"))},
        ),
        Described(
            route="GET /v2/models",
            id="apiframeListModels",
            tag=APIFRAME,
            summary="See what there is",
            dialect=_WORDS,
            scope=None,
            parameters=(in_query("modality", one_of(MODALITIES), "", example="video"),),
            answers={200: answer(ref("ApiframeModels"))},
            problems=(400,),
        ),
    ]
