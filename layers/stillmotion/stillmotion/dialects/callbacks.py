"""What outbound webhooks carry, in each dialect: the body, and the headers that show whom it is from.

    standard     {"type", "timestamp", "data"}: the event with its detail as on the bus, signed by the Standard
                 Webhooks scheme with each of the tenant's secrets; a failure is told in words for any caller, but to
                 the stack's owner, who may hear of the vendors' accounts
    apiframe     the job as its GET shows it; `X-Webhook-Signature: sha256=<hex>`, keyed with the raw SHA-256 of the API
                 key that ordered, which is what is stored of it
    wavespeed    the prediction, without an envelope; `webhook-signature: v3,<hex>`, keyed with the text of the tenant's
                 secret after `whsec_`

Sources: standardwebhooks.com; Apiframe's Node SDK and its tests; wavespeed.ai/docs/verify-webhooks.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from stillmotion.domain.deliveries import Delivery
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import CallbackDialect
from stillmotion.ports.egress import WebhookMessage
from stillmotion.services.webhooks.signing_secrets import PREFIX

Body = Callable[[Job, str], object]
"""The body of a dialect, for a job and the dialect's word for the event."""


class Composer:
    """Makes a delivery's message.

    `secrets` gives a tenant's, the current one first; `bodies` are the vendors' dialects'; `owner` is the tenant who
    owns the stack.
    """

    def __init__(
        self,
        secrets: Callable[[str], Sequence[str]],
        bodies: Mapping[CallbackDialect, Callable[[], Body]],
        owner: str,
    ) -> None:
        self._secrets = secrets
        self._bodies = bodies
        self._owner = owner

    def __call__(self, delivery: Delivery, job: Job | None, now: datetime) -> WebhookMessage | None:
        """None where the job is no longer what the event tells of: a later event tells what it has come to."""
        word = delivery.event
        if word is None:
            return None
        if delivery.dialect == "standard":
            detail = {**delivery.detail, "event_id": delivery.id}
            if delivery.tenant != self._owner:
                detail |= _for_any_caller(delivery.detail)
            payload = {"type": word, "timestamp": delivery.created_at, "data": detail}
            return self._standard(delivery, msgspec.json.encode(payload), now)
        if job is None or job.status != delivery.detail.get("status"):
            return None
        body = _encoded(self._bodies[delivery.dialect]()(job, word))
        match delivery.dialect:
            case "apiframe":
                return _apiframe(delivery, job, body, word)
            case "wavespeed":
                return self._wavespeed(delivery, body, now)
            case _:
                assert_never(delivery.dialect)

    def _standard(self, delivery: Delivery, body: bytes, now: datetime) -> WebhookMessage:
        from standardwebhooks import Webhook  # noqa: PLC0415 - other dialects need none of it

        signatures = [
            Webhook(secret).sign(delivery.id, now, body.decode()) for secret in self._secrets(delivery.tenant)
        ]
        return WebhookMessage({**_headers(delivery, now), "webhook-signature": " ".join(signatures)}, body)

    def _wavespeed(self, delivery: Delivery, body: bytes, now: datetime) -> WebhookMessage:
        headers = _headers(delivery, now)
        # One signature: its scheme knows no second.
        key = self._secrets(delivery.tenant)[0].removeprefix(PREFIX)
        signed = f"{delivery.id}.{headers['webhook-timestamp']}.".encode() + body
        return WebhookMessage({**headers, "webhook-signature": f"v3,{_hex(key.encode(), signed)}"}, body)


def _encoded(body: object) -> bytes:
    from stillmotion.dialects.http import encoded  # noqa: PLC0415 - the standard dialect needs none of it

    return encoded(body)


def _for_any_caller(detail: Mapping[str, object]) -> dict[str, object]:
    """The failure in a detail, if there is one, without the vendor's own words."""
    match detail.get("failure"):
        case {"kind": str(kind), "message": str(message), **others}:
            return {"failure": {"kind": kind, "message": Failure(FailureKind(kind), message).public_message, **others}}
        case _:
            return {}


def _apiframe(delivery: Delivery, job: Job, body: bytes, word: str) -> WebhookMessage | None:
    if job.ordered_with is None:
        return None
    signature = f"sha256={_hex(bytes.fromhex(job.ordered_with), body)}"
    headers = {"webhook-id": delivery.id, "X-Webhook-Event": word, "X-Webhook-Signature": signature}
    return WebhookMessage(headers, body)


def _headers(delivery: Delivery, now: datetime) -> dict[str, str]:
    """The time is that of this try: receivers refuse what was signed minutes ago."""
    return {"webhook-id": delivery.id, "webhook-timestamp": str(int(now.timestamp()))}


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, hashlib.sha256).hexdigest()
