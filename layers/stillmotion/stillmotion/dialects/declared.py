"""Routes, each declared once: on the method that answers it.

    class Keys(Feature):
        @operation("POST", "/v1/keys", operation_id="createKey", summary="Make a key", scope=Scope.ADMIN, status=201)
        def create(self, request: HttpRequest, body: KeyRequest) -> NewKeyView: ...

A method takes the call, variables of the path, and what it reads of the call: a body, a query, headers (`models.py`).
It gives the model of its answer, or an `Answer` with headers beside it. From these declarations follow
the routes, HEAD, what a path allows, the access table of the tests, the OpenAPI document and the template's routes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    Protocol,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route
from stillmotion.domain.access import Scope

Method = TypeVar("Method", bound=Callable[..., object])
Body = TypeVar("Body")
METHODS = ("GET", "POST", "PUT", "DELETE")
"""In the order in which they are told."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """Whose words are spoken below a path: the schema and media type of an error, and what is said of no route.

    `error` is empty where errors have no body.
    """

    prefix: str
    error: str
    media_type: str = "application/json"
    nothing: str = "There is nothing at this address."

    @property
    def proxy(self) -> str:
        """The route of the gateway for whatever has no other."""
        return f"ANY {self.prefix}{{proxy+}}"


class InPath(msgspec.Struct, frozen=True, kw_only=True):
    """A variable in a path, and what the document says of it; an annotation of the parameter that takes it."""

    name: str
    schema: Mapping[str, object]
    example: str
    description: str = ""


class Answer(msgspec.Struct, Generic[Body], frozen=True):
    """A body with headers of its own."""

    body: Body
    headers: Mapping[str, str] = {}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A route. `status` is that of an answer, `errors` those of what goes wrong, beside the key's and the gateway's.

    `scope` is None where no key is taken. `sends` are headers of the answer, as OpenAPI has them, `says` other words
    for its statuses, and `examples` name what the document shows of it. `bodies` are schemas by media type, where no
    model is read. A key with a daily allowance is refused where `takes_allowance` is false.
    """

    method: str
    path: str
    operation_id: str
    summary: str
    scope: Scope | None
    description: str = ""
    status: int = HTTPStatus.OK
    answers: str = "As asked."
    errors: tuple[int, ...] = ()
    says: Mapping[int, str] = {}
    sends: Mapping[str, Mapping[str, object]] = {}
    bodies: Mapping[str, Mapping[str, object]] = {}
    body_required: bool = True
    examples: tuple[str, ...] = ()
    takes_allowance: bool = True

    @property
    def route(self) -> str:
        """As in the template."""
        return f"{self.method} {self.path}"


def operation(
    method: str,
    path: str,
    *,
    operation_id: str,
    summary: str,
    scope: Scope | None,
    **more: Any,  # noqa: ANN401 - the other fields of an Operation
) -> Callable[[Method], Method]:
    """Declares what a method of a Feature answers; several of these are several routes."""

    def declare(function: Method) -> Method:
        declaration = Operation(
            method=method, path=path, operation_id=operation_id, summary=summary, scope=scope, **more
        )
        vars(function).setdefault("operations", []).insert(0, declaration)
        return function

    return declare


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """An operation with the feature and the method that it was declared on."""

    operation: Operation
    feature: type["Feature"]
    function: Callable[..., object]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The method's parameters with their annotations."""
        return {name: kind for name, kind in self._hints.items() if name != "return"}

    @property
    def returns(self) -> Any:  # noqa: ANN401 - any annotation
        """What the answer's body is; None for none."""
        kind = self._hints.get("return")
        return get_args(kind)[0] if get_origin(kind) is Answer else kind

    @property
    def _hints(self) -> Mapping[str, Any]:
        return get_type_hints(self.function, include_extras=True)


class Feature:
    """Routes that belong together: answered by one function, shown under one tag."""

    TAG: ClassVar[str]
    DIALECT: ClassVar[Dialect]
    FUNCTION: ClassVar[Literal["submit", "read", "operate", "webhook"]]
    """The Lambda function that answers them."""

    @classmethod
    def declared(cls) -> Sequence[Declared]:
        """In the order in which they stand in the class."""
        return [
            Declared(operation=declaration, feature=cls, function=function)
            for function in vars(cls).values()
            for declaration in getattr(function, "operations", ())
        ]

    def admit(self, request: HttpRequest) -> None:
        """Asked before anything is read of a call. Raises Problem for a caller who may not make it."""

    def routes(self) -> Mapping[str, Route]:
        """What answers each route."""
        return {each.operation.route: DeclaredRoute(each, self) for each in self.declared()}


class _Readable(Protocol):
    """What a route reads of a call."""

    @classmethod
    def read(cls, request: HttpRequest) -> object:
        """Raises Problem, or InvalidRequest."""


class DeclaredRoute:
    """A declared method as a route: gives its parameters what they ask for. They are looked at when it is called."""

    def __init__(self, declared: Declared, feature: Feature) -> None:
        self._declared = declared
        self._feature = feature
        self.scope = declared.operation.scope

    def __call__(self, request: HttpRequest) -> HttpResponse:
        declaration = self._declared.operation
        if not declaration.takes_allowance and request.caller is not None and request.caller.daily_dollars is not None:
            detail = "A key with a daily allowance orders new videos only. Take another key for this."
            raise Problem(HTTPStatus.FORBIDDEN, "key_is_capped", detail)
        self._feature.admit(request)
        read = {name: _read(kind, request) for name, kind in self._parameters.items()}
        answer = self._declared.function(self._feature, **read)
        body, headers = (answer.body, answer.headers) if isinstance(answer, Answer) else (answer, {})
        return HttpResponse(status=HTTPStatus(declaration.status), headers=headers, body=body)

    @cached_property
    def _parameters(self) -> Mapping[str, Any]:
        return self._declared.parameters


def in_path(kind: Any) -> InPath | None:  # noqa: ANN401 - any annotation
    """What an annotation says of a variable in the path."""
    metadata = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((part for part in metadata if isinstance(part, InPath)), None)


def _read(kind: Any, request: HttpRequest) -> object:  # noqa: ANN401 - any annotation
    """What a parameter of this kind is given. Raises Problem, InvalidRequest."""
    if kind is HttpRequest:
        return request
    variable = in_path(kind)
    return cast("_Readable", kind).read(request) if variable is None else request.path.get(variable.name, "")


def allowed_at(path: str, operations: Iterable[Operation]) -> Sequence[str]:
    """The methods that a path takes; none where nothing is."""
    segments = path.split("/")
    found = [operation.method for operation in operations if _leads_to(operation.path.split("/"), segments)]
    found.sort(key=METHODS.index)
    return [each for method in found for each in (("GET", "HEAD") if method == "GET" else (method,))]


def _leads_to(template: Sequence[str], segments: Sequence[str]) -> bool:
    return len(template) == len(segments) and all(map(_fits, template, segments))


def _fits(expected: str, segment: str) -> bool:
    """Ids have digits, and the words that OpenAI has in their place (edits, extensions, characters) have none."""
    if not expected.startswith("{"):
        return expected == segment
    return any(character in "0123456789" for character in segment) if expected == "{id}" else bool(segment)
