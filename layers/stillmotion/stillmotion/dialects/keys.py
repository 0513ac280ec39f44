"""`/v1/keys`: keys are made, listed, revoked and rotated, by those who hold one with the admin scope.

A key in clear is in the answer that makes it, and in no other.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, Route, listed, page_of, refused, scoped
from stillmotion.domain.access import TENANT_RULE, Scope, is_tenant
from stillmotion.domain.request import FieldError, InvalidRequest
from stillmotion.ports import ApiKey, UnknownPage
from stillmotion.services.keys.managing import (
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
LONGEST_LIFE_SECONDS = 3650 * DAY_SECONDS
LONGEST_GRACE_SECONDS = 30 * DAY_SECONDS
MOST_DOLLARS = Decimal(1_000_000)
LEAST_DOLLARS = Decimal("0.000001")
NAME_PATTERN = r"^[^\x00-\x1f\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ue000-\uf8ff\ufeff]*$"
"""For those who read the document: most of what cannot be printed. What is refused is all of it."""

Value = TypeVar("Value", bound=msgspec.Struct)
Done = TypeVar("Done")


class KeyWish(msgspec.Struct, frozen=True, kw_only=True):
    """The body that makes a key. `daily_dollars` is in US dollars, as text or as a number."""

    name: Annotated[str, Meta(min_length=1, max_length=64, extra_json_schema={"pattern": NAME_PATTERN})]
    tenant: str | None = None
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1)] = (Scope.READ, Scope.WRITE)
    expires_in_seconds: Annotated[int, Meta(ge=60, le=LONGEST_LIFE_SECONDS)] | None = None
    rate_per_minute: Annotated[int, Meta(ge=0, le=100_000)] = 0
    daily_dollars: Decimal | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """The body that rotates a key."""

    grace_seconds: Annotated[int, Meta(ge=0, le=LONGEST_GRACE_SECONDS)] = 0


def key_routes(ring: KeyRing) -> Mapping[str, Route]:
    """What manages keys."""

    def listing(request: HttpRequest) -> HttpResponse:
        try:
            page = ring.listing(_caller(request), *page_of(request))
        except UnknownPage as unknown:
            raise refused(FieldError("after", "must be the `next` of an earlier page")) from unknown
        return listed([shown(key) for key in page.keys], page.next)

    def create(request: HttpRequest) -> HttpResponse:
        wish = _body(request, KeyWish)
        wanted = Wanted(
            name=_name(wish.name),
            tenant=_tenant(wish.tenant, request.tenant),
            scopes=tuple(scope for scope in Scope if scope in wish.scopes),
            lives=None if wish.expires_in_seconds is None else timedelta(seconds=wish.expires_in_seconds),
            rate_per_minute=wish.rate_per_minute,
            daily_dollars=_dollars(wish.daily_dollars),
        )
        return _told(_done(lambda: ring.create(_caller(request), wanted)))

    def revoke(request: HttpRequest) -> HttpResponse:
        return HttpResponse(body=shown(_done(lambda: ring.revoke(_caller(request), _id(request)))))

    def rotate(request: HttpRequest) -> HttpResponse:
        grace = timedelta(seconds=_body(request, Rotation).grace_seconds)
        return _told(_done(lambda: ring.rotate(_caller(request), _id(request), grace)))

    admin = scoped(Scope.ADMIN)
    return {
        "GET /v1/keys": admin(listing),
        "POST /v1/keys": admin(create),
        "POST /v1/keys/{id}/revoke": admin(revoke),
        "POST /v1/keys/{id}/rotate": admin(rotate),
    }


def shown(key: ApiKey) -> dict[str, object]:
    """A key without its hash; as its owner may see it."""
    told: dict[str, object] = msgspec.to_builtins(key)
    hidden = {"hash", "version"}
    return {"id": key.id, "object": "key"} | {name: value for name, value in told.items() if name not in hidden}


def _told(minted: Minted) -> HttpResponse:
    return HttpResponse(status=HTTPStatus.CREATED, body={**shown(minted.record), "key": minted.key})


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


def _id(request: HttpRequest) -> str:
    return request.path.get("id", "")


def _caller(request: HttpRequest) -> ApiKey:
    assert request.caller is not None  # noqa: S101 - Endpoints sees to it
    return request.caller


def _body(request: HttpRequest, kind: type[Value]) -> Value:
    """Raises Problem, naming each field that breaks a rule."""
    given = request.json() if request.body else {}
    known = {field.name: field for field in msgspec.structs.fields(kind)}
    errors = [FieldError(name, "is not a field of this call") for name in given if name not in known]
    values: dict[str, object] = {}
    for name, field in known.items():
        if name in given:
            try:
                values[name] = msgspec.convert(given[name], field.type)
            except msgspec.ValidationError as error:
                errors.append(FieldError(name, str(error)))
        elif field.required:
            errors.append(FieldError(name, "is required"))
    if errors:
        raise refused(*errors)
    return kind(**values)


def _name(wished: str) -> str:
    """Names are shown to people: none may break a line, or turn what is around it."""
    if not wished.isprintable():
        raise refused(FieldError("name", "must be printable characters, with no space but the plain one"))
    return wished


def _tenant(wished: str | None, own: str) -> str:
    if wished is not None and not is_tenant(wished):
        raise refused(FieldError("tenant", TENANT_RULE))
    return wished if wished is not None else own


def _dollars(amount: Decimal | None) -> Decimal | None:
    if amount is None:
        return None
    if not amount.is_finite() or not LEAST_DOLLARS <= amount <= MOST_DOLLARS or amount % LEAST_DOLLARS:
        rule = f"must be an amount from {LEAST_DOLLARS} to {MOST_DOLLARS}, with at most 6 decimals"
        raise refused(FieldError("daily_dollars", rule))
    return amount
