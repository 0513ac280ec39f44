"""Pictures a video is made from: opened from bytes, or painted from a prompt, cropped to fill the frame."""

import hashlib
import textwrap
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

PREVIEW_NOTICE = "offline preview, not Luma Ray 2"

# A picture is prepared a little larger than the frame, so that a camera that moves in still has detail to show.
WORKING_SCALE = 1.25

_MAX_PIXELS = 120_000_000
_SHOWN_PROMPT_CHARACTERS = 180


class UnreadablePictureError(Exception):
    """The bytes are not a picture that can be opened: a Pillow error translated."""


def check_picture(path: Path) -> tuple[int, int]:
    """Reads only the header of a picture.

    Returns its width and height in pixels. Raises `UnreadablePictureError`.
    """
    try:
        with Image.open(path) as picture:
            size = picture.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadablePictureError(str(error)) from error
    if size[0] * size[1] > _MAX_PIXELS:
        raise UnreadablePictureError(f"{size[0]} x {size[1]} pixels are too many")
    return size


def open_picture(path: Path, width: int, height: int) -> Image.Image:
    """Opens a picture upright (EXIF orientation applied), cropped about its middle to fill the working size.

    Returns RGB pixels, `WORKING_SCALE` times as large as the frame. Raises `UnreadablePictureError`.
    """
    check_picture(path)
    working = working_size(width, height)
    try:
        with Image.open(path) as picture:
            # A JPEG decoder can shrink by eighths while it reads, which bounds memory for a large photograph.
            picture.draft("RGB", (2 * max(working), 2 * max(working)))
            upright = ImageOps.exif_transpose(picture)
            flat = _without_transparency(upright)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadablePictureError(str(error)) from error
    return ImageOps.fit(flat, working, Image.Resampling.LANCZOS)


def paint_prompt(prompt: str, width: int, height: int) -> Image.Image:
    """Paints a gradient whose colours come from the prompt, with the prompt's words on it."""
    (working_width, working_height) = working_size(width, height)
    digest = hashlib.sha256(prompt.encode()).digest()
    corners = Image.new("RGB", (3, 3))
    for index in range(9):
        (hue, light) = (digest[0] + 14 * (index % 3) + 9 * (index // 3), 90 + digest[index + 1] // 3)
        corners.putpixel((index % 3, index // 3), _colour(hue % 256, light))
    picture = corners.resize((working_width, working_height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    size = round(min(working_width, working_height) / 15)
    shown = textwrap.shorten(" ".join(prompt.split()), _SHOWN_PROMPT_CHARACTERS, placeholder=" …")
    words = textwrap.fill(shown, max(12, round(working_width / size * 1.3)))
    draw.multiline_text(
        (working_width / 2, working_height / 2),
        words,
        font=_font(size),
        fill=(255, 255, 255),
        anchor="mm",
        align="center",
        spacing=size / 2,
    )
    return picture


def draw_notice(width: int, height: int) -> tuple[Image.Image, tuple[int, int]]:
    """Draws the words that say what this video is.

    Returns a mask (mode L: how opaque the white words are) and the place of its upper left corner in the frame.
    Mask and place are even in both directions, as planes of half-size chroma want it.
    """
    size = max(14, round(min(width, height) / 40))
    font = _font(size)
    (left, top, right, bottom) = font.getbbox(PREVIEW_NOTICE)
    mask = Image.new("L", (_even(right - left + 4), _even(bottom - top + 4)))
    ImageDraw.Draw(mask).text((2 - left, 2 - top), PREVIEW_NOTICE, font=font, fill=225)
    margin = _even(size)
    return (mask, (_even(width - mask.width - margin), _even(height - mask.height - margin)))


def working_size(width: int, height: int) -> tuple[int, int]:
    """The size that a picture is prepared in for a frame of this size, in whole even pixels."""
    return (_even(round(width * WORKING_SCALE)), _even(round(height * WORKING_SCALE)))


def _even(pixels: float) -> int:
    return int(pixels) // 2 * 2


def _without_transparency(picture: Image.Image) -> Image.Image:
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGB", layered.size, (255, 255, 255))
        ground.paste(layered, mask=layered.getchannel("A"))
        return ground
    return picture.convert("RGB")


def _colour(hue: int, light: int) -> tuple[int, int, int]:
    pixel = Image.new("HSV", (1, 1), (hue, 150, light)).convert("RGB").getpixel((0, 0))
    if not isinstance(pixel, tuple):
        raise TypeError("an RGB pixel is a tuple")
    return (int(pixel[0]), int(pixel[1]), int(pixel[2]))


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
