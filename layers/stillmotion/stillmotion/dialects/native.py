"""`/v1/videos`: the native API, in the shape of OpenAI's, so that its clients work with a change of base URL.

Errors are RFC 9457 problem details with an `error` member, which OpenAI's clients read. What OpenAI has beside videos
of a prompt (remixes, edits, extensions, characters) is not there.
"""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from stillmotion.dialects import views
from stillmotion.dialects.elsewhere import NATIVE, elsewhere
from stillmotion.dialects.http import (
    SMALL_NUMBER,
    FieldProblem,
    HttpRequest,
    HttpResponse,
    Problem,
    Route,
    limit_of,
    refused,
)
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.images import MAX_BYTES, SUFFIX_OF_TYPE
from stillmotion.domain.job import Job, Status, WrongStep
from stillmotion.domain.request import MAX_MESSAGE, FieldError, InvalidRequest
from stillmotion.ports import JobStore, ObjectStore, UnknownPage
from stillmotion.services.jobs import UnknownJob

if TYPE_CHECKING:
    from stillmotion.dialects.native_bodies import Order
    from stillmotion.services.calls import SubmitCall
    from stillmotion.services.deleting import Delete
    from stillmotion.services.estimate import Estimate

CONTENT_SECONDS = 900
MAX_IDEMPOTENCY_KEY = 255
POLL_AFTER = {"openai-poll-after-ms": "5000"}
"""How long OpenAI's Python client waits between two looks, unless its caller says otherwise; else it is a second."""
ORDERS = ("desc", "asc")
VARIANTS = ("video", "thumbnail", "spritesheet")
"""The thumbnail is the still that the video begins with; a spritesheet is never made."""

_TYPE_OF_STATUS = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "server_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "server_error",
}


def show_problem(problem: Problem) -> HttpResponse:
    """A problem in this dialect's words."""
    body = {
        "type": f"urn:stillmotion:problem:{problem.code}",
        "title": problem.status.phrase,
        "status": int(problem.status),
        "detail": problem.detail,
        "errors": problem.errors,
        "error": {
            "message": problem.detail,
            "type": _TYPE_OF_STATUS.get(problem.status, "invalid_request_error"),
            "param": problem.errors[0].field if problem.errors else None,
            "code": problem.code,
        },
    }
    headers = {"content-type": "application/problem+json"}
    if problem.status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    if problem.status is HTTPStatus.CONFLICT:
        # OpenAI's clients take it for a lock that will be free in a moment.
        headers["x-should-retry"] = "false"
    return HttpResponse(status=problem.status, headers=headers, body=body)


def submit_routes(submit: "SubmitCall", estimate: "Callable[[], Estimate]", view: views.View) -> Mapping[str, Route]:
    """What makes jobs. `estimate` gives the service that tells what one would come to."""
    from stillmotion.dialects.native_bodies import body_of, order_of  # noqa: PLC0415 - reads need none of it
    from stillmotion.services.calls import Call  # noqa: PLC0415
    from stillmotion.services.receiving import InputUnreachable  # noqa: PLC0415

    def create(request: HttpRequest) -> HttpResponse:
        key, body = _idempotency_key(request), body_of(request)
        try:
            wanted = order_of(body)
            return _estimated(estimate(), request.tenant, wanted) if wanted.dry_run else order(request, wanted, key)
        except InputUnreachable as unreachable:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            raise _broken(unreachable, body.names, status, "input_unreachable") from unreachable
        except InvalidRequest as invalid:
            raise _broken(invalid, body.names) from invalid

    def order(request: HttpRequest, wanted: "Order", key: str | None) -> HttpResponse:
        job = submit(
            Call(
                tenant=request.tenant,
                request=wanted.request,
                arrived_at=request.arrived_at,
                key=request.caller,
                idempotency_key=key,
                retry_count=_retry_count(request),
                notes=wanted.notes,
            )
        )
        return HttpResponse(status=HTTPStatus.OK, body=view.video(job))

    def ticket(request: HttpRequest) -> HttpResponse:
        fields = request.json()
        content_type, size = fields.get("content_type"), fields.get("bytes")
        errors = []
        if not isinstance(content_type, str) or content_type not in SUFFIX_OF_TYPE:
            errors.append(FieldError("content_type", f"must be one of {', '.join(SUFFIX_OF_TYPE)}"))
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_BYTES:
            errors.append(FieldError("bytes", f"must be a number from 1 to {MAX_BYTES}"))
        errors += [
            FieldError(name, "is not a field of an upload") for name in fields if name not in ("content_type", "bytes")
        ]
        if errors:
            raise refused(*errors)
        made = submit.ticket(request.tenant, str(content_type), int(str(size)))
        upload = {"method": "PUT", "url": made.url, "headers": made.headers, "expires_in": made.seconds}
        return HttpResponse(status=HTTPStatus.CREATED, body={"image": made.image, "upload": upload})

    return {"POST /v1/videos": create, "POST /v1/uploads": ticket}


def read_routes(jobs: JobStore, objects: ObjectStore, view: views.View) -> Mapping[str, Route]:
    """What only looks. A job of another tenant is not there."""

    def find(request: HttpRequest) -> Job:
        job_id = request.path.get("id", "")
        # What is no id may be no key of the store either.
        job = jobs.get(job_id) if is_job_id(job_id) else None
        if job is None or not job.is_seen_by(request.tenant):
            raise _not_there()
        return job

    def retrieve(request: HttpRequest) -> HttpResponse:
        shown = view.video(find(request))
        under_way = shown["status"] in ("queued", "in_progress")
        return HttpResponse(headers=POLL_AFTER if under_way else {}, body=shown)

    def content(request: HttpRequest) -> HttpResponse:
        variant = request.query.get("variant", "video")
        if variant not in VARIANTS:
            raise refused(FieldError("variant", f"must be one of {', '.join(VARIANTS)}"))
        job = find(request)
        if job.video is None:
            ended = job.status in (Status.FAILED, Status.CANCELLED)
            detail = "This video failed: it has no content." if ended else "This video is not completed yet."
            raise Problem(HTTPStatus.CONFLICT, "video_failed" if ended else "video_not_ready", detail)
        shown = job.video if variant == "video" else job.still if variant == "thumbnail" else None
        if shown is None or shown.bucket is None or shown.key is None:
            raise Problem(HTTPStatus.NOT_FOUND, "variant_not_made", f"Of this video no {variant} is made.")
        # A signature is good for one method.
        sign = objects.signed_head if request.method == "HEAD" else objects.signed_get
        url = sign(shown.bucket, shown.key, seconds=CONTENT_SECONDS, version_id=shown.version_id)
        return HttpResponse(status=HTTPStatus.FOUND, headers={"location": url})

    def listing(request: HttpRequest) -> HttpResponse:
        limit, order = _page(request.query)
        try:
            page = jobs.of_tenant(request.tenant, limit, request.query.get("after"), oldest_first=order == "asc")
        except UnknownPage as unknown:
            raise refused(FieldError("after", "must be a video's id, or the `next` of an earlier page")) from unknown
        return HttpResponse(body=view.page(page.jobs, page.next))

    return {
        "GET /v1/videos": listing,
        "GET /v1/videos/{id}": retrieve,
        "GET /v1/videos/{id}/content": content,
        **elsewhere(NATIVE),
    }


def delete_routes(delete: "Delete") -> Mapping[str, Route]:
    """What takes a video away."""

    def gone(request: HttpRequest) -> HttpResponse:
        job_id = request.path.get("id", "")
        try:
            if not is_job_id(job_id):
                raise _not_there()
            delete(request.tenant, job_id)
        except UnknownJob as unknown:
            raise _not_there() from unknown
        except WrongStep as wrong:
            raise Problem(HTTPStatus.CONFLICT, "video_in_progress", str(wrong)) from wrong
        return HttpResponse(body={"id": job_id, "object": "video.deleted", "deleted": True})

    return {"DELETE /v1/videos/{id}": gone}


def _estimated(estimate: "Estimate", tenant: str, wanted: "Order") -> HttpResponse:
    """Raises InvalidRequest, Problem."""
    from stillmotion.services.estimate import NoKey  # noqa: PLC0415 - few calls want an estimate

    try:
        return HttpResponse(body=views.estimate(estimate(tenant, wanted.request), wanted.notes))
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


def _page(query: Mapping[str, str]) -> tuple[int, str]:
    """How many, and in which order. Raises Problem."""
    limit, order = limit_of(query), query.get("order", "desc")
    errors = [limit] if isinstance(limit, FieldError) else []
    if order not in ORDERS:
        errors.append(FieldError("order", f"must be one of {', '.join(ORDERS)}"))
    if isinstance(limit, FieldError) or errors:
        raise refused(*errors)
    return limit, order


def _not_there() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "video_not_found", "There is no video with this id.")


def _idempotency_key(request: HttpRequest) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(rf"[ -~]{{1,{MAX_IDEMPOTENCY_KEY}}}", key):
        rule = f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"
        raise refused(FieldError("Idempotency-Key", rule))
    return key


def _retry_count(request: HttpRequest) -> int | None:
    """What OpenAI's clients say of their own retries; None where a client says nothing."""
    count = request.headers.get("x-stainless-retry-count", "")
    return int(count) if re.fullmatch(SMALL_NUMBER, count) else None
