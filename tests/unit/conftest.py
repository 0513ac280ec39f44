"""Unit tests reach nothing: no sockets, and no credentials to reach it with."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Blocks every socket but the pairs that an event loop talks to itself by."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
