"""What an order would come to: the vendor, the price and the exact body. Sends nothing and writes nothing."""

from collections.abc import Sequence

import msgspec

from stillmotion.domain.job.records import Still
from stillmotion.domain.request import Request, VendorName
from stillmotion.domain.routing import PriceTable, Route, ratio_to_send, routes, shape
from stillmotion.ports.vendor import Envelope
from stillmotion.services.dispatch.vendor_orders import VendorOrders
from stillmotion.services.intake.inspection import FindStill
from stillmotion.services.vendors import Vendors

_WEBHOOK = "Where the stack has webhooks on, a webhook's address that only the vendor knows is added when it is sent."
_COPIED = "A picture from elsewhere is copied into the input bucket when it is ordered: the vendor gets the copy's URL."
_SIGNED = "The image's URL is signed anew when it is sent."
_UPLOADED = "The image is put into the vendor's own storage when it is sent; its URL there stands in place of s3://."


class NoKey(Exception):
    """None of the vendors that could serve the request has a key in this stack."""

    def __init__(self, vendors: Sequence[VendorName]) -> None:
        super().__init__(f"no key of {' or '.join(vendors)}")
        self.vendors = tuple(vendors)


class Estimated(msgspec.Struct, frozen=True, kw_only=True):
    """The route that an order would take first, what its vendor would be POSTed, and the other routes there are.

    `notes` are sentences about what will differ in the body when it is sent.
    """

    route: Route
    aspect_ratio: str
    envelope: Envelope
    alternatives: tuple[Route, ...]
    notes: tuple[str, ...]


class Estimate:
    """Looks at a request as the functions that make and send a job of it would."""

    def __init__(self, *, vendors: Vendors, orders: VendorOrders, prices: PriceTable, find_still: FindStill) -> None:
        self._vendors = vendors
        self._orders = orders
        self._prices = prices
        self._find_still = find_still

    def __call__(self, tenant: str, request: Request) -> Estimated:
        """Raises InvalidRequest, NoKey."""
        routes(request, self._prices)
        still = self._find(tenant, "image", request.image)
        end_still = self._find(tenant, "end_image", request.end_image)
        width, height = (still.width, still.height) if still else (None, None)
        able = routes(request, self._prices, width, height)
        keyed = [route for route in able if self._vendors.has_key(route.vendor)]
        if not keyed:
            raise NoKey([route.vendor for route in able])
        first, *others = keyed
        ratio = shape(request, width, height)
        order = self._orders.sketched(first, ratio, still, end_still)
        return Estimated(
            route=first,
            aspect_ratio=ratio_to_send(first, ratio),
            envelope=self._vendors[first.vendor].compose(order),
            alternatives=tuple(others),
            notes=self._notes(still, end_still),
        )

    def _find(self, tenant: str, field: str, address: str | None) -> Still | None:
        return None if address is None else self._find_still(tenant, field, address)

    def _notes(self, *found: Still | None) -> tuple[str, ...]:
        ours = {still.bucket is not None for still in found if still is not None}
        notes = [_WEBHOOK]
        if False in ours:
            notes.append(_COPIED)
        if True in ours:
            notes.append(_SIGNED if self._orders.transfer == "signed_url" else _UPLOADED)
        return tuple(notes)
