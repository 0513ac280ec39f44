"""The route that vendors call. It has no API key: a signature, and a token in the URL that only the vendor was given.

Nothing is looked up before the signature is found right, and whatever is wrong is answered alike: 401 and no word.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from stillmotion.dialects.declared import Answer, Dialect, Feature, InPath, operation
from stillmotion.dialects.http import HttpRequest, HttpResponse, Problem, dump, parse_event
from stillmotion.dialects.native import VENDORS
from stillmotion.domain.request import VendorName
from stillmotion.ports import Clock
from stillmotion.ports.vendor import ReadFailed
from stillmotion.services.tracking.wake_up import NotOurs, WakeUp, WakeUpResult, WebhookAddress
from stillmotion.vendors.signatures import Forged, VendorWebhook, apiframe_delivery, wavespeed_delivery

Keys = Mapping[VendorName, tuple[str | None, ...]]
MAX_DIGITS = 9
_TEXT = {"type": "string"}
_VENDORS = {"type": "string", "enum": [str(name) for name in VendorName]}

VendorInPath = Annotated[str, InPath(name="vendor", schema=_VENDORS, example="wavespeed")]
JobInPath = Annotated[str, InPath(name="job_id", schema=_TEXT, example="6a6f6204-1c2d-8e3f-8a4b-5c6d7e8f9a0b")]
AttemptInPath = Annotated[
    str, InPath(name="attempt", schema={**_TEXT, "pattern": f"^[0-9]{{1,{MAX_DIGITS}}}$"}, example="1")
]
TokenInPath = Annotated[str, InPath(name="token", schema=_TEXT, example="0123456789abcdef")]


class VendorWebhooks(Feature):
    """`keys` gives what each vendor may sign with: several while a key is being changed."""

    TAG = VENDORS
    DIALECT = Dialect(prefix="/v1/", error="")
    FUNCTION = "webhook"

    def __init__(
        self,
        *,
        nudge: WakeUp,
        keys: Callable[[], Keys],
        clock: Clock,
        tell: Callable[[WebhookAddress, WakeUpResult], None] = lambda _address, _nudged: None,
    ) -> None:
        self._nudge = nudge
        self._keys = keys
        self._clock = clock
        self._tell = tell

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answers an HTTP API event: 200 once it is dealt with, 401 for whatever is not the vendor's.

        503 asks the vendor to send it again: it had to be read, and could not.
        """
        return dump(HttpResponse(status=self._status(event)), event)

    def _status(self, event: Mapping[str, Any]) -> HTTPStatus:
        try:
            request = parse_event(event)
            self.receive(request, *(request.path.get(name, "") for name in ("vendor", "job_id", "attempt", "token")))
        except (Problem, Forged, NotOurs):
            return HTTPStatus.UNAUTHORIZED
        except ReadFailed:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK

    @operation(
        "POST",
        "/v1/webhooks/{vendor}/{job_id}/{attempt}/{token}",
        operation_id="receiveVendorWebhook",
        summary="Tell that a generation has ended",
        scope=None,
        description=(
            "The vendors call this, with a signature each in its own way. Whatever is wrong is answered alike, and "
            "without a word."
        ),
        answers="It was dealt with.",
        errors=(401, 503),
        says={401: "It is not the vendor's.", 503: "To be sent again."},
        bodies={"application/json": {"type": "object", "description": "As the vendor documents it."}},
        body_required=False,
    )
    def receive(
        self,
        request: HttpRequest,
        vendor: VendorInPath,
        job_id: JobInPath,
        attempt: AttemptInPath,
        token: TokenInPath,
    ) -> Answer[None]:
        """Raises Problem, Forged, NotOurs, ReadFailed."""
        if vendor not in set(VendorName) or not attempt.isascii() or not attempt.isdigit():
            raise Forged("not one of our URLs")
        if len(attempt) > MAX_DIGITS:
            raise Forged("not one of our URLs")
        address = WebhookAddress(vendor=VendorName(vendor), job_id=job_id, attempt=int(attempt), token=token)
        delivery = self._verified(request, address.vendor)
        self._tell(address, self._nudge(address, delivery.id, delivery.generation_id))
        return Answer(None)

    def _verified(self, request: HttpRequest, vendor: VendorName) -> VendorWebhook:
        keys = self._keys()[vendor]
        match vendor:
            case VendorName.APIFRAME:
                return apiframe_delivery(request.headers, request.body, keys)
            case VendorName.WAVESPEED:
                return wavespeed_delivery(request.headers, request.body, keys, self._clock.now())
