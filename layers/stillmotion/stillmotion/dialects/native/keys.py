"""`/v1/keys`: keys are made, listed, revoked and rotated, by those who hold one with the admin scope.

A key in clear is in the answer that makes it, and in no other.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal, TypeVar

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator, Field, PlainValidator, Strict, WithJsonSchema

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest, Problem, refused
from stillmotion.dialects.models import Dollars, JsonBody, PageQuery, ResponseModel
from stillmotion.dialects.native import KEYS, NATIVE
from stillmotion.dialects.native.paths import KeyIdInPath
from stillmotion.domain.access import TENANT_RULE, Scope, is_tenant
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.edge.fields import Rule, refusing
from stillmotion.edge.request import PRICE_SCHEMA, amount
from stillmotion.ports import UnknownPage
from stillmotion.services.keys.key_ring import (
    KeyEnded,
    KeyRing,
    KeyUnknown,
    Limited,
    Minted,
    NotYourTenant,
    Outlives,
    Wanted,
)

DAY_SECONDS = 86_400
MAX_LIFE_SECONDS = 3650 * DAY_SECONDS
MAX_GRACE_SECONDS = 30 * DAY_SECONDS
MAX_DAILY_DOLLARS = Decimal(1_000_000)
MIN_DAILY_DOLLARS = Decimal("0.000001")
NAME_PATTERN = r"^[^\x00-\x1f\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ue000-\uf8ff\ufeff]*$"
"""For those who read the document: most of what cannot be printed. What is refused is all of it."""
_DOLLARS_RULE = f"must be an amount from {MIN_DAILY_DOLLARS} to {MAX_DAILY_DOLLARS}, with at most 6 decimals"

Done = TypeVar("Done")


def _printable(name: str) -> str | None:
    """Names are shown to people: none may break a line, or turn what is around it."""
    return None if name.isprintable() else "must be printable characters, with no space but the plain one"


def _of_tenants(name: str) -> str | None:
    return None if is_tenant(name) else TENANT_RULE


def _daily(value: object) -> Decimal:
    try:
        read = amount(value)
        is_right = MIN_DAILY_DOLLARS <= read <= MAX_DAILY_DOLLARS and not read % MIN_DAILY_DOLLARS
    except ArithmeticError as error:
        raise ValueError(_DOLLARS_RULE) from error
    if not is_right:
        raise ValueError(_DOLLARS_RULE)
    return read


class KeyRequest(JsonBody):
    """The body that makes a key. `daily_dollars` is in US dollars, as text or as a number."""

    MAY_BE_EMPTY = True
    EXAMPLES: ClassVar[dict[str, object]] = {
        "of_a_shop": {"name": "shop"},
        "of_a_visitor": {
            "name": "visitor",
            "scopes": ["write"],
            "expires_in_seconds": 3600,
            "daily_dollars": "2",
        },
    }

    name: Annotated[
        str,
        MinLen(1),
        MaxLen(64),
        AfterValidator(refusing(_printable)),
        Field(json_schema_extra={"pattern": NAME_PATTERN}),
    ]
    tenant: (
        Annotated[
            str,
            AfterValidator(refusing(_of_tenants)),
            Rule(TENANT_RULE),
            WithJsonSchema({"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}),
        ]
        | None
    ) = None
    scopes: Annotated[
        list[Annotated[Scope, Strict(strict=False)]],
        MinLen(1),
        Rule(f"must be a list of one or more of {', '.join(Scope)}"),
        Field(default_factory=lambda: [Scope.READ, Scope.WRITE], json_schema_extra={"default": ["read", "write"]}),
    ]
    expires_in_seconds: Annotated[int, Ge(60), Le(MAX_LIFE_SECONDS)] | None = None
    rate_per_minute: Annotated[int, Ge(0), Le(100_000)] = 0
    daily_dollars: Annotated[Decimal, PlainValidator(_daily), WithJsonSchema(PRICE_SCHEMA)] | None = None


class RotationRequest(JsonBody):
    """The body that rotates a key."""

    MAY_BE_EMPTY = True
    EXAMPLES: ClassVar[dict[str, object]] = {"within_an_hour": {"grace_seconds": 3600}}

    grace_seconds: Annotated[int, Ge(0), Le(MAX_GRACE_SECONDS)] = 0


class KeyView(ResponseModel):
    """A key as its owner may see it: without its hash."""

    id: str
    object: Literal["key"] = "key"
    prefix: str
    tenant: str
    created_at: datetime
    expires_at: datetime | None
    revoked: bool
    name: str
    scopes: tuple[Scope, ...]
    rate_per_minute: int
    daily_dollars: Dollars | None
    revoked_at: datetime | None
    rotated_to: str | None
    rotated_from: str | None
    counted_as: str | None


class NewKeyView(KeyView):
    """A key that was just made."""

    key: Annotated[str, Field(description="The key itself; it is never shown again.")]


class KeyListView(ResponseModel):
    """A page of keys."""

    object: Literal["list"] = "list"
    data: list[KeyView]
    has_more: bool
    next: Annotated[str | None, Field(description="What the next ones come after.")]


class Keys(Feature):
    """What manages keys."""

    TAG = KEYS
    DIALECT = NATIVE
    FUNCTION = "operate"

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    @operation(
        "GET",
        "/v1/keys",
        operation_id="listKeys",
        summary="List keys",
        scope=Scope.ADMIN,
        description="The newest first. A page may have fewer than `limit`, or none, and yet a next.",
        errors=(400,),
        examples=("KeyList",),
    )
    def listed(self, request: HttpRequest, query: PageQuery) -> KeyListView:
        try:
            page = self._ring.listing(request.good_key, query.limit, query.after)
        except UnknownPage as unknown:
            raise refused(FieldError("after", "must be the `next` of an earlier page")) from unknown
        keys = [KeyView.model_validate(key) for key in page.keys]
        return KeyListView(data=keys, has_more=page.next is not None, next=page.next)

    @operation(
        "POST",
        "/v1/keys",
        operation_id="createKey",
        summary="Make a key",
        scope=Scope.ADMIN,
        description=(
            "A rate and a daily allowance do not go with the scope admin, and a key that has one makes no keys. "
            "A key that ends makes none that ends later."
        ),
        status=201,
        answers="The key in clear, once.",
        errors=(400, 413),
        examples=("NewKey",),
    )
    def create(self, request: HttpRequest, body: KeyRequest) -> NewKeyView:
        wanted = Wanted(
            name=body.name,
            tenant=request.tenant if body.tenant is None else body.tenant,
            scopes=tuple(scope for scope in Scope if scope in body.scopes),
            lives=None if body.expires_in_seconds is None else timedelta(seconds=body.expires_in_seconds),
            rate_per_minute=body.rate_per_minute,
            daily_dollars=body.daily_dollars,
        )
        return _shown(_done(lambda: self._ring.create(request.good_key, wanted)))

    @operation(
        "POST",
        "/v1/keys/{id}/revoke",
        operation_id="revokeKey",
        summary="End a key",
        scope=Scope.ADMIN,
        errors=(404,),
        examples=("KeyRevoked",),
    )
    def revoke(self, request: HttpRequest, key_id: KeyIdInPath) -> KeyView:
        return KeyView.model_validate(_done(lambda: self._ring.revoke(request.good_key, key_id)))

    @operation(
        "POST",
        "/v1/keys/{id}/rotate",
        operation_id="rotateKey",
        summary="Give a key a successor",
        scope=Scope.ADMIN,
        description="Takes a key that may make what the successor will be.",
        status=201,
        answers="The new key in clear, once.",
        errors=(400, 404, 409, 413),
        examples=("NewKey",),
    )
    def rotate(self, request: HttpRequest, key_id: KeyIdInPath, body: RotationRequest) -> NewKeyView:
        grace = timedelta(seconds=body.grace_seconds)
        return _shown(_done(lambda: self._ring.rotate(request.good_key, key_id, grace)))


def _shown(minted: Minted) -> NewKeyView:
    return NewKeyView(**dict(KeyView.model_validate(minted.record)), key=minted.key)


def _done(step: Callable[[], Done]) -> Done:
    """What comes of a step. Raises the Problem with it."""
    try:
        return step()
    except KeyUnknown as unknown:
        raise Problem(HTTPStatus.NOT_FOUND, "key_not_found", "There is no key with this id.") from unknown
    except KeyEnded as ended:
        raise Problem(HTTPStatus.CONFLICT, "key_ended", f"This key cannot be rotated. {ended}") from ended
    except NotYourTenant as other:
        detail = "This key makes keys of its own tenant only."
        raise Problem(HTTPStatus.FORBIDDEN, "not_your_tenant", detail) from other
    except Limited as limited:
        detail = "A key with a rate or a daily allowance makes no keys. Take another key for this."
        raise Problem(HTTPStatus.FORBIDDEN, "key_is_capped", detail) from limited
    except Outlives as outlives:
        ends = f"{outlives.ends.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        detail = f"The new key would live on after yours, which ends at {ends}. Let it end by then, or take another."
        raise Problem(HTTPStatus.FORBIDDEN, "key_outlives_yours", detail) from outlives
    except InvalidRequest as invalid:
        raise refused(*invalid.errors) from invalid
