"""Broken rules in the words of Apiframe's validator (Zod). The field of an error is the path into the body."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stillmotion.domain.request import MAX_NAME_TOLD, FieldError, shortened
from stillmotion.edge.fields import HALF_A_CHARACTER, RequestModel, bound, choices_of, counted, is_model, unwrapped

_TYPES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}

_SENTENCES: Mapping[str, str] = {
    "missing": "Required",
    "string_too_short": "String must contain at least {min_length} character(s)",
    "string_too_long": "String must contain at most {max_length} character(s)",
    "too_short": "Array must contain at least {min_length} element(s)",
    "string_unicode": HALF_A_CHARACTER,
}
"""By pydantic's type of an error; `{…}` is what stands in its context."""


class WrongItems(ValueError):
    """The places of a list's items that are none of the words of its type."""

    def __init__(self, places: Sequence[int], words: Sequence[object]) -> None:
        super().__init__()
        self.places = places
        self.words = words


def each_of(kind: Any) -> Callable[[object], object]:  # noqa: ANN401 - a Literal
    """A validator of lists of such words, which finds every item that is wrong. pydantic's own is slow if many are."""
    words = choices_of(kind)
    known = frozenset(words)

    def validate(values: object) -> object:
        if isinstance(values, list):
            wrong = [at for at, value in enumerate(values) if not (isinstance(value, str) and value in known)]
            if wrong:
                raise WrongItems(wrong, words)
        return values

    return validate


class ZodModel(RequestModel):
    """Named values whose errors have Zod's words. Null is no value of any."""

    NULL = "refused"
    UNKNOWN: ClassVar[str] = "Unrecognized key(s) in object: '{name}'"

    @classmethod
    def broken_rules(cls, sent: str, field: FieldInfo, error: ErrorDetails) -> Sequence[FieldError]:
        match error:
            case {"input": values, "ctx": {"error": WrongItems() as wrong}}:
                return counted(wrong.places, lambda at: FieldError(f"{sent}.{at}", _no_word(values[at], wrong.words)))
            case {"type": "value_error", "ctx": {"error": ValueError() as broken}}:
                return [FieldError(sent, str(broken))]
            case _:
                return [FieldError(sent, _sentence(field, error))]


def _sentence(field: FieldInfo, error: ErrorDetails) -> str:
    kind, metadata = unwrapped(field)
    choices = choices_of(kind)
    if len(choices) == 1:
        return f"Invalid discriminator value. Expected '{choices[0]}'"
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]].format(**error.get("ctx", {}))
    if choices:
        return _no_word(error["input"], choices) if isinstance(choices[0], str) else "Invalid input"
    if kind is int:
        return f"Number must be from {bound(metadata, Ge, 'ge')} to {bound(metadata, Le, 'le')}"
    expected = dict if is_model(kind) else get_origin(kind) or kind
    return f"Expected {_TYPES[expected]}, received {_TYPES[type(error['input'])]}"


def _no_word(value: object, words: Sequence[object]) -> str:
    expected = " | ".join(f"'{word}'" for word in words)
    if isinstance(value, str):
        return f"Invalid enum value. Expected {expected}, received '{shortened(value, MAX_NAME_TOLD)}'"
    return f"Expected {expected}, received {_TYPES[type(value)]}"
