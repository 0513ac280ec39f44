"""Times as the vendors write them."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as an RFC 3339 date-time in UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
