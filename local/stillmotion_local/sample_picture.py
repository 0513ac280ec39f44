"""A picture to try the stack with when nobody brings one: a lake at dusk, painted with a few gradients."""

import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from stillmotion_local.workspace import Workspace

WIDTH, HEIGHT = 1600, 900
HORIZON = 540
JPEG_QUALITY = 92
SUN_CENTRE, SUN_RADIUS = (1080, 470), 62

SKY_TOP, SKY_LOW = (38, 48, 104), (255, 176, 112)
RIDGES = (  # base line, height and waviness of each ridge, with its colour: far ones are pale
    (470, 90, 0.0041, (146, 118, 152)),
    (505, 75, 0.0067, (98, 84, 126)),
    (538, 60, 0.0093, (54, 54, 90)),
)
TREE_COLOUR = (18, 22, 38)

Colour = tuple[int, int, int]


def hang_sample(workspace: Workspace) -> Path:
    """Where the sample is: it is painted unless it is there."""
    if not workspace.sample.is_file():
        workspace.sample.write_bytes(paint_sample())
    return workspace.sample


def paint_sample() -> bytes:
    """A 1600 by 900 JPEG; always the same one."""
    sky = Image.fromarray(_gradient(SKY_TOP, SKY_LOW, HORIZON))
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    picture.paste(sky, (0, 0))
    _shine(picture)
    brush = ImageDraw.Draw(picture)
    for number, (base, height, waviness, colour) in enumerate(RIDGES):
        brush.polygon(_ridge(base, height, waviness, phase=1.7 * number), fill=colour)
    _reflect(picture)
    _plant_trees(ImageDraw.Draw(picture))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _gradient(top: Colour, low: Colour, height: int) -> NDArray[np.uint8]:
    share = np.linspace(0.0, 1.0, height)[:, None] ** 1.4
    rows = np.array(top) * (1 - share) + np.array(low) * share
    return np.repeat(rows[:, None, :], WIDTH, axis=1).astype(np.uint8)


def _shine(picture: Image.Image) -> None:
    """The sun, and its glow on the sky around it."""
    glow = Image.new("L", picture.size)
    brush = ImageDraw.Draw(glow)
    for radius, strength in ((SUN_RADIUS * 5, 70), (SUN_RADIUS * 3, 110), (SUN_RADIUS, 255)):
        brush.circle(SUN_CENTRE, radius, fill=strength)
    warm = Image.new("RGB", picture.size, (255, 226, 164))
    picture.paste(warm, mask=glow.filter(ImageFilter.GaussianBlur(70)))
    ImageDraw.Draw(picture).circle(SUN_CENTRE, SUN_RADIUS, fill=(255, 240, 204))


def _ridge(base: int, height: int, waviness: float, *, phase: float) -> list[tuple[float, float]]:
    line = [
        (
            float(x),
            base - height * (0.5 + 0.35 * math.sin(waviness * x + phase) + 0.15 * math.sin(4.3 * waviness * x)),
        )
        for x in range(0, WIDTH + 8, 8)
    ]
    return [(0.0, float(HEIGHT)), *line, (float(WIDTH), float(HEIGHT))]


def _reflect(picture: Image.Image) -> None:
    """The lake: what is above the shore, upside down, darker, and rippled by the wind."""
    depth = HEIGHT - HORIZON
    above = np.asarray(picture.crop((0, HORIZON - depth, WIDTH, HORIZON)))[::-1]
    rows = np.arange(depth)
    shifts = (np.sin(rows * 0.55) * (2 + rows * 0.03)).astype(int)
    rippled = np.stack([np.roll(row, shift, axis=0) for row, shift in zip(above, shifts, strict=True)])
    dimmed = rippled * np.linspace(0.82, 0.5, depth)[:, None, None]
    picture.paste(Image.fromarray(dimmed.astype(np.uint8)), (0, HORIZON))


def _plant_trees(brush: ImageDraw.ImageDraw) -> None:
    """Firs on the near bank, at the left."""
    brush.polygon([(0, HEIGHT), (0, 770), (260, 800), (560, HEIGHT)], fill=TREE_COLOUR)
    for x, foot, height in ((60, 790, 330), (150, 800, 250), (235, 810, 290), (330, 830, 190), (410, 850, 150)):
        for tier in range(5):
            top = foot - height + tier * height * 0.17
            half = height * (0.07 + 0.045 * tier)
            brush.polygon([(x, top), (x - half, top + height * 0.3), (x + half, top + height * 0.3)], fill=TREE_COLOUR)
        brush.rectangle([x - 5, foot - 20, x + 5, foot + 20], fill=TREE_COLOUR)
