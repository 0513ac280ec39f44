"""What no other route takes: an address where nothing is, or a method that an address does not take.

The gateway hands it over by a route for all the rest of a dialect's addresses, so that it is answered in that dialect's
words, and to those with a key only.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from stillmotion.dialects.declared import Dialect, Operation, allowed_at
from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route, scoped
from stillmotion.domain.access import Scope


def elsewhere(dialect: Dialect) -> Mapping[str, Route]:
    """The route for the rest of a dialect's addresses."""

    def nothing(request: HttpRequest) -> HttpResponse:
        allowed = allowed_at(f"{dialect.prefix}{request.path.get('proxy', '')}", operations())
        if not allowed or request.method in allowed:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", dialect.nothing)
        detail = f"This address takes {', '.join(allowed)} only."
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, allow=allowed)

    return {dialect.proxy: scoped(Scope.READ)(nothing)}


def operations() -> Sequence[Operation]:
    """Every route of every dialect."""
    from stillmotion.dialects.catalogue import declared  # noqa: PLC0415 - no other call needs them all

    return [each.operation for each in declared()]
