"""What a person does to a job, in the native dialect, and the dead letters.

    POST /v1/videos/{id}/cancel      {}
    POST /v1/videos/{id}/retry       {"run", "expect_dollars", "dry_run"}
    POST /v1/videos/{id}/redrive     {"run"}
    POST /v1/videos/{id}/resolve     {"run", "action": "adopt" | "not_sent" | "abandon", "generation"}
    GET  /v1/dead-letters
    POST /v1/dead-letters/replay     {"queue": "inbox" | "announcements", "ids", "after"}

`run` is the run of the job that the caller has seen: with it, a call may be repeated when its answer was lost. The
answer is the video, or 409 with the reason and what to do. Dead letters are not a tenant's but the stack's: they take
an admin key of its owner, who is the tenant of the inbox. So does `adopt`, as all tenants' generations are in one
account of the vendor; the owner resolves every tenant's jobs, another tenant's admin its own.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta

from stillmotion.dialects.http import FieldProblem, HttpRequest, HttpResponse, Problem, Route, scoped
from stillmotion.dialects.views import View, offers
from stillmotion.domain.access import Scope
from stillmotion.domain.dead_letters import QueueName
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.interventions import TooSoon
from stillmotion.domain.job import Job, WrongStep
from stillmotion.domain.request import InvalidRequest
from stillmotion.ports import ReadFailed, UnknownPage
from stillmotion.services.adopt import NotAdopted
from stillmotion.services.dead_letters import DeadLetters
from stillmotion.services.interventions import Interventions, PriceChanged, Which
from stillmotion.services.jobs import UnknownJob

Run = Annotated[int, Meta(ge=1)]
Action = Literal["adopt", "not_sent", "abandon"]
# What goes into a vendor's path: ids from the vendors themselves are held to the same form.
GenerationId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}\Z")]
MessageIds = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(min_length=1, max_length=100)]
_RULES: Mapping[str, str] = {
    "run": "must be a whole number, 1 or more",
    "expect_dollars": "must be an amount of US dollars",
    "dry_run": "must be true or false",
    "action": f"must be one of {', '.join(get_args(Action))}",
    "generation": "must be a generation's id: 1 to 128 letters, digits and . _ ~ -",
    "queue": f"must be one of {', '.join(QueueName)}",
    "ids": "must be a list of 1 to 100 ids, of 1 to 100 characters each",
    "after": "must be text",
}
MOST_ERRORS = 20
LONGEST_NAME = 64

Fields = Mapping[str, Any]
Told = TypeVar("Told")


def job_routes(interventions: Interventions, view: View) -> Mapping[str, Route]:
    """What is done to one job of the caller's; the stack's owner may resolve everybody's."""

    def cancel(request: HttpRequest) -> HttpResponse:
        return _video(view, _done(interventions.cancel, _which(request, _fields(request, run=Run))))

    def redrive(request: HttpRequest) -> HttpResponse:
        return _video(view, _done(interventions.redrive, _which(request, _fields(request, run=Run))))

    return {
        "POST /v1/videos/{id}/cancel": cancel,
        "POST /v1/videos/{id}/retry": partial(_retry, interventions, view),
        "POST /v1/videos/{id}/redrive": redrive,
        "POST /v1/videos/{id}/resolve": scoped(Scope.ADMIN)(partial(_resolve, interventions, view)),
    }


def _retry(interventions: Interventions, view: View, request: HttpRequest) -> HttpResponse:
    fields = _fields(request, run=Run, expect_dollars=Decimal, dry_run=bool)
    which, expected = _which(request, fields), fields.get("expect_dollars")
    if expected is not None and not expected.is_finite():
        raise _invalid(FieldProblem("expect_dollars", _RULES["expect_dollars"]))
    if not fields.get("dry_run", False):
        return _video(view, _done(lambda which: interventions.retry(which, expected), which))
    job, route, others = _done(interventions.price, which)
    estimate = {"object": "video.retry_estimate", "id": job.id, "run": job.run, "vendor": route.vendor}
    return HttpResponse(body={**estimate, "price_dollars": str(route.quote), "alternatives": offers(others)})


def _resolve(interventions: Interventions, view: View, request: HttpRequest) -> HttpResponse:
    fields = _fields(request, run=Run, action=Action, generation=GenerationId)
    which = _which(request, fields)
    if request.tenant == view.inbox_tenant:
        which = msgspec.structs.replace(which, tenant=None)
    elif fields.get("action") == "adopt":
        raise Problem(HTTPStatus.FORBIDDEN, "not_allowed", "Adopting a generation takes a key of the stack's owner.")
    match fields.get("action"), fields.get("generation"):
        case None, _:
            raise _invalid(FieldProblem("action", "is required: adopt, not_sent or abandon"))
        case "adopt", str(generation):
            return _video(view, _done(lambda which: interventions.adopt(which, generation), which))
        case "not_sent", None:
            return _video(view, _done(interventions.not_sent, which))
        case "abandon", None:
            return _video(view, _done(interventions.abandon, which))
        case _:
            raise _invalid(FieldProblem("generation", "goes with adopt, which needs one, and with nothing else"))


def dead_letter_routes(letters: Callable[[], DeadLetters], owner: str) -> Mapping[str, Route]:
    """What could not be handled; `letters` gives the service, which few calls need, and `owner` is who may see it."""

    def listing(request: HttpRequest) -> HttpResponse:
        _refuse_strangers(request)
        return HttpResponse(body={"object": "list", "data": letters().listed()})

    def replay(request: HttpRequest) -> HttpResponse:
        _refuse_strangers(request)
        fields = _fields(request, queue=QueueName, ids=MessageIds, after=str)
        if "queue" not in fields:
            raise _invalid(FieldProblem("queue", f"is required: {' or '.join(QueueName)}"))
        if "after" in fields and "ids" not in fields:
            raise _invalid(FieldProblem("ids", "is required with after: both are in the `rest` of an earlier answer"))
        try:
            replayed = letters().replay(fields["queue"], fields.get("ids"), fields.get("after"))
        except UnknownPage as unknown:
            raise _invalid(FieldProblem("after", "must be from the `rest` of an earlier answer")) from unknown
        return HttpResponse(body={"object": "dead_letters.replay", **msgspec.to_builtins(replayed)})

    def _refuse_strangers(request: HttpRequest) -> None:
        if request.tenant != owner:
            raise Problem(HTTPStatus.FORBIDDEN, "not_allowed", "Dead letters take a key of the stack's owner.")

    routes: Mapping[str, Route] = {"GET /v1/dead-letters": listing, "POST /v1/dead-letters/replay": replay}
    return {name: scoped(Scope.ADMIN)(route) for name, route in routes.items()}


def _which(request: HttpRequest, fields: Fields) -> Which:
    job_id = request.path.get("id", "")
    # What is no id may be no key of the store either.
    if not is_job_id(job_id):
        raise _not_there()
    return Which(tenant=request.tenant, job_id=job_id, run=fields.get("run"))


def _done(step: Callable[[Which], Told], which: Which) -> Told:
    """What comes of a step. Raises the Problem with it."""
    try:
        return step(which)
    except UnknownJob as unknown:
        raise _not_there() from unknown
    except TooSoon as soon:
        raise Problem(HTTPStatus.CONFLICT, "too_soon", str(soon), retry_after=soon.wait_seconds) from soon
    except WrongStep as wrong:
        raise Problem(HTTPStatus.CONFLICT, "step_not_allowed", str(wrong)) from wrong
    except PriceChanged as changed:
        raise Problem(HTTPStatus.CONFLICT, "price_changed", str(changed)) from changed
    except NotAdopted as refused:
        raise Problem(HTTPStatus.CONFLICT, "not_adopted", f"It cannot be adopted: {refused}.") from refused
    except ReadFailed as failed:
        # Not a fault of this API: most often, an id that the vendor does not know.
        detail = f"The vendor does not show this generation: {failed}"
        raise Problem(HTTPStatus.CONFLICT, "generation_not_shown", detail) from failed
    except InvalidRequest as invalid:
        errors = tuple(FieldProblem(error.field, error.rule) for error in invalid.errors)
        detail = f"It can no longer be served: {invalid}"
        raise Problem(HTTPStatus.CONFLICT, "not_servable", detail, errors) from invalid


def _video(view: View, job: Job) -> HttpResponse:
    return HttpResponse(body=view.video(job))


def _fields(request: HttpRequest, **kinds: object) -> dict[str, Any]:
    """The members of the body, which may be left out; each as its kind. Raises Problem."""
    errors: list[FieldProblem] = []
    fields: dict[str, Any] = {}
    for name, value in (request.json() if request.body else {}).items():
        if name not in kinds:
            errors.append(FieldProblem(name[:LONGEST_NAME], f"is not one of {', '.join(kinds)}"))
            continue
        try:
            fields[name] = msgspec.convert(value, kinds[name])
        except msgspec.ValidationError:
            errors.append(FieldProblem(name, _RULES[name]))
    if errors:
        raise _invalid(*errors[:MOST_ERRORS])
    return fields


def _invalid(*errors: FieldProblem) -> Problem:
    told = "; ".join(f"{error.field}: {error.rule}" for error in errors)
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_request", told, errors)


def _not_there() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "video_not_found", "There is no video with this id.")
