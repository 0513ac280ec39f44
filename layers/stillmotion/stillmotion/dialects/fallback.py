"""The route for what no other route takes: an address where nothing is, or a method that an address does not take.

API Gateway hands over the rest of a dialect's addresses by one proxy route, so that such a call is answered in the
dialect's words, and to callers with a key only.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from stillmotion.dialects.declared import Dialect, Operation, allowed_at
from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route
from stillmotion.domain.access import Scope


class Fallback:
    """404 where nothing is, 405 with `Allow` where another method is."""

    scope: Scope | None = Scope.READ

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Raises Problem."""
        allowed = allowed_at(f"{self._dialect.prefix}{request.path.get('proxy', '')}", operations())
        if not allowed or request.method in allowed:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", self._dialect.nothing)
        detail = f"This address takes {', '.join(allowed)} only."
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, allow=allowed)


def fallback(dialect: Dialect) -> Mapping[str, Route]:
    """The proxy route of a dialect."""
    return {dialect.proxy: Fallback(dialect)}


def operations() -> Sequence[Operation]:
    """Every route of every dialect."""
    from stillmotion.dialects.catalogue import declared  # noqa: PLC0415 - no other call needs them all

    return [each.operation for each in declared()]
