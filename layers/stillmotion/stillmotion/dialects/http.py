"""HTTP as the functions see it: one request in, one answer out, and the key checked before any route is looked at.

Problem   an answer that is an error, in any dialect's words

A route says by `scoped` what scope it takes. One that says nothing takes `read` for a GET and `write` for the rest.
HEAD is GET without the answer's body: a table of routes has the GET.
"""

import base64
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from stillmotion.domain.access import Scope, permits
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import MAX_NAME_TOLD, FieldError, InvalidRequest
from stillmotion.ports import StoreError
from stillmotion.ports.keys import AllowanceSpent
from stillmotion.services.intake.repetitions import NotRepeated
from stillmotion.services.keys.authentication import Authenticator, Unauthenticated
from stillmotion.services.keys.limits import TooManyRequests

MAX_BODY_BYTES = 4_500_000
"""What of a body fits into an event of Lambda's 6 MB, as base64 or with JSON's escapes."""
MAX_DEPTH = 32
"""So deep may the objects and lists of a body be nested."""
MAX_VALUES = 10_000
"""So many values may stand in a body, itself among them: an order has some hundred, and each costs time to check."""
MAX_INTEGER = 2**53
"""Up to here, a number in JSON is one integer and no other (RFC 8259)."""
MAX_LISTED = 100
# int() refuses thousands of digits, and isdecimal() takes those of every script.
SMALL_NUMBER = r"[0-9]{1,3}"
REQUEST_ID = "x-request-id"
"""The header that names a call as the gateway's log does. OpenAI's clients show it with what they raise."""
RETRY_SECONDS = 2
"""When to come again to a stack that could not read its keys."""

logger = logging.getLogger(__name__)


class FieldProblem(msgspec.Struct, frozen=True):
    """One field and the rule that it breaks."""

    field: str
    rule: str


class Problem(Exception):
    """An error to be answered. `code` is a stable word for programs; `detail` is a sentence for people.

    `retry_after` is in seconds, and `allow` the methods that there are; they are sent as headers, whatever else a
    dialect shows.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        errors: tuple[FieldProblem, ...] = (),
        *,
        retry_after: int | None = None,
        allow: Sequence[str] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after
        self.allow = allow

    @property
    def headers(self) -> Mapping[str, str]:
        waits = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return {**waits, **({"allow": ", ".join(self.allow)} if self.allow else {})}


def refused(*errors: FieldError) -> Problem:
    """The problem of a call whose fields break these rules; of bounded size."""
    invalid = InvalidRequest(*errors)
    fields = tuple(FieldProblem(error.field, error.rule) for error in invalid.errors)
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_request", str(invalid), fields)


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call to the HTTP API. `route` is as in the template ("GET /v1/videos/{id}"), and that of the GET for a HEAD;
    header names are lower-case."""

    route: str
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    arrived_at: datetime
    caller: ApiKey | None = None

    @property
    def key(self) -> str | None:
        """The API key: `Authorization: Bearer` or `X-API-Key`."""
        scheme, _, credentials = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and credentials:
            return credentials.strip()
        return self.headers.get("x-api-key")

    @property
    def good_key(self) -> ApiKey:
        """Who calls. Only routes ask, and routes are reached with a good key only."""
        assert self.caller is not None  # noqa: S101 - Endpoints sees to it
        return self.caller

    @property
    def tenant(self) -> str:
        """Whose key it is, for routes."""
        return self.good_key.tenant

    def json(self) -> Mapping[str, object]:
        """The body as a JSON object, of bounded size and depth, with each name once. Raises Problem."""
        if len(self.body) > MAX_BODY_BYTES:
            detail = f"A body may have at most {MAX_BODY_BYTES} bytes. For a larger image, see POST /v1/uploads."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)
        if _has_more_values(self.body, MAX_VALUES):
            raise _no_json(f"The body has more than {MAX_VALUES} values.")
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _no_json(f"The body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise _no_json("The body must be a JSON object.")
        if _is_deeper(value, MAX_DEPTH):
            raise _no_json(f"The body is nested more than {MAX_DEPTH} levels deep.")
        # msgspec takes the last of two values of a name: which was meant, nobody can tell.
        read: dict[str, object] = json.loads(self.body.decode(), object_pairs_hook=_unique, parse_float=_number)
        return read


def _no_json(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_json", detail)


def _has_more_values(text: bytes, most: int) -> bool:
    """Whether JSON has more values than that, by the commas and brackets that begin each but the first.

    Nothing is decoded for it. What stands in texts is left out only where it matters: few bodies have so many commas.
    """
    if _values(text) <= most:
        return False
    unescaped = text.replace(rb"\\", b"").replace(rb"\"", b"")
    # A text is a value, or the name of one, and stands between two quotes.
    return unescaped.count(b'"') > 4 * most or _values(b"".join(unescaped.split(b'"')[::2])) > most


def _values(text: bytes) -> int:
    return 1 + sum(map(text.count, (b",", b"[", b"{")))


def _is_deeper(value: object, levels: int) -> bool:
    """Whether objects and lists are nested deeper than that: told level by level, as the next reader calls itself."""
    level = [value]
    for _ in range(levels):
        members = (member for each in level for member in (each.values() if isinstance(each, dict) else each))  # type: ignore[attr-defined]  # only those two are in a level
        level = [member for member in members if isinstance(member, dict | list)]
        if not level:
            return False
    return True


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _no_json(f"The body says twice what {name[:MAX_NAME_TOLD]} is.")
            seen.add(name)
    return members


def _number(text: str) -> int | float:
    """JSON knows one kind of number: 5.0 is 5."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= MAX_INTEGER else value


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An answer; `body` is what msgspec encodes or a model of pydantic, or None for none."""

    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = {}
    body: object = None


class Route(Protocol):
    """Answers calls of one method and path. `scope` is what a key needs for it, None where it takes no key."""

    scope: Scope | None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Raises Problem."""


ProblemView = Callable[[Problem], HttpResponse]


class Endpoints:
    """A dialect's routes behind the one check of the caller's key: nothing is routed before it but what takes no key.

    Whatever is wrong with a key is answered alike. Where it cannot be told, as the table cannot be read, nobody is
    let in.
    """

    def __init__(self, authenticate: Authenticator, routes: Mapping[str, Route], show: ProblemView) -> None:
        self._authenticate = authenticate
        self.routes = routes
        self._show = show

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answers an HTTP API event (payload format 2.0)."""
        try:
            request = parse_event(event)
            route = self.routes.get(request.route)
            caller = None if route is not None and route.scope is None else self._admit(request.key)
            response = self._routed(msgspec.structs.replace(request, caller=caller))
        except Problem as problem:
            shown = self._show(problem)
            response = msgspec.structs.replace(shown, headers={**shown.headers, **problem.headers})
        return dump(response, event)

    def _admit(self, key: str | None) -> ApiKey:
        try:
            return self._authenticate(key)
        except Unauthenticated as refused:
            detail = "Send a valid key as Authorization: Bearer or X-API-Key."
            raise Problem(HTTPStatus.UNAUTHORIZED, "invalid_api_key", detail) from refused
        except TooManyRequests as many:
            detail = f"This key may call {many.per_minute} times a minute. Try again in {many.retry_after} s."
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_exceeded", detail, retry_after=many.retry_after
            ) from many
        except StoreError as fault:
            logger.error("keys cannot be read: %s", fault)  # noqa: TRY400 - the sentence says it all
            detail = "The key could not be checked. Try again in a moment."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after=RETRY_SECONDS) from fault

    def _routed(self, request: HttpRequest) -> HttpResponse:
        route = self.routes.get(request.route)
        if route is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", "There is nothing at this address.")
        needed = route.scope
        if request.caller is not None and needed is not None and not permits(request.caller.scopes, needed):
            detail = f"This takes a key with the scope {needed}."
            raise Problem(HTTPStatus.FORBIDDEN, "insufficient_scope", detail)
        try:
            return route(request)
        except InvalidRequest as invalid:
            raise refused(*invalid.errors) from invalid
        except AllowanceSpent as spent:
            detail = f"This key may order for ${spent.daily_dollars} a day (UTC), and this would be over that."
            raise Problem(HTTPStatus.PAYMENT_REQUIRED, "key_allowance_spent", detail) from spent
        except NotRepeated as unlike:
            raise Problem(HTTPStatus.CONFLICT, unlike.code, str(unlike)) from unlike


def parse_event(event: Mapping[str, Any]) -> HttpRequest:
    """The call in an HTTP API event. Raises Problem for a body that is not what it says."""
    context = event["requestContext"]
    method, _, path = event["routeKey"].partition(" ")
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid_body", "The body is not base64, or not text.") from error
    return HttpRequest(
        route=f"GET {path}" if method == "HEAD" else event["routeKey"],
        method=context["http"]["method"],
        path=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=raw,
        arrived_at=datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC),
    )


def dump(response: HttpResponse, event: Mapping[str, Any]) -> dict[str, object]:
    """The answer to an event as API Gateway takes it; to HEAD, without the body."""
    context = event["requestContext"]
    headers = {"cache-control": "no-store", REQUEST_ID: context["requestId"], **response.headers}
    if response.body is not None:
        headers.setdefault("content-type", "application/json")
    has_body = response.body is not None and context["http"]["method"] != "HEAD"
    body = encoded(response.body).decode() if has_body else ""
    return {"statusCode": int(response.status), "headers": headers, "body": body}


class _Model(Protocol):
    """A model of pydantic, which is not imported here: the vendors' webhooks need none of it."""

    def model_dump(self, *, by_alias: bool) -> dict[str, object]: ...


def encoded(body: object) -> bytes:
    """A body as JSON."""
    return msgspec.json.encode(body, enc_hook=_members)


def _members(model: _Model) -> dict[str, object]:
    return model.model_dump(by_alias=True)
