"""Which dialect a call speaks: the path of its route says so."""

from collections.abc import Callable, Mapping
from typing import Any

Answers = Callable[[Mapping[str, Any]], dict[str, object]]
"""Answers HTTP API events, as Endpoints do."""


class Dialects:
    """The endpoints of one function, a dialect each: made when the first call in that dialect comes."""

    def __init__(self, otherwise: Callable[[], Answers], by_prefix: Mapping[str, Callable[[], Answers]]) -> None:
        """`by_prefix` has the beginnings of paths, such as `/api/v3/`, or of whole routes, such as `OPTIONS /`; what
        begins with none is `otherwise`'s."""
        self._otherwise = otherwise
        self._by_prefix = by_prefix

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answers an HTTP API event (payload format 2.0)."""
        route = event["routeKey"]
        path = route.partition(" ")[2]
        spoken = (
            make for prefix, make in self._by_prefix.items() if path.startswith(prefix) or route.startswith(prefix)
        )
        return next(spoken, self._otherwise)()(event)
