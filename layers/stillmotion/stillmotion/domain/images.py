"""What an image is, told by its first bytes and never by its name."""

import io

import msgspec

from stillmotion.domain.request import FieldError, InvalidRequest

MAX_BYTES = 20 * 1024 * 1024
MIN_SIDE = 64
MAX_SIDE = 16_384
SUFFIX_OF_TYPE = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


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
