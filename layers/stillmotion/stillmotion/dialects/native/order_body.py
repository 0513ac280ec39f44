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
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args

import msgspec
from annotated_types import MaxLen
from pydantic import Field, PlainValidator, WithJsonSchema

from stillmotion.dialects.http import HttpRequest, refused
from stillmotion.dialects.models import JsonBody
from stillmotion.dialects.multipart import Form, form_of, is_form
from stillmotion.dialects.native.views import MODEL
from stillmotion.domain.request import (
    RATIO_OF_SIZE,
    AspectRatio,
    Duration,
    FieldError,
    Request,
    address_rule,
)
from stillmotion.domain.substitution import nearest_duration
from stillmotion.edge.fields import parse, refusing
from stillmotion.edge.request import EXAMPLE_IMAGE, IMAGE_SCHEMA, RequestFields, ratio_of

DURATIONS: tuple[Duration, ...] = get_args(Duration)
RATIOS: tuple[AspectRatio, ...] = get_args(AspectRatio)
OPENAIS_SECONDS = (4, 8, 12)
OPENAIS_SIZES = ("1024x1792", "1792x1024")
"""Beside those that are sold as they are."""
STANDS_FOR: Mapping[str, str] = {"input_reference": "image", "seconds": "duration"}
"""OpenAI's fields, and the ones of a request that they are."""
MAX_MODEL = 128
MAX_SECONDS = 1000
FILES = ("input_reference", "image", "end_image")
_LISTS = ("concepts",)
_MAPPINGS = ("metadata", "input_reference")
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")
_SIZE = re.compile(r"([1-9][0-9]{1,4})[xX*]([1-9][0-9]{1,4})")
# Up to the last bracket, as a name may have brackets; "][" is how clients spell what is nested deeper.
_PART = re.compile(r"([^\[\]]+)\[((?:(?!\]\[).)*)\]", re.DOTALL)
_SECONDS_RULE = f"must be one of {', '.join(map(str, DURATIONS))}; with allow_substitution, the nearest is made"
_SIZE_RULE = (
    f"must be one of {', '.join(size.replace('*', 'x') for size in RATIO_OF_SIZE)};"
    " with allow_substitution, the nearest shape is made"
)
_NEAREST = "OpenAI's {} become the nearest that is sold; with allow_substitution, all others do."
_SECONDS_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3})?$"},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": MAX_SECONDS},
    ]
}
_REFERENCE_SCHEMA: dict[str, Any] = {
    "anyOf": [
        IMAGE_SCHEMA,
        {
            "type": "object",
            "properties": {"image_url": IMAGE_SCHEMA},
            "required": ["image_url"],
            "additionalProperties": False,
        },
    ]
}

Value = TypeVar("Value")


def _seconds(value: object) -> Decimal:
    """JSON's numbers, and OpenAI's, which are text. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_SECONDS:
        value = f"{value:g}"
    text = value if isinstance(value, str) else ""
    asked = Decimal(text) if _NUMBER.fullmatch(text) else None
    if not asked:
        raise ValueError(_SECONDS_RULE)
    return asked


def _size(value: object) -> str:
    if not isinstance(value, str) or not _SIZE.fullmatch(value):
        raise ValueError(_SIZE_RULE)
    return value


def _reference(value: object) -> str:
    match value:
        case str(address):
            return refusing(address_rule)(address)
        case {"image_url": str(address), **others} if not others:
            return refusing(address_rule)(address)
        case {"file_id": _}:
            rule = "cannot be a file_id: send the file, or the image_url of what POST /v1/uploads has taken"
            raise ValueError(rule)
        case _:
            raise ValueError('must be a file, an address, or {"image_url": an address}')


class OpenAiFields(JsonBody):
    """What OpenAI's clients send beside, or in place of, the fields of a request."""

    dry_run: Annotated[
        bool, Field(description="Whether only to tell who would make it, with which body, and for how much.")
    ] = False
    model: Annotated[
        Annotated[str, MaxLen(MAX_MODEL)] | None, Field(description="Any, as code that is moved here names another's.")
    ] = None
    input_reference: Annotated[
        Annotated[str, PlainValidator(_reference), WithJsonSchema(_REFERENCE_SCHEMA)] | None,
        Field(description="OpenAI's word for image."),
    ] = None
    seconds: Annotated[
        Annotated[Decimal, PlainValidator(_seconds), WithJsonSchema(_SECONDS_SCHEMA)] | None,
        Field(description=f"OpenAI's word for duration. {_NEAREST.format(', '.join(map(str, OPENAIS_SECONDS)))}"),
    ] = None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted. `notes` are sentences about what is made in place of what was asked for."""

    request: Request
    dry_run: bool
    notes: tuple[str, ...]


class VideoOrder(RequestFields, OpenAiFields):
    """What a video is to be. Null is what is left out."""

    NULL = "left out"
    NEVER_NULL = frozenset({"prompt", "dry_run"})
    EXAMPLES: ClassVar[dict[str, object]] = {
        "of_a_prompt": {"prompt": "Slow push in over a mountain lake at dawn"},
        "of_an_image": {"prompt": "The boats begin to sway", "image": EXAMPLE_IMAGE, "duration": 5},
        "as_openai_has_it": {
            "model": "sora-2",
            "prompt": "The boats begin to sway",
            "seconds": "5",
            "size": "720x1280",
            "input_reference": {"image_url": EXAMPLE_IMAGE},
        },
        "only_its_price": {"prompt": "A quiet street", "duration": 9, "dry_run": True},
    }
    FORM_EXAMPLES: ClassVar[dict[str, object]] = {"a_form": {"prompt": "A quiet street in the rain", "seconds": "5"}}

    size: Annotated[
        Annotated[str, PlainValidator(_size), WithJsonSchema({"type": "string", "pattern": f"^{_SIZE.pattern}$"})]
        | None,
        Field(description=f"In place of aspect_ratio: WIDTHxHEIGHT. {_NEAREST.format(', '.join(OPENAIS_SIZES))}"),
    ] = None

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        if is_form(request):
            return parse(cls, _fields_of(form_of(request)), in_text=True)
        return super().read(request)

    def contradictions(self, wrong: Collection[str] = ()) -> Iterator[FieldError]:
        if self.input_reference is not None and self.image not in (None, self.input_reference):
            yield FieldError("input_reference", "contradicts image: give one of the two")
        if self.seconds is not None and self._sold_seconds is None:
            yield FieldError("seconds", _SECONDS_RULE)
        elif self.seconds is not None and "duration" in self.model_fields_set and self.duration != self.seconds:
            yield FieldError("seconds", "contradicts duration: give one of the two")
        ratio = self._ratio
        if self.size is not None and ratio is None:
            yield FieldError("size", _SIZE_RULE)
        elif self.size is not None and self.aspect_ratio not in (None, ratio):
            yield FieldError("size", f"{self.size} contradicts aspect_ratio {self.aspect_ratio}: give one of the two")
        yield from RequestFields.contradictions(self._without_openais, wrong)

    @property
    def names(self) -> Mapping[str, str]:
        """What the caller calls a field of a request, where that is something else."""
        return {own: given for given, own in STANDS_FOR.items() if given in self.model_fields_set}

    def order(self) -> Order:
        """What is wanted; all fields are right."""
        request, notes = self._without_openais.request(), []
        if self.model not in (None, MODEL):
            notes.append(f"The model {self.model} was asked for: {MODEL} makes the video.")
        if self.size is not None and ratio_of(self.size) is None:
            notes.append(f"The size {self.size} was asked for: {self._ratio} is the nearest shape that is sold.")
        if self.seconds is not None and self.seconds not in DURATIONS:
            request = msgspec.structs.replace(request, duration=nearest_duration(request, self.seconds))
            # A vendor that has not got these either is sent what is nearest to them; its attempt tells of that.
            notes.append(f"{self.seconds} seconds were asked for: {request.duration} is the nearest that is sold.")
        return Order(request=request, dry_run=self.dry_run, notes=tuple(notes))

    @property
    def _without_openais(self) -> RequestFields:
        """The same with a request's own fields only."""
        sold = self.seconds if self.seconds in DURATIONS else None
        own = {
            "image": self.image or self.input_reference,
            "duration": self.duration if sold is None else int(sold),
            "aspect_ratio": self._ratio or self.aspect_ratio,
            "size": None,
        }
        return self.model_copy(update=own)

    @property
    def _sold_seconds(self) -> Decimal | None:
        """The seconds, unless nothing near them may be made in their place."""
        asked = self.seconds
        is_sold = asked in DURATIONS or self._becomes_nearest(is_openais=asked in OPENAIS_SECONDS)
        return asked if is_sold else None

    @property
    def _ratio(self) -> AspectRatio | None:
        """The shape that the size is, or becomes; None for none."""
        if self.size is None:
            return None
        sold, parts = ratio_of(self.size), _SIZE.fullmatch(self.size)
        assert parts is not None  # noqa: S101 - only such a size is right
        if sold is not None or not self._becomes_nearest(is_openais="x".join(parts.groups()) in OPENAIS_SIZES):
            return sold
        return _nearest_ratio(int(parts[1]), int(parts[2]))

    def _becomes_nearest(self, *, is_openais: bool) -> bool:
        """Whether what is not sold is made as the nearest."""
        return self.allow_substitution if "allow_substitution" in self.model_fields_set else is_openais


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
        if name not in FILES:
            raise refused(FieldError(name, f"cannot be a file: {', '.join(FILES)} can"))
        content = _one(name, [*([fields[name]] if name in fields else []), *(file.content for file in files)])
        fields[name] = f"data:image/unnamed;base64,{base64.b64encode(content).decode()}"
    return fields


def _one(name: str, values: Sequence[Value]) -> Value:
    if len(values) != 1:
        raise refused(FieldError(name, "is given twice"))
    return values[0]
