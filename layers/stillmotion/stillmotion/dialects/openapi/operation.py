"""One route as the document tells of it."""

from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from stillmotion.dialects.declared import Dialect
from stillmotion.dialects.http import REQUEST_ID
from stillmotion.dialects.native.paths import JOB_ID
from stillmotion.dialects.openapi import gateway
from stillmotion.dialects.openapi.schemas import TEXT, WHOLE, Json, ref
from stillmotion.domain.access import Scope

JSON = "application/json"
KEYED = (401, 403, 429, 503)
"""What every route that takes a key may answer."""
RETRY_AFTER: Json = {
    "description": "Seconds to wait. What the gateway answers by itself has none.",
    "schema": {**WHOLE, "minimum": 0},
}
CALL: Json = {"description": "The call's name in the log.", "schema": TEXT}

_WORDS: Mapping[int, str] = {
    400: "The call breaks a rule; what it is is told.",
    401: "There is no key in the call, or none that opens anything.",
    402: "There is not enough left to spend today.",
    403: "The key does not do this.",
    404: "It is not there, or not this tenant's.",
    409: "Things are such that it cannot be done; why is told.",
    413: "The body is too large.",
    415: "The body is no form.",
    422: "An image could not be read where the call says that it is.",
    429: "The key has called as often as it may in this minute, or all together more often than they may.",
    500: "No function could answer.",
    503: "The key could not be checked, or no function answered in time.",
}
_WAITS = (429, 503)


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A route. `answers` are what goes well, by status; `problems` the statuses of what does not, beside those of
    every route that takes a key and of what the gateway answers by itself. `scope` is None where no key is taken.
    `bodies` are media types; see `sent`."""

    route: str
    id: str
    tag: str
    summary: str
    dialect: Dialect
    scope: Scope | None
    answers: Mapping[int, Json]
    problems: tuple[int, ...] = ()
    description: str = ""
    parameters: tuple[Json, ...] = ()
    bodies: Mapping[str, Json] = {}
    body_required: bool = True
    examples: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0].lower()

    @property
    def path(self) -> str:
        return self.route.partition(" ")[2]

    def as_openapi(self) -> Json:
        """The operation object."""
        body = {"requestBody": {"required": self.body_required, "content": dict(self.bodies)}} if self.bodies else {}
        keyed = KEYED if self.scope is not None else ()
        own = {*self.problems, *keyed}
        of_gateway = {*gateway.ALWAYS, *(gateway.OF_BODIES if self.bodies else ())} - self.answers.keys()
        answers = {**self.answers, **{status: self._problem(status, own, of_gateway) for status in own | of_gateway}}
        return {
            "operationId": self.id,
            "tags": [self.tag],
            "summary": self.summary,
            **({"description": self.description} if self.description else {}),
            **({"parameters": list(self.parameters)} if self.parameters else {}),
            **body,
            "responses": {
                str(status): _named(response, status in of_gateway) for status, response in sorted(answers.items())
            },
            "security": [{"bearer": [self.scope]}, {"apiKey": [self.scope]}] if self.scope is not None else [],
        }

    def _problem(self, status: int, own: Collection[int], of_gateway: Collection[int]) -> Json:
        schemas: dict[str, list[Json]] = {}
        if status in own:
            schemas[self.dialect.media_type] = [ref(self.dialect.error)]
        if status in of_gateway:
            schemas.setdefault(JSON, []).append(ref(gateway.MESSAGE))
        headers = {"retry-after": RETRY_AFTER} if status in _WAITS and status in own else {}
        return {
            "description": _WORDS[status],
            "headers": headers,
            "content": {
                kind: {"schema": found[0] if len(found) == 1 else {"anyOf": found}} for kind, found in schemas.items()
            },
        }


def _named(response: Json, is_of_gateway: bool) -> Json:  # noqa: FBT001 - reads as it is meant
    """An answer with the header that names its call; the gateway's own have it not."""
    return {**response, "headers": {REQUEST_ID: {**CALL, "required": not is_of_gateway}, **response.get("headers", {})}}


def answer(schema: Json, description: str = "", *, headers: Mapping[str, Json] | None = None) -> Json:
    """A JSON answer."""
    shown = {"headers": dict(headers)} if headers else {}
    return {"description": description or "As asked.", **shown, "content": {JSON: {"schema": schema}}}


def bare(status: int, description: str, *, headers: Mapping[str, Json] | None = None) -> Json:
    """An answer without a body."""
    return {"description": description or HTTPStatus(status).phrase, **({"headers": dict(headers)} if headers else {})}


def sent(schema: Json, **examples: Any) -> dict[str, Json]:  # noqa: ANN401 - any JSON
    """A JSON body, with examples by name."""
    return {JSON: media(schema, **examples)}


def media(schema: Json, **examples: Any) -> Json:  # noqa: ANN401 - any JSON
    """A body of some media type."""
    shown = {name: {"summary": name.replace("_", " "), "value": value} for name, value in examples.items()}
    return {"schema": schema, **({"examples": shown} if shown else {})}


def in_path(name: str, schema: Json, example: str, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def in_header(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": schema}


OF_JOB = in_path("id", {**TEXT, "format": "uuid"}, JOB_ID, "The id of a job; it is the same in every dialect.")
