"""Values as DynamoDB's typed attributes, and back.

    str ↔ {"S": …}   int, Decimal ↔ {"N": …}   bool ↔ {"BOOL": …}   frozenset of str ↔ {"SS": …}
    list, tuple ↔ {"L": …}   mapping ↔ {"M": …}

None is left out of a mapping: an absent attribute reads as the field's default. A datetime is stored as text of one
width, in UTC (`2026-01-31T12:00:00.000000Z`), so that text order is time order, in conditions and sort keys too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

Attribute = dict[str, Any]
Item = dict[str, Attribute]


def stamp(moment: datetime) -> str:
    """A moment as text that sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_item(fields: Mapping[str, object]) -> Item:
    """An item of these fields."""
    return {name: attribute(value) for name, value in fields.items() if value is not None}


def from_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """The fields of an item, as plain values."""
    return {name: plain(value) for name, value in item.items()}


def attribute(value: object) -> Attribute:
    """One typed attribute. Raises TypeError for what has no native form."""
    match value:
        case bool():
            return {"BOOL": value}
        case str() | datetime():
            return {"S": stamp(value) if isinstance(value, datetime) else str(value)}
        case int() | Decimal():
            return {"N": f"{Decimal(value):f}"}
        case frozenset():
            return {"SS": sorted(map(str, value))}
        case list() | tuple():
            return {"L": [attribute(element) for element in value]}
        case Mapping():
            return {"M": to_item(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no DynamoDB attribute")


def plain(typed: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever the attribute holds
    """The value of one typed attribute. Raises TypeError for a type that this table never holds."""
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else number
        case "SS":
            return frozenset(value)
        case "NULL":
            return None
        case "L":
            return [plain(element) for element in value]
        case "M":
            return from_item(value)
        case _:
            raise TypeError(f"attributes of type {kind} are not read here")


def fields_of(struct: msgspec.Struct) -> dict[str, Any]:
    """A struct's fields, ready for `to_item`."""
    fields: dict[str, Any] = msgspec.to_builtins(struct, builtin_types=(datetime,))
    return fields
