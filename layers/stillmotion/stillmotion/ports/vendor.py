"""A vendor of the model: what it is sent, what it answers, and what a read of a generation says."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.request import Request, VendorName


class VendorOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A request made ready for one vendor: its images as URLs that the vendor can fetch, its shape decided."""

    request: Request
    aspect_ratio: str
    image_url: str | None = None
    end_image_url: str | None = None
    webhook_url: str | None = None


class Envelope(msgspec.Struct, frozen=True):
    """What is POSTed: path with query, and the JSON body as it goes over the wire."""

    path: str
    body: str


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor took it: from here it costs money."""

    generation_id: str
    vendor_status: str | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor said no and made nothing. `retry_after` is in seconds, where it named one."""

    failure: Failure
    retry_after: int | None = None


class NotSent(msgspec.Struct, frozen=True):
    """Proven: the connection was never made."""

    detail: str


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """It may have been received. `resendable` is False where a repetition could make a second generation."""

    detail: str
    resendable: bool


SubmissionAnswer = Accepted | Refused | NotSent | Unanswered


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Not done. `undocumented` marks a status word that no document of the vendor knows."""

    vendor_status: str
    progress: int | None = None
    undocumented: bool = False


class Succeeded(msgspec.Struct, frozen=True, kw_only=True):
    """Done, with a video to fetch."""

    vendor_status: str
    video_url: str
    credits: int | None = None
    nsfw: bool | None = None
    inference_milliseconds: int | None = None


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor declares that the generation failed."""

    vendor_status: str
    failure: Failure
    credits: int | None = None
    nsfw: bool | None = None


Reading = Running | Succeeded | Declared


class ReadFailed(Exception):
    """The vendor's status could not be read. `retry_after` is in seconds, where the vendor named one."""

    def __init__(self, kind: FailureKind, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.retry_after = retry_after


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A generation in a vendor's history. `model` is the vendor's own name of what made it."""

    generation_id: str
    model: str
    created_at: datetime
    vendor_status: str | None = None


class Vendor(Protocol):
    """One seller of Luma Ray 2 Flash."""

    name: VendorName
    supports_idempotency: bool
    """Whether a POST repeated with the same Idempotency-Key is recognised."""

    def compose(self, order: VendorOrder) -> Envelope:
        """The exact POST for an order. Pure."""

    def submit(self, envelope: Envelope, idempotency_key: str) -> SubmissionAnswer:
        """POSTs once, on a fresh connection, and never repeats by itself. This is what costs money."""

    def read(self, generation_id: str) -> Reading:
        """One read of the generation. Raises ReadFailed."""

    def history(self, since: datetime) -> Sequence[Listed] | None:
        """Every generation of this model that was created at or after `since`, newest first; None where the vendor
        tells none, or more than can be read. Raises ReadFailed."""

    def upload(self, image: bytes, media_type: str, name: str) -> str:
        """Hands an image to the vendor's own short-lived storage; gives its URL. Raises ReadFailed."""
