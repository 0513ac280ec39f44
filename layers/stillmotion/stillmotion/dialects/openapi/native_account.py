"""Keys, spending, and where a tenant is told."""

from collections.abc import Sequence

from stillmotion.dialects.keys import KeyWish, Rotation
from stillmotion.dialects.openapi.native_schemas import CALLBACK_URL, PRICE, listed
from stillmotion.dialects.openapi.native_videos import NATIVE, page_of
from stillmotion.dialects.openapi.operation import Operation, answer, in_path, in_query, sent
from stillmotion.dialects.openapi.schemas import (
    DAY,
    DOLLARS,
    MOMENT,
    TEXT,
    TRUTH,
    WHOLE,
    Json,
    answered,
    closed,
    constant,
    many,
    nullable,
    one_of,
    ref,
    taken,
)
from stillmotion.dialects.spend import MOST_DAYS, USUAL_DAYS
from stillmotion.dialects.subscriptions import HIDDEN_OF_DELIVERY
from stillmotion.domain.access import Scope
from stillmotion.domain.deliveries import Delivery
from stillmotion.ports import ApiKey

KEYS = "Keys"
SPENDING = "Spending"
WEBHOOKS = "Webhooks"
EXAMPLE_KEY_ID = "0123456789ab"
_ALLOWANCE = nullable(PRICE)
_TENANT: Json = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}


def components() -> dict[str, Json]:
    """What other schemas name."""
    found = answered(ApiKey, Delivery)
    of_key = {name: part for name, part in found.pop("ApiKey")["properties"].items() if name not in ("hash", "version")}
    key = {"id": TEXT, "object": constant("key"), **of_key}
    told = found.pop("Delivery")["properties"]
    delivery = {name: part for name, part in told.items() if name not in HIDDEN_OF_DELIVERY}
    return {
        **found,
        "Key": closed(key, description="A key as its owner may see it."),
        "NewKey": closed({**key, "key": {**TEXT, "description": "The key itself; it is never shown again."}}),
        "KeyList": listed(ref("Key")),
        "KeyWish": taken(KeyWish, tenant=nullable(_TENANT), daily_dollars=_ALLOWANCE),
        "Rotation": taken(Rotation),
        "Amounts": closed(_amounts()),
        "Spend": closed({**_spend("tenant", _day()), "tenant": TEXT}),
        "StackSpend": closed(
            {
                **_spend("stack", {**_day(), "tenants": many(closed({"tenant": TEXT, **_day()}))}),
                "complete": {**TRUTH, "description": "Whether every tenant of every day is there."},
            }
        ),
        "Webhook": closed({"object": constant("webhook"), "url": nullable(TEXT), "changed_at": nullable(MOMENT)}),
        "WebhookWish": closed({"url": nullable(CALLBACK_URL)}),
        "WebhookSecret": closed(
            {"object": constant("webhook.secret"), "secret": TEXT, "previous_secret": nullable(TEXT)}
        ),
        "WebhookDelivery": closed({"object": constant("webhook.delivery"), **delivery, "event": nullable(TEXT)}),
        "WebhookDeliveryList": listed(ref("WebhookDelivery")),
    }


def _amounts() -> dict[str, Json]:
    return {"reserved": DOLLARS, "charged": DOLLARS, "wasted": DOLLARS}


def _day() -> dict[str, Json]:
    vendors = {"type": "object", "additionalProperties": ref("Amounts")}
    return {"day": DAY, "attempts": WHOLE, "committed": DOLLARS, **_amounts(), "vendors": vendors}


def _spend(scope: str, day: dict[str, Json]) -> dict[str, Json]:
    caps = {"tenant": nullable(DOLLARS)} | ({"stack": nullable(DOLLARS)} if scope == "stack" else {})
    return {
        "object": constant("spend"),
        "scope": constant(scope),
        "currency": constant("usd"),
        "from": DAY,
        "to": DAY,
        "daily_caps": closed(caps),
        "days": many(closed(day)),
    }


def operations() -> Sequence[Operation]:
    return [*_keys(), _spending(), *_webhooks()]


def _keys() -> list[Operation]:
    of_key = in_path("id", {**TEXT, "format": "key-id"}, EXAMPLE_KEY_ID, "The id of a key.")
    return [
        Operation(
            route="GET /v1/keys",
            id="listKeys",
            tag=KEYS,
            summary="List keys",
            description="The newest first. A page may have fewer than `limit`, or none, and yet a next.",
            dialect=NATIVE,
            scope=Scope.ADMIN,
            parameters=page_of(order=False),
            answers={200: answer(ref("KeyList"))},
            problems=(400,),
        ),
        Operation(
            route="POST /v1/keys",
            id="createKey",
            tag=KEYS,
            summary="Make a key",
            description=(
                "A rate and a daily allowance do not go with the scope admin, and a key that has one makes no keys. "
                "A key that ends makes none that ends later."
            ),
            dialect=NATIVE,
            scope=Scope.ADMIN,
            bodies=sent(
                ref("KeyWish"),
                of_a_shop={"name": "shop"},
                of_a_visitor={"name": "visitor", "scopes": ["write"], "expires_in_seconds": 3600, "daily_dollars": "2"},
            ),
            answers={201: answer(ref("NewKey"), "The key in clear, once.")},
            problems=(400, 413),
        ),
        Operation(
            route="POST /v1/keys/{id}/revoke",
            id="revokeKey",
            tag=KEYS,
            summary="End a key",
            dialect=NATIVE,
            scope=Scope.ADMIN,
            parameters=(of_key,),
            answers={200: answer(ref("Key"))},
            problems=(404,),
        ),
        Operation(
            route="POST /v1/keys/{id}/rotate",
            id="rotateKey",
            tag=KEYS,
            summary="Give a key a successor",
            description="Takes a key that may make what the successor will be.",
            dialect=NATIVE,
            scope=Scope.ADMIN,
            parameters=(of_key,),
            bodies=sent(ref("Rotation"), within_an_hour={"grace_seconds": 3600}),
            body_required=False,
            answers={201: answer(ref("NewKey"), "The new key in clear, once.")},
            problems=(400, 404, 409, 413),
        ),
    ]


def _spending() -> Operation:
    days = {**WHOLE, "minimum": 1, "maximum": MOST_DAYS, "default": USUAL_DAYS}
    return Operation(
        route="GET /v1/spend",
        id="getSpend",
        tag=SPENDING,
        summary="See what was spent",
        description="Days (UTC) without an attempt are left out. All tenants' takes an admin key of the stack's owner.",
        dialect=NATIVE,
        scope=Scope.READ,
        parameters=(
            in_query("days", days, "How many, up to today.", example=30),
            in_query("scope", one_of(("tenant", "stack"), default="tenant"), "The caller's own, or everybody's."),
        ),
        answers={200: answer({"anyOf": [ref("Spend"), ref("StackSpend")]})},
        problems=(400,),
    )


def _webhooks() -> list[Operation]:
    of_delivery = in_path("id", {**TEXT, "format": "delivery-id"}, "e-1", "The id of a delivery: that of its event.")
    webhook = answer(ref("Webhook"))
    return [
        Operation(
            route="GET /v1/webhooks",
            id="getWebhook",
            tag=WEBHOOKS,
            summary="See where this tenant is told",
            dialect=NATIVE,
            scope=Scope.READ,
            answers={200: webhook},
        ),
        Operation(
            route="PUT /v1/webhooks",
            id="putWebhook",
            tag=WEBHOOKS,
            summary="Say where this tenant is told",
            dialect=NATIVE,
            scope=Scope.ADMIN,
            bodies=sent(ref("WebhookWish"), here={"url": "https://shop.example/videos"}, nowhere={"url": None}),
            answers={200: webhook},
            problems=(400, 413),
        ),
        Operation(
            route="GET /v1/webhooks/secret",
            id="getWebhookSecret",
            tag=WEBHOOKS,
            summary="See what this tenant's webhooks are signed with",
            dialect=NATIVE,
            scope=Scope.ADMIN,
            answers={200: answer(ref("WebhookSecret"))},
        ),
        Operation(
            route="GET /v1/webhooks/deliveries",
            id="listWebhookDeliveries",
            tag=WEBHOOKS,
            summary="See who was told what",
            dialect=NATIVE,
            scope=Scope.READ,
            parameters=page_of(order=False),
            answers={200: answer(ref("WebhookDeliveryList"))},
            problems=(400,),
        ),
        Operation(
            route="POST /v1/webhooks/deliveries/{id}/replay",
            id="replayWebhookDelivery",
            tag=WEBHOOKS,
            summary="Tell it again",
            dialect=NATIVE,
            scope=Scope.WRITE,
            parameters=(of_delivery,),
            answers={200: answer(ref("WebhookDelivery"))},
            problems=(404, 409),
        ),
    ]
