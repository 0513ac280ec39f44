"""The API over ports in memory, with the recorded items in its table and a clock that stands still.

A call is recorded as HTTP has it, not as an event: the present template decides which route takes it. The event is made
of the call as API Gateway makes it (payload format 2.0).
"""

import base64
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.contract.openapi.gateway import Handler, match
from tests.contract.openapi.stage import handlers
from tests.fakes import FakeClock, InMemoryRateStore, ScriptedPictures
from tests.unit.dialects.forms import CONTENT_TYPE, form
from tests.unit.dialects.stack import Stack, install
from tests.unit.services.test_dead_letters import MemoryQueue
from tests.vectors import files
from tests.vectors.present import KINDS, Given, compose_as_vendors_do, unbooked, value
from tests.world import BUCKET, World

from stillmotion import composition
from stillmotion.domain.access import Scope
from stillmotion.domain.dead_letters import QueueName
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import VendorName
from stillmotion.domain.spend import book
from stillmotion.ports import StoreError
from stillmotion.ports.records import Budget
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.limits import RateLimit
from stillmotion.services.keys.minting import key_hash

NOW = datetime(2026, 5, 13, 6, tzinfo=UTC)
DAWN = datetime(2026, 5, 4, 6, tzinfo=UTC)
BASE_URL = "https://api.example"
HOST = BASE_URL.removeprefix("https://")
VOLATILE = frozenset({"x-request-id"})
"""Headers of an answer that are another at each call."""

SINCE_PYTHON_3_13 = {
    "Request Entity Too Large": "Content Too Large",
    "Unprocessable Entity": "Unprocessable Content",
}
"""Phrases of statuses, which are titles of problems: recorded as the deployed runtime has them."""

KEYS: Mapping[str, Mapping[str, Any]] = {
    "admin": {},
    "writer": {"scopes": (Scope.READ, Scope.WRITE)},
    "reader": {"scopes": (Scope.READ,)},
    "shop": {"scopes": (Scope.READ, Scope.WRITE), "daily_dollars": Decimal("0.60")},
    "slow": {"scopes": (Scope.READ,), "rate_per_minute": 2},
    "ending": {"expires_at": NOW + timedelta(days=1)},
    "acme": {"tenant": "acme"},
    "acme-writer": {"tenant": "acme", "scopes": (Scope.READ, Scope.WRITE)},
    "revoked": {"revoked": True, "revoked_at": DAWN},
    "expired": {"expires_at": DAWN},
}
"""The callers' keys by their names in the vectors."""


def clear(name: str) -> str:
    """The key of this name as its holder sends it."""
    return f"sm_{name.ljust(43, '0')}"


def _picture() -> bytes:
    """One of those that the vectors drop into the inbox."""
    dropped = files.read(files.FOLDER / "drops.json")["a photograph without a prompt"]["given"]["objects"][0]
    return base64.b64decode(dropped["base64"])


def _world() -> World:
    return compose_as_vendors_do(World(clock=FakeClock(NOW)))


@dataclass
class Stage(Stack):
    """A stack with the recorded items, pictures in its buckets, and a key of each kind."""

    world: World = field(default_factory=_world)
    rates: InMemoryRateStore = field(default_factory=InMemoryRateStore)

    def __post_init__(self) -> None:
        picture = _picture()
        for key in ("inbox/photo.png", "uploads/default/photo.png", "uploads/acme/photo.png"):
            self.world.objects.put(BUCKET, key, picture, "image/png")
        self.world.pictures = ScriptedPictures({"https://images.example/1.png": picture})
        for vector in files.read(files.FOLDER / "items.json").values():
            self._put(vector["given"]["kind"], vector["gives"]["item"])
        for name, fields in KEYS.items():
            key = clear(name)
            told = {"tenant": "default", "name": name, "created_at": DAWN, **fields}
            self.keys.put(ApiKey(hash=key_hash(key), prefix=key[:8], **told))
        self.dead_letters.dead[QueueName.INBOX] = MemoryQueue("{}")

    def _put(self, kind: str, item: Any) -> None:
        read = KINDS[kind].read(item)
        match kind:
            case "job":
                self.world.jobs.put(read)
                _, changes = book(unbooked(read))
                self.world.jobs.books |= self.world.jobs._booked(changes, Budget())
            case "pointer":
                self.world.jobs.remember(read)
            case "key":
                self.keys.put(read)
            case "delivery":
                self.telling.deliveries.create(read)
            case "subscription":
                self.telling.subscriptions.put(read)

    def routes(self) -> Mapping[str, Handler]:
        """What answers each route. What takes GET takes HEAD."""
        found = handlers(self)  # type: ignore[arg-type] # it asks for no more than this has
        heads = {route.replace("GET ", "HEAD ", 1): answer for route, answer in found.items() if route[:4] == "GET "}
        return {**heads, **found}


def answers(given: Given) -> Any:
    """What a caller is answered to some calls, one after the other, and the jobs that they make."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        stage = Stage()
        install(monkeypatch, lambda: stage)
        monkeypatch.setattr(
            composition, "authenticator", lambda: Authenticator(stage.keys, stage.world.clock, RateLimit(stage.rates))
        )
        settings = {"INPUT_BUCKET": BUCKET, "API_BASE_URL": BASE_URL, **given.get("settings", {})}
        for variable, setting in settings.items():
            monkeypatch.setenv(variable, setting)
        numbers = count(1)
        monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=next(numbers), version=4))
        monkeypatch.setattr(secrets, "token_urlsafe", lambda _bytes: f"new-{next(numbers)}".ljust(43, "0"))
        stage.world.keyless |= {VendorName(name) for name in given.get("vendors without a key", ())}
        if given.get("keys cannot be read"):
            monkeypatch.setattr(stage.keys, "find", _unreadable)
        before = {job.id for job in stage.world.jobs.all()}
        routes = stage.routes()
        told = [_answer(routes, call) for call in given["calls"]]
        orders = [
            {"job": job.id, "fingerprint": job.fingerprint, "request": value(job.request)}
            for job in stage.world.jobs.all()
            if job.id not in before
        ]
    return {"answers": told, **({"orders": orders} if orders else {})}


def _unreadable(_hash: str) -> None:
    raise StoreError("the table does not answer")


def _answer(routes: Mapping[str, Handler], call: Mapping[str, Any]) -> Any:
    found = match(routes, call["method"], call["path"])
    assert found is not None, f"no route takes {call['method']} {call['path']}"
    route, values = found
    answer = routes[route](event(call, route, values))
    headers = {name: text for name, text in answer["headers"].items() if name.lower() not in VOLATILE}
    return {"status": answer["statusCode"], "headers": headers, "body": _told(answer["body"])}


def _told(body: str) -> Any:
    try:
        told = json.loads(body) if body else None
    except ValueError:
        return body
    if isinstance(told, dict) and told.get("title") in SINCE_PYTHON_3_13:
        told["title"] = SINCE_PYTHON_3_13[told["title"]]
    return told


def event(call: Mapping[str, Any], route: str, values: Mapping[str, str]) -> Mapping[str, Any]:
    """A call as a function is given it."""
    body, is_base64, content_type = _body(call)
    headers = {"host": HOST, "user-agent": "a client", **({"content-type": content_type} if content_type else {})}
    if "key" in call:
        headers["authorization"] = f"Bearer {clear(call['key'])}"
    headers |= call.get("headers", {})
    query = call.get("query", {})
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": call["path"],
        "rawQueryString": urlencode(query),
        "headers": headers,
        **({"queryStringParameters": query} if query else {}),
        **({"pathParameters": dict(values)} if values else {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": HOST,
            "domainPrefix": "api",
            "http": {
                "method": call["method"],
                "path": call["path"],
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.24",
                "userAgent": "a client",
            },
            "requestId": "SXk2fgU7FiAEJbQ=",
            "routeKey": route,
            "stage": "$default",
            "time": NOW.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(NOW.timestamp() * 1000),
        },
        **({"body": body} if body is not None else {}),
        "isBase64Encoded": is_base64,
    }


def _body(call: Mapping[str, Any]) -> tuple[str | None, bool, str | None]:
    """The body as an event has it, whether that is base64, and its type."""
    match call:
        case {"json": sent}:
            return json.dumps(sent, ensure_ascii=False), False, "application/json"
        case {"lists in one another": depth}:
            return "[" * depth + "]" * depth, False, "application/json"
        case {"text": text}:
            return text + " " * call.get("spaces behind it", 0), False, "application/json"
        case {"base64": text}:
            return text, True, "application/json"
        case {"form": {"fields": fields, "files": named}}:
            sent = form(*map(tuple, fields), files=[(name, base64.b64decode(text)) for name, text in named])
            return base64.b64encode(sent).decode(), True, CONTENT_TYPE
    return None, False, None
