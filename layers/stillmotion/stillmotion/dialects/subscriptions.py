"""`/v1/webhooks`: where a tenant is told, what its webhooks are signed with, and what became of each.

GET  /v1/webhooks
PUT  /v1/webhooks                             {"url": "https://…" | null}
GET  /v1/webhooks/secret
GET  /v1/webhooks/deliveries                  ?limit&after
POST /v1/webhooks/deliveries/{id}/replay
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

import msgspec

from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route, listed, page_of, refused, scoped
from stillmotion.domain.access import Scope
from stillmotion.domain.deliveries import Delivery, StillPending, Subscription
from stillmotion.domain.request import FieldError, callback_error, with_plain_scheme
from stillmotion.ports import Conflict, UnknownPage
from stillmotion.services.outbound import DeliveryUnknown, Outbound

HIDDEN_OF_DELIVERY = frozenset({"tenant", "detail", "detail_type", "version"})


def subscription_routes(
    outbound: Callable[[], Outbound], secrets: Callable[[], Callable[[str], Sequence[str]]]
) -> Mapping[str, Route]:
    """`secrets` gives what gives a tenant's secrets, the current one first."""

    def look(request: HttpRequest) -> HttpResponse:
        return HttpResponse(body=_subscription(outbound().subscription(request.tenant)))

    def change(request: HttpRequest) -> HttpResponse:
        url = _url(request.json())
        return HttpResponse(body=_subscription(outbound().subscribe(request.tenant, url)))

    def secret(request: HttpRequest) -> HttpResponse:
        current, *previous = secrets()(request.tenant)
        told = {"object": "webhook.secret", "secret": current, "previous_secret": next(iter(previous), None)}
        return HttpResponse(body=told)

    def replay(request: HttpRequest) -> HttpResponse:
        try:
            return HttpResponse(body=shown(outbound().replay(request.tenant, request.path.get("id", ""))))
        except DeliveryUnknown as unknown:
            raise Problem(HTTPStatus.NOT_FOUND, "delivery_not_found", "There is no delivery with this id.") from unknown
        except (StillPending, Conflict) as pending:
            detail = "This delivery is still being tried. Replay it when it has ended."
            raise Problem(HTTPStatus.CONFLICT, "delivery_pending", detail) from pending

    admin = scoped(Scope.ADMIN)
    return {
        "GET /v1/webhooks": look,
        "PUT /v1/webhooks": admin(change),
        # Who knows it can forge what the tenant's receivers believe.
        "GET /v1/webhooks/secret": admin(secret),
        "GET /v1/webhooks/deliveries": lambda request: _listing(outbound(), request),
        "POST /v1/webhooks/deliveries/{id}/replay": replay,
    }


def shown(delivery: Delivery) -> dict[str, object]:
    """A delivery as its tenant may see it."""
    told: dict[str, object] = msgspec.to_builtins(delivery)
    fields = {name: value for name, value in told.items() if name not in HIDDEN_OF_DELIVERY}
    return {"object": "webhook.delivery", **fields, "event": delivery.event}


def _listing(outbound: Outbound, request: HttpRequest) -> HttpResponse:
    try:
        page = outbound.listed(request.tenant, *page_of(request))
    except UnknownPage as unknown:
        raise refused(FieldError("after", "must be the `next` of an earlier page")) from unknown
    return listed([shown(delivery) for delivery in page.deliveries], page.next)


def _subscription(subscription: Subscription | None) -> dict[str, object]:
    if subscription is None:
        return {"object": "webhook", "url": None, "changed_at": None}
    return {"object": "webhook", "url": subscription.url, "changed_at": subscription.changed_at}


def _url(fields: Mapping[str, object]) -> str | None:
    """Raises Problem."""
    errors = [FieldError(name, "is not a field of this call") for name in fields if name != "url"]
    url = fields.get("url")
    if "url" not in fields:
        errors.append(FieldError("url", "is required: an address, or null for none"))
    elif url is not None:
        broken = callback_error("url", url) if isinstance(url, str) else FieldError("url", "must be text or null")
        errors += [broken] if broken is not None else []
    if errors:
        raise refused(*errors)
    return None if url is None else with_plain_scheme(str(url))
