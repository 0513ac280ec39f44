"""What Apiframe accepts, by its OpenAPI: nothing more is allowed at either level."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
)

from stillmotion_local.vendors.generations import Order, WebhookEvent
from stillmotion_local.vendors.moves import Concept

# The seed document: 5 s cost 51 credits, 9 s cost 92.
CREDITS = {5: 51, 9: 92}

# 720p at each ratio, even in both directions as yuv420p wants it.
FRAME_SIZES = {
    "16:9": (1280, 720),
    "9:16": (720, 1280),
    "1:1": (960, 960),
    "4:3": (1112, 834),
    "3:4": (834, 1112),
    "21:9": (1680, 720),
}

AspectRatio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"]


def _whole(value: object) -> object:
    """JSON knows one kind of number: 5.0 is 5. True is not 1."""
    if isinstance(value, bool):
        # Not a TypeError: pydantic reports ValueErrors only.
        raise ValueError("Expected number, received boolean")  # noqa: TRY004
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _uri(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise ValueError("Invalid url") from error
    if not parts.scheme or not parts.netloc:
        raise ValueError("Invalid url")
    return value


Uri = Annotated[StrictStr, AfterValidator(_uri)]
Duration = Annotated[Literal[5, 9], BeforeValidator(_whole)]


class LumaParams(BaseModel):
    """`lumaParams`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    duration: Duration = 5
    aspect_ratio: AspectRatio = "16:9"
    start_image: Uri | None = None
    end_image: Uri | None = None
    loop: StrictBool = False
    concepts: list[Concept] = Field(default_factory=list)


class GenerateVideoRequest(BaseModel):
    """The body of `POST /v2/videos/generate` for this one model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["luma-ray-flash-2"]
    prompt: Annotated[StrictStr, Field(min_length=1, max_length=4000)]
    luma_params: LumaParams = Field(default_factory=LumaParams, alias="lumaParams")
    webhook_url: Uri | None = Field(default=None, alias="webhookUrl")
    webhook_events: list[WebhookEvent] | None = Field(default=None, alias="webhookEvents", min_length=1)

    def order(self, prompt: str) -> Order:
        """The request in words that both vendors share."""
        params = self.luma_params
        (width, height) = FRAME_SIZES[params.aspect_ratio]
        return Order(
            prompt=prompt,
            start_image=params.start_image,
            end_image=params.end_image,
            width=width,
            height=height,
            duration_seconds=params.duration,
            loop=params.loop,
            concepts=tuple(params.concepts),
        )


def details_of(error: ValidationError) -> dict[str, list[str]]:
    """Validation errors as Apiframe words them: messages by JSON path."""
    details: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False):
        path = ".".join(str(part) for part in problem["loc"]) or "body"
        details.setdefault(path, []).append(problem["msg"])
    return details
