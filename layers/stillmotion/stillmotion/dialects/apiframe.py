"""`/v2`: Apiframe's dialect, so that its clients work with a change of base URL and key.

Its own fields are the only ones that its schema lets pass, so all else is as usual: either vendor may make the video,
where it can make the whole of it. An order that the tenant's budget of the day has no room for is refused with 402, as
it is there; one that is taken all the same, by two at once, waits for the next day.

Source: Apiframe's OpenAPI of v2.
"""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from stillmotion.dialects import apiframe_views as views
from stillmotion.dialects.apiframe_bodies import order_of
from stillmotion.dialects.apiframe_problems import OutOfCredits, told
from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route
from stillmotion.dialects.multipart import form_of
from stillmotion.dialects.purse import Purse
from stillmotion.domain import identity
from stillmotion.domain.images import media_type
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.domain.routing import PriceTable, routes
from stillmotion.ports import AllowanceSpent, JobStore, ObjectPlace, ObjectStore
from stillmotion.services.calls import Call, SubmitCall

UPLOAD_SECONDS = 7200
"""How long the URL of an upload lives. As an image it is known for what it leads to, also when it is over."""
MAX_IDEMPOTENCY_KEY = 255


def submit_routes(
    submit: SubmitCall, jobs: JobStore, objects: ObjectStore, purse: Purse, prices: PriceTable
) -> Mapping[str, Route]:
    """What makes jobs, and what goes before one."""

    def order(request: HttpRequest) -> HttpResponse:
        call = Call(
            tenant=request.tenant,
            request=order_of(request.json()),
            arrived_at=request.arrived_at,
            key=request.caller,
            idempotency_key=_idempotency_key(request),
        )
        able = routes(call.request, prices)
        quote = able[0].quote
        left = purse.left(request.good_key, call.arrived_at)
        if left is not None and left < quote and not known(call):
            raise OutOfCredits(views.needed(quote, prices), views.available(left, prices))
        try:
            job = submit(call)
        except AllowanceSpent as spent:
            # An order counts as what the dearest vendor takes that it may go to.
            needed = views.needed(max(route.quote for route in able), prices)
            available = views.available(purse.left(request.good_key, call.arrived_at), prices)
            raise OutOfCredits(needed, available) from spent
        return HttpResponse(status=HTTPStatus.ACCEPTED, body=views.accepted(job))

    def known(call: Call) -> bool:
        """Whether it is a repetition, which costs nothing."""
        key = call.idempotency_key
        return key is not None and jobs.get(identity.keyed_job_id(call.tenant, key)) is not None

    def upload(request: HttpRequest) -> HttpResponse:
        image = _file(request)
        place = ObjectPlace.at(submit.store_picture(request.tenant, image, "file"))
        view = views.upload(
            identity.content_id("upload", place.address),
            objects.signed_get(place.bucket, place.key, seconds=UPLOAD_SECONDS),
            str(media_type(image)),
            len(image),
            request.arrived_at + timedelta(seconds=UPLOAD_SECONDS),
        )
        return HttpResponse(status=HTTPStatus.CREATED, body=view)

    return {"POST /v2/videos/generate": told(order), "POST /v2/uploads": told(upload)}


def _file(request: HttpRequest) -> bytes:
    """The bytes of the one file of a form. Raises InvalidRequest."""
    try:
        files = form_of(request).files.get("file", ())
    except Problem as problem:
        raise InvalidRequest(FieldError("file", problem.detail)) from problem
    if len(files) != 1:
        raise InvalidRequest(FieldError("file", "Send one file" if files else "No file provided"))
    return files[0].content


def _idempotency_key(request: HttpRequest) -> str | None:
    """Raises InvalidRequest."""
    key = request.headers.get("idempotency-key")
    if not key:
        return None
    if len(key) > MAX_IDEMPOTENCY_KEY or not key.isprintable():
        rule = f"String must contain at most {MAX_IDEMPOTENCY_KEY} character(s), all of them printable"
        raise InvalidRequest(FieldError("Idempotency-Key", rule))
    return key
