"""HTTP to addresses that callers and vendors name: pictures, videos, and outbound webhooks."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from stillmotion.domain.failures import FailureKind


class PictureUnreachable(Exception):
    """A picture could not be fetched. The message is the rule that its address breaks, to be shown to the caller: it
    tells nothing of a network that only the function can see."""


class Pictures(Protocol):
    """Fetches pictures that callers name, from the public internet and from nowhere else."""

    def check(self, url: str) -> None:
        """Looks at the text of an address alone. Raises PictureUnreachable for one that is never fetched."""

    def fetch(self, url: str, seconds: float) -> bytes:
        """The whole of it, at most `domain.images.MAX_BYTES`, within so many seconds. Raises PictureUnreachable."""


class FetchFailed(Exception):
    """The video could not be had. `kind`: corrupt_video, expired, or unavailable."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class Download(Protocol):
    """A video being streamed. `content_length` in bytes, where the server named it."""

    content_length: int | None

    def chunks(self) -> Iterator[bytes]:
        """Raises FetchFailed."""


class Downloader(Protocol):
    """Fetches videos from where a vendor may serve them, and from nowhere else."""

    def open(self, url: str) -> AbstractContextManager[Download]:
        """Raises FetchFailed, also for an address that it may not fetch."""


class WebhookMessage(msgspec.Struct, frozen=True):
    """What is POSTed."""

    headers: Mapping[str, str]
    body: bytes


class Undelivered(Exception):
    """No answer came. The message is for the caller; `for_good` says that none would come later."""

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.for_good = for_good


class Poster(Protocol):
    """POSTs to addresses that callers name, on the public internet and nowhere else."""

    def post(self, url: str, message: WebhookMessage) -> int:
        """The status of the answer; redirects are not followed. Raises Undelivered."""
