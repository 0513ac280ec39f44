"""What goes wrong, in the words of Apiframe's dialect.

Sources: Apiframe's OpenAPI of v2; its Node SDK for 409.
"""

from http import HTTPStatus
from typing import Annotated

from stillmotion.dialects.apiframe.views import ApiframeAnswer
from stillmotion.dialects.http import HttpResponse, Problem
from stillmotion.dialects.models import LEFT_OUT

_WORDS = {
    "invalid_api_key": "Invalid API key",
    "rate_limit_exceeded": "Rate limit exceeded",
    "unavailable": "Service temporarily unavailable",
    "idempotency_key_reused": "Idempotency-Key was used with a different body",
}


class ApiframeErrorView(ApiframeAnswer):
    """`details` has the broken rules by their place in the body."""

    error: str
    details: Annotated[dict[str, list[str]] | None, LEFT_OUT] = None
    credits_required: Annotated[int | None, LEFT_OUT] = None
    credits_available: Annotated[int | None, LEFT_OUT] = None


class OutOfCredits(Problem):
    """The order costs more than is left; both in credits."""

    def __init__(self, required: int, available: int) -> None:
        super().__init__(HTTPStatus.PAYMENT_REQUIRED, "insufficient_credits", "Insufficient credits")
        self.required = required
        self.available = available


def show_problem(problem: Problem) -> HttpResponse:
    """A problem in this dialect's words."""
    return HttpResponse(status=problem.status, body=_shown(problem))


def _shown(problem: Problem) -> ApiframeErrorView:
    if problem.errors:
        details: dict[str, list[str]] = {}
        for broken in problem.errors:
            details.setdefault(broken.field, []).append(broken.rule)
        return ApiframeErrorView(error="Validation failed", details=details)
    if isinstance(problem, OutOfCredits):
        return ApiframeErrorView(
            error=problem.detail, credits_required=problem.required, credits_available=problem.available
        )
    return ApiframeErrorView(error=_WORDS.get(problem.code, problem.detail))
