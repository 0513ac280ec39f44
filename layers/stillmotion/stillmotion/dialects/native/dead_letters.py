"""What could not be handled. Dead letters are not a tenant's but the stack's: they take an admin key of its owner."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import MaxLen, MinLen
from pydantic import Field, Strict

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest, Problem, refused
from stillmotion.dialects.models import JsonBody, ResponseModel
from stillmotion.dialects.native import DEAD_LETTERS, NATIVE
from stillmotion.domain.access import Scope
from stillmotion.domain.dead_letters import QueueName
from stillmotion.domain.request import FieldError
from stillmotion.edge.fields import Rule
from stillmotion.ports import UnknownPage
from stillmotion.services.operations.dead_letters import DeadLetters

MAX_IDS = 100
MAX_ID = 100
_OWNERS = "Takes an admin key of the stack's owner."


class ReplayRequest(JsonBody):
    """Which letters are to be handled again."""

    UNKNOWN = "is not one of {names}"
    NULL = "refused"
    MAY_BE_EMPTY = True
    EXAMPLES: ClassVar[dict[str, object]] = {
        "all_of_a_queue": {"queue": "inbox"},
        "some": {"queue": "inbox", "ids": ["m1"]},
    }
    SCHEMA: ClassVar[dict[str, Any]] = {"dependentRequired": {"after": ["ids"]}}

    queue: Annotated[QueueName, Strict(strict=False)]
    ids: Annotated[
        Annotated[list[Annotated[str, MinLen(1), MaxLen(MAX_ID)]], MinLen(1), MaxLen(MAX_IDS)] | None,
        Rule(f"must be a list of 1 to {MAX_IDS} ids, of 1 to {MAX_ID} characters each"),
    ] = None
    after: Annotated[str | None, Field(description="From the `rest` of an earlier answer.")] = None

    def contradictions(self, wrong: Collection[str]) -> Iterator[FieldError]:
        if self.after is not None and self.ids is None and "ids" not in wrong:
            yield FieldError("ids", "is required with after: both are in the `rest` of an earlier answer")


class LetterView(ResponseModel):
    """A dead letter. `subject` is the object's key, or when the events were; null if it cannot be read."""

    queue: QueueName
    id: str
    sent_at: datetime
    receives: int
    reason: str
    subject: str | None


class DeadLetterList(ResponseModel):
    """At most 100 of each queue, the oldest first."""

    object: Literal["list"] = "list"
    data: list[LetterView]


class LeftView(ResponseModel):
    """A letter that cannot be replayed, and why."""

    id: str
    reason: str


class RestView(ResponseModel):
    """What to ask for next, as the table was too large to be read in one go: the same letters, from `after` on."""

    ids: tuple[str, ...]
    after: str


class ReplayedView(ResponseModel):
    """What came of a replay. `events` counts those sent to the bus. With `rest`, no letter is done with yet."""

    object: Literal["dead_letters.replay"] = "dead_letters.replay"
    queue: QueueName
    replayed: tuple[str, ...]
    left: tuple[LeftView, ...]
    events: int
    rest: RestView | None


class DeadLetterRoutes(Feature):
    """`letters` gives the service, which few calls need, and `owner` is the tenant that may see them."""

    TAG = DEAD_LETTERS
    DIALECT = NATIVE
    FUNCTION = "operate"

    def __init__(self, letters: Callable[[], DeadLetters], owner: str) -> None:
        self._letters = letters
        self._owner = owner

    def admit(self, request: HttpRequest) -> None:
        if request.tenant != self._owner:
            raise Problem(HTTPStatus.FORBIDDEN, "not_allowed", "Dead letters take a key of the stack's owner.")

    @operation(
        "GET",
        "/v1/dead-letters",
        operation_id="listDeadLetters",
        summary="List what could not be handled",
        scope=Scope.ADMIN,
        description=_OWNERS,
        examples=("DeadLetterList",),
    )
    def listed(self) -> DeadLetterList:
        return DeadLetterList(data=[LetterView.model_validate(letter) for letter in self._letters().listed()])

    @operation(
        "POST",
        "/v1/dead-letters/replay",
        operation_id="replayDeadLetters",
        summary="Handle them again",
        scope=Scope.ADMIN,
        description=_OWNERS,
        errors=(400, 413),
        examples=("Replayed",),
    )
    def replay(self, body: ReplayRequest) -> ReplayedView:
        try:
            return ReplayedView.model_validate(self._letters().replay(body.queue, body.ids, body.after))
        except UnknownPage as unknown:
            raise refused(FieldError("after", "must be from the `rest` of an earlier answer")) from unknown
