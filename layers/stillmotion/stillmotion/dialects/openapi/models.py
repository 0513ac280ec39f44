"""JSON Schemas of the models that calls are read into and answers are made of.

A name that ends in View is without that in the document. What may be null is `anyOf` with a null, and an enum has one
type: generators of clients leave out what is written otherwise.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from pydantic_core import core_schema

from stillmotion.dialects.openapi.schemas import Json, nullable, ref

Mode = Literal["validation", "serialization"]
_TEMPLATE = "#/components/schemas/{model}"
_NULL: Json = {"type": "null"}


def name_of(kind: type) -> str:
    """What a model is called in the document."""
    return kind.__name__.removesuffix("View")


def components(kinds: Iterable[tuple[type[BaseModel], Mode]]) -> dict[str, Json]:
    """The schemas of models and of all that is in them, by name; "validation" is of what is read."""
    wanted = list(dict.fromkeys(kinds))
    for kind, _ in wanted:
        kind.model_rebuild()
    _, found = models_json_schema(wanted, ref_template=_TEMPLATE, schema_generator=_Plain)
    return {_renamed(name): _tidied(schema) for name, schema in found.get("$defs", {}).items()}


def fields_of(kind: type[BaseModel]) -> tuple[dict[str, Json], list[str]]:
    """The schemas of a model's fields by their names, and which are required; of one that holds no other model."""
    schema = components([(kind, "validation")])[name_of(kind)]
    return schema.get("properties", {}), schema.get("required", [])


class _Plain(GenerateJsonSchema):
    """Without titles, and with what a model says of itself beside its fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - as it is in pydantic
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> Json:
        made = super().model_schema(schema)
        kind = schema["cls"]
        for name, member in made.get("properties", {}).items():
            null = getattr(kind, "NULL", "value")
            if null == "refused":
                made["properties"][name] = without_null(member)
            elif null == "left out" and name not in kind.NEVER_NULL:
                made["properties"][name] = _with_null(member)
        for name, field in kind.model_fields.items():
            if field.exclude_if is not None:
                sent = field.serialization_alias or name
                made["properties"][sent] = without_null(made["properties"][sent])
        return made | getattr(kind, "SCHEMA", {})


def _with_null(schema: Json) -> Json:
    """Null too; what is said of the whole stays with the whole."""
    plain = without_null(schema)
    beside: Json = {name: plain.pop(name) for name in ("description", "default") if name in plain}
    return {**nullable(plain), **beside}


def without_null(schema: Json) -> Json:
    """The schema of what is there."""
    options = schema.get("anyOf", [])
    if _NULL not in options:
        return dict(schema)
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    others = [option for option in options if option != _NULL]
    return {**(others[0] if len(others) == 1 else {"anyOf": others}), **kept}


def _renamed(name: str) -> str:
    return name.removesuffix("View")


def _tidied(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """References by the document's names, options of options as one, and running text; without what says nothing."""
    match part:
        case {"x-record": str(name)}:
            return ref(name)
        case {"$ref": str(address), **others}:
            return {"$ref": _renamed(address), **_tidied(others)} if others else {"$ref": _renamed(address)}
        case {"anyOf": list(options)} if any("anyOf" in option for option in options):
            flat = [each for option in options for each in option.get("anyOf", [option])]
            unique = [each for index, each in enumerate(flat) if each not in flat[:index]]
            return _tidied({**part, "anyOf": unique})
        case Mapping():
            return {
                name: " ".join(value.split()) if name == "description" and isinstance(value, str) else _tidied(value)
                for name, value in part.items()
                if not (name == "default" and (value is None or "const" in part))
                and not (name == "title" and isinstance(value, str))
            }
        case list():
            return [_tidied(each) for each in part]
        case _:
            return part
