"""The endpoints of every function, as the composition root makes them, over ports in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import pytest
from tests.deliveries import ROOT as DELIVERIES_ROOT
from tests.deliveries import Telling
from tests.fakes import DAWN, InMemoryBooks, InMemoryKeyStore
from tests.unit.services.test_dead_letters import Scene as DeadLetterScene
from tests.unit.template.document import Template, read_template
from tests.world import World

from stillmotion import composition
from stillmotion.dialects.http import Endpoints
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.minting import mint
from stillmotion.services.webhooks.signing_secrets import SigningSecrets


@cache
def template() -> Template:
    return read_template()


@dataclass
class Stack:
    """One stack's ports; nothing in it outlives it."""

    world: World = field(default_factory=World)
    keys: InMemoryKeyStore = field(default_factory=InMemoryKeyStore)

    @cached_property
    def telling(self) -> Telling:
        return Telling(self.world)

    @cached_property
    def dead_letters(self) -> DeadLetterScene:
        return DeadLetterScene()

    def key(self, tenant: str = "default", **fields: Any) -> str:
        key, record = mint(tenant, DAWN, **fields)
        self.keys.put(record)
        return key

    def endpoints(self, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Endpoints]:
        """By route."""
        install(monkeypatch, lambda: self)
        return routes()


PORTS: Mapping[str, Callable[[Stack], Any]] = {
    "jobs": lambda stack: stack.world.jobs,
    "books": lambda stack: InMemoryBooks(stack.world.jobs),
    "objects": lambda stack: stack.world.objects,
    "workflow": lambda stack: stack.world.workflow,
    "parking": lambda stack: stack.world.parking,
    "governor": lambda stack: stack.world.governor,
    "vendors": lambda stack: stack.world.vendors,
    "orders": lambda stack: stack.world.orders,
    "receiving": lambda stack: stack.world.receiving,
    "allowance": lambda stack: stack.world.submit_call._allowance,
    "api_keys": lambda stack: stack.keys,
    "outbound": lambda stack: stack.telling.outbound,
    "dead_letters": lambda stack: stack.dead_letters.letters,
    "signing_secrets": lambda _stack: SigningSecrets(lambda: [DELIVERIES_ROOT]),
    "authenticator": lambda stack: Authenticator(stack.keys, stack.world.clock),
}
"""What the composition root is given in place of its own."""


@dataclass
class Clock:
    """The current stack's."""

    current: Callable[[], Stack]

    def now(self) -> datetime:
        return self.current().world.clock.now()


def install(monkeypatch: pytest.MonkeyPatch, current: Callable[[], Stack]) -> None:
    """Makes the composition root take its ports from the stack that is current when it asks."""
    for name, port in PORTS.items():
        monkeypatch.setattr(composition, name, lambda port=port: port(current()))
    monkeypatch.setattr(composition, "CLOCK", Clock(current))
    for variable, value in environment().items():
        monkeypatch.setenv(variable, value)


def routes() -> Mapping[str, Endpoints]:
    """The endpoints by route, made anew."""
    return {route: found for found in _every_function() for route in found.routes}


def environment() -> dict[str, str]:
    """What the functions find, with the template's defaults."""
    return {
        name: _setting(value)
        for function in template().functions
        for name, value in template().environment(function).items()
    } | {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}


def _setting(value: Any) -> str:
    match value:
        case str():
            return value
        case {"Ref": name} if name in template().parameters:
            return str(template().parameters[name]["Default"])
        case _:
            return "https://of.the.stack"


def _every_function() -> list[Endpoints]:
    """Whatever in the composition root gives endpoints."""
    factories = [getattr(composition, name) for name in dir(composition)]
    return [make.__wrapped__() for make in factories if _returns(make) == "Endpoints"]


def _returns(made: object) -> str | None:
    annotation = getattr(made, "__annotations__", {}).get("return")
    return annotation if isinstance(annotation, str) else None
