"""Ids that are the same for the same request, so that a duplicate is found rather than paid for.

Job ids are UUIDs: one id serves in every dialect, and Apiframe's own are UUIDs.
"""

import hashlib
import uuid
from collections.abc import Mapping

import msgspec

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


def fingerprint(value: Request | Mapping[str, object]) -> str:
    """SHA-256 (hex) of a value in canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def idempotency_key(job_id: str, attempt: int) -> str:
    """What the vendor recognises an attempt by: the same for every POST of it (at most 255 characters)."""
    return f"stillmotion-{job_id}-{attempt}"
