"""Which dialect a call speaks: the path of its route says so."""

from collections.abc import Callable, Mapping
from typing import Any

from stillmotion.dialects.http import Endpoints


class Dialects:
    """The endpoints of one function, a dialect each: made when the first call in that dialect comes."""

    def __init__(self, otherwise: Callable[[], Endpoints], by_prefix: Mapping[str, Callable[[], Endpoints]]) -> None:
        """`by_prefix` has the beginnings of paths, such as `/api/v3/`; what begins with none is `otherwise`'s."""
        self._otherwise = otherwise
        self._by_prefix = by_prefix

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answers an HTTP API event (payload format 2.0)."""
        path = event["routeKey"].partition(" ")[2]
        spoken = (make for prefix, make in self._by_prefix.items() if path.startswith(prefix))
        return next(spoken, self._otherwise)()(event)
