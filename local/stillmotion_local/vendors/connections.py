"""Closing a connection under a request, which ASGI itself has no word for.

The server's HTTP protocol notes its transports by the peer's address; the address is in every request's scope.
"""

import asyncio

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

_transports: dict[tuple[str, int], asyncio.Transport] = {}


class ConnectionSevered(ConnectionError):
    """The connection was closed on purpose. Seen only where no real server runs the application."""


class SeverableProtocol(H11Protocol):
    """HTTP/1.1 whose connections can be closed from inside the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Notes the transport."""
        super().connection_made(transport)
        if self.client is not None:
            _transports[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the transport."""
        if self.client is not None:
            _transports.pop(self.client, None)
        super().connection_lost(exc)


async def sever(scope: Scope, receive: Receive) -> None:
    """Closes the connection that a request came by, and returns when it is gone.

    Raises `ConnectionSevered` when there is no real connection, as in tests within the process.
    """
    client = scope.get("client")
    transport = _transports.get(tuple(client)) if client else None
    if transport is None:
        raise ConnectionSevered("the connection was closed without an answer")
    # Closing flushes what was written; aborting would take back bytes that are to arrive.
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
