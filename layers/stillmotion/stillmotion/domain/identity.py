"""Ids that are the same for the same request, so that a duplicate is found rather than paid for.

Job ids are UUIDs: one id serves in every dialect, and Apiframe's own are UUIDs.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping

import msgspec
from msgspec.structs import fields

from stillmotion.domain.request import Request


def content_id(*parts: str) -> str:
    """A UUID (version 8, RFC 9562) from the SHA-256 of the parts; no two lists of parts read the same."""
    digest = bytearray(hashlib.sha256(msgspec.json.encode(parts)).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def source_id(bucket: str, key: str, checksum: str) -> str:
    """Names an upload by its place and bytes. `checksum` covers the full object and names its algorithm."""
    return content_id("source", bucket, key, checksum)


def upload_job_id(source: str, request: Request | None) -> str:
    """Names the job of an upload and what is asked of it; None while no prompt is known."""
    return content_id("upload", source, fingerprint(request) if request else "")


def keyed_job_id(tenant: str, idempotency_key: str) -> str:
    """Names the job of an API call that sent an Idempotency-Key."""
    return content_id("call", tenant, idempotency_key)


def new_job_id() -> str:
    """A fresh name for a call that nothing marks as a repetition."""
    return str(uuid.uuid4())


def is_job_id(text: str) -> bool:
    """Whether it has the form that every job id has."""
    return re.fullmatch(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


def fingerprint(value: Request | Mapping[str, object]) -> str:
    """SHA-256 (hex) of a value in canonical JSON.

    Of a request, only what differs from the defaults: a field that a later release adds must not make yesterday's
    upload another job, nor yesterday's key one that was used with another body.
    """
    chosen = _chosen(value) if isinstance(value, Request) else value
    return hashlib.sha256(msgspec.json.encode(chosen, order="deterministic")).hexdigest()


def _chosen(request: Request) -> dict[str, object]:
    """The request's fields without those that have their default value."""
    chosen: dict[str, object] = {}
    for field in fields(request):
        value = getattr(request, field.name)
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if value != default:
            chosen[field.name] = value
    return chosen


def idempotency_key(job_id: str, attempt: int) -> str:
    """What the vendor recognises an attempt by: the same for every POST of it (at most 255 characters)."""
    return f"stillmotion-{job_id}-{attempt}"
