"""What WaveSpeed accepts, by the seed document of Luma Ray 2 Flash I2V. Unknown members are ignored."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, ValidationError

from stillmotion_local.vendors.generations import Order

# VENDORS: a third-party reading of $0.20 for 5 s; 10 s is taken to be twice that.
DOLLARS = {5: 0.20, 10: 0.40}

FRAME_SIZES = {"1280*720": (1280, 720), "720*1280": (720, 1280)}


def is_http_url(value: str) -> bool:
    """True for an absolute http or https URL."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _image_url(value: str) -> str:
    if not is_http_url(value):
        raise ValueError("must be an http or https URL")
    return value


def _integer(value: object) -> object:
    """Older docs show durations as strings; the current ones want integers."""
    if isinstance(value, bool) or not isinstance(value, int):
        # Not a TypeError: pydantic reports ValueErrors only.
        raise ValueError("must be an integer: 5 or 10")  # noqa: TRY004
    return value


Duration = Annotated[Literal[5, 10], BeforeValidator(_integer)]


class GenerateRequest(BaseModel):
    """The body of `POST /api/v3/luma/ray-2-flash-i2v`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    image: Annotated[StrictStr, AfterValidator(_image_url)]
    prompt: Annotated[StrictStr, Field(min_length=1)]
    size: Literal["1280*720", "720*1280"] = "1280*720"
    duration: Duration = 5

    def order(self, prompt: str) -> Order:
        """The request in words that both vendors share."""
        (width, height) = FRAME_SIZES[self.size]
        return Order(prompt=prompt, start_image=self.image, width=width, height=height, duration_seconds=self.duration)


class HistoryQuery(BaseModel):
    """The body of `POST /api/v3/predictions`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    page: Annotated[int, Field(ge=1)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 10


class PriceQuery(BaseModel):
    """The body of `POST /api/v3/model/price`."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())

    model_id: str
    inputs: dict[str, object] = Field(default_factory=dict)


class UploadTicketRequest(BaseModel):
    """The body of `POST /api/v3/media/uploads`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    filename: Annotated[str, Field(min_length=1, max_length=1024)]
    size: Annotated[int, Field(ge=1)]
    content_type: str = "application/octet-stream"


def message_of(error: ValidationError) -> str:
    """Validation errors in one line."""
    problems = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}"
        for problem in error.errors(include_url=False)
    ]
    return "Invalid parameters: " + "; ".join(problems)
