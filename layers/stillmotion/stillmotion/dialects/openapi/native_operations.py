"""What a person does to a job, the dead letters, and the route that the vendors call."""

from collections.abc import Sequence
from typing import get_args

import msgspec

from stillmotion.dialects.openapi.native_videos import NATIVE
from stillmotion.dialects.openapi.operation import OF_JOB, Dialect, Operation, answer, bare, in_path, sent
from stillmotion.dialects.openapi.schemas import (
    DOLLARS,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    answered,
    closed,
    constant,
    many,
    one_of,
    prose,
    ref,
)
from stillmotion.dialects.operations import Action
from stillmotion.domain.access import Scope
from stillmotion.domain.dead_letters import Letter, QueueName
from stillmotion.domain.request import VendorName
from stillmotion.services.dead_letters import Replayed

OPERATIONS = "Operations"
DEAD_LETTERS = "Dead letters"
VENDORS = "Vendors"
_RUN: Json = {
    **WHOLE,
    "minimum": 1,
    "description": "The run of the job that the caller has seen: with it, a call may be repeated.",
}
_GENERATION: Json = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"}
_AMOUNT = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
_MONEY: Json = {"anyOf": [{"type": "string", "pattern": _AMOUNT}, {"type": "number"}]}


def components() -> dict[str, Json]:
    """What other schemas name."""
    letters = answered(Letter, Replayed)
    replayed = letters.pop("Replayed")["properties"]
    of_message: Json = {"type": "string", "minLength": 1, "maxLength": 100}
    return {
        **letters,
        "RunOnly": closed({"run": _RUN}, optional=("run",)),
        "RetryWish": closed(
            {
                "run": _RUN,
                "expect_dollars": {
                    **_MONEY,
                    "description": "The most that it may be expected to cost where it goes first.",
                },
                "dry_run": {**TRUTH, "default": False},
            },
            optional=("run", "expect_dollars", "dry_run"),
        ),
        "RetryEstimate": closed(
            {
                "object": constant("video.retry_estimate"),
                "id": TEXT,
                "run": WHOLE,
                "vendor": ref("VendorName"),
                "price_dollars": DOLLARS,
                "alternatives": {**many(ref("Offer")), "description": "Where it may go instead."},
            },
            description="What a retry would come to at the vendor that it would go to first; nothing is sent.",
        ),
        "Resolution": closed(
            {"run": _RUN, "action": one_of(get_args(Action)), "generation": _GENERATION},
            optional=("run", "generation"),
            description="`generation` goes with adopt, which needs one, and with nothing else.",
            **{
                "if": {"properties": {"action": constant("adopt")}},
                "then": {"required": ["generation"]},
                "else": {"not": {"required": ["generation"]}},
            },
        ),
        "DeadLetterList": closed({"object": constant("list"), "data": many(ref("Letter"))}),
        "ReplayWish": closed(
            {
                "queue": one_of(QueueName),
                "ids": many(of_message, minItems=1, maxItems=100),
                "after": {**TEXT, "description": "From the `rest` of an earlier answer."},
            },
            optional=("ids", "after"),
            dependentRequired={"after": ["ids"]},
        ),
        "Replayed": closed(
            {"object": constant("dead_letters.replay"), **replayed},
            description=prose(Replayed),
        ),
    }


def operations() -> Sequence[Operation]:
    return [*_on_jobs(), *_dead_letters(), _of_the_vendors()]


def _on_jobs() -> list[Operation]:
    video = answer(ref("Video"), "The job as it is now.")
    cancel = Operation(
        route="POST /v1/videos/{id}/cancel",
        id="cancelVideo",
        tag=OPERATIONS,
        summary="Cancel a video",
        description="What was sent is paid for, and taken in all the same.",
        dialect=NATIVE,
        scope=Scope.WRITE,
        parameters=(OF_JOB,),
        bodies=sent(ref("RunOnly"), plain={}),
        body_required=False,
        answers={200: video},
        problems=(400, 404, 409, 413),
    )
    redrive = msgspec.structs.replace(
        cancel,
        route="POST /v1/videos/{id}/redrive",
        id="redriveVideo",
        summary="Take in a video again",
        description="Fetches what is paid for; sends nothing.",
    )
    retry = Operation(
        route="POST /v1/videos/{id}/retry",
        id="retryVideo",
        tag=OPERATIONS,
        summary="Make a video anew",
        description="A new attempt, which costs again. Keys with a daily allowance do not do this.",
        dialect=NATIVE,
        scope=Scope.WRITE,
        parameters=(OF_JOB,),
        bodies=sent(
            ref("RetryWish"), plain={}, for_no_more_than={"expect_dollars": "0.60"}, its_price={"dry_run": True}
        ),
        body_required=False,
        answers={200: answer({"anyOf": [ref("Video"), ref("RetryEstimate")]}, "The job; or, with dry_run, its price.")},
        problems=(400, 404, 409, 413),
    )
    resolve = Operation(
        route="POST /v1/videos/{id}/resolve",
        id="resolveVideo",
        tag=OPERATIONS,
        summary="Say what became of an attempt that nobody knows of",
        description=(
            "409 with `too_soon` says when it may be tried again. Keys with a daily allowance do not do this."
        ),
        dialect=NATIVE,
        scope=Scope.ADMIN,
        parameters=(OF_JOB,),
        bodies=sent(
            ref("Resolution"),
            nothing_was_sent={"action": "not_sent"},
            it_made_this={"action": "adopt", "generation": "0b41f9b6"},
            nobody_knows={"action": "abandon"},
        ),
        answers={200: video},
        problems=(400, 404, 409, 413),
    )
    return [cancel, retry, redrive, resolve]


def _dead_letters() -> list[Operation]:
    owner = "Takes an admin key of the stack's owner."
    return [
        Operation(
            route="GET /v1/dead-letters",
            id="listDeadLetters",
            tag=DEAD_LETTERS,
            summary="List what could not be handled",
            description=owner,
            dialect=NATIVE,
            scope=Scope.ADMIN,
            answers={200: answer(ref("DeadLetterList"))},
        ),
        Operation(
            route="POST /v1/dead-letters/replay",
            id="replayDeadLetters",
            tag=DEAD_LETTERS,
            summary="Handle them again",
            description=owner,
            dialect=NATIVE,
            scope=Scope.ADMIN,
            bodies=sent(ref("ReplayWish"), all_of_a_queue={"queue": "inbox"}, some={"queue": "inbox", "ids": ["m1"]}),
            answers={200: answer(ref("Replayed"))},
            problems=(400, 413),
        ),
    ]


def _of_the_vendors() -> Operation:
    address = {
        "vendor": (one_of(VendorName), "wavespeed"),
        "job_id": (TEXT, "6a6f6204-1c2d-8e3f-8a4b-5c6d7e8f9a0b"),
        "attempt": ({"type": "string", "pattern": "^[0-9]{1,9}$"}, "1"),
        "token": (TEXT, "0123456789abcdef"),
    }
    return Operation(
        route="POST /v1/webhooks/{vendor}/{job_id}/{attempt}/{token}",
        id="receiveVendorWebhook",
        tag=VENDORS,
        summary="Tell that a generation has ended",
        description=(
            "The vendors call this, with a signature each in its own way. Whatever is wrong is answered alike, and "
            "without a word."
        ),
        dialect=Dialect("Problem"),
        scope=None,
        parameters=tuple(in_path(name, schema, example, "") for name, (schema, example) in address.items()),
        bodies=sent({"type": "object", "description": "As the vendor documents it."}),
        body_required=False,
        answers={
            200: bare(200, "It was dealt with."),
            401: bare(401, "It is not the vendor's."),
            503: bare(503, "To be sent again."),
        },
    )
