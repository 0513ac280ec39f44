"""Apiframe v2: `luma-ray-flash-2`.

Sources: Apiframe's OpenAPI document of v2; its Node SDK for what a 409 means and for webhooks.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import assert_never
from urllib.parse import quote

import httpx
import msgspec

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.request import VendorName
from stillmotion.ports.vendor import (
    Accepted,
    Declared,
    Envelope,
    Listed,
    ReadFailed,
    Reading,
    Running,
    SubmissionAnswer,
    Succeeded,
    Unanswered,
    VendorOrder,
)
from stillmotion.vendors.answers import (
    Answer,
    at,
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
from stillmotion.vendors.wire import Wire

MODEL = "luma-ray-flash-2"
GENERATE_PATH = "/v2/videos/generate"
UPLOAD_PATH = "/v2/uploads"
MAX_PROGRESS = 100


class State(StrEnum):
    """The status words of Apiframe's Job schema."""

    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


STATES = frozenset(State)


class ApiframeVendor:
    """Apiframe, as a `ports.vendor.Vendor`.

    A POST repeated with the same Idempotency-Key within 24 h gives the original job (its OpenAPI says so), hence an
    unanswered one may be sent again.
    """

    name = VendorName.APIFRAME
    supports_idempotency = True

    def __init__(
        self,
        base_url: str,
        api_key: Callable[[], str],
        *,
        transport: httpx.BaseTransport | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`base_url` is https://api.apiframe.ai on AWS. Raises Misconfigured."""
        self._wire = Wire(base_url, api_key, key_header="X-API-Key", transport=transport, ssl_context=ssl_context)

    def compose(self, order: VendorOrder) -> Envelope:
        """The exact POST for an order. What the order does not set is left out. Raises ValueError for a lost image."""
        request = order.request
        if (request.image and not order.image_url) or (request.end_image and not order.end_image_url):
            raise ValueError("an image of the request has no URL: without it, another video would be paid for")
        parameters: dict[str, object] = {"duration": request.duration, "aspect_ratio": order.aspect_ratio}
        if order.image_url:
            parameters["start_image"] = order.image_url
        if order.end_image_url:
            parameters["end_image"] = order.end_image_url
        if request.loop:
            parameters["loop"] = True
        if request.concepts:
            parameters["concepts"] = request.concepts
        body: dict[str, object] = {"model": MODEL, "prompt": request.prompt, "lumaParams": parameters}
        if order.webhook_url:
            body |= {"webhookUrl": order.webhook_url, "webhookEvents": ["completed", "failed"]}
        return Envelope(GENERATE_PATH, msgspec.json.encode(body).decode())

    def submit(self, envelope: Envelope, idempotency_key: str) -> SubmissionAnswer:
        """POSTs once. A replay of a known key is answered with the original job, at whatever state that is."""
        answer = self._wire.submit(envelope, {"Idempotency-Key": idempotency_key}, resendable=True)
        return _submission(answer) if isinstance(answer, Answer) else answer

    def read(self, generation_id: str) -> Reading:
        """One read of the job. Raises ReadFailed."""
        answer = self._wire.get(f"/v2/jobs/{quote(generation_id, safe='')}")
        if not answer.is_success:
            raise read_failed(answer, _said(answer.document))
        if at(answer.document, "id") not in (generation_id, None):
            raise ReadFailed(FailureKind.UNAVAILABLE, "Apiframe answered with another job than was asked for.")
        return _reading(answer)

    def history(self, since: datetime) -> Sequence[Listed] | None:  # noqa: ARG002 - whenever it was
        """None: a list of jobs without their input settles less than the key, with which the POST is sent again."""
        return None

    def upload(self, image: bytes, media_type: str, name: str) -> str:
        """Multipart, at most 25 MB; Apiframe keeps it for one to two hours. Raises ReadFailed."""
        answer = self._wire.post(UPLOAD_PATH, files={"file": (name, image, media_type)})
        if not answer.is_success:
            raise upload_failed(answer, _said(answer.document))
        url = url_in(at(answer.document, "url"))
        if url is None:
            raise ReadFailed(FailureKind.UNAVAILABLE, message(answer, "Apiframe took the image and named no URL."))
        return url


def _submission(answer: Answer) -> SubmissionAnswer:
    document = answer.document
    job_id = generation_id_at(document, "jobId")
    if job_id is None and answer.is_success and word_at(document, "status") is not None:
        # "Returns the original job": a Job has `id` where the answer to a first POST has `jobId`.
        job_id = generation_id_at(document, "id")
    if job_id is not None:
        return Accepted(generation_id=job_id, vendor_status=word_at(document, "status"))
    if answer.is_success:
        return Unanswered(detail=message(answer, "The answer names no job."), resendable=True)
    # 409: the key is known with another body, so a job exists that this answer does not name.
    return without_acceptance(answer, _said(document), resendable=answer.status != HTTPStatus.CONFLICT)


def _reading(answer: Answer) -> Reading:
    job = answer.document
    word = word_at(job, "status")
    if word is None:
        raise ReadFailed(FailureKind.UNAVAILABLE, message(answer, "The answer names no status."))
    credit_cost = count_at(job, "creditCost")
    if word not in STATES:
        return Running(vendor_status=word, progress=_progress(job), undocumented=True)
    match state := State(word):
        case State.QUEUED | State.PROCESSING:
            return Running(vendor_status=word, progress=_progress(job))
        case State.COMPLETED:
            return _completed(answer, credit_cost)
        case State.FAILED:
            failure = Failure(FailureKind.GENERATION_FAILED, text_at(job, "error") or "Apiframe gave no reason.")
        case State.CANCELLED:
            failure = Failure(FailureKind.CANCELLED, text_at(job, "error") or "The job was cancelled at Apiframe.")
        case _:
            assert_never(state)
    return Declared(vendor_status=word, failure=failure, credits=credit_cost)


def _completed(answer: Answer, credit_cost: int | None) -> Reading:
    job = answer.document
    if at(job, "expired") is True:
        failure = Failure(FailureKind.EXPIRED, "Apiframe made the video and has deleted it since.")
        return Declared(vendor_status=State.COMPLETED, failure=failure, credits=credit_cost)
    url = url_in(at(job, "result"), "videoUrl", "videos", "url")
    if url is None:
        raise ReadFailed(FailureKind.UNAVAILABLE, message(answer, "The job is completed and names no video."))
    return Succeeded(vendor_status=State.COMPLETED, video_url=url, credits=credit_cost)


def _progress(job: object) -> int | None:
    progress = count_at(job, "progress")
    return min(progress, MAX_PROGRESS) if progress is not None else None


def _said(document: object) -> str | None:
    """The error of an answer with its numbers (402) and its fields (400)."""
    said = text_at(document, "error") or text_at(document, "message")
    needed, available = count_at(document, "creditsRequired"), count_at(document, "creditsAvailable")
    if needed is not None and available is not None:
        said = f"{said or 'Insufficient credits'}: needs {needed} credits, has {available}"
    details = at(document, "details")
    if isinstance(details, Mapping):
        fields = "; ".join(f"{field}: {_rules(rules)}" for field, rules in details.items())
        said = f"{said or 'Invalid'} ({fields})" if fields else said
    return plain(said) if said else None


def _rules(rules: object) -> str:
    listed = rules if isinstance(rules, list) else [rules]
    return ", ".join(rule for rule in listed if isinstance(rule, str)) or "is not valid"
