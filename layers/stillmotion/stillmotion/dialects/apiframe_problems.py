"""What goes wrong, in the words of Apiframe's dialect.

Sources: Apiframe's OpenAPI of v2; its Node SDK for 409.
"""

from http import HTTPStatus

from stillmotion.dialects.apiframe_bodies import PATH_OF_FIELD
from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route, refused
from stillmotion.domain.request import InvalidRequest

_WORDS = {
    "invalid_api_key": "Invalid API key",
    "rate_limit_exceeded": "Rate limit exceeded",
    "unavailable": "Service temporarily unavailable",
    "idempotency_key_reused": "Idempotency-Key was used with a different body",
}


class OutOfCredits(Problem):
    """The order costs more than is left; both in credits."""

    def __init__(self, required: int, available: int) -> None:
        super().__init__(HTTPStatus.PAYMENT_REQUIRED, "insufficient_credits", "Insufficient credits")
        self.required = required
        self.available = available


def show_problem(problem: Problem) -> HttpResponse:
    """A problem in this dialect's words."""
    body: dict[str, object] = {"error": _WORDS.get(problem.code, problem.detail)}
    if isinstance(problem, OutOfCredits):
        body |= {"creditsRequired": problem.required, "creditsAvailable": problem.available}
    if problem.errors:
        details: dict[str, list[str]] = {}
        for error in problem.errors:
            details.setdefault(PATH_OF_FIELD.get(error.field, error.field), []).append(error.rule)
        body = {"error": "Validation failed", "details": details}
    return HttpResponse(status=problem.status, body=body)


def told(route: Route) -> Route:
    """The route with the rules that a call breaks told in an answer."""

    def answered(request: HttpRequest) -> HttpResponse:
        try:
            return route(request)
        except InvalidRequest as invalid:
            raise refused(*invalid.errors) from invalid

    return answered
