"""HTTP as the functions see it: one request in, one answer out, and the key checked before any route is looked at.

Problem   an answer that is an error, in any dialect's words
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec

from stillmotion.ports import ApiKey
from stillmotion.services.keys import Authenticator, Unauthenticated

MAX_BODY_BYTES = 1024 * 1024


class FieldProblem(msgspec.Struct, frozen=True):
    """One field and the rule that it breaks."""

    field: str
    rule: str


class Problem(Exception):
    """An error to be answered. `code` is a stable word for programs; `detail` is a sentence for people."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, errors: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call to the HTTP API. `route` is as in the template ("GET /v1/videos/{id}"); header names are lower-case."""

    route: str
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
    def tenant(self) -> str:
        """Whose key it is. Only routes ask, and routes are reached with a good key only."""
        assert self.caller is not None  # noqa: S101 - Endpoints sees to it
        return self.caller.tenant

    def json(self) -> Mapping[str, object]:
        """The body as a JSON object. Raises Problem."""
        if len(self.body) > MAX_BODY_BYTES:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", f"The body is over {MAX_BODY_BYTES} bytes."
            )
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(HTTPStatus.BAD_REQUEST, "invalid_json", f"The body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise Problem(HTTPStatus.BAD_REQUEST, "invalid_json", "The body must be a JSON object.")
        return value


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An answer; `body` is JSON-ready, or None for none."""

    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = {}
    body: object = None


Route = Callable[[HttpRequest], HttpResponse]
ProblemView = Callable[[Problem], HttpResponse]


class Endpoints:
    """A dialect's routes behind the one check of the caller's key: nothing is routed before it."""

    def __init__(self, authenticate: Authenticator, routes: Mapping[str, Route], show: ProblemView) -> None:
        self._authenticate = authenticate
        self._routes = routes
        self._show = show

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answers an HTTP API event (payload format 2.0)."""
        try:
            request = parse_event(event)
            caller = self._authenticate(request.key)
            response = self._route(request)(msgspec.structs.replace(request, caller=caller))
        except Unauthenticated:
            response = self._show(
                Problem(
                    HTTPStatus.UNAUTHORIZED,
                    "invalid_api_key",
                    "Send a valid key as Authorization: Bearer or X-API-Key.",
                )
            )
        except Problem as problem:
            response = self._show(problem)
        return dump(response)

    def _route(self, request: HttpRequest) -> Route:
        try:
            return self._routes[request.route]
        except KeyError:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", "There is nothing at this address.") from None


def parse_event(event: Mapping[str, Any]) -> HttpRequest:
    """The call in an HTTP API event. Raises Problem for a body that is not what it says."""
    context = event["requestContext"]
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid_body", "The body is not base64, or not text.") from error
    return HttpRequest(
        route=event["routeKey"],
        path=event.get("pathParameters") or {},
        query=event.get("queryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=raw,
        arrived_at=datetime.fromtimestamp(context["timeEpoch"] / 1000, UTC),
    )


def dump(response: HttpResponse) -> dict[str, object]:
    """The answer as API Gateway takes it."""
    headers = {"cache-control": "no-store", **response.headers}
    if response.body is None:
        return {"statusCode": int(response.status), "headers": headers, "body": ""}
    headers.setdefault("content-type", "application/json")
    return {"statusCode": int(response.status), "headers": headers, "body": msgspec.json.encode(response.body).decode()}
