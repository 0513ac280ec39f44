"""`POST /v2/videos/generate` and `POST /v2/uploads`: what makes a job, and what goes before one.

An order that the tenant's budget of the day has no room for is refused with 402, as it is at Apiframe; one that is
taken all the same, by two at once, waits for the next day.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from stillmotion.dialects.apiframe import APIFRAME, TAG, views
from stillmotion.dialects.apiframe.order_body import PATH_OF_FIELD, ApiframeOrder
from stillmotion.dialects.apiframe.problems import OutOfCredits
from stillmotion.dialects.balance import Balance
from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest, Problem
from stillmotion.dialects.models import Headers
from stillmotion.dialects.multipart import MEDIA_TYPE, ONE_FILE_SCHEMA, form_of
from stillmotion.domain import identity
from stillmotion.domain.access import Scope
from stillmotion.domain.images import media_type
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.domain.routing import PriceTable, routes
from stillmotion.ports.keys import AllowanceSpent
from stillmotion.ports.objects import ObjectPlace, ObjectStore
from stillmotion.ports.records import JobStore
from stillmotion.services.intake.api_orders import ApiOrder, SubmitApiOrder

UPLOAD_SECONDS = 7200
"""How long the URL of an upload lives. As an image it is known for what it leads to, also when it is over."""
MAX_IDEMPOTENCY_KEY = 255
_KEY_SCHEMA = {"type": "string", "maxLength": MAX_IDEMPOTENCY_KEY}


def _key(text: str) -> str | None:
    """An empty key is none."""
    if len(text) > MAX_IDEMPOTENCY_KEY or not text.isprintable():
        raise ValueError(f"String must contain at most {MAX_IDEMPOTENCY_KEY} character(s), all of them printable")
    return text or None


class ApiframeOrderHeaders(Headers):
    """What says whether an order repeats an earlier one."""

    idempotency_key: Annotated[
        Annotated[str | None, PlainValidator(_key), WithJsonSchema(_KEY_SCHEMA)],
        Field(alias="Idempotency-Key", description="The same key is the same job."),
    ] = None


class ApiframeOrders(Feature):
    """What makes jobs. `balance` has what a caller may still spend."""

    TAG = TAG
    DIALECT = APIFRAME
    FUNCTION = "submit"

    def __init__(
        self, submit: SubmitApiOrder, jobs: JobStore, objects: ObjectStore, balance: Balance, prices: PriceTable
    ) -> None:
        self._submit = submit
        self._jobs = jobs
        self._objects = objects
        self._balance = balance
        self._prices = prices

    @operation(
        "POST",
        "/v2/videos/generate",
        operation_id="apiframeGenerateVideo",
        summary="Order a video",
        scope=Scope.WRITE,
        status=202,
        errors=(400, 402, 409, 413),
        examples=("ApiframeAccepted",),
    )
    def order(
        self, request: HttpRequest, body: ApiframeOrder, headers: ApiframeOrderHeaders
    ) -> views.ApiframeAcceptedView:
        call = ApiOrder(
            tenant=request.tenant,
            request=body.request(),
            arrived_at=request.arrived_at,
            key=request.caller,
            idempotency_key=headers.idempotency_key,
        )
        try:
            return views.accepted(self._job(request, call))
        except InvalidRequest as invalid:
            errors = [FieldError(PATH_OF_FIELD.get(error.field, error.field), error.rule) for error in invalid.errors]
            raise InvalidRequest(*errors) from invalid

    @operation(
        "POST",
        "/v2/uploads",
        operation_id="apiframeUpload",
        summary="Upload an image",
        scope=Scope.WRITE,
        description="A form with one file. It is at most 4.5 MB.",
        status=201,
        errors=(400,),
        bodies={MEDIA_TYPE: ONE_FILE_SCHEMA},
        examples=("ApiframeUpload",),
    )
    def upload(self, request: HttpRequest) -> views.ApiframeUploadView:
        image = _file(request)
        place = ObjectPlace.at(self._submit.store_picture(request.tenant, image, "file"))
        return views.ApiframeUploadView(
            id=identity.content_id("upload", place.address),
            url=self._objects.signed_get(place.bucket, place.key, seconds=UPLOAD_SECONDS),
            content_type=str(media_type(image)),
            byte_size=len(image),
            expires_at=request.arrived_at + timedelta(seconds=UPLOAD_SECONDS),
        )

    def _job(self, request: HttpRequest, call: ApiOrder) -> Job:
        """Raises OutOfCredits, InvalidRequest."""
        able = routes(call.request, self._prices)
        quote, left = able[0].quote, self._balance.left(request.good_key, call.arrived_at)
        if left is not None and left < quote and not self._is_repetition(call):
            raise OutOfCredits(views.needed(quote, self._prices), views.available(left, self._prices))
        try:
            return self._submit(call)
        except AllowanceSpent as spent:
            # An order counts as what the dearest vendor takes that it may go to.
            needed = views.needed(max(route.quote for route in able), self._prices)
            left = self._balance.left(request.good_key, call.arrived_at)
            raise OutOfCredits(needed, views.available(left, self._prices)) from spent

    def _is_repetition(self, call: ApiOrder) -> bool:
        """One costs nothing."""
        key = call.idempotency_key
        return key is not None and self._jobs.get(identity.keyed_job_id(call.tenant, key)) is not None


def _file(request: HttpRequest) -> bytes:
    """The bytes of the one file of a form. Raises InvalidRequest."""
    try:
        files = form_of(request).files.get("file", ())
    except Problem as problem:
        raise InvalidRequest(FieldError("file", problem.detail)) from problem
    if len(files) != 1:
        raise InvalidRequest(FieldError("file", "Send one file" if files else "No file provided"))
    return files[0].content
