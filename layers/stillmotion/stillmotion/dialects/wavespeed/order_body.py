"""The parameters of an order in WaveSpeed's dialect, of its price, and of its call.

Sources: WaveSpeed's page of Luma Ray 2 Flash; wavespeed.ai/docs (pricing, sync-mode, webhooks).
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from stillmotion.dialects.http import HttpRequest
from stillmotion.dialects.models import Headers, IdempotencyKey, JsonBody, Query
from stillmotion.dialects.wavespeed import MODEL, UNKNOWN_PARAMETER, Model
from stillmotion.domain.request import RATIO_OF_SIZE, Callback, Request
from stillmotion.edge.fields import RequestModel, Rule, parse, refusing
from stillmotion.edge.request import (
    EXAMPLE_IMAGE,
    SIZE_RULE,
    CallbackUrl,
    HandlingFields,
    ImageAddress,
    Prompt,
    RequestFields,
)

Seconds = Literal[5, 10]
SecondsInText = Literal["5", "10"]
WEBHOOK_EVENTS = ("completed", "failed")
NO_SYNC_MODE = "cannot be true here: a video takes minutes, and nobody waits so long for an answer. Poll it"
NO_BASE64 = "cannot be true here: a video comes by its URL"
_NO_OTHER_MODEL = f"must be {MODEL}: there is no other model here"
_OF_ANY_ORDER: Mapping[str, object] = {"prompt": "any", "image": "https://image.invalid/any"}
"""What a price does not depend on."""
_EXAMPLE: Mapping[str, object] = {"image": EXAMPLE_IMAGE, "prompt": "The boats begin to sway"}


def _sold(size: str) -> str | None:
    """WaveSpeed has no other spelling than its own."""
    return None if size in RATIO_OF_SIZE else SIZE_RULE


def _only_false(rule: str) -> PlainValidator:
    """Literal[False] would take 0 too."""

    def validate(value: object) -> bool:
        if value is not False:
            raise ValueError(rule)
        return value

    return PlainValidator(validate, json_schema_input_type=Literal[False])


class ModelFields(RequestModel):
    """The parameters of WaveSpeed's model. The switches are those of its every model."""

    image: ImageAddress | None = None
    prompt: Prompt | None = None
    size: Annotated[
        str,
        AfterValidator(refusing(_sold)),
        Rule(SIZE_RULE),
        WithJsonSchema({"type": "string", "enum": list(RATIO_OF_SIZE)}),
    ] = "1280*720"
    # Older clients send text.
    duration: Annotated[Seconds | SecondsInText, Field(description="Seconds.")] = 5
    enable_sync_mode: Annotated[bool, _only_false(NO_SYNC_MODE), Field(description=f"It {NO_SYNC_MODE}.")] = False
    enable_base64_output: Annotated[bool, _only_false(NO_BASE64), Field(description=f"It {NO_BASE64}.")] = False


class WavespeedInputs(HandlingFields, ModelFields):
    """An order as far as its price goes: what costs nothing may be missing."""

    UNKNOWN = UNKNOWN_PARAMETER
    NULL = "left out"

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> Self:
        """Null is what is left out, under an unknown name too. Raises InvalidRequest."""
        return parse(cls, {name: value for name, value in fields.items() if value is not None})

    def request(self) -> Request:
        """The request that has these fields, all of them right."""
        given = {name: value for name, value in self if value is not None and name in RequestFields.model_fields}
        asked = {**_OF_ANY_ORDER, **given, "duration": int(self.duration)}
        return RequestFields.model_construct(**asked).request()


class WavespeedOrder(WavespeedInputs, JsonBody):
    """What a video is to be. Null is what is left out."""

    NEVER_NULL = frozenset({"image", "prompt"})
    EXAMPLES: ClassVar[dict[str, object]] = {
        "short": _EXAMPLE,
        "upright": {**_EXAMPLE, "size": "720*1280", "duration": 10},
    }

    image: ImageAddress
    prompt: Prompt

    @classmethod
    def read(cls, request: HttpRequest) -> Self:
        return cls.of(request.json())


class WavespeedOrderQuery(Query):
    """Where the order's webhook goes."""

    UNKNOWN = UNKNOWN_PARAMETER

    model_config = ConfigDict(extra="forbid")

    webhook: Annotated[
        CallbackUrl | None,
        Field(
            description="The URL that is sent the prediction when it has ended.",
            json_schema_extra={"example": "https://shop.example/videos"},
        ),
    ] = None

    def callback(self) -> Callback | None:
        """What is kept with the job."""
        return None if self.webhook is None else Callback(url=self.webhook, dialect="wavespeed", events=WEBHOOK_EVENTS)


class WavespeedOrderHeaders(Headers):
    """What says whether an order repeats an earlier one."""

    idempotency_key: Annotated[
        IdempotencyKey | None,
        Field(
            alias="Idempotency-Key",
            description="WaveSpeed has none. Here, an order that repeats the key of an earlier one is the same job.",
        ),
    ] = None


def _members(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004 - pydantic takes a TypeError for a fault of ours
    return value


class WavespeedPriceRequest(JsonBody):
    """An order whose price is asked for."""

    UNKNOWN = UNKNOWN_PARAMETER
    EXAMPLES: ClassVar[dict[str, object]] = {"of_ten_seconds": {"model_id": MODEL, "inputs": {"duration": 10}}}

    model_id: Annotated[Model, Rule(_NO_OTHER_MODEL, missing=_NO_OTHER_MODEL)]
    inputs: Annotated[
        dict[str, Any],
        # They are read as an order's own parameters are, so that each is named as there.
        PlainValidator(_members, json_schema_input_type=WavespeedInputs),
        Field(default_factory=dict),
    ]

    def request(self) -> Request:
        """The order. Raises InvalidRequest with every rule that its parameters break."""
        return WavespeedInputs.of(self.inputs).request()
