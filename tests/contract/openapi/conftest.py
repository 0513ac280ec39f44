"""The composition root over the ports of a stage that is made anew for each call."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from tests.contract.openapi.gateway import Gateway, Handler
from tests.contract.openapi.stage import BASE_URL, Stage, handlers
from tests.unit.dialects.stack import install
from tests.world import BUCKET

from stillmotion.dialects.openapi.document import document
from stillmotion.dialects.openapi.schemas import Json


class Theatre:
    """Who has the stage that is current, and makes the next."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.prepare: Callable[[Stage], None] = lambda _stage: None

    def handlers(self) -> Mapping[str, Handler]:
        """For one call: what it changes, no other sees."""
        self.stage = Stage()
        self.prepare(self.stage)
        return handlers(self.stage)


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    theatre = Theatre()
    with pytest.MonkeyPatch.context() as monkeypatch:
        install(monkeypatch, lambda: theatre.stage)
        monkeypatch.setenv("INPUT_BUCKET", BUCKET)
        yield theatre


@pytest.fixture(scope="module")
def gateway(theatre: Theatre) -> Gateway:
    return Gateway(theatre.handlers)


@pytest.fixture(scope="module")
def openapi() -> Json:
    return document(BASE_URL)
