"""Values as DynamoDB's typed attributes, and back, by boto3's serializers.

None is left out of a mapping: an absent attribute reads as the field's default. A datetime is stored as text of one
width, in UTC (`2026-01-31T12:00:00.000000Z`), so that text order is time order, in conditions and sort keys too. A
number reads as an int where it is whole and as a Decimal where it is not, and a set of strings as a frozenset.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Attribute = Mapping[str, Any]
Item = Mapping[str, Attribute]

_SERIALIZER = TypeSerializer()
_DESERIALIZER: Any = TypeDeserializer()


def stamp(moment: datetime) -> str:
    """A moment as text that sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_item(fields: Mapping[str, object]) -> Item:
    """An item of these fields. Raises TypeError for a value that has no attribute."""
    return {name: attribute(value) for name, value in fields.items() if value is not None}


def from_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """The fields of an item, as plain values."""
    return {name: _plain(_DESERIALIZER.deserialize(typed)) for name, typed in item.items()}


def attribute(value: object) -> Attribute:
    """One typed attribute. Raises TypeError for a value that has none."""
    typed: Attribute = _SERIALIZER.serialize(_storable(value))
    return typed


def fields_of(struct: msgspec.Struct) -> dict[str, Any]:
    """A struct's fields, ready for `to_item`."""
    fields: dict[str, Any] = msgspec.to_builtins(struct, builtin_types=(datetime,))
    return fields


def _storable(value: object) -> object:
    match value:
        case datetime():
            return stamp(value)
        case Mapping():
            return {name: _storable(member) for name, member in value.items() if member is not None}
        case list() | tuple():
            return [_storable(member) for member in value]
        case _:
            return value


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever the attribute holds
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else value
        case set():
            return frozenset(value)
        case list():
            return [_plain(member) for member in value]
        case dict():
            return {name: _plain(member) for name, member in value.items()}
        case _:
            return value
