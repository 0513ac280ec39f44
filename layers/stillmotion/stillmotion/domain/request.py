"""What a user asks for, vendor-neutral, with its bounds. What callers send is checked in `edge.request`.

InvalidRequest    carries one `FieldError` for each broken rule
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Meta


class VendorName(StrEnum):
    """Who sells Luma Ray 2 Flash."""

    APIFRAME = "apiframe"
    WAVESPEED = "wavespeed"


VendorChoice = Literal["auto", "apiframe", "wavespeed"]
AspectRatio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "21:9"]
Duration = Literal[5, 9, 10]
Concept = Literal[
    "truck_left", "truck_right", "pan_left", "pan_right", "pedestal_up", "pedestal_down", "tilt_up",
    "tilt_down", "roll_left", "roll_right", "zoom_in", "zoom_out", "push_in", "pull_out", "dolly_zoom",
    "orbit_left", "orbit_right", "crane_up", "crane_down", "aerial", "aerial_drone", "low_angle",
    "high_angle", "eye_level", "ground_level", "over_the_shoulder", "pov", "selfie", "handheld", "static",
    "bolt_cam", "overhead", "elevator_doors", "tiny_planet",
]  # fmt: skip

Failover = Literal["normal", "always", "never"]
Priority = Literal["high", "normal", "low"]
OverBudget = Literal["wait", "fail"]
CallbackDialect = Literal["standard", "apiframe", "wavespeed"]

MAX_PROMPT = 4000
Prompt = Annotated[str, Meta(min_length=1, max_length=MAX_PROMPT)]
MAX_ADDRESS = 4096
ImageAddress = Annotated[str, Meta(min_length=1, max_length=MAX_ADDRESS)]
MAX_METADATA_KEY = 64
MAX_METADATA_VALUE = 512
MetadataKey = Annotated[str, Meta(min_length=1, max_length=MAX_METADATA_KEY)]
MetadataValue = Annotated[str, Meta(max_length=MAX_METADATA_VALUE)]
MAX_METADATA_ENTRIES = 16
MAX_DOLLARS = 1_000_000
MAX_DECIMALS = 6
PRICE_PATTERN = rf"(?!0+(?:\.0+)?$)[0-9]{{1,7}}(?:\.[0-9]{{1,{MAX_DECIMALS}}})?"
"""How a price is written as text. Decimal takes more: exponents, underscores, the digits of every script."""
MAX_KEY_BYTES = 1024
"""The longest key of an S3 object, in UTF-8."""
MAX_ERRORS_TOLD = 20
MAX_NAME_TOLD = 64
MAX_MESSAGE = 2000

# Without TLS, only from the machine itself: what a stack on a laptop has beside it, where its settings allow that.
_THIS_MACHINE = r"http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?"
# RFC 3986: a scheme is the same in capitals.
_SCHEME = re.compile(r"(?:https?|s3)://", re.IGNORECASE)
_WEB_ADDRESS = re.compile(rf"(?:https://[^/?#\s@]+|{_THIS_MACHINE})(?:[/?#]\S*)?")
# Its host is the first group, or, of an IPv6 address, the second.
_CALLBACK_ADDRESS = re.compile(
    rf"(?:https://(?:([^/?#\s@:\[\]]+)|\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\])(?::(?:443)?)?|{_THIS_MACHINE})(?:[/?#]\S*)?"
)

RATIO_OF_SIZE: Mapping[str, AspectRatio] = {"1280*720": "16:9", "720*1280": "9:16"}


class FieldError(msgspec.Struct, frozen=True):
    """One broken rule: the field as the caller wrote it, and the rule in words."""

    field: str
    rule: str

    def __str__(self) -> str:
        return f"{self.field}: {self.rule}"


class InvalidRequest(Exception):
    """The request breaks at least one rule; nothing was paid.

    `errors` and the message are of bounded size, whatever was sent: 20 errors with field names of at most 64
    characters, the last of which says how many more there are; a message of at most 2,000 characters.
    """

    def __init__(self, *errors: FieldError) -> None:
        count = len(errors) if len(errors) <= MAX_ERRORS_TOLD else MAX_ERRORS_TOLD - 1
        shown = [FieldError(shortened(error.field, MAX_NAME_TOLD), error.rule) for error in errors[:count]]
        if len(errors) > count:
            shown.append(FieldError("request", f"breaks {len(errors) - count} more rules"))
        super().__init__(shortened("; ".join(map(str, shown)), MAX_MESSAGE))
        self.errors = tuple(shown)


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told what becomes of a job, in whose words. `events` are the dialect's; all, where none is named."""

    url: str
    dialect: CallbackDialect = "standard"
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "url", with_plain_scheme(self.url))


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for one video.

    `image` and `end_image` are `s3://bucket/key` or `https://…`, or `data:…` until they are taken in; `duration` is in
    seconds. `aspect_ratio` is None where the caller named no shape: the image's own orientation decides it then.

    `allow_substitution` lets a vendor be sent the nearest of what it makes. `failover` says when the other vendor is
    tried: after a final failure that has nothing to do with what was asked (`normal`), after one that has too
    (`always`), or not (`never`). `max_dollars` is the most that an attempt may be expected to cost, and
    `when_over_budget` what is done when the day's budget is spent: wait for the next day, or fail.
    """

    prompt: Prompt
    image: ImageAddress | None = None
    end_image: ImageAddress | None = None
    duration: Duration = 5
    aspect_ratio: AspectRatio | None = None
    loop: bool = False
    concepts: tuple[Concept, ...] = ()
    vendor: VendorChoice = "auto"
    allow_substitution: bool = False
    failover: Failover = "normal"
    priority: Priority = "normal"
    max_dollars: Decimal | None = None
    when_over_budget: OverBudget = "wait"
    metadata: dict[MetadataKey, MetadataValue] = {}
    callback: Callback | None = None

    def __post_init__(self) -> None:
        for name, address in (("image", self.image), ("end_image", self.end_image)):
            if address is not None:
                msgspec.structs.force_setattr(self, name, with_plain_scheme(address))


ADDRESS_RULE = "must be an https:// URL without user info, a data: URI, or s3://bucket/key"
CALLBACK_RULE = (
    "must be an https:// URL of the public internet, on port 443 and without user info,"
    f" of at most {MAX_ADDRESS} ASCII characters"
)


def is_price(dollars: Decimal) -> bool:
    """Whether so many US dollars can be a price."""
    decimals = dollars.as_tuple().exponent
    return isinstance(decimals, int) and decimals >= -MAX_DECIMALS and 0 < dollars <= MAX_DOLLARS


def address_rule(address: str) -> str | None:
    """The rule that an image's address breaks; None for one that can be read, or is the image itself."""
    if is_data_uri(address):
        return None
    address = with_plain_scheme(address)
    if len(address) > MAX_ADDRESS:
        return f"must be at most {MAX_ADDRESS} characters long"
    if _WEB_ADDRESS.fullmatch(address):
        return None
    found = re.fullmatch(r"(?s)s3://[a-z0-9.\-]+/(.+)", address)
    if found is None:
        return ADDRESS_RULE
    return None if fits_key(found[1]) else f"must name a key of at most {MAX_KEY_BYTES} bytes"


def callback_error(field: str, url: str) -> FieldError | None:
    """The rule that the form of a callback's URL breaks. Whether it may be called is seen when it is."""
    url = with_plain_scheme(url)
    if url.isascii() and len(url) <= MAX_ADDRESS and _is_callable(url):
        return None
    return FieldError(field, CALLBACK_RULE)


def _is_callable(url: str) -> bool:
    from stillmotion.domain.hosts import may_be_public  # noqa: PLC0415 - few requests have a callback

    found = _CALLBACK_ADDRESS.fullmatch(url)
    if found is None:
        return False
    host = found[1] or found[2]
    return host is None or may_be_public(host.lower().removesuffix("."))


def with_plain_scheme(address: str) -> str:
    """The address with its scheme in small letters, as all that read it expect."""
    found = _SCHEME.match(address)
    return address if found is None else found[0].lower() + address[found.end() :]


def is_data_uri(address: str) -> bool:
    return address[:5].lower() == "data:"


def bare(address: str | None) -> str | None:
    """An address by which a thing is known and not opened: a query may be a signature. Of S3, a key may hold a `?`."""
    if address is None or address.startswith("s3://"):
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fits_key(key: str) -> bool:
    """Whether S3 takes it as an object's key."""
    return len(key.encode()) <= MAX_KEY_BYTES


def shortened(text: str, length: int) -> str:
    """The beginning of a text that is longer than that."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
