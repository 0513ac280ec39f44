"""What callers of WaveSpeed's dialect send. Each function raises InvalidRequest with every rule that is broken.

A parameter that nobody here knows is refused, also where it would be a filter: without it, the answer is another one.

Sources: WaveSpeed's page of Luma Ray 2 Flash; wavespeed.ai/docs (predictions-api, pricing, sync-mode); wavespeed-python
(client.py) for uploads.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from stillmotion.dialects.wavespeed_views import MODEL, STATUSES
from stillmotion.domain.images import MAX_BYTES, SUFFIX_OF_TYPE
from stillmotion.domain.request import RATIO_OF_SIZE, FieldError, InvalidRequest, Request
from stillmotion.edge.request import parse_request

DURATIONS = ("5", "10")
USUAL_SIZE = "1280*720"
# The fields of a request that say how it is carried out; they change nothing in the video.
OWN_FIELDS = (
    "vendor",
    "allow_substitution",
    "failover",
    "priority",
    "max_dollars",
    "when_over_budget",
    "metadata",
)
# What every model of WaveSpeed takes, and what is done about it here.
SWITCHES: Mapping[str, str] = {
    "enable_sync_mode": "cannot be true here: a video takes minutes, and nobody waits so long for an answer. Poll it",
    "enable_base64_output": "cannot be true here: a video comes by its URL",
}
MODEL_FIELDS = ("image", "prompt", "size", "duration", *SWITCHES)

MAX_PAGE_SIZE = 100
USUAL_PAGE_SIZE = 100
DEEPEST_LISTED = 1000
"""So far back goes the history here: each page is found by reading those before it."""
Moment = Annotated[datetime, Meta(tz=True)]
MAX_FILENAME = 1024

UNKNOWN_TYPE = "application/octet-stream"
"""Of a file that is told by its bytes alone, when it is ordered."""
ALSO_JPEG = ("image/jpg", "image/pjpeg")
_TYPE_OF_SUFFIX = {suffix: kind for kind, suffix in SUFFIX_OF_TYPE.items()} | dict.fromkeys(
    (".jpeg", ".jpe", ".jfif"), "image/jpeg"
)
_NO_TYPE = (None, "", UNKNOWN_TYPE)
_QUOTED: Mapping[str, object] = {"prompt": "any", "image": "https://image.invalid/any"}


class Upload(msgspec.Struct, frozen=True):
    """A file that is to be put into the bucket: its media type, and how many bytes it has."""

    content_type: str
    size: int


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the history, the first is 1, and which predictions are in it: those that were created at or after the
    one time and before the other."""

    page: int = 1
    page_size: int = USUAL_PAGE_SIZE
    model: str | None = None
    status: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def is_filtered(self) -> bool:
        return (self.status, self.created_after, self.created_before) != (None, None, None)


def order_of(fields: Mapping[str, object]) -> Request:
    """What is ordered. Durations are numbers or, as older clients send them, text; null is what is left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    errors = [FieldError(name, "is required") for name in ("image", "prompt") if name not in given]
    for switch, rule in SWITCHES.items():
        if given.pop(switch, False) is not False:
            errors.append(FieldError(switch, rule))
    errors += _unknown(given, (*MODEL_FIELDS, *OWN_FIELDS))
    wanted = {name: given[name] for name in ("image", "prompt", *OWN_FIELDS) if name in given}
    duration = _duration(given.get("duration", 5))
    if duration is not None:
        wanted["duration"] = duration
    else:
        errors.append(FieldError("duration", f"must be one of {', '.join(DURATIONS)}"))
    size = given.get("size", USUAL_SIZE)
    if isinstance(size, str) and size in RATIO_OF_SIZE:
        wanted["size"] = size
    else:
        errors.append(FieldError("size", f"must be one of {', '.join(RATIO_OF_SIZE)}"))
    return _parsed(wanted, errors)


def price_query(fields: Mapping[str, object]) -> Request:
    """An order as far as its price goes: what costs nothing may be missing."""
    errors = _unknown(fields, ("model_id", "inputs"))
    if fields.get("model_id") != MODEL:
        errors.append(FieldError("model_id", f"must be {MODEL}: there is no other model here"))
    inputs = fields.get("inputs", {})
    if not isinstance(inputs, dict):
        raise InvalidRequest(*errors, FieldError("inputs", "must be an object"))
    if errors:
        raise InvalidRequest(*errors)
    return order_of({**_QUOTED, **{name: value for name, value in inputs.items() if value is not None}})


def upload_of(fields: Mapping[str, object]) -> Upload:
    """The file of an upload; its type by its name where none, or nothing of use, is given. Clients leave it out where
    they cannot tell it, of a stream or a rare suffix: then it is unknown."""
    errors = _unknown(fields, ("filename", "size", "content_type"))
    filename, size = fields.get("filename"), fields.get("size")
    if not isinstance(filename, str) or not 1 <= len(filename) <= MAX_FILENAME:
        errors.append(FieldError("filename", f"must be text of 1 to {MAX_FILENAME} characters"))
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_BYTES:
        errors.append(FieldError("size", f"must be a number of bytes from 1 to {MAX_BYTES}"))
    kind = fields.get("content_type")
    if kind in _NO_TYPE:
        dot, suffix = str(filename).rpartition(".")[1:]
        kind = _TYPE_OF_SUFFIX.get(f"{dot}{suffix.lower()}", UNKNOWN_TYPE)
    elif kind in ALSO_JPEG:
        kind = "image/jpeg"
    if not isinstance(kind, str) or kind not in (*SUFFIX_OF_TYPE, UNKNOWN_TYPE):
        errors.append(FieldError("content_type", f"must be one of {', '.join(SUFFIX_OF_TYPE)}"))
    if errors:
        raise InvalidRequest(*errors)
    return Upload(str(kind), int(str(size)))


def history_query(fields: Mapping[str, object]) -> HistoryQuery:
    """The page that is asked for; null is what is left out."""
    errors = _unknown(fields, HistoryQuery.__struct_fields__)
    given = {name: value for name, value in fields.items() if value is not None}
    page, page_size = given.get("page", 1), given.get("page_size", USUAL_PAGE_SIZE)
    if not _is_count(page_size, MAX_PAGE_SIZE):
        errors.append(FieldError("page_size", f"must be a number from 1 to {MAX_PAGE_SIZE}"))
    elif not _is_count(page, DEEPEST_LISTED // int(str(page_size))):
        errors.append(FieldError("page", f"must be a number from 1, within the newest {DEEPEST_LISTED} predictions"))
    if not isinstance(given.get("model", ""), str):
        errors.append(FieldError("model", "must be text"))
    if given.get("status") not in (None, *STATUSES):
        errors.append(FieldError("status", f"must be one of {', '.join(STATUSES)}"))
    for name in ("created_after", "created_before"):
        try:
            msgspec.convert(given.get(name), Moment | None)
        except msgspec.ValidationError:
            errors.append(FieldError(name, "must be a time by RFC 3339, such as 2026-01-31T09:15:00Z"))
    if errors:
        raise InvalidRequest(*errors)
    return msgspec.convert(given, HistoryQuery)


def _duration(value: object) -> int | None:
    """Seconds; None for what is no duration here."""
    return int(value) if isinstance(value, (int, str)) and str(value) in DURATIONS else None


def _unknown(fields: Mapping[str, object], known: Collection[str]) -> list[FieldError]:
    return [FieldError(name, "is not a parameter here") for name in fields if name not in known]


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _parsed(wanted: Mapping[str, object], errors: list[FieldError]) -> Request:
    try:
        request = parse_request({"prompt": "", **wanted})
    except InvalidRequest as invalid:
        named = {error.field for error in errors}
        errors += [error for error in invalid.errors if error.field not in named]
        raise InvalidRequest(*errors) from invalid
    if errors:
        raise InvalidRequest(*errors)
    return request
