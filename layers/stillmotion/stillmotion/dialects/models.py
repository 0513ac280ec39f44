"""What a declared route reads of a call, and what it answers: models of pydantic, all of them.

JsonBody, Query, Headers    read themselves from a call. Raise Problem, or InvalidRequest with every broken rule
ResponseModel               what is answered
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from stillmotion.dialects.http import MAX_LISTED, HttpRequest
from stillmotion.edge.fields import RequestModel, parse

MAX_IDEMPOTENCY_KEY = 255
_KEY = re.compile(rf"[ -~]{{1,{MAX_IDEMPOTENCY_KEY}}}")


class JsonBody(RequestModel):
    """A body of JSON."""

    MAY_BE_EMPTY: ClassVar[bool] = False
    """Whether no body at all is one without members."""
    EXAMPLES: ClassVar[dict[str, object]] = {}
    """Shown in the document, by name."""
    SCHEMA: ClassVar[dict[str, Any]] = {}
    """What the schema says beside the fields, of rules between them."""

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        return parse(cls, {} if cls.MAY_BE_EMPTY and not request.body else request.json())


class Query(RequestModel):
    """The parameters after the question mark; unknown ones are passed over unless `extra` is "forbid"."""

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        return parse(cls, request.query, in_text=True)


class Headers(RequestModel):
    """Headers, by their names as aliases; all others are passed over."""

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        names = [field.alias or name for name, field in cls.model_fields.items()]
        sent = {name: request.headers[name.lower()] for name in names if name.lower() in request.headers}
        return parse(cls, sent, in_text=True)


class ResponseModel(BaseModel):
    """What is answered: every member is there, and no other. A name that ends in View is another in the document."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        defer_build=True,
        from_attributes=True,
        json_schema_serialization_defaults_required=True,
    )


def _is_null(value: object) -> bool:
    return value is None


LEFT_OUT: Any = Field(exclude_if=_is_null)
"""An annotation of a member of an answer that is left out where it would be null."""


class PageQuery(Query):
    """Which page of a list."""

    limit: Annotated[
        int, Ge(1), Le(MAX_LISTED), Field(description="How many at most.", json_schema_extra={"example": 10})
    ] = 20
    after: Annotated[
        str | None,
        Field(
            description="What the ones that are shown come after: `next` of an earlier page.",
            json_schema_extra={"minLength": 1},
        ),
    ] = None


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise ValueError(f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters")
    return text


IdempotencyKey = Annotated[
    str, PlainValidator(_key), WithJsonSchema({"type": "string", "pattern": f"^{_KEY.pattern}$"})
]


def _plain(dollars: Decimal) -> str:
    return f"{dollars:f}"


Dollars = Annotated[
    Decimal,
    PlainSerializer(_plain),
    WithJsonSchema({"type": "string", "format": "decimal", "description": "US dollars, exact."}),
]
Epoch = Annotated[int, Field(description="Seconds since 1970 (UTC).")]


def _to_the_millisecond(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    datetime, PlainSerializer(_to_the_millisecond), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""RFC 3339 in UTC, with milliseconds."""
JobIdText = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Address = Annotated[str, Field(json_schema_extra={"format": "uri"})]


RECORD = "x-record"
"""What stands for the schema of a struct, which pydantic does not know, until the document is put together."""


def record(name: str) -> WithJsonSchema:
    """An annotation of members that a stored struct has: the schema `name` is made of it (openapi/records.py)."""
    return WithJsonSchema({RECORD: name})
