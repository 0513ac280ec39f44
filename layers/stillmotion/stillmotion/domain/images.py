"""What an image is, told by its bytes and never by its name."""

import io
import re
from collections.abc import Iterator, Mapping
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
_MAX_SEGMENTS = 1000
"""So many of a JPEG are looked at; a camera writes some ten, and one for each 64 KB of a preview or a profile."""
_MAX_EXIF = 3
# ITU-T T.81, B.1: a marker may be preceded by any number of fill bytes.
_FILL = re.compile(rb"\xff++")
_START_OF_IMAGE = b"\xff\xd8"
_EXIF = b"Exif\0\0"
_START_OF_SCAN, _END_OF_IMAGE, _APP1 = 0xDA, 0xD9, 0xE1
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


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
    header = _jpeg_header(first_bytes) if kind == "image/jpeg" else first_bytes
    width, height = imagesize.get(io.BytesIO(header), exif_rotation=True)
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


class _Segment(msgspec.Struct, frozen=True):
    """A segment of a JPEG: where what it holds starts, and the byte behind it, which may lie behind what is here."""

    marker: int
    start: int
    end: int


def _jpeg_segments(image: bytes) -> Iterator[_Segment]:
    """What stands before the pixels. What is no marker is passed over, as decoders do."""
    at = len(_START_OF_IMAGE)
    for _ in range(_MAX_SEGMENTS):
        fill = _FILL.match(image, max(at, image.find(b"\xff", at)))
        at = len(image) if fill is None else fill.end()
        marker = image[at : at + 1]
        if not marker or marker[0] in (_START_OF_SCAN, _END_OF_IMAGE):
            return
        at += 1
        if marker[0] in _WITHOUT_LENGTH:
            continue
        start, length = at + 2, int.from_bytes(image[at : at + 2], "big")
        at += length
        if at < start:
            return
        yield _Segment(marker[0], start, at)


def _jpeg_header(image: bytes) -> bytes:
    """A JPEG of nothing but what tells its dimensions and how it is turned: imagesize takes each byte by itself."""
    segments = list(_jpeg_segments(image))
    frames = [segment for segment in segments if segment.marker in _FRAMES]
    exif = [segment for segment in segments if segment.marker == _APP1 and image.startswith(_EXIF, segment.start)]
    kept = (*exif[:_MAX_EXIF], *frames[:1])
    # A segment's length stands before what it holds, and its marker before that.
    parts = (b"\xff%c" % segment.marker + image[segment.start - 2 : segment.end] for segment in kept)
    return _START_OF_IMAGE + b"".join(parts)


def _jpeg_scan(image: bytes) -> int:
    """Where the pixels begin: segments before that may hold a preview, which is a JPEG with an end of its own."""
    at = len(_START_OF_IMAGE)
    for segment in _jpeg_segments(image):
        at = segment.end
    return at
