"""An error in the native dialect: RFC 9457 problem details, with an `error` member that OpenAI's clients read."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from pydantic import Field

from stillmotion.dialects.http import HttpResponse, Problem
from stillmotion.dialects.models import ResponseModel

_TYPE_OF_STATUS: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "server_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}


class BrokenRule(ResponseModel):
    """A field, and the rule that it breaks."""

    field: str
    rule: str


class OpenAiError(ResponseModel):
    """The same, as OpenAI's clients read it."""

    message: str
    type: str
    param: str | None
    code: str


class ProblemView(ResponseModel):
    """What went wrong (RFC 9457). `error.code` is a stable word for programs."""

    type: Annotated[str, Field(description="A URN that ends in `code`.")]
    title: str
    status: int
    detail: str
    errors: list[BrokenRule]
    error: OpenAiError


def show_problem(problem: Problem) -> HttpResponse:
    """A problem in this dialect's words."""
    shown = ProblemView(
        type=f"urn:stillmotion:problem:{problem.code}",
        title=problem.status.phrase,
        status=int(problem.status),
        detail=problem.detail,
        errors=[BrokenRule(field=broken.field, rule=broken.rule) for broken in problem.errors],
        error=OpenAiError(
            message=problem.detail,
            type=_TYPE_OF_STATUS.get(problem.status, "invalid_request_error"),
            param=problem.errors[0].field if problem.errors else None,
            code=problem.code,
        ),
    )
    headers = {"content-type": "application/problem+json"}
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if problem.status is HTTPStatus.CONFLICT:
        # OpenAI's clients take it for a lock that will be free in a moment.
        headers["x-should-retry"] = "false"
    return HttpResponse(status=problem.status, headers=headers, body=shown)
