"""JSON Schemas (draft 2020-12) of the code's own types, and of what is put together from them.

Schemas of answers are closed: every member is there, and no other. A member that the code adds or leaves out so shows
where answers are checked by them. What may be null is `anyOf` with a null, and an enum is of one type and says so:
generators of clients leave out what is written otherwise.
"""

import inspect
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
ADDRESS: Json = {"type": "string", "format": "uri"}
MOMENT: Json = {"type": "string", "format": "date-time"}
DAY: Json = {"type": "string", "format": "date"}
DOLLARS: Json = {"type": "string", "format": "decimal", "description": "US dollars, exact."}

_NULL: Json = {"type": "null"}
_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", str: "string", type(None): "null"}
_TEMPLATE = "#/components/schemas/{name}"


def ref(name: str) -> Json:
    """What stands for a schema among the components."""
    return {"$ref": _TEMPLATE.format(name=name)}


def nullable(schema: Json) -> Json:
    """Null too. A default, and what is told of a choice, stay those of the whole."""
    kept = {name: value for name, value in schema.items() if name != "anyOf"}
    if "anyOf" in schema:
        return {"anyOf": [*(option for option in schema["anyOf"] if option != _NULL), _NULL], **kept}
    default = {"default": kept.pop("default")} if "default" in kept else {}
    return {"anyOf": [kept, _NULL], **default}


def constant(value: object) -> Json:
    return {"const": value}


def one_of(values: Iterable[object], **more: object) -> Json:
    """One of these; of several types, one enum for each."""
    by_type: dict[str, list[object]] = {}
    for value in values:
        by_type.setdefault(_type_of(value), []).append(value)
    options = [_NULL if name == "null" else {"type": name, "enum": members} for name, members in by_type.items()]
    return {**(options[0] if len(options) == 1 else {"anyOf": options}), **more}


def many(items: Json, **more: object) -> Json:
    return {"type": "array", "items": items, **more}


def closed(properties: Mapping[str, Json], *, optional: Collection[str] = (), **more: object) -> Json:
    """An object with these members and no others; all are there but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": dict(properties),
        **({"required": required} if required else {}),
        "additionalProperties": False,
        **more,
    }


def answered(*kinds: type) -> dict[str, Json]:
    """Components for structs as they are shown, and for all that is in them, by name."""
    _, found = msgspec.json.schema_components(kinds, schema_hook=_anything, ref_template=_TEMPLATE)
    return {name: _as_shown(schema) for name, schema in found.items()}


def taken(kind: type[msgspec.Struct], **instead: Json) -> Json:
    """The schema of a body that a struct stands for; unknown members are refused. `instead` replaces members."""
    _, found = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    schema = _typed(found[kind.__name__])
    return {
        "type": "object",
        "description": prose(kind),
        "properties": {**schema["properties"], **instead},
        **({"required": schema["required"]} if schema["required"] else {}),
        "additionalProperties": False,
    }


def without(schema: Json, names: Collection[str]) -> Json:
    """A closed object without some of its members."""
    return closed({name: member for name, member in schema["properties"].items() if name not in names}) | {
        name: schema[name] for name in ("description",) if name in schema
    }


def prose(documented: object) -> str:
    """A docstring as running text."""
    return " ".join(inspect.cleandoc(getattr(documented, "__doc__", None) or "").split())


def _anything(kind: type) -> Json:
    if kind is object:
        return {"description": "Anything."}
    raise NotImplementedError


def _typed(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """A schema of msgspec's, which does not say of which type an enum is."""
    match part:
        case {"enum": [first, *_]}:
            return {"type": _type_of(first), **part}
        case dict():
            return {name: _typed(member) for name, member in part.items()}
        case list():
            return [_typed(member) for member in part]
        case _:
            return part


def _type_of(value: object) -> str:
    return next(name for kind, name in _TYPES.items() if isinstance(value, kind))


def _as_shown(schema: Json) -> Json:
    kept = {name: value for name, value in _typed(schema).items() if name not in ("title", "required")}
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    if "properties" in kept:
        kept["properties"] = {name: _member(name, member) for name, member in kept["properties"].items()}
        kept |= {"required": list(kept["properties"]), "additionalProperties": False}
    return kept


def _member(name: str, schema: Json) -> Json:
    """Moments are named so, and msgspec does not say that their text is one."""
    kept = {key: value for key, value in schema.items() if key != "default"}
    if not (name == "at" or name.endswith("_at")):
        return kept
    return nullable(MOMENT) if "anyOf" in kept else MOMENT
