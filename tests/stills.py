"""Small real images, made when asked for."""

import io
from functools import cache
from typing import Literal

from PIL import Image

EXIF_ORIENTATION = 0x0112


@cache
def image(
    kind: Literal["JPEG", "PNG", "WEBP"] = "JPEG", width: int = 320, height: int = 200, *, orientation: int = 1
) -> bytes:
    """An image of `width` by `height` stored pixels; `orientation` is EXIF's."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    stream = io.BytesIO()
    picture.save(stream, kind, exif=exif)
    return stream.getvalue()
