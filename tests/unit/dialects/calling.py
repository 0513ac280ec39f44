"""Endpoints called as API Gateway calls them."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.fakes import DAWN

from stillmotion.dialects.http import Endpoints

REQUEST_ID = "SXk2fgU7FiAEJbQ="


def context(route: str, at: datetime = DAWN, method: str | None = None) -> dict[str, object]:
    """What API Gateway tells of a call beside it; `method` where the route takes any."""
    called = {"method": method or route.partition(" ")[0]}
    return {"http": called, "requestId": REQUEST_ID, "timeEpoch": int(at.timestamp() * 1000)}


def call(
    endpoints: Endpoints,
    route: str,
    key: str | None = None,
    *,
    body: object = None,
    path: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    method: str | None = None,
) -> tuple[int, Any, Mapping[str, str]]:
    """Status, body as JSON, and headers. What is sent is JSON, or the bytes themselves."""
    is_raw = isinstance(body, bytes)
    sent = base64.b64encode(body).decode() if isinstance(body, bytes) else json.dumps(body)
    answer: Any = endpoints(
        {
            "version": "2.0",
            "routeKey": route,
            "headers": {**({"authorization": f"Bearer {key}"} if key is not None else {}), **(headers or {})},
            "pathParameters": dict(path or {}),
            "queryStringParameters": dict(query or {}),
            "requestContext": context(route, method=method),
            "isBase64Encoded": is_raw,
            "body": None if body is None else sent,
        }
    )
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None, answer["headers"]
