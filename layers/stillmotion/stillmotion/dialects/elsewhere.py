"""What no other route takes: an address where nothing is, or a method that an address does not take.

The gateway hands it over by a route for all the rest of a dialect's addresses, so that it is answered in that dialect's
words, and to those with a key only. No function has all routes, so their names stand here once more.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route, scoped
from stillmotion.domain.access import Scope

NATIVE = "ANY /v1/{proxy+}"
WAVESPEED = "ANY /api/v3/{proxy+}"
APIFRAME = "ANY /v2/{proxy+}"
METHODS: Mapping[str, Sequence[str]] = {
    "/v1/videos": ("GET", "POST"),
    "/v1/videos/{id}": ("GET", "DELETE"),
    "/v1/videos/{id}/content": ("GET",),
    "/v1/videos/{id}/cancel": ("POST",),
    "/v1/videos/{id}/retry": ("POST",),
    "/v1/videos/{id}/redrive": ("POST",),
    "/v1/videos/{id}/resolve": ("POST",),
    "/v1/uploads": ("POST",),
    "/v1/spend": ("GET",),
    "/v1/dead-letters": ("GET",),
    "/v1/dead-letters/replay": ("POST",),
    "/v1/keys": ("GET", "POST"),
    "/v1/keys/{id}/revoke": ("POST",),
    "/v1/keys/{id}/rotate": ("POST",),
    "/v1/webhooks": ("GET", "PUT"),
    "/v1/webhooks/secret": ("GET",),
    "/v1/webhooks/deliveries": ("GET",),
    "/v1/webhooks/deliveries/{id}/replay": ("POST",),
    "/v1/webhooks/{vendor}/{job_id}/{attempt}/{token}": ("POST",),
    "/api/v3/luma/ray-2-flash-i2v": ("POST",),
    "/api/v3/model/pricing": ("POST",),
    "/api/v3/model/price": ("POST",),
    "/api/v3/media/uploads": ("POST",),
    "/api/v3/media/upload/binary": ("POST",),
    "/api/v3/predictions": ("GET", "POST"),
    "/api/v3/predictions/{id}": ("GET",),
    "/api/v3/predictions/{id}/result": ("GET",),
    "/api/v3/balance": ("GET",),
    "/api/v3/webhook/secret": ("GET",),
    "/v2/videos/generate": ("POST",),
    "/v2/uploads": ("POST",),
    "/v2/jobs": ("GET",),
    "/v2/jobs/{id}": ("GET",),
    "/v2/me": ("GET",),
    "/v2/models": ("GET",),
}
"""By address, as in the template. What takes GET takes HEAD."""

_NOTHING: Mapping[str, str] = {
    NATIVE: "There is nothing at this address. Videos are neither remixed, edited nor extended here.",
    WAVESPEED: "There is nothing at this address. The one model here is luma/ray-2-flash-i2v.",
    APIFRAME: "There is nothing at this address.",
}


def elsewhere(name: str) -> Mapping[str, Route]:
    """The route with one of the names above."""
    address = name.partition(" ")[2]

    def nothing(request: HttpRequest) -> HttpResponse:
        allowed = allowed_at(address.replace("{proxy+}", request.path.get("proxy", "")))
        if not allowed or request.method in allowed:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", _NOTHING[name])
        detail = f"This address takes {', '.join(allowed)} only."
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, allow=allowed)

    return {name: scoped(Scope.READ)(nothing)}


def allowed_at(path: str) -> Sequence[str]:
    """The methods that a path takes; none where nothing is."""
    for address, methods in METHODS.items():
        # Ids have digits, and the words that OpenAI has in their place (edits, extensions, characters) have none.
        pattern = re.sub(r"\{\w+\}", "[^/]+", address.replace("{id}", "[^/]*[0-9][^/]*"))
        if re.fullmatch(pattern, path):
            return [each for method in methods for each in (("GET", "HEAD") if method == "GET" else (method,))]
    return ()
