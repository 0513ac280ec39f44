"""`/api/v3`: WaveSpeed's dialect, so that its clients work with a change of base URL and key.

What WaveSpeed does with a parameter that it does not know is not documented. Here it is refused: a caller who meant
something by it would pay for another video than he wanted. Its own model's parameters are taken, and beside them the
fields of a request that say how it is carried out.

Sources: wavespeed.ai/docs; wavespeed-python (client.py).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus

import msgspec

from stillmotion.dialects import wavespeed_views as views
from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route, refused, scoped
from stillmotion.dialects.multipart import FormFile, form_of
from stillmotion.dialects.purse import Purse
from stillmotion.dialects.wavespeed_bodies import HistoryQuery, history_query, order_of, price_query, upload_of
from stillmotion.dialects.wavespeed_history import found
from stillmotion.domain.access import Scope
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.job import Job, Status
from stillmotion.domain.request import Callback, FieldError, InvalidRequest, callback_error
from stillmotion.domain.routing import PriceTable, routes
from stillmotion.ports import JobStore, ObjectPlace, ObjectStore
from stillmotion.services.calls import Call, SubmitCall

OUTPUT_SECONDS = 3600
"""How long the URL of a video lives, at most; every read gives a new one."""
DOWNLOAD_SECONDS = 3600
"""The same of an upload. As the `image` of an order it is known for what it leads to, also when it is over."""
UNLIMITED_DOLLARS = Decimal(1_000_000)
"""The balance of who may spend as much as he wants."""
MAX_IDEMPOTENCY_KEY = 255
WEBHOOK_EVENTS = ("completed", "failed")


def show_problem(problem: Problem) -> HttpResponse:
    """A problem in this dialect's words."""
    # No document of WaveSpeed has 402: who has no money left is forbidden to order.
    status = HTTPStatus.FORBIDDEN if problem.status is HTTPStatus.PAYMENT_REQUIRED else problem.status
    message = f"Invalid parameters: {problem.detail}" if problem.errors else problem.detail
    headers = {"www-authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    return HttpResponse(status=status, headers=headers, body={"code": int(status), "message": message, "data": None})


def submit_routes(submit: SubmitCall, objects: ObjectStore, prices: PriceTable, base_url: str) -> Mapping[str, Route]:
    """What makes jobs, and what goes before one. `base_url` is where callers reach the API."""

    def order(request: HttpRequest) -> HttpResponse:
        wanted = order_of(request.json())
        callback = _callback(request)
        call = Call(
            tenant=request.tenant,
            request=msgspec.structs.replace(wanted, callback=callback),
            arrived_at=request.arrived_at,
            key=request.caller,
            idempotency_key=_idempotency_key(request),
        )
        return _answer(views.ordered(submit(call), base_url))

    def quote(request: HttpRequest) -> HttpResponse:
        able = routes(price_query(request.json()), prices)
        return _answer(views.price(able[0].quote))

    def ticket(request: HttpRequest) -> HttpResponse:
        file = upload_of(request.json())
        made = submit.ticket(request.tenant, file.content_type, file.size)
        place = ObjectPlace.at(made.image)
        return _answer(
            {
                # Clients set the length by themselves, and browsers do not let themselves be told it.
                "upload": {"method": "PUT", "url": made.url, "headers": {"Content-Type": file.content_type}},
                "download_url": objects.signed_get(place.bucket, place.key, seconds=DOWNLOAD_SECONDS),
            }
        )

    def upload(request: HttpRequest) -> HttpResponse:
        file = _file(request)
        place = ObjectPlace.at(submit.store_picture(request.tenant, file.content, "file"))
        url = objects.signed_get(place.bucket, place.key, seconds=DOWNLOAD_SECONDS)
        return _answer(views.upload(url, file.name, len(file.content)))

    priced = scoped(Scope.READ)(_told(quote))
    return {
        "POST /api/v3/luma/ray-2-flash-i2v": _told(order),
        "POST /api/v3/model/pricing": priced,
        "POST /api/v3/model/price": priced,
        "POST /api/v3/media/uploads": _told(ticket),
        "POST /api/v3/media/upload/binary": _told(upload),
    }


def read_routes(jobs: JobStore, objects: ObjectStore, purse: Purse, base_url: str) -> Mapping[str, Route]:
    """What only looks. A job of another tenant is not there; one of another dialect is."""

    def video_url(job: Job) -> str | None:
        if job.video is None or job.status is not Status.COMPLETED:
            return None
        video = job.video
        return objects.signed_get(video.bucket, video.key, seconds=OUTPUT_SECONDS, version_id=video.version_id)

    def result(request: HttpRequest) -> HttpResponse:
        job_id = request.path.get("id", "").lower()
        # What is no id may be no key of the store either.
        job = jobs.get(job_id) if is_job_id(job_id) else None
        if job is None or not job.is_seen_by(request.tenant):
            raise Problem(HTTPStatus.NOT_FOUND, "prediction_not_found", "There is no prediction with this id.")
        return _answer(views.prediction(job, base_url, video_url(job)))

    def history(request: HttpRequest) -> HttpResponse:
        query = _asked(request)
        items = [views.listed(job, base_url, video_url(job)) for job in found(jobs, request.tenant, query)]
        return _answer({"items": items, "page": query.page, "page_size": query.page_size})

    def balance(request: HttpRequest) -> HttpResponse:
        left = purse.left(request.good_key, request.arrived_at)
        return _answer(views.balance(UNLIMITED_DOLLARS if left is None else left))

    return {
        "GET /api/v3/predictions/{id}/result": result,
        "GET /api/v3/predictions/{id}": result,
        "POST /api/v3/predictions": scoped(Scope.READ)(_told(history)),
        "GET /api/v3/predictions": _told(history),
        "GET /api/v3/balance": balance,
    }


def secret_routes(secrets: Callable[[], Callable[[str], Sequence[str]]]) -> Mapping[str, Route]:
    """`secrets` gives what gives a tenant's secrets, the current one first. WaveSpeed's signature has room for one."""

    def secret(request: HttpRequest) -> HttpResponse:
        return _answer({"secret": secrets()(request.tenant)[0]})

    # Who knows it can forge what the tenant's receivers believe.
    return {"GET /api/v3/webhook/secret": scoped(Scope.ADMIN)(secret)}


def _told(route: Route) -> Route:
    """The route with the rules that a call breaks told in an answer."""

    def answered(request: HttpRequest) -> HttpResponse:
        try:
            return route(request)
        except InvalidRequest as invalid:
            raise refused(*invalid.errors) from invalid

    return answered


def _answer(data: object) -> HttpResponse:
    return HttpResponse(body=views.envelope(data))


def _file(request: HttpRequest) -> FormFile:
    """The one file of a form. Raises Problem, InvalidRequest."""
    files = form_of(request).files.get("file", ())
    if len(files) != 1:
        raise InvalidRequest(FieldError("file", "must be one file"))
    return files[0]


def _asked(request: HttpRequest) -> HistoryQuery:
    """What is asked of the history; a GET asks for its first page. Raises Problem, InvalidRequest."""
    if not request.route.startswith("GET "):
        return history_query(request.json() if request.body else {})
    if request.query:
        rule = "is not a parameter here: POST it as JSON"
        raise InvalidRequest(*(FieldError(name, rule) for name in request.query))
    return HistoryQuery()


def _callback(request: HttpRequest) -> Callback | None:
    """What `?webhook=` says. Raises InvalidRequest."""
    errors = [FieldError(name, "is not a parameter here") for name in request.query if name != "webhook"]
    url = request.query.get("webhook")
    if url is not None:
        broken = callback_error("webhook", url)
        errors += [broken] if broken is not None else []
    if errors:
        raise InvalidRequest(*errors)
    return None if url is None else Callback(url=url, dialect="wavespeed", events=WEBHOOK_EVENTS)


def _idempotency_key(request: HttpRequest) -> str | None:
    """WaveSpeed has no such thing; who sends one all the same is not charged twice. Raises InvalidRequest."""
    key = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(rf"[ -~]{{1,{MAX_IDEMPOTENCY_KEY}}}", key):
        rule = f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"
        raise InvalidRequest(FieldError("Idempotency-Key", rule))
    return key
