"""Named values against a model: one that holds another, words of a model's own, and bounds on what errors cost."""

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Literal

import pytest
from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from stillmotion.domain.request import MAX_ERRORS_TOLD, FieldError, InvalidRequest
from stillmotion.edge.fields import RequestModel, checked, parse


class Frame(RequestModel):
    """What is around a picture."""

    width: int
    tint: Literal["red", "blue"] = "red"
    is_gilded: Annotated[bool, Field(alias="isGilded")] = False

    def contradictions(self, wrong: Collection[str]) -> Iterator[FieldError]:
        if self.is_gilded and "tint" not in wrong and self.tint == "blue":
            yield FieldError("tint", "does not go with gold")


class Picture(RequestModel):
    """A picture in a frame."""

    name: str
    frame: Frame | None = None


class Curt(RequestModel):
    """One with words of its own."""

    NULL = "refused"
    UNKNOWN = "{name}? It has {names}"

    name: str
    size: int = 1

    @classmethod
    def broken_rules(cls, sent: str, field: FieldInfo, error: ErrorDetails) -> Sequence[FieldError]:  # noqa: ARG003 - as it is above
        return [FieldError(sent, f"{error['type']}: {error['input']}")]


def errors(kind: type[RequestModel], **fields: object) -> dict[str, str]:
    return {error.field: error.rule for error in checked(kind, fields)[1]}


def test_a_model_within_another_is_read() -> None:
    picture = parse(Picture, {"name": "lake", "frame": {"width": 3, "isGilded": True}})
    assert picture.frame is not None
    assert (picture.frame.width, picture.frame.is_gilded, picture.frame.tint) == (3, True, "red")


def test_errors_of_a_model_within_another_have_the_path() -> None:
    assert errors(Picture, name="lake", frame={"tint": "green", "colour": 1}) == {
        "frame.width": "is required",
        "frame.tint": "must be one of red, blue",
        "frame.colour": "is not a field of this call",
    }
    assert errors(Picture, name="lake", frame={"width": 3, "isGilded": True, "tint": "blue"}) == {
        "frame.tint": "does not go with gold"
    }


@pytest.mark.parametrize("frame", [1, "x", [], True])
def test_what_is_no_object_is_no_model(frame: object) -> None:
    assert list(errors(Picture, name="lake", frame=frame)) == ["frame"]


def test_a_model_has_words_of_its_own_for_every_way_to_be_wrong() -> None:
    assert errors(Curt, size="x", colour=1) == {
        "name": "missing: None",
        "size": "int_type: x",
        "colour": "colour? It has name, size",
    }
    assert errors(Curt, name=None) == {"name": "null_refused: None"}


@pytest.mark.parametrize("name", ["", "{names}", "{0}", "{"])
def test_an_unknown_name_is_shown_as_it_is(name: str) -> None:
    assert errors(Curt, name="x", **{name: 1}) == {name: f"{name}? It has name, size"}


def test_errors_that_no_answer_has_room_for_are_counted() -> None:
    unknown = {f"{number}": 1 for number in range(5000)}
    with pytest.raises(InvalidRequest) as caught:
        parse(Picture, {"name": "lake", "frame": {"width": 3, **unknown}})
    *shown, rest = caught.value.errors
    assert [error.field for error in shown] == [f"frame.{number}" for number in range(MAX_ERRORS_TOLD - 1)]
    assert rest.rule == f"breaks {5001 - MAX_ERRORS_TOLD} more rules"
