"""Which vendor serves a request: those that can serve the whole of it, cheapest first.

What each vendor can do is read from its documents: WaveSpeed's Ray 2 Flash page is image-to-video at 5 or 10 s in two
sizes; Apiframe's `luma-ray-flash-2` is 5 or 9 s with all ratios, end images, loops and concepts.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from stillmotion.domain.request import AspectRatio, FieldError, InvalidRequest, Request, VendorName

APIFRAME_CREDITS: Mapping[int, int] = {5: 51, 9: 92}
WAVESPEED_RATIOS: frozenset[AspectRatio] = frozenset({"16:9", "9:16"})


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
    """A vendor that can serve the whole request, and what it is expected to charge in US dollars."""

    vendor: VendorName
    quote: Decimal


def objections(vendor: VendorName, request: Request) -> list[FieldError]:
    """Every reason why `vendor` cannot serve the whole of `request`; empty when it can."""
    match vendor:
        case VendorName.APIFRAME:
            if request.duration not in APIFRAME_CREDITS:
                return [FieldError("duration", f"{request.duration} s is not made by apiframe, which makes 5 or 9 s")]
            return []
        case VendorName.WAVESPEED:
            return _wavespeed_objections(request)


def _wavespeed_objections(request: Request) -> list[FieldError]:
    found = []
    if request.image is None:
        found.append(FieldError("image", "is required by wavespeed, which makes no video from a prompt alone"))
    if request.duration not in (5, 10):
        found.append(FieldError("duration", f"{request.duration} s is not made by wavespeed, which makes 5 or 10 s"))
    if request.aspect_ratio is not None and request.aspect_ratio not in WAVESPEED_RATIOS:
        found.append(FieldError("aspect_ratio", f"{request.aspect_ratio} is not made by wavespeed: 16:9 or 9:16"))
    if request.end_image is not None:
        found.append(FieldError("end_image", "is not taken by wavespeed"))
    if request.loop:
        found.append(FieldError("loop", "is not made by wavespeed"))
    if request.concepts:
        found.append(FieldError("concepts", "are not taken by wavespeed"))
    return found


def routes(request: Request, prices: PriceTable) -> list[Route]:
    """The vendors that can serve the whole request, cheapest first; `InvalidRequest` when there is none."""
    candidates = list(VendorName) if request.vendor == "auto" else [VendorName(request.vendor)]
    refused = {vendor: objections(vendor, request) for vendor in candidates}
    able = [vendor for vendor in candidates if not refused[vendor]]
    if not able:
        raise InvalidRequest(*[error for found in refused.values() for error in found])
    quoted = [Route(vendor, prices.quote(vendor, request.duration)) for vendor in able]
    return sorted(quoted, key=lambda route: route.quote)


def shape(request: Request, width: int | None, height: int | None) -> AspectRatio:
    """The ratio to ask for: the request's own, else by the image's orientation, upright pixels given."""
    if request.aspect_ratio is not None:
        return request.aspect_ratio
    return "9:16" if width is not None and height is not None and height > width else "16:9"
