"""Which vendor serves a request: those that can serve the whole of it, cheapest first; then, where the request allows
it, those that make something near it (`domain.substitution`), cheapest first.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from stillmotion.domain.job.records import Substitution
from stillmotion.domain.request import AspectRatio, FieldError, InvalidRequest, Request, VendorName
from stillmotion.domain.substitution import Fit, fit, orientation, vendors_of

APIFRAME_CREDITS: Mapping[int, int] = {5: 51, 9: 92}


class PriceTable(msgspec.Struct, frozen=True, kw_only=True):
    """What a video costs, in US dollars. Apiframe sells in credits: the price of one is a setting."""

    apiframe_dollars_per_credit: Decimal = Decimal("0.01")
    wavespeed_dollars_5_seconds: Decimal = Decimal("0.20")
    wavespeed_dollars_10_seconds: Decimal = Decimal("0.40")

    def quote(self, vendor: VendorName, duration: int) -> Decimal:
        match vendor:
            case VendorName.APIFRAME:
                return APIFRAME_CREDITS[duration] * self.apiframe_dollars_per_credit
            case VendorName.WAVESPEED:
                return {5: self.wavespeed_dollars_5_seconds, 10: self.wavespeed_dollars_10_seconds}[duration]

    def dollars(self, vendor: VendorName, credits_charged: int) -> Decimal | None:
        """What a charge in the vendor's own unit is in US dollars; None where it has no such unit."""
        return credits_charged * self.apiframe_dollars_per_credit if vendor is VendorName.APIFRAME else None


class Route(msgspec.Struct, frozen=True):
    """A vendor that can serve a request, and what it is expected to charge in US dollars.

    `request` is what that vendor is sent: the request itself, but for the substitutions.
    """

    vendor: VendorName
    quote: Decimal
    request: Request
    substitutions: tuple[Substitution, ...] = ()


def routes(request: Request, prices: PriceTable, width: int | None = None, height: int | None = None) -> list[Route]:
    """The vendors that can serve the request, in order of preference. Raises InvalidRequest when there is none.

    `width` and `height` are the image's upright pixels, where they are known.
    """
    fits = {vendor: fit(vendor, request, width, height) for vendor in vendors_of(request)}
    able = _routes(request, prices, fits, substituted=request.allow_substitution)
    if not able:
        raise InvalidRequest(*[error for found in fits.values() for error in _field_errors(request, found)])
    affordable = _affordable(request, able)
    if not affordable:
        raise InvalidRequest(_too_dear(request, able, _routes(request, prices, fits, substituted=True)))
    return affordable


def shape(request: Request, width: int | None, height: int | None) -> AspectRatio:
    """The ratio to ask for: the request's own, else by the image's orientation, upright pixels given."""
    return request.aspect_ratio or orientation(width, height)


def ratio_to_send(route: Route, frozen: str | None) -> str:
    """The ratio that a route's vendor is sent, for a job whose own was frozen when it was made."""
    return route.request.aspect_ratio or frozen or "16:9"


def _routes(request: Request, prices: PriceTable, fits: Mapping[VendorName, Fit], *, substituted: bool) -> list[Route]:
    found = [
        Route(vendor, prices.quote(vendor, near.request.duration), near.request, near.substitutions)
        for vendor, near in fits.items()
        if not near.unmet and (substituted or near.request == request)
    ]
    return sorted(found, key=lambda route: (bool(route.substitutions), route.quote))


def _affordable(request: Request, able: Iterable[Route]) -> list[Route]:
    ceiling = request.max_dollars
    return [route for route in able if ceiling is None or route.quote <= ceiling]


def _too_dear(request: Request, able: Iterable[Route], near: Iterable[Route]) -> FieldError:
    cheapest = min(able, key=lambda route: route.quote)
    rule = f"is below the cheapest price, ${cheapest.quote} at {cheapest.vendor}"
    cheaper = min(_affordable(request, near), key=lambda route: route.quote, default=None)
    if cheaper is not None:
        rule += f"; with allow_substitution it is ${cheaper.quote} at {cheaper.vendor}"
    return FieldError("max_dollars", rule)


def _field_errors(request: Request, found: Fit) -> list[FieldError]:
    """What stands in the way of one vendor, and whether the caller could let it pass."""
    if request.allow_substitution:
        return list(found.unmet)
    if found.unmet:
        return list(found.objections)
    return [
        FieldError(objection.field, f"{objection.rule}; allow_substitution would take {substitution.given} instead")
        for objection, substitution in zip(found.objections, found.substitutions, strict=True)
    ]
