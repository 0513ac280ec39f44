"""Webhooks with each vendor's real signature, retried a few times, and the ways in which they go wrong on demand.

Sources: apiframe-nodejs-sdk (webhook verification and its tests); wavespeed.ai/docs/verify-webhooks.
"""

import asyncio
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass
from typing import assert_never

import httpx

from stillmotion_local.vendors import apiframe_views, wavespeed_views
from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.faults import Fault
from stillmotion_local.vendors.generations import (
    Generation,
    State,
    Vendor,
    WebhookDelivery,
    WebhookEvent,
    WebhookKind,
)
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.settings import VendorsSettings, WebhookKeyForm

# As long as API Gateway waits for a function: a receiver that needs longer is broken. The vendor tries again later.
RECEIVER_TIMEOUT_SECONDS = 30.0

_WRONG_KEY = "whsec_not_the_secret"


def apiframe_signature(body: bytes, api_key: str, form: WebhookKeyForm = WebhookKeyForm.DIGEST) -> str:
    """`X-Webhook-Signature`: HMAC-SHA256 over the raw body, keyed with SHA-256 of the API key."""
    digest = hashlib.sha256(api_key.encode())
    key = digest.digest() if form is WebhookKeyForm.DIGEST else digest.hexdigest().encode()
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def wavespeed_signature(body: bytes, secret: str, message_id: str, timestamp: int) -> str:
    """`webhook-signature`: HMAC-SHA256 over id, timestamp and raw body; the key is text, without its prefix."""
    key = secret.removeprefix("whsec_").encode()
    return "v3," + hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Message:
    """One webhook, ready to be sent or sent again."""

    url: str
    event: WebhookEvent
    body: bytes
    headers: dict[str, str]


class WebhookSender:
    """Tells a generation's webhook URL how it goes."""

    def __init__(self, *, client: httpx.AsyncClient, ledger: Ledger, settings: VendorsSettings, clock: Clock) -> None:
        """`client` makes the calls; every call is written into `ledger`."""
        self._client = client
        self._ledger = ledger
        self._settings = settings
        self._clock = clock

    async def tell_progress(self, generation: Generation) -> None:
        """Sends `progress` once, where the caller of Apiframe asked for it."""
        if WebhookEvent.PROGRESS in generation.webhook_events and not self._loses(generation):
            await self._send(self._sign(generation, WebhookEvent.PROGRESS), generation, WebhookKind.GENUINE)

    async def tell_early(self, generation: Generation) -> None:
        """Says that a generation is complete while it is not, rightly signed: a nudge that came too soon."""
        if generation.fault(Fault.WEBHOOK_EARLY) is None or generation.webhook_url is None:
            return
        self._ledger.count_fault(Fault.WEBHOOK_EARLY, generation.vendor, generation.id)
        finished = generation.model_copy(update={"state": State.COMPLETED, "completed_at": self._clock()}, deep=True)
        message = self._sign(finished, WebhookEvent.COMPLETED)
        await self._send(message, generation, WebhookKind.EARLY)

    async def tell_end(self, generation: Generation) -> None:
        """Sends the end of a generation until the receiver takes it or the tries are used up."""
        event = WebhookEvent.COMPLETED if generation.state is State.COMPLETED else WebhookEvent.FAILED
        if generation.webhook_url is not None and event in generation.webhook_events:
            await self._forge(generation, event)
            if self._loses(generation):
                self._ledger.count_fault(Fault.WEBHOOK_LOST, generation.vendor, generation.id)
            else:
                await self._deliver(generation, event)
        generation.webhook_settled = True
        self._ledger.save(generation)

    async def _deliver(self, generation: Generation, event: WebhookEvent) -> None:
        message_id = uuid.uuid4().hex
        for gap_seconds in (*self._settings.webhook_retry_gaps_seconds, None):
            message = self._sign(generation, event, message_id=message_id)
            taken = await self._send(message, generation, WebhookKind.GENUINE)
            if generation.fault(Fault.WEBHOOK_DOUBLED) is not None and taken:
                self._ledger.count_fault(Fault.WEBHOOK_DOUBLED, generation.vendor, generation.id)
                await self._send(message, generation, WebhookKind.DOUBLED)
            if taken or gap_seconds is None:
                await self._replay(generation, event, message)
                return
            await asyncio.sleep(gap_seconds)

    async def _replay(self, generation: Generation, event: WebhookEvent, message: Message) -> None:
        fault = generation.fault(Fault.WEBHOOK_REPLAYED)
        if fault is None:
            return
        await asyncio.sleep(fault.number("seconds", 2))
        if age_seconds := fault.number("age", 0):
            message = self._sign(generation, event, age_seconds=age_seconds)
        self._ledger.count_fault(Fault.WEBHOOK_REPLAYED, generation.vendor, generation.id)
        await self._send(message, generation, WebhookKind.REPLAYED)

    async def _forge(self, generation: Generation, event: WebhookEvent) -> None:
        if generation.fault(Fault.WEBHOOK_FORGED) is None:
            return
        self._ledger.count_fault(Fault.WEBHOOK_FORGED, generation.vendor, generation.id)
        elsewhere = generation.model_copy(update={"base_url": "https://forged.example"})
        await self._send(self._sign(elsewhere, event, forged=True), generation, WebhookKind.FORGED)

    def _loses(self, generation: Generation) -> bool:
        return generation.fault(Fault.WEBHOOK_LOST) is not None

    def _sign(
        self,
        generation: Generation,
        event: WebhookEvent,
        *,
        message_id: str | None = None,
        age_seconds: float = 0,
        forged: bool = False,
    ) -> Message:
        now = self._clock()
        headers = {"Content-Type": "application/json"}
        match generation.vendor:
            case Vendor.APIFRAME:
                view = apiframe_views.webhook_body(generation, self._settings, now, event)
                body = json.dumps(view).encode()
                key = _WRONG_KEY if forged else self._settings.apiframe_key
                headers["X-Webhook-Signature"] = apiframe_signature(body, key, self._settings.apiframe_webhook_key)
                headers["X-Webhook-Event"] = event
            case Vendor.WAVESPEED:
                body = json.dumps(wavespeed_views.webhook_body(generation)).encode()
                secret = _WRONG_KEY if forged else self._settings.wavespeed_webhook_secret
                headers["webhook-id"] = message_id or uuid.uuid4().hex
                headers["webhook-timestamp"] = str(int(now - age_seconds))
                headers["webhook-signature"] = wavespeed_signature(
                    body, secret, headers["webhook-id"], int(now - age_seconds)
                )
            case _:
                assert_never(generation.vendor)
        return Message(url=generation.webhook_url or "", event=event, body=body, headers=headers)

    async def _send(self, message: Message, generation: Generation, kind: WebhookKind) -> bool:
        delivery = WebhookDelivery(kind=kind, event=message.event, at=self._clock())
        try:
            response = await self._client.post(
                message.url,
                content=message.body,
                headers=message.headers,
                timeout=RECEIVER_TIMEOUT_SECONDS,
            )
            delivery.status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivery.error = f"{type(error).__name__}: {error}"
        generation.webhooks.append(delivery)
        self._ledger.save(generation)
        return delivery.was_taken
