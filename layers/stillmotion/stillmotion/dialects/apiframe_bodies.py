"""What callers of Apiframe's dialect send. Each function raises InvalidRequest with every rule that is broken.

The rules, and the words that they are told in, are those of Apiframe's validator (Zod): the field of a FieldError is
the path into the body. What may come here is what its OpenAPI allows for `luma-ray-flash-2`, with two exceptions that
would end in a failure later: an address that is not fetched here, and `loop` together with `end_image`, which its
schema allows and Luma refuses.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec

from stillmotion.dialects.apiframe_views import MODEL, STATUSES
from stillmotion.domain.request import (
    MAX_ADDRESS,
    MAX_PROMPT,
    AspectRatio,
    Callback,
    Concept,
    FieldError,
    InvalidRequest,
    Request,
    callback_error,
)
from stillmotion.edge.request import parse_request

WEBHOOK_EVENTS = ("progress", "completed", "failed")
DURATIONS = (5, 9)
SCOPES = ("user", "team")
MODALITIES = ("image", "video", "music")
MAX_LISTED = 100
USUAL_LISTED = 20
PATH_OF_FIELD: Mapping[str, str] = {
    "image": "lumaParams.start_image",
    "end_image": "lumaParams.end_image",
    "duration": "lumaParams.duration",
    "aspect_ratio": "lumaParams.aspect_ratio",
    "loop": "lumaParams.loop",
    "concepts": "lumaParams.concepts",
}
"""Where a field of a request stands in a body."""

_BODY = ("model", "prompt", "lumaParams", "webhookUrl", "webhookEvents")
_PARAMETERS = ("duration", "aspect_ratio", "start_image", "end_image", "loop", "concepts")
_MAX_TOLD = 64
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x1f\x7f]+")
_HIERARCHIC = ("http", "https", "ftp", "ws", "wss")
_TYPES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class JobsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which jobs are to be listed. `search` is an id in lower case."""

    status: str | None = None
    model: str | None = None
    limit: int = USUAL_LISTED
    cursor: str | None = None
    scope: str = "user"
    search: str | None = None
    include_models: bool = False


class _Level:
    """One level of a body. Each reader gives the value, or None for one that is missing or wrong."""

    def __init__(self, fields: Mapping[str, object], path: str, known: Collection[str]) -> None:
        self._fields, self._path = fields, path
        self.errors = [
            FieldError(path + name, f"Unrecognized key(s) in object: '{_told(name)}'")
            for name in fields
            if name not in known
        ]

    def wrong(self, name: str, words: str) -> None:
        self.errors.append(FieldError(self._path + name, words))

    def of_type(self, name: str, kind: type, *, required: bool = False) -> Any:  # noqa: ANN401 - it is of `kind`
        if name not in self._fields:
            if required:
                self.wrong(name, "Required")
            return None
        value = self._fields[name]
        if type(value) is not kind:
            self.wrong(name, f"Expected {_TYPES[kind]}, received {_TYPES[type(value)]}")
            return None
        return value

    def word(self, name: str, words: Collection[str]) -> Any:  # noqa: ANN401 - it is one of `words`
        value = self._fields.get(name)
        if name not in self._fields or (isinstance(value, str) and value in words):
            return value
        self.wrong(name, _no_enum_value(value, words))
        return None

    def words(self, name: str, words: Collection[str], *, least: int = 0) -> tuple[Any, ...]:
        """Each once, in their order: said twice, a word means the same."""
        values = self.of_type(name, list)
        if values is None:
            return ()
        if len(values) < least:
            self.wrong(name, f"Array must contain at least {least} element(s)")
        for index, value in enumerate(values):
            if not isinstance(value, str) or value not in words:
                self.wrong(f"{name}.{index}", _no_enum_value(value, words))
        return tuple(dict.fromkeys(value for value in values if isinstance(value, str)))

    def uri(self, name: str) -> str | None:
        value: str | None = self.of_type(name, str)
        if value is not None and not _is_uri(value):
            self.wrong(name, "Invalid url")
            return None
        return value

    def image(self, name: str) -> str | None:
        """An address that a picture may be taken from here."""
        value = self.uri(name)
        if value is not None:
            try:
                parse_request({"prompt": "any", "image": value})
            except InvalidRequest as invalid:
                for error in invalid.errors:
                    self.wrong(name, error.rule)
        return value


def order_of(fields: Mapping[str, object]) -> Request:
    """What is ordered with the body of `POST /v2/videos/generate`."""
    body = _Level(fields, "", _BODY)
    if fields.get("model") != MODEL:
        body.wrong("model", f"Invalid discriminator value. Expected '{MODEL}'")
    prompt = body.of_type("prompt", str, required=True)
    if prompt is not None and not prompt:
        body.wrong("prompt", "String must contain at least 1 character(s)")
    if prompt is not None and len(prompt) > MAX_PROMPT:
        body.wrong("prompt", f"String must contain at most {MAX_PROMPT} character(s)")
    callback = _callback(body)
    given = body.of_type("lumaParams", dict) or {}
    parameters = _Level(given, "lumaParams.", _PARAMETERS)
    wanted: dict[str, Any] = {
        "aspect_ratio": parameters.word("aspect_ratio", get_args(AspectRatio)),
        "image": parameters.image("start_image"),
        "end_image": parameters.image("end_image"),
        "loop": parameters.of_type("loop", bool) or False,
        "concepts": parameters.words("concepts", get_args(Concept)),
    }
    duration = given.get("duration", DURATIONS[0])
    if duration not in DURATIONS:
        parameters.wrong("duration", "Invalid input")
    if wanted["loop"] and "end_image" in given:
        parameters.wrong("loop", "Cannot be combined with end_image: Luma refuses it")
    errors = body.errors + parameters.errors
    if errors:
        raise InvalidRequest(*errors)
    return Request(prompt=prompt, duration=int(duration), callback=callback, **wanted)  # type: ignore[arg-type]


def jobs_query(query: Mapping[str, str]) -> JobsQuery:
    """What `GET /v2/jobs` is asked. Parameters that it does not know are passed over, as at Apiframe."""
    level = _Level(query, "", query)
    status = level.word("status", STATUSES)
    scope = level.word("scope", SCOPES)
    included = level.word("include_models", ("true", "false"))
    limit = query.get("limit", str(USUAL_LISTED))
    # int() refuses thousands of digits, and isdecimal() takes those of every script.
    if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= MAX_LISTED:
        level.wrong("limit", f"Number must be from 1 to {MAX_LISTED}")
    search = query.get("search")
    if search is not None and not is_uuid(search):
        level.wrong("search", "Invalid uuid")
    if level.errors:
        raise InvalidRequest(*level.errors)
    return JobsQuery(
        status=status,
        model=query.get("model"),
        limit=int(limit),
        cursor=query.get("cursor"),
        scope=scope or SCOPES[0],
        search=search and search.lower(),
        include_models=included == "true",
    )


def modality_of(query: Mapping[str, str]) -> str | None:
    """Which models `GET /v2/models` is to tell of; None for all."""
    level = _Level(query, "", query)
    modality: str | None = level.word("modality", MODALITIES)
    if level.errors:
        raise InvalidRequest(*level.errors)
    return modality


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _callback(body: _Level) -> Callback | None:
    url = body.uri("webhookUrl")
    events = body.words("webhookEvents", WEBHOOK_EVENTS, least=1)
    if url is None:
        return None
    broken = callback_error("webhookUrl", url)
    if broken is not None:
        body.wrong("webhookUrl", broken.rule)
    return Callback(url=url, dialect="apiframe", events=events)


def _is_uri(text: str) -> bool:
    if _URI.fullmatch(text) is None:
        return False
    if text.partition(":")[0].lower() not in _HIERARCHIC:
        return True
    try:
        # urlsplit keeps what it has read: of a longer address, which is refused elsewhere, no more than that.
        return bool(urlsplit(text[:MAX_ADDRESS]).netloc)
    except ValueError:
        return False


def _no_enum_value(value: object, words: Collection[str]) -> str:
    expected = " | ".join(f"'{word}'" for word in words)
    if isinstance(value, str):
        return f"Invalid enum value. Expected {expected}, received '{_told(value)}'"
    return f"Expected {expected}, received {_TYPES[type(value)]}"


def _told(text: str) -> str:
    return text if len(text) <= _MAX_TOLD else f"{text[: _MAX_TOLD - 1]}…"
