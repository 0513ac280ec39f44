"""The bodies of the native dialect, from the request's and the record's own types."""

from collections.abc import Mapping

from stillmotion.dialects import views
from stillmotion.dialects.native_bodies import LONGEST_MODEL, MAX_SECONDS, OPENAIS_SECONDS, OPENAIS_SIZES
from stillmotion.dialects.openapi.schemas import (
    ADDRESS,
    DOLLARS,
    EPOCH,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    answered,
    closed,
    constant,
    many,
    members_of,
    nullable,
    of_type,
    one_of,
    ref,
    without,
)
from stillmotion.domain.failures import RULES
from stillmotion.domain.images import MAX_BYTES, SUFFIX_OF_TYPE
from stillmotion.domain.job import Job
from stillmotion.domain.request import (
    MAX_ADDRESS,
    MAX_DECIMALS,
    MAX_DOLLARS,
    MAX_METADATA_ENTRIES,
    MAX_PROMPT,
    PRICE_PATTERN,
    Request,
    VendorName,
)

IMAGE: Json = {
    "type": "string",
    "minLength": 1,
    "pattern": r"^([Dd][Aa][Tt][Aa]:|[Ss]3://|[Hh][Tt][Tt][Pp][Ss]?://)",
    "description": "An https:// address, s3://bucket/key of an upload, or a data: URI of a JPEG, PNG or WebP image.",
}
EXAMPLE_IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQAAAACCEkxzAAAAD0lEQVR42mNgGAWjgHwA"
    "AAJAAAHgTR1EAAAAAElFTkSuQmCC"
)
"""A black square, so that an example runs wherever it is sent from."""
FILE: Json = {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1}
CALLBACK_URL: Json = {
    **ADDRESS,
    "maxLength": MAX_ADDRESS,
    "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s@]+([/?#]\S*)?$",
}
PRICE: Json = {
    "anyOf": [
        {"type": "string", "pattern": f"^{PRICE_PATTERN}$"},
        {"type": "number", "minimum": 10**-MAX_DECIMALS, "maximum": MAX_DOLLARS},
    ]
}
# As text, where empty text is null.
_SPELT: Mapping[str, Json] = {
    "prompt": {"type": "string", "pattern": r"\S", "maxLength": MAX_PROMPT},
    "max_dollars": {"type": "string", "pattern": f"^({PRICE_PATTERN})?$"},
    "dry_run": {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01])$"},
}
_NEAREST = "OpenAI's {} become the nearest that is sold; with allow_substitution, all others do."
_TOLD: Mapping[str, str] = {
    "prompt": "What is to be seen.",
    "image": "What the video starts with. Without one it is made of the prompt alone.",
    "end_image": "What the video ends with; it needs an image, and does not go with loop.",
    "duration": "Seconds. 9 is made by Apiframe only, 10 by WaveSpeed only.",
    "aspect_ratio": "Without one, the image's own orientation decides.",
    "loop": "Whether the end leads back to the start.",
    "concepts": "Camera moves, each once.",
    "vendor": "Who is to make it; auto is whoever can, the cheapest first.",
    "allow_substitution": "Whether the nearest of what there is may be made in place of what was asked for.",
    "failover": "When the other vendor is tried after a failure.",
    "priority": "Which of the jobs that wait for a vendor goes first.",
    "max_dollars": "The most that an attempt may be expected to cost, in US dollars.",
    "when_over_budget": "What is done when the budget of the day is spent.",
    "metadata": "The caller's own words; they are in the record and in every event.",
    "size": f"In place of aspect_ratio: WIDTHxHEIGHT. {_NEAREST.format(', '.join(OPENAIS_SIZES))}",
    "callback_url": "Who is told what becomes of the job.",
    "model": "Any, as code that is moved here names another's.",
    "input_reference": "OpenAI's word for image.",
    "seconds": f"OpenAI's word for duration. {_NEAREST.format(', '.join(map(str, OPENAIS_SECONDS)))}",
    "dry_run": "Whether only to tell who would make it, with which body, and for how much.",
}
_NEVER_NULL = ("prompt", "dry_run")
_SIZE = {"type": "string", "pattern": r"^[1-9][0-9]{1,4}[xX*][1-9][0-9]{1,4}$"}


def video_order() -> Json:
    """The JSON body that orders a video: the fields of a request, and OpenAI's own."""
    own = {name: schema for name, schema in members_of(Request).items() if name != "callback"}
    number = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": MAX_SECONDS}
    seconds = {"anyOf": [{"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3})?$"}, number]}
    fields = own | {
        "prompt": {**own["prompt"], "pattern": r"\S"},
        "image": IMAGE,
        "end_image": IMAGE,
        "max_dollars": PRICE,
        "concepts": {**own["concepts"], "uniqueItems": True},
        "metadata": {**own["metadata"], "maxProperties": MAX_METADATA_ENTRIES},
        "size": _SIZE,
        "callback_url": CALLBACK_URL,
        "model": {"type": "string", "maxLength": LONGEST_MODEL},
        "input_reference": {"anyOf": [IMAGE, closed({"image_url": IMAGE})]},
        "seconds": seconds,
        "dry_run": {**TRUTH, "default": False},
    }
    told = {
        name: {**(schema if name in _NEVER_NULL else nullable(schema)), "description": _TOLD[name]}
        for name, schema in fields.items()
    }
    description = "What a video is to be. Null is what is left out."
    return closed(told, optional=told.keys() - {"prompt"}, description=description)


def video_form() -> Json:
    """The form that orders a video: all values are text, and the image may be a file."""
    order = video_order()["properties"]
    files = {name: {**FILE, "description": _TOLD[name]} for name in ("input_reference", "image", "end_image")}
    texts = {
        name: {**_SPELT.get(name, TEXT), "description": _TOLD[name]}
        for name in order
        if name not in (*files, "metadata", "concepts")
    }
    concepts = many({**TEXT}, description="Spelt once for each, with or without the brackets.")
    return {
        "type": "object",
        "description": "The same fields as in JSON, spelt as text; files are images. A form is at most 4.5 MB.",
        "properties": {**texts, **files, "concepts": concepts},
        "patternProperties": {
            r"^concepts\[\]$": concepts,
            r"^metadata\[((?!\]\[)[\s\S])+\]$": TEXT,
            r"^input_reference\[image_url\]$": IMAGE,
        },
        "required": ["prompt"],
        "additionalProperties": False,
    }


def upload_wish() -> Json:
    size = {**WHOLE, "minimum": 1, "maximum": MAX_BYTES}
    return closed({"content_type": one_of(SUFFIX_OF_TYPE), "bytes": size}, description="A file that is to be put.")


def components() -> dict[str, Json]:
    """Everything of the native dialect that other schemas name."""
    return {
        **_record(),
        "Video": _video(),
        "VideoList": listed(ref("Video"), first_id=nullable(TEXT), last_id=nullable(TEXT)),
        "VideoDeleted": closed({"id": TEXT, "object": constant("video.deleted"), "deleted": constant(value=True)}),
        "VideoOrder": video_order(),
        "VideoForm": video_form(),
        "Offer": closed(_offer(), description="A vendor that an order may go to, and its price there."),
        "VideoEstimate": _estimate(),
        "UploadWish": upload_wish(),
        "UploadTicket": _ticket(),
        "Problem": _problem(),
    }


def _record() -> dict[str, Json]:
    """A job's record without what is hidden of it, and with what is told beside it."""
    found = answered(Job)
    shown = without(found["Job"], views.HIDDEN_OF_JOB - {"attempts", "failure"})
    beside = {"vendor": nullable(ref("VendorName")), "generation_id": nullable(TEXT)}
    video = {"video": nullable(ref("StoredVideo"))}
    job = closed(
        shown["properties"] | video | beside, description="The whole record, but for what is nobody's business."
    )
    failure = closed({**found["Failure"]["properties"], "advice": one_of(sorted({r.advice for r in RULES.values()}))})
    return found | {
        # Video is what the API calls a job.
        "StoredVideo": found.pop("Video"),
        "Job": job,
        "Attempt": without(found["Attempt"], views.HIDDEN_OF_ATTEMPT),
        "Generation": without(found["Generation"], views.HIDDEN_OF_GENERATION),
        "Failure": failure,
    }


def _video() -> Json:
    return closed(
        {
            "id": {**TEXT, "format": "uuid"},
            "object": constant("video"),
            "model": constant(views.MODEL),
            "status": one_of(sorted(set(views.WORDS.values()))),
            "progress": {**WHOLE, "minimum": 0, "maximum": 100},
            "created_at": EPOCH,
            "completed_at": nullable(EPOCH),
            "expires_at": nullable(EPOCH),
            "seconds": {**TEXT, "description": "As it is ordered, then as it is; empty until a prompt is known."},
            "size": {**TEXT, "description": "WIDTHxHEIGHT; of most shapes, empty until the video is there."},
            "prompt": nullable(TEXT),
            "remixed_from_video_id": {"type": "null"},
            "error": nullable(closed({"code": ref("FailureKind"), "message": TEXT})),
            "job": ref("Job"),
        },
        description="A job in the shape of OpenAI's video object, with the whole record under `job`.",
    )


def _offer() -> dict[str, Json]:
    return {"vendor": one_of(VendorName), "price_dollars": DOLLARS, "substitutions": many(ref("Substitution"))}


def _estimate() -> Json:
    return closed(
        {
            "object": constant("video.estimate"),
            **_offer(),
            "method": constant("POST"),
            "path": TEXT,
            "body": {"type": "object", "description": "The very body that the vendor would be sent."},
            "duration": of_type(Request.__annotations__["duration"]),
            "aspect_ratio": TEXT,
            "alternatives": many(ref("Offer")),
            "notes": many(TEXT),
        },
        description="What an order would come to; nothing is sent.",
    )


def _ticket() -> Json:
    upload = {"method": constant("PUT"), "url": ADDRESS, "headers": {"type": "object", "additionalProperties": TEXT}}
    return closed(
        {"image": {**TEXT, "description": "What to name it by."}, "upload": closed({**upload, "expires_in": WHOLE})},
        description="Where a file may be put: with this method, to this URL, with these headers.",
    )


def _problem() -> Json:
    error = closed({"message": TEXT, "type": TEXT, "param": nullable(TEXT), "code": TEXT})
    return closed(
        {
            "type": {**TEXT, "description": "A URN that ends in `code`."},
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "errors": many(closed({"field": TEXT, "rule": TEXT})),
            "error": {**error, "description": "The same, as OpenAI's clients read it."},
        },
        description="What went wrong (RFC 9457). `error.code` is a stable word for programs.",
    )


def listed(items: Json, **more: Json) -> Json:
    """A page of a list."""
    next_page = nullable({**TEXT, "description": "What the next ones come after."})
    return closed({"object": constant("list"), "data": many(items), "has_more": TRUTH, "next": next_page, **more})
