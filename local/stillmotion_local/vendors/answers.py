"""Answers that go wrong on purpose: cut off, withheld, malformed."""

import asyncio
import math
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from stillmotion_local.vendors.connections import sever


class SeveredAnswer(Response):
    """No answer: the connection is closed under the caller's request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Closes the connection and sends nothing."""
        await sever(scope, receive)


class WithheldAnswer(Response):
    """No answer for so long that the caller gives up first, or until the time is over."""

    def __init__(self, seconds: float = math.inf) -> None:
        """`seconds` may be infinite."""
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Waits for the caller to go away."""
        patience = None if math.isinf(self._seconds) else self._seconds
        try:
            async with asyncio.timeout(patience):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            await sever(scope, receive)


class LyingAnswer(StreamingResponse):
    """Content-Length promises more than is sent; then the connection is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the start and the chunks, but never the end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self.body_iterator:
            content = chunk.encode() if isinstance(chunk, str) else bytes(chunk)
            await send({"type": "http.response.body", "body": content, "more_body": True})
        await sever(scope, receive)


def halved_json(answer: Response) -> Response:
    """The same answer with its JSON cut in half; Content-Length agrees with what is left."""
    content = bytes(answer.body)
    return Response(content[: len(content) // 2], status_code=answer.status_code, media_type="application/json")


def gateway_error(status: int) -> Response:
    """What a proxy in front of a vendor says: a page of HTML."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return Response(page, status_code=status, media_type="text/html")


async def in_drops(content: bytes, seconds: float, *, drops: int = 50) -> AsyncIterator[bytes]:
    """The content in equal parts, evenly spread over a time."""
    size = max(1, math.ceil(len(content) / drops))
    parts = [content[place : place + size] for place in range(0, len(content), size)]
    for part in parts:
        yield part
        await asyncio.sleep(seconds / len(parts))
