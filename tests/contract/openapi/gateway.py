"""API Gateway as a WSGI application: calls become events of payload format 2.0, by the template's own routes.

Source: AWS's guide to HTTP APIs (routing, payload format 2.0, parameters given several times are joined by commas).
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from tests.unit.dialects.calling import context

Event = Mapping[str, Any]
Handler = Callable[[Event], Mapping[str, Any]]
TEXTS = ("text/", "application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded")


class Gateway:
    """`handlers` gives what answers each route: asked anew for each call."""

    def __init__(self, handlers: Callable[[], Mapping[str, Handler]]) -> None:
        self._handlers = handlers

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        handlers = self._handlers()
        raw_path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        found = match(handlers, environ["REQUEST_METHOD"], raw_path)
        if found is None:
            answer: Mapping[str, Any] = {"statusCode": 404, "headers": {}, "body": '{"message":"Not Found"}'}
        else:
            route, path = found
            answer = handlers[route](event(environ, route, path))
        headers = {"content-type": "application/json"} if answer["body"] else {}
        start_response(f"{answer['statusCode']} -", list({**headers, **answer["headers"]}.items()))
        return [base64.b64decode(answer["body"]) if answer.get("isBase64Encoded") else answer["body"].encode()]


def match(routes: Iterable[str], method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The most specific route of a call, and the values of its variables."""
    found = []
    for route in routes:
        of_method, _, template = route.partition(" ")
        pattern = re.sub(r"\\{(\w+)\\\+\\}", r"(?P<\1>.+)", re.escape(template))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", pattern)
        matched = re.fullmatch(pattern, path, re.DOTALL)
        if matched and of_method in (method, "ANY"):
            found.append((of_method == "ANY", "+" in template, template.count("{"), route, matched.groupdict()))
    if not found:
        return None
    *_, route, values = min(found)
    return route, values


def event(environ: Mapping[str, Any], route: str, path: Mapping[str, str]) -> Event:
    """The call as a function is given it."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    query: dict[str, str] = {}
    for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace"):
        query[name] = f"{query[name]},{value}" if name in query else value
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    is_text = headers.get("content-type", "").startswith(TEXTS)
    try:
        text, is_encoded = (body.decode(), False) if is_text else (base64.b64encode(body).decode(), True)
    except UnicodeDecodeError:
        text, is_encoded = base64.b64encode(body).decode(), True
    return {
        "version": "2.0",
        "routeKey": route,
        "headers": headers,
        "pathParameters": dict(path) or None,
        "queryStringParameters": query or None,
        "requestContext": context(route, method=environ["REQUEST_METHOD"]),
        "isBase64Encoded": is_encoded if body else False,
        **({"body": text} if body else {}),
    }
