"""What makes a job in WaveSpeed's dialect, and what it would cost."""

from typing import Literal

import msgspec

from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest
from stillmotion.dialects.models import ResponseModel
from stillmotion.dialects.wavespeed import MODEL, TAG, WAVESPEED, Model, views
from stillmotion.dialects.wavespeed.order_body import (
    WavespeedOrder,
    WavespeedOrderHeaders,
    WavespeedOrderQuery,
    WavespeedPriceRequest,
)
from stillmotion.domain.access import Scope
from stillmotion.domain.routing import PriceTable, routes
from stillmotion.services.intake.api_orders import ApiOrder, SubmitApiOrder


class WavespeedPriceData(ResponseModel):
    """A quote in US dollars, under each name that WaveSpeed has had for it. There are no discounts."""

    model_id: Model = MODEL
    price: float
    discounted_price: float
    unit_price: float
    currency: Literal["USD"] = "USD"

    @classmethod
    def of(cls, dollars: float) -> "WavespeedPriceData":
        return cls(price=dollars, discounted_price=dollars, unit_price=dollars)


class WavespeedPrice(views.Envelope[WavespeedPriceData]):
    """A price in the envelope."""


class WavespeedOrders(Feature):
    """`base_url` is where callers reach the API."""

    TAG = TAG
    DIALECT = WAVESPEED
    FUNCTION = "submit"

    def __init__(self, submit: SubmitApiOrder, prices: PriceTable, base_url: str) -> None:
        self._submit = submit
        self._prices = prices
        self._base_url = base_url

    @operation(
        "POST",
        f"/api/v3/{MODEL}",
        operation_id="wavespeedOrder",
        summary="Order a video",
        scope=Scope.WRITE,
        description="Unknown parameters are refused.",
        errors=(400, 409, 413),
        examples=("WavespeedOrdered",),
    )
    def order(
        self, request: HttpRequest, body: WavespeedOrder, query: WavespeedOrderQuery, headers: WavespeedOrderHeaders
    ) -> views.WavespeedAnswer:
        job = self._submit(
            ApiOrder(
                tenant=request.tenant,
                request=msgspec.structs.replace(body.request(), callback=query.callback()),
                arrived_at=request.arrived_at,
                key=request.caller,
                idempotency_key=headers.idempotency_key,
            )
        )
        return views.WavespeedAnswer(data=views.ordered(job, self._base_url))

    @operation(
        "POST",
        "/api/v3/model/pricing",
        operation_id="wavespeedPricing",
        summary="Ask what an order would cost",
        scope=Scope.READ,
        errors=(400, 413),
        examples=("WavespeedPrice",),
    )
    @operation(
        "POST",
        "/api/v3/model/price",
        operation_id="wavespeedPriceOfOlderClients",
        summary="Ask what an order would cost",
        scope=Scope.READ,
        errors=(400, 413),
        examples=("WavespeedPrice",),
    )
    def price(self, body: WavespeedPriceRequest) -> WavespeedPrice:
        first = routes(body.request(), self._prices)[0]
        return WavespeedPrice(data=WavespeedPriceData.of(float(first.quote)))
