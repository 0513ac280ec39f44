"""WaveSpeed API v3, offline: image-to-video by Luma Ray 2 Flash, predictions and the account.

Sources: wavespeed-python (client.py); wavespeed.ai/docs (predictions-api, error-codes, webhooks). Nothing here is
idempotent: the same POST twice is two generations, both billed.
"""

import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from pydantic import JsonValue, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stillmotion_local.vendors import wavespeed_views
from stillmotion_local.vendors.access import base_url_of, same_secret
from stillmotion_local.vendors.apiframe import pictures_of
from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.faults import ActiveFault, Fault, without_markers
from stillmotion_local.vendors.generations import Generation, State, Vendor, WebhookEvent
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.settings import VendorsSettings
from stillmotion_local.vendors.status_reads import UNKNOWN_WORD, View, read_status
from stillmotion_local.vendors.studio import ending_of
from stillmotion_local.vendors.submissions import Refused, Submission, SubmissionDesk
from stillmotion_local.vendors.wavespeed_requests import (
    DOLLARS,
    GenerateRequest,
    HistoryQuery,
    PriceQuery,
    is_http_url,
    message_of,
)

Take = Callable[[Submission], Awaitable[Response]]


def refused_with(status: int, message: str, *, headers: dict[str, str] | None = None) -> Response:
    """An error of the API itself: the envelope without data."""
    return JSONResponse({"code": status, "message": message}, status, headers=headers)


class WaveSpeedVoice:
    """WaveSpeed's own words."""

    vendor = Vendor.WAVESPEED

    def refusal(self, fault: ActiveFault) -> Response:
        """The answer of a refusal on demand."""
        answers = {
            Fault.THROTTLE: self.too_many(retry_after_seconds=int(fault.number("retry_after", 1))),
            Fault.THROTTLE_BARE: refused_with(429, "Too many requests"),
            Fault.UNAUTHORIZED: refused_with(401, "Unauthorized: invalid API key"),
            Fault.OUT_OF_CREDITS: self.insufficient(int(fault.number("status", 403))),
            Fault.FORBIDDEN: refused_with(403, "Forbidden"),
            Fault.UNAVAILABLE_503: self.error(HTTPStatus.SERVICE_UNAVAILABLE),
        }
        return answers.get(fault.name) or self.invalid("prompt", "invalid input")

    def invalid(self, field_name: str, message: str) -> Response:
        """400 that names the parameter."""
        return refused_with(400, f"Invalid parameters: {field_name}: {message}")

    def too_many(self, *, retry_after_seconds: int) -> Response:
        """429; a Retry-After is not documented, but a proxy may well add one."""
        return refused_with(429, "Too many requests", headers={"Retry-After": str(retry_after_seconds)})

    def error(self, status: int) -> Response:
        """A failure of WaveSpeed itself."""
        unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
        return refused_with(status, "Service unavailable" if unavailable else "Internal server error")

    def insufficient(self, status: int = 403) -> Response:
        """No money left. The documented statuses have no 402."""
        return refused_with(status, "Insufficient credits. Please top up your account.")

    def accepted(self, generation: Generation) -> Response:
        """200 with the new prediction."""
        view = wavespeed_views.prediction(generation)
        for fault in generation.faults:
            if fault.word("at", "read") == "submit":
                _spoil_prediction(view, fault)
        return JSONResponse(wavespeed_views.envelope(view))


class WaveSpeed:
    """The routes of generation, predictions and account."""

    def __init__(self, *, desk: SubmissionDesk, ledger: Ledger, settings: VendorsSettings, clock: Clock) -> None:
        """Wires the routes."""
        self._desk = desk
        self._ledger = ledger
        self._voice = WaveSpeedVoice()
        self._settings = settings
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/api/v3/luma/ray-2-flash-i2v", self.generate, methods=["POST"]),
            Route("/api/v3/predictions", self.history, methods=["POST"]),
            Route("/api/v3/predictions/{id}/result", self.prediction, methods=["GET"]),
            Route("/api/v3/predictions/{id}", self.prediction, methods=["GET"]),
            Route("/api/v3/model/price", self.price, methods=["POST"]),
            Route("/api/v3/balance", self.balance, methods=["GET"]),
            Route("/api/v3/webhook/secret", self.webhook_secret, methods=["GET"]),
        ]

    def refusal(self, request: Request) -> Response | None:
        """401 for a missing or wrong bearer token, None for the right one."""
        (scheme, _, token) = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return refused_with(401, "Unauthorized: missing API key")
        if not same_secret(token.strip(), self._settings.wavespeed_key):
            return refused_with(401, "Unauthorized: invalid API key")
        return None

    def dollars_left(self) -> float:
        """What is left of the money that the account began with."""
        account = self._ledger.account(Vendor.WAVESPEED)
        return round(self._settings.wavespeed_dollars - account.billed + account.refunded, 6)

    async def generate(self, request: Request) -> Response:
        """`POST /api/v3/luma/ray-2-flash-i2v[?webhook=URL]`."""
        return await self._posted(request, self._take)

    async def history(self, request: Request) -> Response:
        """`POST /api/v3/predictions`: newest first; items carry no input."""
        return await self._posted(request, self._list)

    async def price(self, request: Request) -> Response:
        """`POST /api/v3/model/price`: a quote, nothing billed."""
        return await self._posted(request, self._quote)

    async def prediction(self, request: Request) -> Response:
        """`GET /api/v3/predictions/{id}/result`, also without `/result`."""
        if (refusal := self.refusal(request)) is not None:
            return refusal
        generation = self._ledger.generations.get(request.path_params["id"])
        if generation is None or generation.vendor is not Vendor.WAVESPEED:
            return refused_with(404, "Prediction not found")
        return read_status(
            self._ledger,
            generation,
            lambda: wavespeed_views.envelope(wavespeed_views.prediction(generation)),
            spoil=_spoil_envelope,
            error=self._voice.error,
        )

    async def balance(self, request: Request) -> Response:
        """`GET /api/v3/balance`."""
        if (refusal := self.refusal(request)) is not None:
            return refusal
        return JSONResponse(wavespeed_views.envelope({"balance": self.dollars_left(), "currency": "USD"}))

    async def webhook_secret(self, request: Request) -> Response:
        """`GET /api/v3/webhook/secret`: with its prefix."""
        if (refusal := self.refusal(request)) is not None:
            return refusal
        secret = self._settings.wavespeed_webhook_secret
        return JSONResponse(wavespeed_views.envelope({"secret": secret}))

    async def _posted(self, request: Request, take: Take) -> Response:
        submission = await self._desk.note(Vendor.WAVESPEED, request)
        answer = self.refusal(request)
        if answer is None:
            try:
                answer = await take(submission)
            except Refused as refused:
                answer = refused.answer
            except ValidationError as error:
                answer = refused_with(400, message_of(error))
        return self._desk.close(submission, answer)

    async def _take(self, submission: Submission) -> Response:
        self._desk.strike(submission, self._voice)
        body = GenerateRequest.model_validate(submission.body)
        webhook_url = submission.request.query_params.get("webhook")
        if webhook_url is not None and not is_http_url(webhook_url):
            return self._voice.invalid("webhook", "must be an http or https URL")
        self._desk.check_limits(self._voice)
        if DOLLARS[body.duration] > self.dollars_left():
            return self._voice.insufficient()
        order = body.order(without_markers(body.prompt))
        generation = Generation(
            id=uuid.uuid4().hex,
            vendor=Vendor.WAVESPEED,
            order=order,
            request_body=submission.body,
            body_sha256=submission.post.body_sha256,
            base_url=base_url_of(submission.request, self._settings),
            billed=DOLLARS[body.duration],
            currency="dollars",
            accepted_at=self._clock(),
            pictures=pictures_of(order.start_image, None),
            webhook_url=webhook_url,
            webhook_events=[WebhookEvent.COMPLETED, WebhookEvent.FAILED] if webhook_url else [],
        )
        return await self._desk.accept(submission, generation, self._voice)

    async def _list(self, submission: Submission) -> Response:
        query = HistoryQuery.model_validate(submission.body)
        found = self._ledger.of_vendor(Vendor.WAVESPEED)
        first = (query.page - 1) * query.page_size
        items: list[JsonValue] = [wavespeed_views.listed(one) for one in found[first : first + query.page_size]]
        data: JsonValue = {
            "items": items,
            "page": query.page,
            "page_size": query.page_size,
            "total": len(found),
        }
        return JSONResponse(wavespeed_views.envelope(data))

    async def _quote(self, submission: Submission) -> Response:
        query = PriceQuery.model_validate(submission.body)
        if query.model_id != wavespeed_views.MODEL:
            return refused_with(400, f"Invalid parameters: model_id: unknown model {query.model_id!r}")
        duration = query.inputs.get("duration", 5)
        if duration not in (5, 10) or isinstance(duration, bool):
            return self._voice.invalid("inputs.duration", "must be an integer: 5 or 10")
        data: JsonValue = {
            "model_id": query.model_id,
            "unit_price": DOLLARS[10 if duration == max(DOLLARS) else 5],
            "currency": "USD",
        }
        return JSONResponse(wavespeed_views.envelope(data))


def _spoil_prediction(view: View, fault: ActiveFault) -> None:
    if fault.name is Fault.UNKNOWN_STATE:
        view["status"] = fault.word("word", UNKNOWN_WORD)
    elif fault.is_wait_timeout:
        view |= {"status": "failed", "code": 5004, "error": "Timed out waiting; the task is still processing"}
    elif (ending := ending_of(fault)) is not None:
        (state, failure) = ending
        word = "failed" if state is State.FAILED else state.value
        view |= {"status": word, "code": failure.code, "error": failure.message}


def _spoil_envelope(view: View, fault: ActiveFault) -> None:
    data = view["data"]
    if isinstance(data, dict):
        _spoil_prediction(data, fault)
