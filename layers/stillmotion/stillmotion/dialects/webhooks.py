"""The route that vendors call. It has no API key: a signature, and a token in the URL that only the vendor was given.

Nothing is looked up before the signature is found right, and whatever is wrong is answered alike: 401 and no word.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, dump, parse_event
from stillmotion.domain.request import VendorName
from stillmotion.ports import Clock, ReadFailed
from stillmotion.services.nudge import Address, NotOurs, Nudge, Nudged
from stillmotion.vendors.signatures import Delivery, Forged, apiframe_delivery, wavespeed_delivery

Keys = Mapping[VendorName, tuple[str | None, ...]]
LONGEST_NUMBER = 9


class Webhooks:
    """`POST /v1/webhooks/{vendor}/{job_id}/{attempt}/{token}`.

    `keys` gives what each vendor may sign with: several while a key is being changed.
    """

    def __init__(
        self,
        *,
        nudge: Nudge,
        keys: Callable[[], Keys],
        clock: Clock,
        tell: Callable[[Address, Nudged], None] = lambda _address, _nudged: None,
    ) -> None:
        self._nudge = nudge
        self._keys = keys
        self._clock = clock
        self._tell = tell

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answers an HTTP API event: 200 once it is dealt with, 401 for whatever is not the vendor's.

        503 asks the vendor to send it again: it had to be read, and could not.
        """
        return dump(HttpResponse(status=self._answer(event)), event)

    def _answer(self, event: Mapping[str, Any]) -> HTTPStatus:
        try:
            request = parse_event(event)
            address = _address(request)
            delivery = self._verified(request, address.vendor)
            self._tell(address, self._nudge(address, delivery.id, delivery.generation_id))
        except (Problem, Forged, NotOurs):
            return HTTPStatus.UNAUTHORIZED
        except ReadFailed:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK

    def _verified(self, request: HttpRequest, vendor: VendorName) -> Delivery:
        keys = self._keys()[vendor]
        match vendor:
            case VendorName.APIFRAME:
                return apiframe_delivery(request.headers, request.body, keys)
            case VendorName.WAVESPEED:
                return wavespeed_delivery(request.headers, request.body, keys, self._clock.now())


def _address(request: HttpRequest) -> Address:
    """Raises Forged for a URL that this stack never gave out."""
    path = request.path
    number = path.get("attempt", "")
    if path.get("vendor") not in set(VendorName) or not number.isascii() or not number.isdigit():
        raise Forged("not one of our URLs")
    if len(number) > LONGEST_NUMBER:
        raise Forged("not one of our URLs")
    return Address(
        vendor=VendorName(path["vendor"]),
        job_id=path.get("job_id", ""),
        attempt=int(number),
        token=path.get("token", ""),
    )
