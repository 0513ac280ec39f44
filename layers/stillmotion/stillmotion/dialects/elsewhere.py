"""What no other route takes: an address where nothing is, or a method that an address does not take.

The gateway hands it over by a route for all the rest of a dialect's addresses, so that it is answered in that dialect's
words, and to those with a key only.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from stillmotion.dialects.declared import Dialect, Operation, allowed_at
from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route, scoped
from stillmotion.domain.access import Scope

WAVESPEED = Dialect(
    prefix="/api/v3/",
    error="WavespeedError",
    nothing="There is nothing at this address. The one model here is luma/ray-2-flash-i2v.",
)
UNDECLARED: Sequence[tuple[str, str]] = (
    ("POST", "/api/v3/luma/ray-2-flash-i2v"),
    ("POST", "/api/v3/model/pricing"),
    ("POST", "/api/v3/model/price"),
    ("POST", "/api/v3/media/uploads"),
    ("POST", "/api/v3/media/upload/binary"),
    ("GET", "/api/v3/predictions"),
    ("POST", "/api/v3/predictions"),
    ("GET", "/api/v3/predictions/{id}"),
    ("GET", "/api/v3/predictions/{id}/result"),
    ("GET", "/api/v3/balance"),
    ("GET", "/api/v3/webhook/secret"),
)
"""The routes of the dialect that is no feature yet."""


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

    others = [
        Operation(method=method, path=path, operation_id="", summary="", scope=Scope.READ)
        for method, path in UNDECLARED
    ]
    return [*(each.operation for each in declared()), *others]
