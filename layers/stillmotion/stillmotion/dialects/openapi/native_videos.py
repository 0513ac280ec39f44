"""`/v1/videos` and uploads: what the native dialect is for."""

from collections.abc import Sequence

from stillmotion.dialects.http import MAX_LISTED
from stillmotion.dialects.multipart import MEDIA_TYPE
from stillmotion.dialects.native import MAX_IDEMPOTENCY_KEY, ORDERS, VARIANTS
from stillmotion.dialects.openapi.native_schemas import EXAMPLE_IMAGE
from stillmotion.dialects.openapi.operation import OF_JOB, Dialect, Operation, answer, bare, in_header, in_query, media
from stillmotion.dialects.openapi.operation import sent as json_body
from stillmotion.dialects.openapi.schemas import ADDRESS, NAMED_PAGE, TEXT, WHOLE, Json, one_of, ref
from stillmotion.domain.access import Scope

NATIVE = Dialect("Problem", "application/problem+json")
VIDEOS = "Videos"
IMAGE_URL = "https://images.example/lake.jpg"
IDEMPOTENCY_KEY = in_header(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^[ -~]{{1,{MAX_IDEMPOTENCY_KEY}}}$"},
    "The same key is the same job, for ever: a call that was not answered may be repeated with it.",
)
_MORE = {"default": 20, "minimum": 1, "maximum": MAX_LISTED}
_VARIANTS = "The thumbnail is the still that the video begins with. No spritesheet is made."


def page_of(order: bool = True) -> tuple[Json, ...]:  # noqa: FBT001, FBT002 - reads as it is meant
    """The parameters of a list."""
    limit = in_query("limit", {**WHOLE, **_MORE}, "How many at most.", example=10)
    after = in_query("after", NAMED_PAGE, "What the ones that are shown come after: `next` of an earlier page.")
    ordered = in_query("order", one_of(ORDERS, default=ORDERS[0]), "Newest or oldest first.", example="asc")
    return (limit, after, ordered) if order else (limit, after)


def operations() -> Sequence[Operation]:
    return [
        Operation(
            route="POST /v1/videos",
            id="createVideo",
            tag=VIDEOS,
            summary="Order a video",
            description=(
                "Answers at once; the video takes minutes. Unknown fields are refused. A body is at most 4.5 MB: "
                "larger images go through `POST /v1/uploads`."
            ),
            dialect=NATIVE,
            scope=Scope.WRITE,
            parameters=(
                IDEMPOTENCY_KEY,
                in_header("X-Stainless-Retry-Count", TEXT, "What OpenAI's clients say of their own repetitions."),
            ),
            bodies={
                **json_body(
                    ref("VideoOrder"),
                    of_a_prompt={"prompt": "Slow push in over a mountain lake at dawn"},
                    of_an_image={"prompt": "The boats begin to sway", "image": EXAMPLE_IMAGE, "duration": 5},
                    as_openai_has_it={
                        "model": "sora-2",
                        "prompt": "The boats begin to sway",
                        "seconds": "5",
                        "size": "720x1280",
                        "input_reference": {"image_url": EXAMPLE_IMAGE},
                    },
                    only_its_price={"prompt": "A quiet street", "duration": 9, "dry_run": True},
                ),
                MEDIA_TYPE: media(ref("VideoForm"), a_form={"prompt": "A quiet street in the rain", "seconds": "5"}),
            },
            answers={
                200: answer({"anyOf": [ref("Video"), ref("VideoEstimate")]}, "The job; or, with dry_run, its price.")
            },
            problems=(400, 402, 409, 413, 422),
        ),
        Operation(
            route="GET /v1/videos",
            id="listVideos",
            tag=VIDEOS,
            summary="List videos",
            dialect=NATIVE,
            scope=Scope.READ,
            parameters=page_of(),
            answers={200: answer(ref("VideoList"))},
            problems=(400,),
        ),
        Operation(
            route="GET /v1/videos/{id}",
            id="getVideo",
            tag=VIDEOS,
            summary="Look at a video",
            dialect=NATIVE,
            scope=Scope.READ,
            parameters=(OF_JOB,),
            answers={
                200: answer(
                    ref("Video"),
                    headers={
                        "openai-poll-after-ms": {
                            "description": "When to look again, of one that is under way.",
                            "schema": WHOLE,
                        }
                    },
                )
            },
            problems=(404,),
        ),
        Operation(
            route="GET /v1/videos/{id}/content",
            id="getVideoContent",
            tag=VIDEOS,
            summary="Fetch a video",
            description="Leads to the copy in your own bucket by a signed URL that lives for 15 minutes at most.",
            dialect=NATIVE,
            scope=Scope.READ,
            parameters=(OF_JOB, in_query("variant", one_of(VARIANTS, default=VARIANTS[0]), _VARIANTS)),
            answers={
                302: bare(
                    302, "Where it is.", headers={"location": {"required": True, "description": "", "schema": ADDRESS}}
                )
            },
            problems=(400, 404, 409),
        ),
        Operation(
            route="DELETE /v1/videos/{id}",
            id="deleteVideo",
            tag=VIDEOS,
            summary="Delete a video",
            description="Takes the file away and hides the job. One that is under way is cancelled, if it can be.",
            dialect=NATIVE,
            scope=Scope.WRITE,
            parameters=(OF_JOB,),
            answers={200: answer(ref("VideoDeleted"))},
            problems=(404, 409),
        ),
        Operation(
            route="POST /v1/uploads",
            id="createUpload",
            tag=VIDEOS,
            summary="Get a place to put an image",
            description="PUT the file to the URL with the headers in the answer, then name it by `image` in an order.",
            dialect=NATIVE,
            scope=Scope.WRITE,
            bodies=json_body(ref("UploadWish"), a_photo={"content_type": "image/jpeg", "bytes": 2_500_000}),
            answers={201: answer(ref("UploadTicket"))},
            problems=(400, 413),
        ),
    ]
