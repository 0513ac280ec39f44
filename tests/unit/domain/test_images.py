"""Images are told by their bytes."""

import contextlib
import io
from typing import Literal

import imagesize
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stills import image

from stillmotion.domain.images import _MAX_SEGMENTS, _jpeg_header, _jpeg_segments, is_whole, picture
from stillmotion.domain.request import InvalidRequest


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_type_and_size_are_read_from_the_bytes(kind: Literal["JPEG", "PNG", "WEBP"], media_type: str) -> None:
    seen = picture(image(kind, 320, 200), "image")
    assert seen is not None
    assert (seen.media_type, seen.width, seen.height) == (media_type, 320, 200)


def test_dimensions_are_as_a_viewer_turns_them() -> None:
    seen = picture(image("JPEG", 320, 200, orientation=6), "image")
    assert seen is not None
    assert (seen.width, seen.height) == (200, 320)


@pytest.mark.parametrize("first_bytes", [b"GIF89a" + bytes(64), b"%PDF-1.7", b"<svg/>", b"\xff\xd8", b"RIFF0000WAVE"])
def test_anything_else_is_refused_by_name(first_bytes: bytes) -> None:
    with pytest.raises(InvalidRequest, match="image: must be a JPEG, PNG or WebP"):
        picture(first_bytes, "image")


@pytest.mark.parametrize(("width", "height"), [(63, 200), (200, 63), (16_385, 64)])
def test_an_insane_size_is_refused(width: int, height: int) -> None:
    with pytest.raises(InvalidRequest, match=f"it is {width} by {height}"):
        picture(image("PNG", width, height), "end_image")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@given(data=st.data())
def test_a_cut_or_broken_header_is_refused_or_asks_for_more_and_nothing_else(
    kind: Literal["JPEG", "PNG", "WEBP"], data: st.DataObject
) -> None:
    whole = image(kind, 320, 200)
    cut = bytearray(whole[: data.draw(st.integers(12, 700))])
    for place in data.draw(st.lists(st.integers(12, max(12, len(cut) - 1)), max_size=4)):
        if place < len(cut):
            cut[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InvalidRequest):
        picture(bytes(cut), "image")


FILM = b"ftypmp42: what a telephone puts behind a picture"
KINDS: list[tuple[Literal["JPEG", "PNG", "WEBP"], str]] = [
    ("JPEG", "image/jpeg"),
    ("PNG", "image/png"),
    ("WEBP", "image/webp"),
]


@pytest.mark.parametrize(("kind", "media_type"), KINDS)
def test_an_image_is_whole_to_its_last_byte_and_with_whatever_follows(
    kind: Literal["JPEG", "PNG", "WEBP"], media_type: str
) -> None:
    body = image(kind)
    assert is_whole(media_type, body)
    assert is_whole(media_type, body + FILM)
    assert not any(is_whole(media_type, body[:length]) for length in range(12, len(body)))


def test_a_preview_within_a_jpeg_is_not_its_end() -> None:
    preview = image(width=64, height=64)
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    body = image()[:2] + segment + image()[2:]
    assert is_whole("image/jpeg", body)
    assert not is_whole("image/jpeg", body[:-2])


@given(st.binary(max_size=400), st.sampled_from([kind for _, kind in KINDS]))
def test_any_bytes_are_whole_or_not_and_nothing_else(body: bytes, media_type: str) -> None:
    start = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}[media_type]
    assert is_whole(media_type, start + body) in (True, False)


def segments(image: bytes) -> int:
    return len(list(_jpeg_segments(image)))


def test_what_stands_before_a_jpegs_dimensions_is_bounded() -> None:
    # FAULTS T2.
    empty = b"\xff\xe0\x00\x02"
    assert segments(b"\xff\xd8" + empty * 10 * _MAX_SEGMENTS) == _MAX_SEGMENTS
    assert picture(b"\xff\xd8" + empty * 10 * _MAX_SEGMENTS + image("JPEG")[2:], "image") is None


def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes imagesize is given, each time."""
    lengths: list[int] = []
    get = imagesize.get

    def counted(file: io.BytesIO, *, exif_rotation: bool) -> tuple[int, int]:
        lengths.append(len(file.getvalue()))
        width, height = get(file, exif_rotation=exif_rotation)
        return width, height

    monkeypatch.setattr(imagesize, "get", counted)
    return lengths


@pytest.mark.parametrize(
    "filled", [b"\xff" * 5000, b"\xff\xe0\x00\x02" + bytes(5000), b"\xff\x01" * 500], ids=["fill", "none", "no length"]
)
def test_bytes_before_a_marker_are_passed_over_and_not_taken_one_by_one(
    filled: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # FAULTS T2.
    handed = handed_on(monkeypatch)
    body = image("JPEG", 320, 200, orientation=6)
    seen = picture(body[:2] + filled + body[2:], "image")
    assert seen is not None
    assert (seen.width, seen.height) == (200, 320)
    assert handed[0] < 500
    assert is_whole("image/jpeg", body[:2] + filled + body[2:])


def test_of_many_directories_of_exif_a_few_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    handed = handed_on(monkeypatch)
    segment = b"\xff\xe1\x40\x00Exif\0\0" + bytes(0x4000 - 8)
    assert picture(b"\xff\xd8" + segment * 100 + image("JPEG")[2:], "image") is not None
    assert handed[0] < 4 * len(segment)


def test_what_is_handed_on_of_a_jpeg_says_the_same_of_its_dimensions() -> None:
    for orientation in range(1, 9):
        body = image("JPEG", 320, 200, orientation=orientation)
        assert imagesize.get(io.BytesIO(_jpeg_header(body))) == imagesize.get(io.BytesIO(body))
