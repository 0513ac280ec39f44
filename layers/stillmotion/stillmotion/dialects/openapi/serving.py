"""`GET /openapi.json` and `GET /docs`: the contract, for everybody. Made at the first call, and kept.

Browsers ask with OPTIONS before they call from another site, and without a key. The gateway answers most of that; what
the routes for all the rest of a dialect's addresses (`fallback`) would take is answered here.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

import msgspec

from stillmotion.dialects.http import REQUEST_ID, HttpResponse, dump

CACHED_SECONDS = 300
PREFLIGHTS = ("OPTIONS /v1/{proxy+}", "OPTIONS /v2/{proxy+}", "OPTIONS /api/v3/{proxy+}")


class Contract:
    """Answers HTTP API events (payload format 2.0). `base_url` is where callers reach the API."""

    routes = ("GET /openapi.json", "HEAD /openapi.json", "GET /docs", "HEAD /docs", *PREFLIGHTS)

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        match event["routeKey"]:
            case "GET /openapi.json" | "HEAD /openapi.json":
                return _cached(event, "application/json", self._document)
            case "GET /docs" | "HEAD /docs":
                return _cached(event, "text/html; charset=utf-8", self._page, self._policy)
            case _:
                return dump(HttpResponse(status=HTTPStatus.NO_CONTENT), event)

    @cached_property
    def _content(self) -> dict[str, Any]:
        from stillmotion.dialects.openapi.document import document  # noqa: PLC0415 - a preflight needs none of it

        return document(self._base_url)

    @cached_property
    def _document(self) -> str:
        return msgspec.json.encode(self._content).decode()

    @cached_property
    def _page(self) -> str:
        from stillmotion.dialects.openapi.page import page  # noqa: PLC0415 - the document needs none of it

        return page(self._content)

    @property
    def _policy(self) -> Mapping[str, str]:
        """The page holds all that it shows, and may fetch and run nothing."""
        from stillmotion.dialects.openapi.page import STYLE_HASH  # noqa: PLC0415

        policy = f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
        return {"content-security-policy": policy, "x-content-type-options": "nosniff"}


def _cached(
    event: Mapping[str, Any], media_type: str, content: str, more: Mapping[str, str] | None = None
) -> dict[str, object]:
    """The content, or 304 to who has it already; to HEAD, without the body."""
    context = event["requestContext"]
    tag = f'"{hashlib.sha256(content.encode()).hexdigest()[:32]}"'
    headers = {"cache-control": f"public, max-age={CACHED_SECONDS}", "etag": tag, **(more or {})}
    headers[REQUEST_ID] = context["requestId"]
    asked = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if tag in asked.get("if-none-match", ""):
        return {"statusCode": 304, "headers": headers, "body": ""}
    body = "" if context["http"]["method"] == "HEAD" else content
    return {"statusCode": 200, "headers": {**headers, "content-type": media_type}, "body": body}
