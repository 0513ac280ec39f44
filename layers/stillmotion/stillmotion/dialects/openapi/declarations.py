"""The operations of the document, made of the declared routes."""

from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from stillmotion.dialects.declared import Declared, InPath, in_path
from stillmotion.dialects.models import Headers, JsonBody, Query
from stillmotion.dialects.multipart import MEDIA_TYPE
from stillmotion.dialects.native.order_body import VideoOrder
from stillmotion.dialects.openapi import forms, models
from stillmotion.dialects.openapi.operation import Described, answer, bare, media, sent
from stillmotion.dialects.openapi.schemas import Json, ref


def described(declared: Declared) -> Described:
    """A declared route as the document tells of it."""
    operation = declared.operation
    answered, says = list(_answers(declared.returns)), operation.says
    schema = None
    if answered:
        options = [ref(models.name_of(kind)) for kind in answered]
        schema = options[0] if len(options) == 1 else {"anyOf": options}
    headers = {name: dict(header) for name, header in operation.sends.items()}
    well = (
        answer(schema, operation.answers, headers=headers)
        if schema
        else bare(operation.status, operation.answers, headers=headers)
    )
    wordless = (
        {} if declared.feature.DIALECT.error else {status: bare(status, says[status]) for status in operation.errors}
    )
    return Described(
        route=operation.route,
        id=operation.operation_id,
        tag=declared.feature.TAG,
        summary=operation.summary,
        description=operation.description,
        dialect=declared.feature.DIALECT,
        scope=operation.scope,
        parameters=tuple(_parameters(declared)),
        bodies=_bodies(declared),
        body_required=_is_required(declared),
        answers={operation.status: well, **wordless},
        problems=() if wordless else operation.errors,
        examples=operation.examples,
    )


def kinds(declared: Iterable[Declared]) -> Iterator[tuple[type[BaseModel], models.Mode]]:
    """The models of bodies and answers."""
    for each in declared:
        body = _body(each)
        if body is not None:
            yield body, "validation"
        for kind in _answers(each.returns):
            yield kind, "serialization"


def _answers(kind: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - any annotation
    if get_origin(kind) in (Union, UnionType):
        yield from get_args(kind)
    elif kind is not None and kind is not type(None):
        yield kind


def _read(declared: Declared, kind: type[BaseModel]) -> Iterator[type[Any]]:
    return (part for part in declared.parameters.values() if isinstance(part, type) and issubclass(part, kind))


def _body(declared: Declared) -> type[JsonBody] | None:
    return next(_read(declared, JsonBody), None)


def _is_required(declared: Declared) -> bool:
    body = _body(declared)
    if body is None:
        return declared.operation.body_required
    return not body.MAY_BE_EMPTY or any(field.is_required() for field in body.model_fields.values())


def _bodies(declared: Declared) -> dict[str, Json]:
    body = _body(declared)
    if body is None:
        return {kind: {"schema": dict(schema)} for kind, schema in declared.operation.bodies.items()}
    of_json = sent(ref(models.name_of(body)), **body.EXAMPLES)
    if not issubclass(body, VideoOrder):
        return of_json
    return {**of_json, MEDIA_TYPE: media(ref(forms.NAME), **body.FORM_EXAMPLES)}


def _parameters(declared: Declared) -> Iterator[Json]:
    for kind in declared.parameters.values():
        variable = in_path(kind)
        if variable is not None:
            yield _in_path(variable)
    for place, base in (("header", Headers), ("query", Query)):
        for kind in _read(declared, base):
            properties, required = models.fields_of(kind)
            for name, schema in properties.items():
                yield _parameter(place, name, schema, is_required=name in required)


def _in_path(variable: InPath) -> Json:
    return {
        "name": variable.name,
        "in": "path",
        "required": True,
        "description": variable.description,
        "schema": dict(variable.schema),
        "example": variable.example,
    }


def _parameter(place: str, name: str, schema: Json, *, is_required: bool) -> Json:
    """Null cannot be said in a query or a header."""
    shown = models.without_null(schema)
    beside: Json = {key: shown.pop(key) for key in ("description", "example") if key in shown}
    return {
        "name": name,
        "in": place,
        **({"required": True} if is_required else {}),
        "description": "",
        **beside,
        "schema": shown,
    }
