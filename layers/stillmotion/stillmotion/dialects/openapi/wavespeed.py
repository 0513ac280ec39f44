"""WaveSpeed's dialect."""

from collections.abc import Mapping, Sequence

import msgspec

from stillmotion.dialects import elsewhere
from stillmotion.dialects.multipart import MEDIA_TYPE
from stillmotion.dialects.openapi.forms import FILE
from stillmotion.dialects.openapi.native_schemas import CALLBACK_URL, IMAGE, video_order
from stillmotion.dialects.openapi.operation import OF_JOB, Described, answer, in_header, in_query, media, sent
from stillmotion.dialects.openapi.schemas import (
    ADDRESS,
    MOMENT,
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
from stillmotion.dialects.wavespeed import MAX_IDEMPOTENCY_KEY
from stillmotion.dialects.wavespeed_bodies import (
    ALSO_JPEG,
    DEEPEST_LISTED,
    DURATIONS,
    MAX_FILENAME,
    MAX_PAGE_SIZE,
    OWN_FIELDS,
    SWITCHES,
    UNKNOWN_TYPE,
    USUAL_PAGE_SIZE,
    USUAL_SIZE,
)
from stillmotion.dialects.wavespeed_views import CODES, MODEL, OK, STATUSES
from stillmotion.domain.access import Scope
from stillmotion.domain.images import MAX_BYTES, SUFFIX_OF_TYPE
from stillmotion.domain.request import MAX_PROMPT, RATIO_OF_SIZE
from stillmotion.edge.request import EXAMPLE_IMAGE

WAVESPEED = "WaveSpeed's dialect"
_WORDS = elsewhere.WAVESPEED
_ORDER: Mapping[str, object] = {"image": EXAMPLE_IMAGE, "prompt": "The boats begin to sway"}


def components() -> dict[str, Json]:
    """What other schemas name."""
    order = _order()
    prediction = _prediction()
    listed = {**prediction, "executionTime": {**WHOLE, "description": "Milliseconds, as in `timings`."}}
    reach = f"The first is 1. The newest {DEEPEST_LISTED} predictions can be paged."
    page = {**WHOLE, "minimum": 1, "maximum": DEEPEST_LISTED, "description": reach}
    size = {**WHOLE, "minimum": 1, "maximum": MAX_PAGE_SIZE}
    items = many(closed(listed, optional=("code",)))
    filters = {"model": TEXT, "status": one_of(STATUSES), "created_after": MOMENT, "created_before": MOMENT}
    wish = {"page": {**page, "default": 1}, "page_size": {**size, "default": USUAL_PAGE_SIZE}, **filters}
    money = {"currency": constant("USD")}
    prices = {name: {"type": "number"} for name in ("price", "discounted_price", "unit_price")}
    upload = {"method": constant("PUT"), "url": ADDRESS, "headers": {"type": "object", "additionalProperties": TEXT}}
    return {
        "WavespeedOrder": closed(order, optional=order.keys() - {"image", "prompt"}),
        "WavespeedPrediction": closed(prediction, optional=("code",)),
        "WavespeedAnswer": _envelope(ref("WavespeedPrediction")),
        "WavespeedHistoryWish": closed({name: nullable(told) for name, told in wish.items()}, optional=wish),
        "WavespeedHistory": _envelope(closed({"items": items, "page": WHOLE, "page_size": WHOLE})),
        "WavespeedBalance": _envelope(closed({"balance": {"type": "number"}, **money})),
        "WavespeedPriceWish": closed(
            {"model_id": constant(MODEL), "inputs": closed(_quoted(order), optional=order)}, optional=("inputs",)
        ),
        "WavespeedPrice": _envelope(closed({"model_id": constant(MODEL), **prices, **money})),
        "WavespeedSecret": _envelope(closed({"secret": TEXT})),
        "WavespeedUploadWish": closed(
            {
                "filename": {"type": "string", "minLength": 1, "maxLength": MAX_FILENAME},
                "size": {**WHOLE, "minimum": 1, "maximum": MAX_BYTES},
                "content_type": {
                    **one_of([*SUFFIX_OF_TYPE, *ALSO_JPEG, UNKNOWN_TYPE, "", None]),
                    "description": "By the name, where it is left out; unknown, where that does not tell it.",
                },
            },
            optional=("content_type",),
        ),
        "WavespeedUpload": _envelope(closed({"upload": closed(upload), "download_url": ADDRESS})),
        "WavespeedBinaryUpload": _envelope(
            closed({"type": constant("image"), "download_url": ADDRESS, "filename": TEXT, "size": WHOLE})
        ),
        "WavespeedError": closed({"code": WHOLE, "message": TEXT, "data": {"type": "null"}}),
    }


def _envelope(data: Json) -> Json:
    return closed({"code": constant(OK), "message": constant("success"), "data": data})


def _order() -> dict[str, Json]:
    own = video_order()["properties"]
    sizes: list[object] = [*RATIO_OF_SIZE, None]
    durations: list[object] = [*map(int, DURATIONS), *DURATIONS, None]
    switches = {name: {**one_of([False, None]), "description": f"It {rule}."} for name, rule in SWITCHES.items()}
    return {
        "image": IMAGE,
        "prompt": {"type": "string", "minLength": 1, "maxLength": MAX_PROMPT},
        "size": one_of(sizes, default=USUAL_SIZE),
        "duration": one_of(durations, default=5),
        **switches,
        **{name: own[name] for name in OWN_FIELDS},
    }


def _quoted(order: Mapping[str, Json]) -> dict[str, Json]:
    """What costs nothing may be missing, or be null."""
    return {**order, "image": nullable(order["image"]), "prompt": nullable(order["prompt"])}


def _prediction() -> dict[str, Json]:
    return {
        "id": {**TEXT, "format": "uuid"},
        "model": constant(MODEL),
        "outputs": many(ADDRESS),
        "urls": closed({"get": ADDRESS}),
        "has_nsfw_contents": many(TRUTH),
        "status": one_of(STATUSES),
        "created_at": MOMENT,
        "error": TEXT,
        "timings": closed({"inference": {**WHOLE, "description": "Milliseconds."}}),
        "code": {**one_of(sorted(set(CODES.values()))), "description": "Why it failed; of a failed one only."},
    }


def operations() -> Sequence[Described]:
    return [*_orders(), *_reads()]


def _orders() -> list[Described]:
    webhook = in_query("webhook", CALLBACK_URL, "Who is told when it has ended.", example="https://shop.example/videos")
    key = {"type": "string", "pattern": f"^[ -~]{{1,{MAX_IDEMPOTENCY_KEY}}}$"}
    price = Described(
        route="POST /api/v3/model/pricing",
        id="wavespeedPricing",
        tag=WAVESPEED,
        summary="Ask what an order would cost",
        dialect=_WORDS,
        scope=Scope.READ,
        bodies=sent(ref("WavespeedPriceWish"), of_ten_seconds={"model_id": MODEL, "inputs": {"duration": 10}}),
        answers={200: answer(ref("WavespeedPrice"))},
        problems=(400, 413),
    )
    return [
        Described(
            route="POST /api/v3/luma/ray-2-flash-i2v",
            id="wavespeedOrder",
            tag=WAVESPEED,
            summary="Order a video",
            description="Unknown parameters are refused.",
            dialect=_WORDS,
            scope=Scope.WRITE,
            parameters=(webhook, in_header("Idempotency-Key", key, "WaveSpeed has none; here, the same job has.")),
            bodies=sent(
                ref("WavespeedOrder"), short={**_ORDER}, upright={**_ORDER, "size": "720*1280", "duration": 10}
            ),
            answers={200: answer(ref("WavespeedAnswer"))},
            problems=(400, 409, 413),
        ),
        price,
        msgspec.structs.replace(price, route="POST /api/v3/model/price", id="wavespeedPriceOfOlderClients"),
        Described(
            route="POST /api/v3/media/uploads",
            id="wavespeedUpload",
            tag=WAVESPEED,
            summary="Get a place to put an image",
            description="PUT the file to the URL with the headers, then order with the `download_url`.",
            dialect=_WORDS,
            scope=Scope.WRITE,
            bodies=sent(ref("WavespeedUploadWish"), a_photo={"filename": "lake.jpg", "size": 2_500_000}),
            answers={200: answer(ref("WavespeedUpload"))},
            problems=(400, 413),
        ),
        Described(
            route="POST /api/v3/media/upload/binary",
            id="wavespeedUploadBinary",
            tag=WAVESPEED,
            summary="Upload an image",
            description="A form with one file. It is at most 4.5 MB.",
            dialect=_WORDS,
            scope=Scope.WRITE,
            bodies={MEDIA_TYPE: media(closed({"file": FILE}))},
            answers={200: answer(ref("WavespeedBinaryUpload"))},
            problems=(400, 413, 415),
        ),
    ]


def _reads() -> list[Described]:
    result = Described(
        route="GET /api/v3/predictions/{id}/result",
        id="wavespeedGetResult",
        tag=WAVESPEED,
        summary="Look at a prediction",
        description="A failed one comes with 200, and its `code`.",
        dialect=_WORDS,
        scope=Scope.READ,
        parameters=(OF_JOB,),
        answers={200: answer(ref("WavespeedAnswer"))},
        problems=(404,),
    )
    return [
        result,
        msgspec.structs.replace(result, route="GET /api/v3/predictions/{id}", id="wavespeedGetPrediction"),
        Described(
            route="POST /api/v3/predictions",
            id="wavespeedHistory",
            tag=WAVESPEED,
            summary="List predictions",
            dialect=_WORDS,
            scope=Scope.READ,
            bodies=sent(
                ref("WavespeedHistoryWish"),
                the_newest={"page": 1, "page_size": 10},
                what_failed_in_january={
                    "status": "failed",
                    "created_after": "2026-01-01T00:00:00Z",
                    "created_before": "2026-02-01T00:00:00Z",
                },
            ),
            body_required=False,
            answers={200: answer(ref("WavespeedHistory"))},
            problems=(400, 413),
        ),
        Described(
            route="GET /api/v3/predictions",
            id="wavespeedHistoryFirstPage",
            tag=WAVESPEED,
            summary=f"List the newest {USUAL_PAGE_SIZE} predictions",
            dialect=_WORDS,
            scope=Scope.READ,
            answers={200: answer(ref("WavespeedHistory"))},
            problems=(400,),
        ),
        Described(
            route="GET /api/v3/balance",
            id="wavespeedBalance",
            tag=WAVESPEED,
            summary="See what may still be spent",
            dialect=_WORDS,
            scope=Scope.READ,
            answers={200: answer(ref("WavespeedBalance"))},
        ),
        Described(
            route="GET /api/v3/webhook/secret",
            id="wavespeedGetWebhookSecret",
            tag=WAVESPEED,
            summary="See what this tenant's webhooks are signed with",
            description="The key is the text after `whsec_`. The native dialect tells the same secret.",
            dialect=_WORDS,
            scope=Scope.ADMIN,
            answers={200: answer(ref("WavespeedSecret"))},
        ),
    ]
