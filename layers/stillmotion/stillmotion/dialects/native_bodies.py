"""What `POST /v1/videos` is sent: JSON, or a form, which is what OpenAI's clients send whether there is a file or not.

The fields are those of a request and `dry_run`, and in place of three of them OpenAI's own:

    input_reference    image: a file, an address, or {"image_url": an address}
    seconds            duration: a number, or one in text
    size               aspect_ratio: WIDTHxHEIGHT
    model              any, as code that is moved here names another's: the video is Luma's, and the answer says so

OpenAI's own seconds and sizes, the only ones that its clients' types let pass, become the nearest that is sold, unless
`allow_substitution` is false. With `allow_substitution`, all others do. Null is what is left out: clients
that have types send every field. In a form all values are text, lists and mappings are spelt `concepts[]` and
`metadata[name]`, and an empty text is null, which has no other spelling. `dry_run` alone is never null: who says it
wants no order, and an order is paid for.

Source: openai-python and openai-node (resources/videos, _qs, internal/uploads).
"""

import base64
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar, get_args

import msgspec

from stillmotion.dialects.http import HttpRequest, refused
from stillmotion.dialects.multipart import Form, form_of, is_form
from stillmotion.dialects.views import MODEL
from stillmotion.domain.request import RATIO_OF_SIZE, AspectRatio, Duration, FieldError, InvalidRequest, Request
from stillmotion.domain.substitution import nearest_duration
from stillmotion.edge.request import parse_request

DURATIONS: tuple[Duration, ...] = get_args(Duration)
RATIOS: tuple[AspectRatio, ...] = get_args(AspectRatio)
SIZES = tuple(size.replace("*", "x") for size in RATIO_OF_SIZE)
OPENAIS_SECONDS = (4, 8, 12)
OPENAIS_SIZES = ("1024x1792", "1792x1024")
"""Beside those that are sold as they are."""
STANDS_FOR: Mapping[str, str] = {"input_reference": "image", "seconds": "duration"}
"""OpenAI's fields, and the ones of a request that they are."""
LONGEST_MODEL = 128
MAX_SECONDS = 1000

_MAY_BE_NULL = {*Request.__struct_fields__, *STANDS_FOR, "callback_url", "model", "size"} - {"prompt"}
_FILES = ("input_reference", "image", "end_image")
_LISTS = ("concepts",)
_MAPPINGS = ("metadata", "input_reference")
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")
_SIZE = re.compile(r"([1-9][0-9]{1,4})[xX*]([1-9][0-9]{1,4})")
# Up to the last bracket, as a name may have brackets; "][" is how clients spell what is nested deeper.
_PART = re.compile(r"([^\[\]]+)\[((?:(?!\]\[).)*)\]", re.DOTALL)

Value = TypeVar("Value")


class Body(msgspec.Struct, frozen=True):
    """What was sent, as it was sent. `is_text` says that numbers and truth values in it are text."""

    fields: Mapping[str, object]
    is_text: bool = False

    @property
    def names(self) -> Mapping[str, str]:
        """What the caller calls a field of a request, where that is something else."""
        return {own: given for given, own in STANDS_FOR.items() if given in self.fields}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. `notes` are sentences about what is made in place of what was asked for."""

    request: Request
    dry_run: bool
    notes: tuple[str, ...]


def body_of(request: HttpRequest) -> Body:
    """Raises Problem."""
    if is_form(request):
        return Body(_fields_of(form_of(request)), is_text=True)
    fields = request.json()
    return Body({name: value for name, value in fields.items() if value is not None or name not in _MAY_BE_NULL})


def order_of(body: Body) -> Order:
    """Raises InvalidRequest; it names the fields of a request, which the caller may call otherwise."""
    reading = _Reading(body)
    try:
        wanted = parse_request(reading.fields, text_values=body.is_text)
    except InvalidRequest as invalid:
        raise InvalidRequest(*reading.errors, *invalid.errors) from invalid
    if reading.errors:
        raise InvalidRequest(*reading.errors)
    if reading.other_seconds is not None:
        wanted = msgspec.structs.replace(wanted, duration=nearest_duration(wanted, reading.other_seconds))
        asked = f"{reading.other_seconds} seconds were asked for"
        # A vendor that has not got these either is sent what is nearest to them; its attempt tells of that.
        reading.notes.append(f"{asked}: {wanted.duration} is the nearest that is sold.")
    return Order(request=wanted, dry_run=reading.dry_run, notes=tuple(reading.notes))


class _Reading:
    """A body with OpenAI's fields turned into a request's. What is wrong with them is among `errors`."""

    def __init__(self, body: Body) -> None:
        self.fields = dict(body.fields)
        self.errors: list[FieldError] = []
        self.notes: list[str] = []
        self.other_seconds: Decimal | None = None
        """What was asked for and is not sold."""
        self._is_text = body.is_text
        # None where nothing is said; and where it is neither true nor false, which the request's own rules refuse.
        self._substitutes = self._truth(self.fields.get("allow_substitution"))
        told = self._truth(self.fields.pop("dry_run", False))
        if told is None:
            self._wrong("dry_run", "must be true or false")
        self.dry_run = told is True
        for name, take in (
            ("model", self._model),
            ("input_reference", self._input_reference),
            ("seconds", self._seconds),
            ("size", self._size),
        ):
            if name in self.fields:
                take(self.fields.pop(name))

    def _truth(self, value: object) -> bool | None:
        try:
            return msgspec.convert(value, bool, strict=not self._is_text)
        except msgspec.ValidationError:
            return None

    def _model(self, value: object) -> None:
        if not isinstance(value, str) or len(value) > LONGEST_MODEL:
            self._wrong("model", f"must be text of at most {LONGEST_MODEL} characters")
        elif value != MODEL:
            self.notes.append(f"The model {value} was asked for: {MODEL} makes the video.")

    def _input_reference(self, value: object) -> None:
        match value:
            case str(address):
                self._put("image", "input_reference", address)
            case {"image_url": str(address), **others} if not others:
                self._put("image", "input_reference", address)
            case {"file_id": _}:
                rule = "cannot be a file_id: send the file, or the image_url of what POST /v1/uploads has taken"
                self._wrong("image", rule)
            case _:
                self._wrong("image", 'must be a file, an address, or {"image_url": an address}')

    def _seconds(self, value: object) -> None:
        asked = _number(value)
        if asked is not None and asked in DURATIONS:
            self._put("duration", "seconds", int(asked))
        elif asked and self._becomes_nearest(asked in OPENAIS_SECONDS):
            self.other_seconds = asked
            if "duration" in self.fields:
                self._wrong("seconds", "contradicts duration: give one of the two")
        else:
            made = ", ".join(map(str, DURATIONS))
            self._wrong("duration", f"must be one of {made}; with allow_substitution, the nearest is made")

    def _size(self, value: object) -> None:
        found = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if found is not None and "*".join(found.groups()) in RATIO_OF_SIZE:
            self.fields["size"] = value
        elif found is None or not self._becomes_nearest("x".join(found.groups()) in OPENAIS_SIZES):
            made = ", ".join(SIZES)
            self._wrong("size", f"must be one of {made}; with allow_substitution, the nearest shape is made")
        else:
            ratio = _nearest_ratio(int(found[1]), int(found[2]))
            self._put("aspect_ratio", "size", ratio)
            self.notes.append(f"The size {value} was asked for: {ratio} is the nearest shape that is sold.")

    def _becomes_nearest(self, is_openais: bool) -> bool:  # noqa: FBT001 - reads as it is meant
        """Whether what is not sold is made as the nearest."""
        return is_openais if self._substitutes is None else self._substitutes

    def _put(self, own: str, given: str, value: str | int) -> None:
        if own in self.fields and str(self.fields[own]) != str(value):
            self._wrong(given, f"contradicts {own}: give one of the two")
        else:
            self.fields[own] = value

    def _wrong(self, field: str, rule: str) -> None:
        self.errors.append(FieldError(field, rule))


def _number(value: object) -> Decimal | None:
    """JSON's numbers, and OpenAI's, which are text."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_SECONDS:
        value = f"{value:g}"
    text = value if isinstance(value, str) else ""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _nearest_ratio(width: int, height: int) -> AspectRatio:
    def distance(ratio: AspectRatio) -> float:
        wide, _, high = ratio.partition(":")
        return abs(math.log(width * int(high)) - math.log(height * int(wide)))

    return min(RATIOS, key=distance)


def _fields_of(form: Form) -> dict[str, object]:
    """The fields of a form; a file stands there as a data URI. Raises Problem."""
    fields: dict[str, Any] = {}
    for name, texts in form.fields.items():
        spelt = _PART.fullmatch(name)
        base, part = (spelt[1], spelt[2]) if spelt else (name, None)
        kept = [text for text in texts if text or name in ("prompt", "dry_run")]
        if base in _LISTS and not part:
            fields[base] = [*fields.get(base, ()), *kept]
        elif base in _MAPPINGS and part:
            # Among metadata, an empty text is a value.
            within = fields.setdefault(base, {})
            if not isinstance(within, dict):
                raise refused(FieldError(base, "is given twice"))
            within[part] = _one(name, texts)
        elif kept:
            fields[name] = _one(name, kept if name not in fields else [fields[name], *kept])
    for name, files in form.files.items():
        if name not in _FILES:
            raise refused(FieldError(name, f"cannot be a file: {', '.join(_FILES)} can"))
        content = _one(name, [*([fields[name]] if name in fields else []), *(file.content for file in files)])
        fields[name] = f"data:image/unnamed;base64,{base64.b64encode(content).decode()}"
    return fields


def _one(name: str, values: Sequence[Value]) -> Value:
    if len(values) != 1:
        raise refused(FieldError(name, "is given twice"))
    return values[0]
