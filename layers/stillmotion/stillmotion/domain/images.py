"""What an image is, told by its bytes and never by its name."""

import io
from collections.abc import Mapping
from typing import Literal

import msgspec

from stillmotion.domain.request import FieldError, InvalidRequest

MAX_BYTES = 20 * 1024 * 1024
MIN_SIDE = 64
MAX_SIDE = 16_384
MediaType = Literal["image/jpeg", "image/png", "image/webp"]
SUFFIX_OF_TYPE: Mapping[str, str] = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
LAST_BYTES = 64 * 1024
"""Where the end of a large image is looked for first: only a few cameras put so much behind it."""

_RIFF_HEADER = 8
_END_OF_TYPE = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND\xaeB`\x82"}
_MARKER, _START_OF_SCAN = 0xFF, 0xDA


class Picture(msgspec.Struct, frozen=True):
    """Media type, and dimensions in pixels as a viewer shows them: turned by EXIF where it says so."""

    media_type: str
    width: int
    height: int


def media_type(first_bytes: bytes) -> str | None:
    """The type of a JPEG, PNG or WebP by its signature; None for anything else."""
    if first_bytes.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if first_bytes.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if first_bytes[:4] == b"RIFF" and first_bytes[8:12] == b"WEBP":
        return "image/webp"
    return None


def picture(first_bytes: bytes, field: str) -> Picture | None:
    """The picture that starts so; None where the dimensions lie further on.

    Raises InvalidRequest, naming `field`, for what is no picture or of no sane size.
    """
    import imagesize  # noqa: PLC0415 - only an upload needs it

    kind = media_type(first_bytes)
    if kind is None:
        raise InvalidRequest(FieldError(field, "must be a JPEG, PNG or WebP image: its bytes are none of these"))
    width, height = imagesize.get(io.BytesIO(first_bytes), exif_rotation=True)
    if width < 1 or height < 1:
        return None
    if not (MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE):
        rule = f"must be {MIN_SIDE} to {MAX_SIDE} pixels wide and high: it is {width} by {height}"
        raise InvalidRequest(FieldError(field, rule))
    return Picture(kind, width, height)


def is_whole(kind: str, image: bytes) -> bool:
    """Whether the bytes of an image go on to its end; what a camera put behind that is passed over.

    A copy that broke off still has its dimensions, and vendors refuse it at a price. Sources: ITU-T T.81 (B.1.1), W3C's
    PNG (5.3), RFC 9649 (2.3).
    """
    announced = announced_bytes(kind, image)
    if announced is not None:
        return len(image) >= announced
    return image.find(_END_OF_TYPE[kind], _jpeg_scan(image) if kind == "image/jpeg" else 0) >= 0


def announced_bytes(kind: str, first_bytes: bytes) -> int | None:
    """How long an image says that it is; None of a type that does not say."""
    if kind in _END_OF_TYPE:
        return None
    return _RIFF_HEADER + int.from_bytes(first_bytes[4:_RIFF_HEADER], "little")


def has_end(kind: str, last_bytes: bytes) -> bool:
    """Whether the end of an image of such a type is among these: a large one is not looked through."""
    return _END_OF_TYPE[kind] in last_bytes


def _jpeg_scan(image: bytes) -> int:
    """Where the pixels begin: segments before that may hold a preview, which is a JPEG with an end of its own."""
    at = 2
    while len(image) >= at + 4 and image[at] == _MARKER and image[at + 1] != _START_OF_SCAN:
        # A marker may be preceded by any number of fill bytes.
        is_fill = image[at + 1] == _MARKER
        at += 1 if is_fill else 2 + int.from_bytes(image[at + 2 : at + 4], "big")
    return at
