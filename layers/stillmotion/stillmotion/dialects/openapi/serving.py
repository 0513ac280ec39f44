"""`GET /openapi.json` and `GET /docs`: the contract, for everybody. Made at the first call, and kept.

Browsers ask with OPTIONS before they call from another site, and without a key. The gateway answers most of that; what
the routes for all the rest of a dialect's addresses (`fallback`) would take is answered here.
"""

from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from stillmotion.dialects.http import HttpResponse, dump

if TYPE_CHECKING:
    from stillmotion.dialects.openapi.content import Content

CACHED_SECONDS = 300
PREFLIGHTS = ("OPTIONS /v1/{proxy+}", "OPTIONS /v2/{proxy+}", "OPTIONS /api/v3/{proxy+}")


class Contract:
    """Answers HTTP API events (payload format 2.0). `base_url` is where callers reach the API."""

    routes = (
        "GET /openapi.json",
        "HEAD /openapi.json",
        "GET /docs",
        "HEAD /docs",
        "GET /docs/assets/{name}",
        "HEAD /docs/assets/{name}",
        *PREFLIGHTS,
    )

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        content = self._asked(event)
        if content is not None:
            return content(event)
        is_preflight = event["routeKey"] in PREFLIGHTS
        status = HTTPStatus.NO_CONTENT if is_preflight else HTTPStatus.NOT_FOUND
        return dump(HttpResponse(status=status), event)

    def _asked(self, event: Mapping[str, Any]) -> "Content | None":
        match event["routeKey"]:
            case "GET /openapi.json" | "HEAD /openapi.json":
                return self._document
            case "GET /docs" | "HEAD /docs":
                return self._page
            case "GET /docs/assets/{name}" | "HEAD /docs/assets/{name}":
                return self._assets.get((event.get("pathParameters") or {}).get("name", ""))
            case _:
                return None

    @cached_property
    def _document(self) -> "Content":
        from stillmotion.dialects.openapi.content import Content  # noqa: PLC0415 - a preflight needs none of it
        from stillmotion.dialects.openapi.document import document  # noqa: PLC0415

        headers = {"cache-control": f"public, max-age={CACHED_SECONDS}"}
        return Content("application/json", msgspec.json.encode(document(self._base_url)), headers)

    @cached_property
    def _page(self) -> "Content":
        from stillmotion.dialects.openapi.docs_page import page  # noqa: PLC0415 - the document needs none of it

        return page(self._assets)

    @cached_property
    def _assets(self) -> "Mapping[str, Content]":
        from stillmotion.dialects.openapi.docs_page import assets  # noqa: PLC0415

        return assets()
