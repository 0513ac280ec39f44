"""The fields of a request, as calls, sidecars and object metadata have them.

InvalidRequest    raised by `parse_request`; carries one `FieldError` for each broken rule
"""

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from stillmotion.domain.request import (
    ADDRESS_RULE,
    CALLBACK_RULE,
    MAX_ADDRESS,
    MAX_DECIMALS,
    MAX_DOLLARS,
    MAX_METADATA_ENTRIES,
    MAX_METADATA_KEY,
    MAX_METADATA_VALUE,
    MAX_PROMPT,
    PRICE_PATTERN,
    RATIO_OF_SIZE,
    AspectRatio,
    Callback,
    Concept,
    Duration,
    Failover,
    FieldError,
    OverBudget,
    Priority,
    Request,
    VendorChoice,
    address_rule,
    callback_error,
    is_price,
)
from stillmotion.edge.fields import HALF_A_CHARACTER, RequestModel, Rule, choices_of, parse, refusing

PRICE_RULE = f"must be more than 0 and at most {MAX_DOLLARS} US dollars, with at most {MAX_DECIMALS} decimals"
SIZE_RULE = f"must be one of {', '.join(RATIO_OF_SIZE)}"
LOOP_RULE = "cannot be combined with end_image: Luma refuses it"
METADATA_RULE = f"must be texts of at most {MAX_METADATA_VALUE} characters, under names of 1 to {MAX_METADATA_KEY}"


def amount(value: object) -> Decimal:
    """An amount as text or as a number of JSON. Raises ValueError, or decimal's own, which is an ArithmeticError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("is no amount")  # noqa: TRY004 - pydantic takes a TypeError for a fault of ours
    return value if isinstance(value, Decimal) else Decimal(str(value))


def price(value: object) -> Decimal:
    """A price in US dollars. Raises ValueError with the rule."""
    is_written_so = not isinstance(value, str) or re.fullmatch(PRICE_PATTERN, value)
    try:
        read = amount(value) if is_written_so else None
    except (ValueError, ArithmeticError):
        read = None
    if read is None or not is_price(read):
        raise ValueError(PRICE_RULE)
    return read


def _spoken(prompt: str) -> str | None:
    return None if prompt.strip() else "must hold more than white space"


def _callable(url: str) -> str | None:
    return CALLBACK_RULE if callback_error("callback_url", url) else None


def ratio_of(size: str) -> AspectRatio | None:
    """The shape of a size, which is written with an x or with WaveSpeed's asterisk; None for one that is not sold."""
    return RATIO_OF_SIZE.get(re.sub(r"[xX]", "*", size))


def _sold(size: str) -> str | None:
    return None if ratio_of(size) else SIZE_RULE


def _concepts(value: object) -> list[str]:
    """Raises ValueError at the first that is none: a list may be as long as a body."""
    known = choices_of(Concept)
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name in known for name in value):
        raise ValueError(f"each must be one of {', '.join(known)}")
    if len(value) != len(set(value)):
        raise ValueError("must not repeat a concept")
    return list(value)


def _metadata(value: object) -> dict[str, str]:
    """Raises ValueError at the first entry that is none."""
    if not isinstance(value, dict):
        raise ValueError(METADATA_RULE)  # noqa: TRY004 - pydantic takes a TypeError for a fault of ours
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str):
            raise ValueError(METADATA_RULE)  # noqa: TRY004
        if not 1 <= len(name) <= MAX_METADATA_KEY or len(text) > MAX_METADATA_VALUE:
            raise ValueError(METADATA_RULE)
        if any("\ud800" <= character <= "\udfff" for character in name + text):
            raise ValueError(HALF_A_CHARACTER)
    if len(value) > MAX_METADATA_ENTRIES:
        raise ValueError(f"holds at most {MAX_METADATA_ENTRIES} entries")
    return value


IMAGE_SCHEMA: dict[str, Any] = {
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
CALLBACK_SCHEMA: dict[str, Any] = {
    "type": "string",
    "format": "uri",
    "maxLength": MAX_ADDRESS,
    "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s@]+([/?#]\S*)?$",
}
PRICE_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": f"^{PRICE_PATTERN}$"},
        {"type": "number", "minimum": 10**-MAX_DECIMALS, "maximum": MAX_DOLLARS},
    ]
}
_CONCEPTS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "enum": list(choices_of(Concept))},
    "uniqueItems": True,
}
_METADATA_SCHEMA: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"minLength": 1, "maxLength": MAX_METADATA_KEY},
    "additionalProperties": {"type": "string", "maxLength": MAX_METADATA_VALUE},
    "maxProperties": MAX_METADATA_ENTRIES,
}

PromptText = Annotated[str, MinLen(1), MaxLen(MAX_PROMPT)]
"""As long as a prompt may be; white space alone is one too, which some dialects take."""
Prompt = Annotated[PromptText, AfterValidator(refusing(_spoken)), Field(json_schema_extra={"pattern": r"\S"})]
ImageAddress = Annotated[
    str, MinLen(1), AfterValidator(refusing(address_rule)), Rule(ADDRESS_RULE), WithJsonSchema(IMAGE_SCHEMA)
]
CallbackUrl = Annotated[str, AfterValidator(refusing(_callable)), Rule(CALLBACK_RULE), WithJsonSchema(CALLBACK_SCHEMA)]
Size = Annotated[str, AfterValidator(refusing(_sold)), Rule(SIZE_RULE)]
Price = Annotated[Decimal, PlainValidator(price), WithJsonSchema(PRICE_SCHEMA)]
Concepts = Annotated[list[Concept], PlainValidator(_concepts), WithJsonSchema(_CONCEPTS_SCHEMA)]
Metadata = Annotated[dict[str, str], PlainValidator(_metadata), WithJsonSchema(_METADATA_SCHEMA)]


class VideoFields(RequestModel):
    """What the video is to show."""

    prompt: Annotated[Prompt, Field(description="What is to be seen.")]
    image: Annotated[
        ImageAddress | None,
        Field(
            description="What the video starts with: an https:// address, s3://bucket/key of an upload, or a data: URI"
            " of a JPEG, PNG or WebP image. Without one it is made of the prompt alone."
        ),
    ] = None
    end_image: Annotated[
        ImageAddress | None,
        Field(description="What the video ends with; it needs an image, and does not go with loop."),
    ] = None
    duration: Annotated[Duration, Field(description="Seconds. 9 is made by Apiframe only, 10 by WaveSpeed only.")] = 5
    aspect_ratio: Annotated[
        AspectRatio | None,
        Field(description="Without one, the video is 16:9 for a landscape image and 9:16 for a portrait image."),
    ] = None
    size: Annotated[Size | None, Field(description="In place of aspect_ratio: WIDTHxHEIGHT.")] = None
    loop: Annotated[bool, Field(description="Whether the end leads back to the start.")] = False
    concepts: Annotated[Concepts, Field(default_factory=list, description="Camera moves, each once.")]


class HandlingFields(RequestModel):
    """How a request is carried out. A dialect with its own words for the video takes these fields beside them."""

    vendor: Annotated[
        VendorChoice, Field(description="Who is to make it; auto is whoever can, the cheapest first.")
    ] = "auto"
    allow_substitution: Annotated[
        bool, Field(description="Whether the nearest of what there is may be made in place of what was asked for.")
    ] = False
    failover: Annotated[Failover, Field(description="When the other vendor is tried after a failure.")] = "normal"
    priority: Annotated[Priority, Field(description="Which of the jobs that wait for a vendor goes first.")] = "normal"
    max_dollars: Annotated[
        Price | None, Field(description="The most that an attempt may be expected to cost, in US dollars.")
    ] = None
    when_over_budget: Annotated[OverBudget, Field(description="What is done when the budget of the day is spent.")] = (
        "wait"
    )
    metadata: Annotated[
        Metadata,
        Field(default_factory=dict, description="The caller's own words; they are in the record and in every event."),
    ]


class RequestFields(HandlingFields, VideoFields):
    """What a video is to be. The fields of the bases come first, those of the last one before the others."""

    UNKNOWN: ClassVar[str] = "is not a field of a request"

    callback_url: Annotated[CallbackUrl | None, Field(description="The URL that is sent the job's events.")] = None

    def contradictions(self, wrong: Collection[str] = ()) -> Iterator[FieldError]:  # noqa: ARG002 - as it is above
        if self.end_image is not None and self.image is None:
            yield FieldError("end_image", "needs an image to start from")
        if self.loop and self.end_image is not None:
            yield FieldError("loop", LOOP_RULE)
        if self.size is not None and self.aspect_ratio not in (None, ratio_of(self.size)):
            yield FieldError("size", f"{self.size} contradicts aspect_ratio {self.aspect_ratio}: give one of the two")

    def request(self) -> Request:
        """The request that has these fields, all of them right."""
        return Request(
            prompt=self.prompt,
            image=self.image,
            end_image=self.end_image,
            duration=self.duration,
            aspect_ratio=self.aspect_ratio if self.size is None else ratio_of(self.size),
            loop=self.loop,
            concepts=tuple(self.concepts),
            vendor=self.vendor,
            allow_substitution=self.allow_substitution,
            failover=self.failover,
            priority=self.priority,
            max_dollars=self.max_dollars,
            when_over_budget=self.when_over_budget,
            metadata=self.metadata,
            callback=None if self.callback_url is None else Callback(url=self.callback_url),
        )


def parse_request(fields: Mapping[str, object], *, text_values: bool = False) -> Request:
    """The request in `fields`, or `InvalidRequest` with every rule that they break.

    `text_values` reads numbers and truth values from text, as forms carry them.
    """
    return parse(RequestFields, fields, in_text=text_values).request()
