"""A look at an image in the bucket, by its two ends: a copy that broke off is told before anything is paid for it."""

import io
import random
from typing import Literal

import pytest
from PIL import Image
from tests.fakes import InMemoryObjectStore

from stillmotion.domain.images import LAST_BYTES
from stillmotion.domain.request import InvalidRequest
from stillmotion.services.intake.inspection import inspect

Kind = Literal["JPEG", "PNG", "WEBP"]
KINDS: tuple[Kind, ...] = ("JPEG", "PNG", "WEBP")
FILM = b"\0" * 3 * LAST_BYTES


def noise(kind: Kind, side: int) -> bytes:
    """A picture that is not made smaller by any compression."""
    picture = Image.frombytes("RGB", (side, side), random.Random(side).randbytes(3 * side * side))  # noqa: S311
    stream = io.BytesIO()
    picture.save(stream, kind, quality=95)
    return stream.getvalue()


def look(body: bytes) -> None:
    objects = InMemoryObjectStore()
    inspect(objects, objects.put("input", "x", body), "image")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [64, 400])
def test_a_whole_image_is_taken_with_whatever_follows_it(kind: Kind, side: int) -> None:
    look(noise(kind, side))
    look(noise(kind, side) + FILM)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", [64, 400])
@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_a_copy_that_broke_off_is_refused(kind: Kind, side: int, kept: float) -> None:
    body = noise(kind, side)
    with pytest.raises(InvalidRequest, match="image: must be a whole image: it breaks off before its end"):
        look(body[: round(kept * len(body))])
