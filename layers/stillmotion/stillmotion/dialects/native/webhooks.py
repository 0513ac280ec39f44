"""`/v1/webhooks`: the URL that a tenant's events are sent to, what they are signed with, and each delivery."""

from collections.abc import Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest, Problem, refused
from stillmotion.dialects.models import JsonBody, PageQuery, ResponseModel
from stillmotion.dialects.native import NATIVE, WEBHOOKS
from stillmotion.dialects.native.paths import DeliveryIdInPath
from stillmotion.domain.access import Scope
from stillmotion.domain.deliveries import DeliveryState, StillPending, Subscription
from stillmotion.domain.request import CALLBACK_RULE, CallbackDialect, FieldError, with_plain_scheme
from stillmotion.edge.fields import Rule
from stillmotion.edge.request import CallbackUrl
from stillmotion.ports import Conflict, UnknownPage
from stillmotion.services.webhooks.outbound import DeliveryUnknown, Outbound


class WebhookRequest(JsonBody):
    """Where a tenant's events are to be sent; null for nowhere."""

    EXAMPLES: ClassVar[dict[str, object]] = {"here": {"url": "https://shop.example/videos"}, "nowhere": {"url": None}}

    url: Annotated[CallbackUrl | None, Rule(CALLBACK_RULE, missing="is required: an address, or null for none")]


class WebhookView(ResponseModel):
    """Where a tenant's events are sent, and since when."""

    object: Literal["webhook"] = "webhook"
    url: str | None
    changed_at: datetime | None


class WebhookSecret(ResponseModel):
    """What a tenant's webhooks are signed with."""

    object: Literal["webhook.secret"] = "webhook.secret"
    secret: str
    previous_secret: str | None


class WebhookDeliveryView(ResponseModel):
    """One event on its way to one receiver, as its tenant may see it."""

    object: Literal["webhook.delivery"] = "webhook.delivery"
    id: str
    job_id: str
    created_at: datetime
    url: str
    dialect: CallbackDialect
    standing: bool
    state: DeliveryState
    tries: int
    replays: int
    last_tried_at: datetime | None
    last_status: int | None
    last_error: str | None
    next_try_at: datetime | None
    ended_at: datetime | None
    event: str | None


class WebhookDeliveryListView(ResponseModel):
    """A page of deliveries."""

    object: Literal["list"] = "list"
    data: list[WebhookDeliveryView]
    has_more: bool
    next: Annotated[str | None, Field(description="What the next ones come after.")]


class Webhooks(Feature):
    """`secrets` gives what gives a tenant's secrets, the current one first."""

    TAG = WEBHOOKS
    DIALECT = NATIVE
    FUNCTION = "operate"

    def __init__(self, outbound: Callable[[], Outbound], secrets: Callable[[], Callable[[str], Sequence[str]]]) -> None:
        self._outbound = outbound
        self._secrets = secrets

    @operation(
        "GET",
        "/v1/webhooks",
        operation_id="getWebhook",
        summary="Show where this tenant's events are sent",
        scope=Scope.READ,
        examples=("Webhook",),
    )
    def look(self, request: HttpRequest) -> WebhookView:
        return _shown(self._outbound().subscription(request.tenant))

    @operation(
        "PUT",
        "/v1/webhooks",
        operation_id="putWebhook",
        summary="Set where this tenant's events are sent",
        scope=Scope.ADMIN,
        errors=(400, 413),
        examples=("Webhook",),
    )
    def change(self, request: HttpRequest, body: WebhookRequest) -> WebhookView:
        url = None if body.url is None else with_plain_scheme(body.url)
        return _shown(self._outbound().subscribe(request.tenant, url))

    # Who knows it can forge what the tenant's receivers believe.
    @operation(
        "GET",
        "/v1/webhooks/secret",
        operation_id="getWebhookSecret",
        summary="See what this tenant's webhooks are signed with",
        scope=Scope.ADMIN,
        examples=("WebhookSecret",),
    )
    def secret(self, request: HttpRequest) -> WebhookSecret:
        current, *previous = self._secrets()(request.tenant)
        return WebhookSecret(secret=current, previous_secret=next(iter(previous), None))

    @operation(
        "GET",
        "/v1/webhooks/deliveries",
        operation_id="listWebhookDeliveries",
        summary="List webhook deliveries",
        scope=Scope.READ,
        errors=(400,),
        examples=("WebhookDeliveryList",),
    )
    def listed(self, request: HttpRequest, query: PageQuery) -> WebhookDeliveryListView:
        try:
            page = self._outbound().listed(request.tenant, query.limit, query.after)
        except UnknownPage as unknown:
            raise refused(FieldError("after", "must be the `next` of an earlier page")) from unknown
        deliveries = [WebhookDeliveryView.model_validate(delivery) for delivery in page.deliveries]
        return WebhookDeliveryListView(data=deliveries, has_more=page.next is not None, next=page.next)

    @operation(
        "POST",
        "/v1/webhooks/deliveries/{id}/replay",
        operation_id="replayWebhookDelivery",
        summary="Send a webhook again",
        scope=Scope.WRITE,
        errors=(404, 409),
        examples=("WebhookDelivery",),
    )
    def replay(self, request: HttpRequest, delivery_id: DeliveryIdInPath) -> WebhookDeliveryView:
        try:
            return WebhookDeliveryView.model_validate(self._outbound().replay(request.tenant, delivery_id))
        except DeliveryUnknown as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, "delivery_not_found", "There is no delivery with this id.") from unknown
        except (StillPending, Conflict) as pending:
            detail = "This delivery is still being tried. Replay it when it has ended."
            raise Problem(HTTPStatus.CONFLICT, "delivery_pending", detail) from pending


def _shown(subscription: Subscription | None) -> WebhookView:
    if subscription is None:
        return WebhookView(url=None, changed_at=None)
    return WebhookView(url=subscription.url, changed_at=subscription.changed_at)
