"""Whether a webhook is its vendor's. Pure: bytes, headers, keys and the time in; a delivery out, or `Forged`.

Exceptions:

    Forged    the signature is missing, wrong or stale, or what it signs names no generation

Sources: Apiframe's Node SDK and its tests (its key is the raw SHA-256 of the API key; one third-party consumer uses
the hexadecimal text of it: either is taken); wavespeed.ai/docs/verify-webhooks.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from stillmotion.vendors.answers import decoded, generation_id_at

# What WaveSpeed's document asks for; the same into the future, as two machines' clocks may disagree.
WINDOW_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with, not one
# A vendor's job with its input is some kilobytes.
MAX_BODY_BYTES = 1024 * 1024

_SECONDS = re.compile(r"[0-9]{1,12}")
_DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,200}")


class Forged(Exception):
    """Nobody has shown that this comes from the vendor."""


class VendorWebhook(msgspec.Struct, frozen=True):
    """A webhook that is its vendor's. `id` is the same whenever the same one is delivered again."""

    id: str
    generation_id: str


def apiframe_delivery(headers: Mapping[str, str], body: bytes, api_keys: Iterable[str | None]) -> VendorWebhook:
    """`X-Webhook-Signature: sha256=<hex>` over the raw body. Header names are lower-case. Raises Forged.

    It signs no time and names no delivery: one that is sent again is known by its bytes.
    """
    candidates: list[bytes] = []
    for api_key in _given(api_keys):
        digest = hashlib.sha256(api_key.encode())
        candidates += [digest.digest(), digest.hexdigest().encode()]
    algorithm, _, signature = headers.get("x-webhook-signature", "").partition("=")
    if algorithm != "sha256":
        raise Forged("no signature in Apiframe's form")
    _verify(signature, body, candidates)
    document = _document(body)
    generation_id = generation_id_at(document, "jobId") or generation_id_at(document, "id")
    if generation_id is None:
        raise Forged("the body names no job")
    return VendorWebhook(hashlib.sha256(body).hexdigest(), generation_id)


def wavespeed_delivery(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[str | None], now: datetime
) -> VendorWebhook:
    """`webhook-signature: v3,<hex>` over `{webhook-id}.{webhook-timestamp}.{raw body}`. Raises Forged.

    The key is the secret's text after `whsec_`, not decoded. Header names are lower-case.
    """
    delivery_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _DELIVERY_ID.fullmatch(delivery_id) or not _SECONDS.fullmatch(sent_at):
        raise Forged("no id or no time")
    if abs(now.timestamp() - int(sent_at)) > WINDOW_SECONDS:
        raise Forged("signed too long ago, or not yet")
    version, _, signature = headers.get("webhook-signature", "").partition(",")
    if version != "v3":
        raise Forged("no signature in WaveSpeed's form")
    candidates = [key.encode() for secret in _given(secrets) if (key := secret.removeprefix(SECRET_PREFIX))]
    _verify(signature, f"{delivery_id}.{sent_at}.".encode() + body, candidates)
    generation_id = generation_id_at(_document(body), "id")
    if generation_id is None:
        raise Forged("the body names no task")
    return VendorWebhook(delivery_id, generation_id)


def _given(keys: Iterable[str | None]) -> list[str]:
    """The keys that there are: an empty one is anybody's."""
    return [key for key in keys if key]


def _verify(signature: str, signed: bytes, candidates: Iterable[bytes]) -> None:
    """Every candidate is tried, whichever fits, so that the time tells nothing."""
    if len(signed) > MAX_BODY_BYTES:
        raise Forged("too long")
    given = signature.encode("ascii", "replace")
    fits = False
    for key in candidates:
        expected = hmac.new(key, signed, hashlib.sha256).hexdigest().encode()
        fits |= hmac.compare_digest(expected, given)
    if not fits:
        raise Forged("the signature is not the vendor's")


def _document(body: bytes) -> object:
    try:
        return decoded(body.decode())
    except UnicodeDecodeError:
        return None
