"""`/v1/videos`: the native API, in the shape of OpenAI's, so that its clients work with a change of base URL.

Errors are RFC 9457 problem details with an `error` member, which OpenAI's clients read.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from stillmotion.dialects import views
from stillmotion.dialects.http import FieldProblem, HttpRequest, HttpResponse, Problem, Route
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.images import MAX_BYTES, SUFFIX_OF_TYPE
from stillmotion.domain.job import Job, Status
from stillmotion.domain.request import FieldError, InvalidRequest, parse_request
from stillmotion.ports import JobStore, ObjectStore, UnknownPage
from stillmotion.services.calls import Call, KeyReused, SubmitCall

CONTENT_SECONDS = 900
MAX_LISTED = 100
MAX_IDEMPOTENCY_KEY = 255
# int() refuses thousands of digits, and isdecimal() takes those of every script.
_SMALL_NUMBER = r"[0-9]{1,3}"

_TYPE_OF_STATUS = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
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
    return HttpResponse(status=problem.status, headers=headers, body=body)


def submit_routes(submit: SubmitCall) -> Mapping[str, Route]:
    """What makes jobs."""

    def create(request: HttpRequest) -> HttpResponse:
        try:
            job = submit(
                Call(
                    tenant=request.tenant,
                    request=parse_request(request.json()),
                    arrived_at=request.arrived_at,
                    idempotency_key=_idempotency_key(request),
                    retry_count=_retry_count(request),
                )
            )
        except InvalidRequest as invalid:
            raise _invalid(invalid) from invalid
        except KeyReused as reused:
            detail = "This Idempotency-Key was used with another body. Send a new key, or the same body."
            raise Problem(HTTPStatus.CONFLICT, "idempotency_key_reused", detail) from reused
        return HttpResponse(status=HTTPStatus.OK, body=views.video(job))

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
            raise _refused(errors)
        made = submit.ticket(request.tenant, str(content_type), int(str(size)))
        upload = {"method": "PUT", "url": made.url, "headers": made.headers, "expires_in": made.seconds}
        return HttpResponse(status=HTTPStatus.CREATED, body={"image": made.image, "upload": upload})

    return {"POST /v1/videos": create, "POST /v1/uploads": ticket}


def read_routes(jobs: JobStore, objects: ObjectStore) -> Mapping[str, Route]:
    """What only looks. A job of another tenant is not there."""

    def find(request: HttpRequest) -> Job:
        job_id = request.path.get("id", "")
        # What is no id may be no key of the store either.
        job = jobs.get(job_id) if is_job_id(job_id) else None
        if job is None or job.tenant != request.tenant:
            raise Problem(HTTPStatus.NOT_FOUND, "video_not_found", "There is no video with this id.")
        return job

    def retrieve(request: HttpRequest) -> HttpResponse:
        return HttpResponse(body=views.video(find(request)))

    def content(request: HttpRequest) -> HttpResponse:
        job = find(request)
        if job.video is None:
            ended = job.status in (Status.FAILED, Status.CANCELLED)
            detail = "This video failed: it has no content." if ended else "This video is not completed yet."
            raise Problem(HTTPStatus.CONFLICT, "video_failed" if ended else "video_not_ready", detail)
        url = objects.signed_get(
            job.video.bucket, job.video.key, seconds=CONTENT_SECONDS, version_id=job.video.version_id
        )
        return HttpResponse(status=HTTPStatus.FOUND, headers={"location": url})

    def listing(request: HttpRequest) -> HttpResponse:
        limit = request.query.get("limit", "20")
        if not re.fullmatch(_SMALL_NUMBER, limit) or not 1 <= int(limit) <= MAX_LISTED:
            raise _refused([FieldError("limit", f"must be a number from 1 to {MAX_LISTED}")])
        try:
            page = jobs.of_tenant(request.tenant, int(limit), request.query.get("after"))
        except UnknownPage as unknown:
            raise _refused([FieldError("after", "must be the `next` of an earlier page")]) from unknown
        data = [views.video(job) for job in page.jobs]
        body = {"object": "list", "data": data, "has_more": page.next is not None, "next": page.next}
        return HttpResponse(body=body)

    return {"GET /v1/videos": listing, "GET /v1/videos/{id}": retrieve, "GET /v1/videos/{id}/content": content}


def _invalid(invalid: InvalidRequest) -> Problem:
    errors = tuple(FieldProblem(error.field, error.rule) for error in invalid.errors)
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_request", str(invalid), errors)


def _refused(errors: Sequence[FieldError]) -> Problem:
    return _invalid(InvalidRequest(*errors))


def _idempotency_key(request: HttpRequest) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not re.fullmatch(rf"[ -~]{{1,{MAX_IDEMPOTENCY_KEY}}}", key):
        rule = f"must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"
        raise _refused([FieldError("Idempotency-Key", rule)])
    return key


def _retry_count(request: HttpRequest) -> int | None:
    """What a client generated by Stainless (OpenAI's) says of its own retries; None where it says nothing."""
    count = request.headers.get("x-stainless-retry-count", "")
    return int(count) if re.fullmatch(_SMALL_NUMBER, count) else None
