"""Vendors whose wire ends in the test: they answer what they are told, and what was sent can be looked at."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from stillmotion.ports.vendor import Envelope
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor

Answer = httpx.Response | Exception


@pytest.fixture
def sent() -> list[httpx.Request]:
    """Every request that went out."""
    return []


@pytest.fixture
def answering(sent: list[httpx.Request]) -> Callable[..., httpx.MockTransport]:
    """A transport that gives these answers in order, and raises those that are exceptions."""

    def transport(*answers: Answer) -> httpx.MockTransport:
        remaining: Iterator[Answer] = iter(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            request.read()
            sent.append(request)
            given = next(remaining)
            if isinstance(given, Exception):
                raise given
            return given

        return httpx.MockTransport(answer)

    return transport


@pytest.fixture
def apiframe(answering: Callable[..., httpx.MockTransport]) -> Callable[..., ApiframeVendor]:
    """Apiframe that gives these answers."""
    return lambda *answers: ApiframeVendor(
        "https://api.apiframe.test", lambda: "afk_0123456789abcdef", transport=answering(*answers)
    )


@pytest.fixture
def wavespeed(answering: Callable[..., httpx.MockTransport]) -> Callable[..., WaveSpeedVendor]:
    """WaveSpeed that gives these answers."""
    return lambda *answers: WaveSpeedVendor(
        "https://api.wavespeed.test", lambda: "ws_0123456789abcdef", transport=answering(*answers)
    )


@pytest.fixture
def envelope() -> Envelope:
    """Something to be POSTed; its content is nothing to the vendor's answer."""
    return Envelope("/generate", '{"prompt":"a calm sea"}')
