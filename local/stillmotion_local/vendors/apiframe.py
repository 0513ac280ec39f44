"""Apiframe v2, offline: the calls that a Luma Ray 2 Flash client makes.

Source: Apiframe's OpenAPI (2.0.0); idempotency conflicts and webhooks as its Node SDK has them.
"""

import uuid
from http import HTTPStatus

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stillmotion_local.vendors import apiframe_views
from stillmotion_local.vendors.access import base_url_of, same_secret
from stillmotion_local.vendors.apiframe_account import ApiframeAccount
from stillmotion_local.vendors.apiframe_requests import CREDITS, GenerateVideoRequest, details_of
from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.faults import ActiveFault, Fault, without_markers
from stillmotion_local.vendors.generations import Generation, PictureFetch, Vendor, WebhookEvent
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.settings import DAY_SECONDS, VendorsSettings
from stillmotion_local.vendors.status_reads import UNKNOWN_WORD, View, read_status
from stillmotion_local.vendors.studio import ending_of
from stillmotion_local.vendors.submissions import Refused, Submission, SubmissionDesk

_MAX_KEY_LENGTH = 255


class ApiframeVoice:
    """Apiframe's own words."""

    vendor = Vendor.APIFRAME

    def __init__(self, account: ApiframeAccount) -> None:
        """`account` knows how many credits are left."""
        self._account = account

    def refusal(self, fault: ActiveFault) -> Response:
        """The answer of a refusal on demand."""
        answers = {
            Fault.THROTTLE: self.too_many(retry_after_seconds=int(fault.number("retry_after", 1))),
            Fault.THROTTLE_BARE: JSONResponse({"error": "Rate limit exceeded"}, 429),
            Fault.UNAUTHORIZED: JSONResponse({"error": "Invalid API key"}, 401),
            Fault.OUT_OF_CREDITS: self.insufficient(required=CREDITS[5], available=0),
            Fault.FORBIDDEN: JSONResponse({"error": "API key is inactive"}, 403),
            Fault.UNAVAILABLE_503: self.error(HTTPStatus.SERVICE_UNAVAILABLE),
        }
        return answers.get(fault.name) or self.invalid("prompt", "Invalid input")

    def invalid(self, field_name: str, message: str) -> Response:
        """400 with details by path."""
        return JSONResponse({"error": "Validation failed", "details": {field_name: [message]}}, 400)

    def too_many(self, *, retry_after_seconds: int) -> Response:
        """429 with Retry-After."""
        headers = {"Retry-After": str(retry_after_seconds)}
        return JSONResponse({"error": "Rate limit exceeded"}, 429, headers=headers)

    def error(self, status: int) -> Response:
        """A failure of Apiframe itself."""
        unavailable = status == HTTPStatus.SERVICE_UNAVAILABLE
        words = "Service temporarily unavailable" if unavailable else "Internal server error"
        return JSONResponse({"error": words}, status)

    def insufficient(self, *, required: int, available: int) -> Response:
        """402 with both numbers."""
        body = {"error": "Insufficient credits", "creditsRequired": required, "creditsAvailable": available}
        return JSONResponse(body, 402)

    def accepted(self, generation: Generation) -> Response:
        """202; a replay shows the status that the job has by now."""
        status = apiframe_views.status_of(generation)
        for fault in generation.faults:
            if fault.word("at", "read") == "submit" and fault.name is Fault.UNKNOWN_STATE:
                status = fault.word("word", UNKNOWN_WORD).upper()
            elif fault.word("at", "read") == "submit" and ending_of(fault) is not None:
                status = "FAILED"
        return JSONResponse({"jobId": generation.id, "status": status}, 202)


class Apiframe:
    """The routes of generation and jobs."""

    def __init__(
        self,
        *,
        desk: SubmissionDesk,
        ledger: Ledger,
        account: ApiframeAccount,
        settings: VendorsSettings,
        clock: Clock,
    ) -> None:
        """Wires the routes."""
        self._desk = desk
        self._ledger = ledger
        self._account = account
        self._voice = ApiframeVoice(account)
        self._settings = settings
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/v2/videos/generate", self.generate, methods=["POST"]),
            Route("/v2/jobs/{id}", self.job, methods=["GET"]),
        ]

    async def generate(self, request: Request) -> Response:
        """`POST /v2/videos/generate`."""
        submission = await self._desk.note(Vendor.APIFRAME, request)
        try:
            answer = await self._take(submission)
        except Refused as refused:
            answer = refused.answer
        return self._desk.close(submission, answer)

    async def job(self, request: Request) -> Response:
        """`GET /v2/jobs/{id}`."""
        if (refusal := self._account.refusal(request)) is not None:
            return refusal
        try:
            job_id = str(uuid.UUID(request.path_params["id"]))
        except ValueError:
            return JSONResponse({"error": "Invalid job ID"}, 400)
        generation = self._ledger.generations.get(job_id)
        if generation is None or generation.vendor is not Vendor.APIFRAME:
            return JSONResponse({"error": "Job not found"}, 404)
        return read_status(
            self._ledger,
            generation,
            lambda: apiframe_views.job(generation, self._settings, self._clock()),
            spoil=_spoil,
            error=self._voice.error,
        )

    async def _take(self, submission: Submission) -> Response:
        request = submission.request
        if (refusal := self._account.refusal(request)) is not None:
            return refusal
        self._desk.strike(submission, self._voice)
        try:
            body = GenerateVideoRequest.model_validate(submission.body)
        except ValidationError as error:
            return JSONResponse({"error": "Validation failed", "details": details_of(error)}, 400)
        key = request.headers.get("Idempotency-Key")
        if key is not None:
            if len(key) > _MAX_KEY_LENGTH:
                return self._voice.invalid("Idempotency-Key", f"at most {_MAX_KEY_LENGTH} characters")
            earlier = self._ledger.with_key(Vendor.APIFRAME, key, since=self._clock() - DAY_SECONDS)
            if earlier is not None:
                return self._replay(submission, earlier)
        self._desk.check_limits(self._voice)
        cost = CREDITS[body.luma_params.duration]
        if cost > self._account.credits():
            return self._voice.insufficient(required=cost, available=self._account.credits())
        return await self._desk.accept(submission, self._generation(submission, body, key), self._voice)

    def _replay(self, submission: Submission, earlier: Generation) -> Response:
        """The same key with the same body is the original job; with another body it is a conflict."""
        if not same_secret(earlier.body_sha256, submission.post.body_sha256):
            return JSONResponse({"error": "Idempotency-Key was already used with a different body"}, 409)
        submission.post.replayed = True
        return self._desk.answer(submission, earlier, self._voice)

    def _generation(self, submission: Submission, body: GenerateVideoRequest, key: str | None) -> Generation:
        order = body.order(without_markers(body.prompt))
        events = body.webhook_events or [WebhookEvent.COMPLETED, WebhookEvent.FAILED]
        return Generation(
            id=str(uuid.uuid4()),
            vendor=Vendor.APIFRAME,
            order=order,
            request_body=submission.body,
            idempotency_key=key,
            body_sha256=submission.post.body_sha256,
            base_url=base_url_of(submission.request, self._settings),
            billed=CREDITS[order.duration_seconds],
            currency="credits",
            accepted_at=self._clock(),
            pictures=pictures_of(order.start_image, order.end_image),
            webhook_url=body.webhook_url,
            webhook_events=events if body.webhook_url else [],
        )


def pictures_of(start_image: str | None, end_image: str | None) -> list[PictureFetch]:
    """The pictures that are to be fetched."""
    pictures = []
    if start_image is not None:
        pictures.append(PictureFetch(role="start", url=start_image))
    if end_image is not None:
        pictures.append(PictureFetch(role="end", url=end_image))
    return pictures


def _spoil(view: View, fault: ActiveFault) -> None:
    if fault.name is Fault.UNKNOWN_STATE:
        view["status"] = fault.word("word", UNKNOWN_WORD).upper()
