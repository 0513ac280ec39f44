"""What a person does to a job.

`run` is the run of the job that the caller has seen: with it, a call may be repeated when its answer was lost. The
answer is the video, or 409 with the reason and what to do. `adopt` takes a key of the stack's owner, who is the tenant
of the inbox, as all tenants' generations are in one account of the vendor; the owner resolves every tenant's jobs,
another tenant's admin its own.
"""

import re
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from annotated_types import Ge
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import FieldProblem, HttpRequest, Problem
from stillmotion.dialects.models import Dollars, JsonBody, ResponseModel
from stillmotion.dialects.native import NATIVE, OPERATIONS
from stillmotion.dialects.native.paths import JobIdInPath, no_such_video
from stillmotion.dialects.native.views import OfferView, VideoView, View, offers
from stillmotion.domain.access import Scope
from stillmotion.domain.identity import is_job_id
from stillmotion.domain.interventions import TooSoon
from stillmotion.domain.job.lifecycle import WrongStep
from stillmotion.domain.request import FieldError, InvalidRequest, VendorName
from stillmotion.edge.fields import Rule
from stillmotion.edge.request import amount
from stillmotion.ports.vendor import ReadFailed
from stillmotion.services.jobs import UnknownJob
from stillmotion.services.operations.interventions import Interventions, PriceChanged, Which
from stillmotion.services.tracking.adopt import NotAdopted

Action = Literal["adopt", "not_sent", "abandon"]
_AMOUNT: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"},
        {"type": "number"},
    ]
}
_AMOUNT_RULE = "must be an amount of US dollars"
# What goes into a vendor's path: ids from the vendors themselves are held to the same form.
GENERATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
_GENERATION_RULE = "must be a generation's id: 1 to 128 letters, digits and . _ ~ -"

Done = TypeVar("Done")


def _finite(value: object) -> Decimal:
    try:
        read = amount(value)
    except ArithmeticError as error:
        raise ValueError(_AMOUNT_RULE) from error
    if not read.is_finite():
        raise ValueError(_AMOUNT_RULE)
    return read


def _generation(text: str) -> str:
    if not GENERATION_ID.fullmatch(text):
        raise ValueError(_GENERATION_RULE)
    return text


class StepRequest(JsonBody):
    """The run of the job that a step is meant for."""

    UNKNOWN = "is not one of {names}"
    NULL = "refused"
    MAY_BE_EMPTY = True
    EXAMPLES: ClassVar[dict[str, object]] = {"plain": {}}

    run: Annotated[
        Annotated[int, Ge(1)] | None,
        Field(description="The run of the job that the caller has seen: with it, a call may be repeated."),
    ] = None


class RetryRequest(StepRequest):
    """A new attempt, and what it may cost."""

    EXAMPLES: ClassVar[dict[str, object]] = {
        "plain": {},
        "for_no_more_than": {"expect_dollars": "0.60"},
        "its_price": {"dry_run": True},
    }

    expect_dollars: Annotated[
        Annotated[Decimal, PlainValidator(_finite), WithJsonSchema(_AMOUNT), Rule(_AMOUNT_RULE)] | None,
        Field(description="The most that it may be expected to cost where it goes first."),
    ] = None
    dry_run: bool = False


class Resolution(StepRequest):
    """`generation` goes with adopt, which needs one, and with nothing else."""

    EXAMPLES: ClassVar[dict[str, object]] = {
        "nothing_was_sent": {"action": "not_sent"},
        "it_made_this": {"action": "adopt", "generation": "0b41f9b6"},
        "nobody_knows": {"action": "abandon"},
    }
    SCHEMA: ClassVar[dict[str, Any]] = {
        "if": {"properties": {"action": {"const": "adopt"}}},
        "then": {"required": ["generation"]},
        "else": {"not": {"required": ["generation"]}},
    }

    action: Action
    generation: Annotated[
        Annotated[
            str,
            AfterValidator(_generation),
            Rule(_GENERATION_RULE),
            WithJsonSchema({"type": "string", "pattern": f"^{GENERATION_ID.pattern}$"}),
        ]
        | None,
        Field(),
    ] = None

    def contradictions(self, wrong: Collection[str]) -> Iterator[FieldError]:
        if "action" not in self.model_fields_set or "generation" in wrong:
            return
        if (self.action == "adopt") != (self.generation is not None):
            yield FieldError("generation", "goes with adopt, which needs one, and with nothing else")


class RetryEstimateView(ResponseModel):
    """What a retry would come to at the vendor that it would go to first; nothing is sent."""

    object: Literal["video.retry_estimate"] = "video.retry_estimate"
    id: str
    run: int
    vendor: VendorName
    price_dollars: Dollars
    alternatives: Annotated[list[OfferView], Field(description="Where it may go instead.")]


class Steps(Feature):
    """What is done to one job of the caller's; the stack's owner may resolve everybody's."""

    TAG = OPERATIONS
    DIALECT = NATIVE
    FUNCTION = "operate"

    def __init__(self, interventions: Interventions, view: View) -> None:
        self._interventions = interventions
        self._view = view

    @operation(
        "POST",
        "/v1/videos/{id}/cancel",
        operation_id="cancelVideo",
        summary="Cancel a video",
        scope=Scope.WRITE,
        description="What was sent is paid for, and taken in all the same.",
        answers="The job as it is now.",
        errors=(400, 404, 409, 413),
        examples=("VideoCancelled",),
    )
    def cancel(self, request: HttpRequest, job_id: JobIdInPath, body: StepRequest) -> VideoView:
        return self._view.video(_done(self._interventions.cancel, _which(request, job_id, body)))

    @operation(
        "POST",
        "/v1/videos/{id}/retry",
        operation_id="retryVideo",
        summary="Make a video anew",
        scope=Scope.WRITE,
        description="A new attempt, which costs again. Keys with a daily allowance do not do this.",
        answers="The job; or, with dry_run, its price.",
        errors=(400, 404, 409, 413),
        examples=("VideoQueued", "RetryEstimate"),
        # Another attempt costs again, and nothing takes that from an allowance.
        takes_allowance=False,
    )
    def retry(self, request: HttpRequest, job_id: JobIdInPath, body: RetryRequest) -> VideoView | RetryEstimateView:
        which = _which(request, job_id, body)
        if not body.dry_run:
            retried = _done(lambda which: self._interventions.retry(which, body.expect_dollars), which)
            return self._view.video(retried)
        job, route, others = _done(self._interventions.price, which)
        return RetryEstimateView(
            id=job.id, run=job.run, vendor=route.vendor, price_dollars=route.quote, alternatives=offers(others)
        )

    @operation(
        "POST",
        "/v1/videos/{id}/redrive",
        operation_id="redriveVideo",
        summary="Take in a video again",
        scope=Scope.WRITE,
        description="Fetches what is paid for; sends nothing.",
        answers="The job as it is now.",
        errors=(400, 404, 409, 413),
        examples=("VideoUnderWay",),
    )
    def redrive(self, request: HttpRequest, job_id: JobIdInPath, body: StepRequest) -> VideoView:
        return self._view.video(_done(self._interventions.redrive, _which(request, job_id, body)))

    @operation(
        "POST",
        "/v1/videos/{id}/resolve",
        operation_id="resolveVideo",
        summary="Settle an attempt with an unknown outcome",
        scope=Scope.ADMIN,
        description="409 with `too_soon` says when it may be tried again. Keys with a daily allowance do not do this.",
        answers="The job as it is now.",
        errors=(400, 404, 409, 413),
        examples=("VideoQueued",),
        takes_allowance=False,
    )
    def resolve(self, request: HttpRequest, job_id: JobIdInPath, body: Resolution) -> VideoView:
        is_owner = request.tenant == self._view.inbox_tenant
        if body.action == "adopt" and not is_owner:
            detail = "Adopting a generation takes a key of the stack's owner."
            raise Problem(HTTPStatus.FORBIDDEN, "not_allowed", detail)
        which = _which(request, job_id, body, of_any_tenant=is_owner)
        match body.action:
            case "adopt":
                generation = body.generation or ""
                return self._view.video(_done(lambda which: self._interventions.adopt(which, generation), which))
            case "not_sent":
                return self._view.video(_done(self._interventions.not_sent, which))
            case "abandon":
                return self._view.video(_done(self._interventions.abandon, which))


def _which(request: HttpRequest, job_id: str, body: StepRequest, *, of_any_tenant: bool = False) -> Which:
    # What is no id may be no key of the store either.
    if not is_job_id(job_id):
        raise no_such_video()
    return Which(tenant=None if of_any_tenant else request.tenant, job_id=job_id, run=body.run)


def _done(step: Callable[[Which], Done], which: Which) -> Done:
    """What comes of a step. Raises the Problem with it."""
    try:
        return step(which)
    except UnknownJob as unknown:
        raise no_such_video() from unknown
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
