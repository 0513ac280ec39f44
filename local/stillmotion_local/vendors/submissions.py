"""What both vendors do with a POST that spends: note it, let faults strike, accept and bill it, answer or fail to.

Refused                    ends a submission with the vendor's own answer, nothing billed
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import Response

from stillmotion_local.vendors.answers import SeveredAnswer, WithheldAnswer, gateway_error, halved_json
from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.fault_plan import FaultPlan
from stillmotion_local.vendors.faults import REFUSALS, ActiveFault, BadFaultError, Fault, faults_in
from stillmotion_local.vendors.generations import Generation, Vendor
from stillmotion_local.vendors.ledger import Ledger, ReceivedPost, Violation
from stillmotion_local.vendors.settings import Limits, VendorsSettings
from stillmotion_local.vendors.studio import Studio
from stillmotion_local.vendors.webhooks import WebhookSender

_NOTED_HEADERS = {
    "idempotency-key": "Idempotency-Key",
    "content-type": "Content-Type",
    "user-agent": "User-Agent",
    "x-amzn-trace-id": "X-Amzn-Trace-Id",
}
_MINUTE_SECONDS = 60.0


class Refused(Exception):
    """A submission was refused; `answer` is what the vendor says."""

    def __init__(self, answer: Response) -> None:
        """`answer` goes to the caller."""
        super().__init__(str(answer.status_code))
        self.answer = answer


class VendorVoice(Protocol):
    """The words that each vendor has for what both do."""

    vendor: Vendor

    def refusal(self, fault: ActiveFault) -> Response:
        """The answer of a refusal on demand."""

    def invalid(self, field_name: str, message: str) -> Response:
        """The answer to a request that breaks a rule."""

    def too_many(self, *, retry_after_seconds: int) -> Response:
        """The answer over a limit."""

    def error(self, status: int) -> Response:
        """The answer when the vendor itself fails."""

    def accepted(self, generation: Generation) -> Response:
        """The answer to an accepted submission."""


@dataclass
class Submission:
    """One POST under way."""

    request: Request
    content: bytes
    post: ReceivedPost
    body: dict[str, JsonValue] = field(default_factory=dict)
    faults: list[ActiveFault] = field(default_factory=list)


class SubmissionDesk:
    """Where submissions of both vendors are taken in."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        plan: FaultPlan,
        studio: Studio,
        webhooks: WebhookSender,
        settings: VendorsSettings,
        clock: Clock,
    ) -> None:
        """Wires the desk; it holds no state of its own."""
        self._ledger = ledger
        self._plan = plan
        self._studio = studio
        self._webhooks = webhooks
        self._settings = settings
        self._clock = clock

    async def note(self, vendor: Vendor, request: Request, *, keep_body: bool = True) -> Submission:
        """Reads a POST and writes it down before anything is decided about it."""
        content = await request.body() if keep_body else b""
        body = _parsed(content)
        post = ReceivedPost(
            number=len(self._ledger.posts) + 1,
            at=self._clock(),
            vendor=vendor,
            path=request.url.path,
            query=request.url.query,
            headers=noted_headers(request.headers),
            body=body,
            body_bytes=len(content),
            body_sha256=hashlib.sha256(content).hexdigest(),
        )
        self._ledger.record_post(post)
        return Submission(request, content, post, body if isinstance(body, dict) else {})

    def close(self, submission: Submission, answer: Response) -> Response:
        """Writes down how a POST was answered. Returns the answer."""
        post = submission.post
        if isinstance(answer, SeveredAnswer):
            post.lost = "dropped"
        elif isinstance(answer, WithheldAnswer):
            post.lost = "never_answered"
        else:
            post.status = answer.status_code
        self._ledger.record_post(post)
        return answer

    def strike(self, submission: Submission, voice: VendorVoice) -> None:
        """Finds the faults of this submission. Raises `Refused` when one of them is a refusal."""
        prompt = submission.body.get("prompt")
        if not isinstance(prompt, str):
            return
        post = submission.post
        post.prompt = prompt
        self._ledger.record_post(post)
        here = self._ledger.submissions(prompt, voice.vendor)
        everywhere = self._ledger.submissions(prompt)
        try:
            marked = faults_in(prompt)
        except BadFaultError as error:
            raise Refused(voice.invalid("prompt", str(error))) from error
        submission.faults = [
            fault
            for fault in marked
            if fault.applies_to(voice.vendor, here if "vendor" in fault.parameters else everywhere)
        ] + self._plan.strike(voice.vendor, prompt, everywhere)
        post.faults = [fault.name for fault in submission.faults]
        for fault in submission.faults:
            if fault.name in REFUSALS:
                self._ledger.count_fault(fault.name, voice.vendor)
                raise Refused(voice.refusal(fault))

    def check_limits(self, voice: VendorVoice) -> None:
        """Raises `Refused` when one more generation would go over a simulated limit."""
        limits = self.limits(voice.vendor)
        if limits.concurrent and self._ledger.running(voice.vendor) >= limits.concurrent:
            self._ledger.count_violation(Violation.CONCURRENT, voice.vendor)
            raise Refused(voice.too_many(retry_after_seconds=1))
        if limits.per_minute:
            since = self._clock() - _MINUTE_SECONDS
            recent = [one.accepted_at for one in self._ledger.of_vendor(voice.vendor) if one.accepted_at > since]
            if len(recent) >= limits.per_minute:
                self._ledger.count_violation(Violation.PER_MINUTE, voice.vendor)
                raise Refused(voice.too_many(retry_after_seconds=max(1, round(min(recent) - since))))

    def limits(self, vendor: Vendor) -> Limits:
        """The limits in force: those of the plan, else those of the command line."""
        change = self._plan.document.limits.get(vendor)
        if change is not None:
            return Limits(concurrent=change.concurrent, per_minute=change.per_minute)
        chosen = self._settings
        return chosen.apiframe_limits if vendor is Vendor.APIFRAME else chosen.wavespeed_limits

    async def accept(self, submission: Submission, generation: Generation, voice: VendorVoice) -> Response:
        """Bills a generation, starts it, and answers, unless a fault keeps the answer back."""
        generation.faults = submission.faults
        generation.headers = submission.post.headers
        self._ledger.save(generation)
        self._studio.begin(generation)
        await self._webhooks.tell_early(generation)
        return self.answer(submission, generation, voice)

    def answer(self, submission: Submission, generation: Generation, voice: VendorVoice) -> Response:
        """The answer to an accepted submission or to its replay, as the submission's faults let it out."""
        submission.post.generation_id = generation.id
        for fault in submission.faults:
            answer = self._spoiled(fault, generation, voice)
            if answer is not None:
                self._ledger.count_fault(fault.name, voice.vendor, generation.id)
                return answer
        return voice.accepted(generation)

    def _spoiled(self, fault: ActiveFault, generation: Generation, voice: VendorVoice) -> Response | None:
        if fault.name is Fault.MALFORMED_JSON and fault.word("at", "submit") == "submit":
            return halved_json(voice.accepted(generation))
        answers = {
            Fault.DROP_AFTER_ACCEPT: SeveredAnswer(),
            Fault.NEVER_ANSWER: WithheldAnswer(fault.number("seconds", math.inf)),
            Fault.ACCEPT_THEN_500: voice.error(500),
            Fault.ACCEPT_THEN_502: gateway_error(502),
            Fault.ACCEPT_THEN_504: gateway_error(504),
        }
        return answers.get(fault.name)


def noted_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers that the ledger may show: never a key."""
    return {shown: headers[name] for name, shown in _NOTED_HEADERS.items() if name in headers}


def _parsed(content: bytes) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(content)
    except ValueError:
        return None
    return parsed
