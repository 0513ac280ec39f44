"""An error in WaveSpeed's dialect: its envelope, with the HTTP status as the code and without data."""

from http import HTTPStatus

from stillmotion.dialects.http import HttpResponse, Problem
from stillmotion.dialects.models import ResponseModel


class WavespeedErrorView(ResponseModel):
    """What went wrong; `code` is the HTTP status."""

    code: int
    message: str
    data: None = None


def show_problem(problem: Problem) -> HttpResponse:
    """A problem in this dialect's words."""
    # No document of WaveSpeed has 402: a caller with no money left is forbidden to order.
    status = HTTPStatus.FORBIDDEN if problem.status is HTTPStatus.PAYMENT_REQUIRED else problem.status
    message = f"Invalid parameters: {problem.detail}" if problem.errors else problem.detail
    headers = {"www-authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    return HttpResponse(status=status, headers=headers, body=WavespeedErrorView(code=int(status), message=message))
