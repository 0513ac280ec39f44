"""`POST /v1/videos` and `POST /v1/uploads`: what makes a job, and what goes before one."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge, Le
from pydantic import Field, PlainValidator, WithJsonSchema

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import SMALL_NUMBER, FieldProblem, HttpRequest, Problem
from stillmotion.dialects.models import Address, Headers, IdempotencyKey, JsonBody, ResponseModel
from stillmotion.dialects.native import NATIVE, VIDEOS, views
from stillmotion.dialects.native.order_body import Order, VideoOrder
from stillmotion.domain.access import Scope
from stillmotion.domain.images import MAX_BYTES, MediaType
from stillmotion.domain.request import MAX_MESSAGE, InvalidRequest
from stillmotion.services.intake.api_orders import ApiOrder, SubmitApiOrder
from stillmotion.services.intake.input_images import InputUnreachable

if TYPE_CHECKING:
    from stillmotion.services.intake.estimate import Estimate


def _count(text: object) -> int | None:
    """What is no number says nothing."""
    return int(str(text)) if re.fullmatch(SMALL_NUMBER, str(text)) else None


class OrderHeaders(Headers):
    """What says whether an order repeats an earlier one."""

    idempotency_key: Annotated[
        IdempotencyKey | None,
        Field(
            alias="Idempotency-Key",
            description="The same key is the same job, for ever: a call that was not answered may be repeated with it.",
        ),
    ] = None
    retry_count: Annotated[
        Annotated[int | None, PlainValidator(_count), WithJsonSchema({"type": "string"})],
        Field(alias="X-Stainless-Retry-Count", description="What OpenAI's clients say of their own repetitions."),
    ] = None


class UploadRequest(JsonBody):
    """A file that is to be put."""

    UNKNOWN = "is not a field of an upload"
    EXAMPLES: ClassVar[dict[str, object]] = {"a_photo": {"content_type": "image/jpeg", "bytes": 2_500_000}}

    content_type: MediaType
    bytes: Annotated[int, Ge(1), Le(MAX_BYTES)]


class UploadPlace(ResponseModel):
    """A signed PUT."""

    method: Literal["PUT"] = "PUT"
    url: Address
    headers: dict[str, str]
    expires_in: int


class UploadTicket(ResponseModel):
    """Where a file may be put: with this method, to this URL, with these headers."""

    image: Annotated[str, Field(description="What to name it by.")]
    upload: UploadPlace


class Orders(Feature):
    """`estimate` gives the service that tells what an order would come to, which few calls need."""

    TAG = VIDEOS
    DIALECT = NATIVE
    FUNCTION = "submit"

    def __init__(self, submit: SubmitApiOrder, estimate: "Callable[[], Estimate]", view: views.View) -> None:
        self._submit = submit
        self._estimate = estimate
        self._view = view

    @operation(
        "POST",
        "/v1/videos",
        operation_id="createVideo",
        summary="Order a video",
        scope=Scope.WRITE,
        description=(
            "Answers at once; the video takes minutes. Unknown fields are refused. A body is at most 4.5 MB: "
            "larger images go through `POST /v1/uploads`."
        ),
        answers="The job; or, with dry_run, its price.",
        errors=(400, 402, 409, 413, 422),
        examples=("VideoQueued", "VideoEstimate"),
    )
    def create(
        self, request: HttpRequest, headers: OrderHeaders, body: VideoOrder
    ) -> views.VideoView | views.VideoEstimateView:
        wanted = body.order()
        try:
            return self._estimated(request.tenant, wanted) if wanted.dry_run else self._job(request, headers, wanted)
        except InputUnreachable as unreachable:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            raise _broken(unreachable, body.names, status, "input_unreachable") from unreachable
        except InvalidRequest as invalid:
            raise _broken(invalid, body.names) from invalid

    @operation(
        "POST",
        "/v1/uploads",
        operation_id="createUpload",
        summary="Get a place to put an image",
        scope=Scope.WRITE,
        description="PUT the file to the URL with the headers in the answer, then name it by `image` in an order.",
        status=201,
        errors=(400, 413),
        examples=("UploadTicket",),
    )
    def upload(self, request: HttpRequest, body: UploadRequest) -> UploadTicket:
        made = self._submit.ticket(request.tenant, body.content_type, body.bytes)
        return UploadTicket(
            image=made.image, upload=UploadPlace(url=made.url, headers=made.headers, expires_in=made.seconds)
        )

    def _job(self, request: HttpRequest, headers: OrderHeaders, wanted: Order) -> views.VideoView:
        job = self._submit(
            ApiOrder(
                tenant=request.tenant,
                request=wanted.request,
                arrived_at=request.arrived_at,
                key=request.caller,
                idempotency_key=headers.idempotency_key,
                retry_count=headers.retry_count,
                notes=wanted.notes,
            )
        )
        return self._view.video(job)

    def _estimated(self, tenant: str, wanted: Order) -> views.VideoEstimateView:
        """Raises InvalidRequest, Problem."""
        from stillmotion.services.intake.estimate import NoKey  # noqa: PLC0415 - few calls want an estimate

        try:
            return views.estimate(self._estimate()(tenant, wanted.request), wanted.notes)
        except NoKey as missing:
            detail = f"The stack has {missing}: nothing could be sent. Put one into its vendor secret."
            raise Problem(HTTPStatus.CONFLICT, "vendor_key_missing", detail) from missing


def _broken(
    invalid: InvalidRequest,
    names: Mapping[str, str],
    status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    code: str = "invalid_request",
) -> Problem:
    """The problem of a request that breaks rules; fields are called as the caller calls them."""
    errors = tuple(FieldProblem(names.get(error.field, error.field), error.rule) for error in invalid.errors)
    detail = "; ".join(f"{error.field}: {error.rule}" for error in errors)[:MAX_MESSAGE]
    return Problem(status, code, detail, errors)
