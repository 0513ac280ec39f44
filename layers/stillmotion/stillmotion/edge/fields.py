"""Named values from outside, checked against a pydantic model with errors in our own words.

Each field is validated alone: it gives one error at most, and rules between fields see every value that is right. The
sentence of an error is the field's `Rule`, or follows from its type and bounds; a model with words of its own overrides
`broken_rules`. A field that holds another model is checked as that one is, and its errors have the path. Names that the
model does not have are counted and never validated, so that the cost of a body full of them is that of reading it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import EnumType
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stillmotion.domain.request import MAX_ERRORS_TOLD, MAX_NAME_TOLD, FieldError, InvalidRequest, shortened

NUMBER_IN_TEXT = re.compile(r"[0-9]{1,3}")
"""int() refuses thousands of digits, and isdecimal() takes those of every script."""
TRUTH_IN_TEXT: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
HALF_A_CHARACTER = "must be text: it holds half of a character"
MISSING = ErrorDetails(type="missing", loc=(), msg="", input=None)
"""The error of a field that is required and was left out; pydantic's own."""
NULL_REFUSED = ErrorDetails(type="null_refused", loc=(), msg="", input=None)
"""The error of null where it is refused."""


class Rule:
    """The sentence that a caller reads when a field breaks its type or bounds; an annotation of the field.

    `missing` is the one for a field that is required and was left out.
    """

    def __init__(self, sentence: str, *, missing: str | None = None) -> None:
        self.sentence = sentence
        self.missing = missing


class RequestModel(BaseModel):
    """Named values that a caller sends. Subclasses say what their fields may be, and nothing else is taken."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    UNKNOWN: ClassVar[str] = "is not a field of this call"
    """The rule that an unknown name breaks; `{names}` in it stands for those that there are, `{name}` for this one."""
    NULL: ClassVar[Literal["value", "left out", "refused"]] = "value"
    """What null is: a value, where the type has it; a field that was left out, but for NEVER_NULL; or wrong."""
    NEVER_NULL: ClassVar[frozenset[str]] = frozenset()

    def contradictions(self, wrong: Collection[str]) -> Iterable[FieldError]:  # noqa: ARG002 - subclasses need it
        """The rules between fields that are broken. A field that was left out, or is `wrong`, has its default here."""
        return ()

    @classmethod
    def broken_rules(cls, sent: str, field: FieldInfo, error: ErrorDetails) -> Sequence[FieldError]:
        """The rules that a field breaks, in this model's words. `sent` is the field's name, `error` is pydantic's."""
        return [FieldError(sent, _sentence(field, error))]


Model = TypeVar("Model", bound=RequestModel)


def parse(kind: type[Model], given: Mapping[str, object], *, in_text: bool = False) -> Model:
    """The model of these values; `in_text` reads numbers and truth values from text. Raises InvalidRequest."""
    model, errors = checked(kind, given, in_text=in_text)
    if errors:
        raise InvalidRequest(*errors)
    return model


def checked(
    kind: type[Model], given: Mapping[str, object], *, in_text: bool = False
) -> tuple[Model, Sequence[FieldError]]:
    """The values that are right, all others at their defaults, and the errors in the order of the fields."""
    if not kind.__pydantic_complete__:
        kind.model_rebuild()
    model = kind.model_construct()
    errors: list[FieldError] = []
    for name, field in kind.model_fields.items():
        sent = field.alias or name
        if sent not in given or (given[sent] is None and kind.NULL == "left out" and name not in kind.NEVER_NULL):
            if field.is_required():
                errors += kind.broken_rules(sent, field, MISSING)
            continue
        value = _from_text(field, given[sent]) if in_text else given[sent]
        if value is None and kind.NULL == "refused":
            errors += kind.broken_rules(sent, field, NULL_REFUSED)
            continue
        within, _ = unwrapped(field)
        if isinstance(value, Mapping) and is_model(within):
            value, wrong = checked(within, value, in_text=in_text)
            errors += _below(sent, wrong)
        try:
            kind.__pydantic_validator__.validate_assignment(model, name, value)
        except ValidationError as error:
            errors += kind.broken_rules(sent, field, error.errors(include_url=False)[0])
    errors += model.contradictions({error.field for error in errors})
    if kind.model_config["extra"] == "forbid":
        errors += _unknown(kind, given)
    return model, errors


Wrong = TypeVar("Wrong")


def counted(wrong: Sequence[Wrong], error_of: Callable[[Wrong], FieldError]) -> list[FieldError]:
    """An error for each. Those that no answer has room for (MAX_ERRORS_TOLD) only count: each is the last one again."""
    errors = [error_of(each) for each in wrong[:MAX_ERRORS_TOLD]]
    return errors + errors[-1:] * (len(wrong) - len(errors))


def _below(path: str, errors: Sequence[FieldError]) -> list[FieldError]:
    return counted(errors, lambda error: FieldError(f"{path}.{error.field}", error.rule))


def _unknown(kind: type[RequestModel], given: Iterable[str]) -> list[FieldError]:
    known = [field.alias or name for name, field in kind.model_fields.items()]
    names = ", ".join(known)

    def error_of(name: str) -> FieldError:
        return FieldError(name, kind.UNKNOWN.format(names=names, name=shortened(name, MAX_NAME_TOLD)))

    return counted([name for name in given if name not in known], error_of)


def _required(field: FieldInfo) -> str:
    kind, metadata = unwrapped(field)
    said = [part.missing for part in metadata if isinstance(part, Rule) and part.missing is not None]
    if said:
        return said[0]
    *others, last = choices_of(kind) or ("",)
    return f"is required: {', '.join(others)} or {last}" if others else "is required"


def _sentence(field: FieldInfo, error: ErrorDetails) -> str:
    match error:
        case {"type": "missing"}:
            return _required(field)
        case {"type": "value_error", "ctx": {"error": ValueError() as broken}}:
            return str(broken)
        case {"type": "string_unicode"}:
            return HALF_A_CHARACTER
        case _:
            return rule_of(field)


def rule_of(field: FieldInfo) -> str:
    """What a field must be, in words."""
    kind, metadata = unwrapped(field)
    said = [part.sentence for part in metadata if isinstance(part, Rule)]
    return said[0] if said else f"must be {_in_words(kind, metadata)}"


def _in_words(kind: Any, metadata: Iterable[object]) -> str:  # noqa: ANN401 - any annotation
    least, most = bound(metadata, Ge, "ge"), bound(metadata, Le, "le")
    shortest, longest = bound(metadata, MinLen, "min_length"), bound(metadata, MaxLen, "max_length")
    if choices := choices_of(kind):
        return f"one of {', '.join(map(str, choices))}"
    if kind is bool:
        return "true or false"
    if kind is int:
        return f"a number from {least} to {most}" if most is not None else f"a whole number, {least} or more"
    if longest is not None:
        return f"text of {shortest} to {longest} characters" if shortest else f"text of at most {longest} characters"
    return "text"


def is_model(kind: object) -> bool:
    """Whether a field of this type holds named values itself."""
    return isinstance(kind, type) and issubclass(kind, RequestModel)


def choices_of(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any annotation
    """The members of a closed set; none for another type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(kind) if isinstance(kind, EnumType) else ()


def bound(metadata: Iterable[object], kind: type, name: str) -> Any:  # noqa: ANN401 - a number
    """What an annotation of this kind says, such as `ge` of Ge; None without one."""
    return next((getattr(part, name) for part in metadata if isinstance(part, kind)), None)


def unwrapped(field: FieldInfo) -> tuple[Any, Sequence[object]]:
    """A field's type where it is not null, and all that its annotations say."""
    kind, metadata = field.annotation, list(field.metadata)
    if get_origin(kind) in (Union, UnionType):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        metadata += more
    return kind, metadata


def _from_text(field: FieldInfo, value: object) -> object:
    """A number or truth value that is written as text; whatever is none stays as it is, and breaks the rule."""
    kind, _ = unwrapped(field)
    if not isinstance(value, str):
        return value
    if kind is bool:
        return TRUTH_IN_TEXT.get(value.lower(), value)
    is_whole = kind is int or any(isinstance(choice, int) for choice in choices_of(kind))
    return int(value) if is_whole and NUMBER_IN_TEXT.fullmatch(value) else value


def refusing(rule: Callable[[str], str | None]) -> Callable[[str], str]:
    """A validator of pydantic's made of a function that gives the rule which a text breaks, or None."""

    def validate(text: str) -> str:
        broken = rule(text)
        if broken is not None:
            raise ValueError(broken)
        return text

    return validate
