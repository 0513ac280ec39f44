"""`GET /v2/me` and `GET /v2/models`: who calls, and what there is."""

from typing import Annotated, Literal

from pydantic import Field

from stillmotion.dialects.apiframe import APIFRAME, TAG, views
from stillmotion.dialects.apiframe.zod import ZodModel
from stillmotion.dialects.balance import Balance
from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest
from stillmotion.dialects.models import Query
from stillmotion.domain.access import Scope
from stillmotion.domain.routing import PriceTable


class ModelsQuery(ZodModel, Query):
    """Which models are to be shown."""

    modality: Annotated[Literal["image", "video", "music"] | None, Field(json_schema_extra={"example": "video"})] = None


class ApiframeAccount(Feature):
    """The account, and the catalogue, which anybody may see."""

    TAG = TAG
    DIALECT = APIFRAME
    FUNCTION = "read"

    def __init__(self, balance: Balance, prices: PriceTable) -> None:
        self._balance = balance
        self._prices = prices

    @operation(
        "GET",
        "/v2/me",
        operation_id="apiframeGetMe",
        summary="See who calls, and how many credits are left",
        scope=Scope.READ,
        examples=("ApiframeMe",),
    )
    def me(self, request: HttpRequest) -> views.ApiframeMeView:
        left = self._balance.left(request.good_key, request.arrived_at)
        return views.me(request.good_key, views.available(left, self._prices))

    @operation(
        "GET",
        "/v2/models",
        operation_id="apiframeListModels",
        summary="See what there is",
        scope=None,
        errors=(400,),
        examples=("ApiframeModels",),
    )
    def models(self, query: ModelsQuery) -> views.ApiframeModelsView:
        return views.catalogue(self._prices, query.modality)
