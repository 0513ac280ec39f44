"""WaveSpeedAI: `luma/ray-2-flash-i2v`.

Sources: WaveSpeed's model page; its documents on predictions, error codes and webhooks; its Python client for the
final words `cancelled` and `timeout` and for how a file is uploaded.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import assert_never
from urllib.parse import quote

import httpx
import msgspec

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.request import RATIO_OF_SIZE, VendorName
from stillmotion.ports.vendor import (
    Accepted,
    Declared,
    Envelope,
    Listed,
    ReadFailed,
    Reading,
    Refused,
    Running,
    SubmissionAnswer,
    Succeeded,
    Unanswered,
    VendorOrder,
)
from stillmotion.vendors.answers import (
    Answer,
    at,
    code_at,
    count_at,
    generation_id_at,
    message,
    plain,
    read_failed,
    text_at,
    upload_failed,
    url_in,
    without_acceptance,
    word_at,
)
from stillmotion.vendors.wavespeed_history import PAGE_SIZE, PATH, read_history
from stillmotion.vendors.wire import Wire

GENERATE_PATH = "/api/v3/luma/ray-2-flash-i2v"
UPLOAD_PATH = "/api/v3/media/uploads"
SIZE_OF_RATIO: Mapping[str, str] = {ratio: size for size, ratio in RATIO_OF_SIZE.items()}
DURATIONS = (5, 10)
OK = 200


class State(StrEnum):
    """The status words: four documented, two more that the official clients end on, and `deleted`."""

    CREATED = "created"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    DELETED = "deleted"


STATES = frozenset(State)


class Code(IntEnum):
    """The documented codes of a task's failure. They come with HTTP 200 as well."""

    MODERATED = 1200
    MISSING_PARAMETER = 1400
    INVALID_PARAMETER = 1401
    MEDIA_INACCESSIBLE = 1402
    TASK_FAILED = 1403
    TASK_FAILED_TOO = 1405
    INTERNAL = 5000
    UNAVAILABLE = 5003
    SYNCHRONOUS_WAIT_OVER = 5004


REFUSALS: Mapping[int, FailureKind] = {
    Code.MODERATED: FailureKind.MODERATED,
    Code.MISSING_PARAMETER: FailureKind.INVALID_INPUT,
    Code.INVALID_PARAMETER: FailureKind.INVALID_INPUT,
    Code.MEDIA_INACCESSIBLE: FailureKind.INPUT_UNREACHABLE,
    Code.TASK_FAILED: FailureKind.GENERATION_FAILED,
    Code.TASK_FAILED_TOO: FailureKind.GENERATION_FAILED,
}
"""Codes that say no for certain. After 5000 and 5003 nobody knows whether there is a task."""

FAILURES: Mapping[int, FailureKind] = {**REFUSALS, Code.UNAVAILABLE: FailureKind.UNAVAILABLE}
"""What a code means beside a task that has failed; any other says no more than that it did."""


class WaveSpeedVendor:
    """WaveSpeed, as a `ports.vendor.Vendor`. It knows no idempotency keys: an unanswered POST is never sent again."""

    name = VendorName.WAVESPEED
    supports_idempotency = False

    def __init__(
        self,
        base_url: str,
        api_key: Callable[[], str],
        *,
        transport: httpx.BaseTransport | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` is https://api.wavespeed.ai on AWS. Raises Misconfigured."""
        self._wire = Wire(
            base_url,
            api_key,
            key_header="Authorization",
            key_prefix="Bearer ",
            transport=transport,
            ssl_context=ssl_context,
        )

    def compose(self, order: VendorOrder) -> Envelope:
        """The exact POST for an order. Raises ValueError for one that WaveSpeed cannot serve whole."""
        request = order.request
        if not order.image_url or order.aspect_ratio not in SIZE_OF_RATIO or request.duration not in DURATIONS:
            raise ValueError("wavespeed needs an image, 5 or 10 s, and 16:9 or 9:16")
        if order.end_image_url or request.end_image or request.loop or request.concepts:
            raise ValueError("wavespeed takes no end image, loop or concepts: another video would be paid for")
        body = {
            "image": order.image_url,
            "prompt": request.prompt,
            "size": SIZE_OF_RATIO[order.aspect_ratio],
            "duration": request.duration,
        }
        query = f"?webhook={quote(order.webhook_url, safe='')}" if order.webhook_url else ""
        return Envelope(GENERATE_PATH + query, msgspec.json.encode(body).decode())

    def submit(self, envelope: Envelope, idempotency_key: str) -> SubmissionAnswer:  # noqa: ARG002 - there are none here
        """POSTs once."""
        answer = self._wire.submit(envelope, {}, resendable=False)
        return _submission(answer) if isinstance(answer, Answer) else answer

    def read(self, generation_id: str) -> Reading:
        """One read of the task. Raises ReadFailed."""
        answer = self._wire.get(f"/api/v3/predictions/{quote(generation_id, safe='')}/result")
        if not answer.is_success:
            raise read_failed(answer, _said(answer.document))
        named = at(answer.document, "data", "id")
        if named not in (generation_id, None):
            raise ReadFailed(FailureKind.UNAVAILABLE, "WaveSpeed answered with another task than was asked for.")
        return _reading(answer, is_named=named is not None)

    def history(self, since: datetime) -> Sequence[Listed] | None:
        """What this model has made since then, newest first; None where that is too far back. Raises ReadFailed."""

        def ask(page: int) -> Answer:
            return self._wire.post(PATH, content=msgspec.json.encode({"page": page, "page_size": PAGE_SIZE}))

        return read_history(ask, since, _said)

    def upload(self, image: bytes, media_type: str, name: str) -> str:
        """Asks for a ticket, then PUTs to where that says, without the key. Raises ReadFailed."""
        asked = {"filename": name, "size": len(image), "content_type": media_type}
        ticket = self._wire.post(UPLOAD_PATH, content=msgspec.json.encode(asked))
        if not ticket.is_success:
            raise upload_failed(ticket, _said(ticket.document))
        target = at(ticket.document, "data", "upload")
        upload_url = at(target, "url")
        download_url = url_in(at(ticket.document, "data", "download_url"))
        if not isinstance(upload_url, str) or download_url is None or at(target, "method") != "PUT":
            raise ReadFailed(FailureKind.UNAVAILABLE, message(ticket, _said(ticket.document) or "No ticket was given."))
        stored = self._wire.put(upload_url, _headers(at(target, "headers")), image)
        if not stored.is_success:
            raise upload_failed(stored, None)
        return download_url


def _submission(answer: Answer) -> SubmissionAnswer:
    task_id = generation_id_at(answer.document, "data", "id")
    if task_id is not None:
        # Whatever else the answer says, there is a task: a read tells what became of it.
        return Accepted(generation_id=task_id, vendor_status=word_at(answer.document, "data", "status"))
    kind = REFUSALS.get(_code(answer.document) or OK)
    said = _said(answer.document)
    if not answer.is_success:
        return without_acceptance(answer, said, resendable=False, kind=kind)
    if kind is not None:
        return Refused(failure=Failure(kind, message(answer, said)))
    return Unanswered(detail=message(answer, said or "The answer names no task."), resendable=False)


def _reading(answer: Answer, *, is_named: bool) -> Reading:
    task = at(answer.document, "data")
    word = word_at(task, "status")
    code = _code(answer.document)
    if word is None:
        return _reading_without_status(answer, code, is_named=is_named)
    if word not in STATES:
        return Running(vendor_status=word, undocumented=True)
    match state := State(word):
        case State.CREATED | State.PROCESSING:
            return Running(vendor_status=word)
        case State.COMPLETED:
            return _completed(answer)
        case State.FAILED | State.TIMEOUT if code == Code.SYNCHRONOUS_WAIT_OVER:
            return Running(vendor_status=word)
        case State.FAILED:
            kind = FAILURES.get(code or OK, FailureKind.GENERATION_FAILED)
        case State.CANCELLED:
            kind = FailureKind.CANCELLED
        case State.TIMEOUT:
            kind = FailureKind.TIMED_OUT
        case State.DELETED:
            kind = FailureKind.EXPIRED
        case _:
            assert_never(state)
    said = _said(answer.document) or f"WaveSpeed says {word} and gives no reason."
    return Declared(vendor_status=word, failure=Failure(kind, said), nsfw=_nsfw(task))


def _reading_without_status(answer: Answer, code: int | None, *, is_named: bool) -> Reading:
    """An error envelope. It is a verdict only where it names the task and a code that says no for certain."""
    if is_named and code == Code.SYNCHRONOUS_WAIT_OVER:
        return Running(vendor_status=f"code {code}")
    kind = REFUSALS.get(code or OK)
    if is_named and kind is not None:
        failure = Failure(kind, _said(answer.document) or "WaveSpeed gave no reason.")
        return Declared(vendor_status=f"code {code}", failure=failure, nsfw=_nsfw(at(answer.document, "data")))
    raise ReadFailed(FailureKind.UNAVAILABLE, message(answer, _said(answer.document) or "The answer names no status."))


def _completed(answer: Answer) -> Reading:
    task = at(answer.document, "data")
    url = url_in(at(task, "outputs"), "url", "video_url")
    if url is None:
        raise ReadFailed(FailureKind.UNAVAILABLE, message(answer, "The task is completed and names no video."))
    return Succeeded(
        vendor_status=State.COMPLETED,
        video_url=url,
        nsfw=_nsfw(task),
        inference_milliseconds=count_at(task, "timings", "inference"),
    )


def _nsfw(task: object) -> bool | None:
    """One flag for each output; None where nothing was said."""
    flags = at(task, "has_nsfw_contents")
    listed = flags if isinstance(flags, list) else [flags]
    said = [flag for flag in listed if isinstance(flag, bool)]
    return any(said) if said else None


def _code(document: object) -> int | None:
    """The code of the task, else of the envelope; None where it says that all is well."""
    code = code_at(document, "data", "code") or code_at(document, "code")
    return None if code == OK else code


def _said(document: object) -> str | None:
    said = text_at(document, "data", "error") or text_at(document, "data", "message")
    if said is None and code_at(document, "code") != OK:
        said = text_at(document, "message") or text_at(document, "error")
    code = _code(document)
    if code is None:
        return said
    return plain(f"code {code}: {said}") if said else f"code {code}"


def _headers(given: object) -> dict[str, str]:
    """The ticket's headers, but for those that the connection sets itself."""
    if not isinstance(given, Mapping):
        return {}
    own = {"host", "connection", "content-length", "transfer-encoding"}
    return {name: value for name, value in given.items() if isinstance(value, str) and name.lower() not in own}
