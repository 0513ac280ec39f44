"""Whether bytes are a whole MP4 with a video: told while they pass."""

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.movies import box, boxes, changed, film, joined, sound

from stillmotion.domain.mp4 import MAX_MOOV_BYTES, CorruptVideo, Mp4Check, Mp4Facts

QUARTER_TURN = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 36 << 16, 0, 0x40000000)
MATRIX_IN_TRACK_HEADER = 40


def check(data: bytes, *, piece: int = 65_536, declared: int | None = None) -> Mp4Facts:
    checking = Mp4Check()
    for start in range(0, len(data), piece):
        checking.feed(data[start : start + piece])
    return checking.finish(declared)


@pytest.mark.parametrize("piece", [1, 7, 65_536])
@pytest.mark.parametrize("movflags", ["+faststart", ""], ids=["moov first", "moov last"])
def test_a_whole_film_gives_its_facts(movflags: str, piece: int) -> None:
    data = film(movflags=movflags)
    assert check(data, piece=piece, declared=len(data)) == Mp4Facts(
        width=64,
        height=36,
        duration_milliseconds=5000,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def test_a_box_may_say_its_size_in_64_bits() -> None:
    *before, (kind, media) = boxes(film())
    assert kind == b"mdat"
    assert check(joined(before) + box(b"mdat", media, long=True), piece=3).width == 64


def test_the_last_box_may_run_to_the_end() -> None:
    *before, (_, media) = boxes(film())
    assert check(joined(before) + struct.pack(">I4s", 0, b"mdat") + media, piece=3).width == 64


def test_a_film_that_is_shown_turned_has_the_size_that_is_seen() -> None:
    place = slice(MATRIX_IN_TRACK_HEADER, MATRIX_IN_TRACK_HEADER + len(QUARTER_TURN))
    turned = changed(film(), b"tkhd", lambda header: header[: place.start] + QUARTER_TURN + header[place.stop :])
    facts = check(turned)
    assert (facts.width, facts.height) == (36, 64)


def test_a_fragmented_film_is_whole_but_states_no_duration() -> None:
    facts = check(film(movflags="frag_keyframe+empty_moov"))
    assert (facts.width, facts.height, facts.duration_milliseconds) == (64, 36, 0)


@pytest.mark.parametrize("movflags", ["+faststart", "", "frag_keyframe+empty_moov"])
def test_a_film_cut_off_anywhere_is_corrupt(movflags: str) -> None:
    data = film(movflags=movflags)
    for length in range(0, len(data), 29):
        with pytest.raises(CorruptVideo):
            check(data[:length], declared=len(data))


@pytest.mark.parametrize("movflags", ["+faststart", ""])
def test_a_film_cut_off_anywhere_is_corrupt_where_no_length_was_announced(movflags: str) -> None:
    data = film(movflags=movflags)
    for length in range(0, len(data), 29):
        with pytest.raises(CorruptVideo):
            check(data[:length])


@pytest.mark.parametrize("lie", [-1, 1])
def test_a_length_other_than_announced_is_corrupt(lie: int) -> None:
    with pytest.raises(CorruptVideo, match="announced"):
        check(film(), declared=len(film()) + lie)


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><html>Not Found</html>", b'{"error": "expired"}', b"\x89PNG\r\n\x1a\n" + bytes(64), bytes(64)],
    ids=["html", "json", "png", "zeros"],
)
def test_anything_else_is_refused_by_its_first_bytes(body: bytes) -> None:
    with pytest.raises(CorruptVideo, match="does not begin as an MP4"):
        Mp4Check().feed(body)


def test_nothing_is_no_film() -> None:
    with pytest.raises(CorruptVideo, match="empty"):
        check(b"", declared=0)


def test_sound_alone_is_no_video() -> None:
    with pytest.raises(CorruptVideo, match="no video track"):
        check(sound())


@pytest.mark.parametrize("missing", [b"moov", b"mdat"])
def test_a_film_needs_its_description_and_its_media(missing: bytes) -> None:
    with pytest.raises(CorruptVideo, match=f"no {missing.decode()} box"):
        check(joined(part for part in boxes(film()) if part[0] != missing))


def test_a_film_of_another_family_is_refused() -> None:
    with pytest.raises(CorruptVideo, match="MP4 family"):
        check(changed(film(), b"ftyp", lambda brands: b"jp2 " * (len(brands) // 4)))


def test_a_description_too_large_to_keep_is_refused_by_its_header() -> None:
    (file_type, *_) = boxes(film())
    with pytest.raises(CorruptVideo, match="larger than"):
        Mp4Check().feed(box(*file_type) + struct.pack(">I4s", MAX_MOOV_BYTES + 9, b"moov"))


def test_a_description_that_runs_to_the_end_is_kept_only_so_far() -> None:
    (file_type, *_) = boxes(film())
    checking = Mp4Check()
    checking.feed(box(*file_type) + struct.pack(">I4s", 0, b"moov"))
    checking.feed(bytes(MAX_MOOV_BYTES))
    with pytest.raises(CorruptVideo, match="larger than"):
        checking.feed(b"\0")


@pytest.mark.parametrize(
    ("after", "complaint"),
    [
        (struct.pack(">I4s", 7, b"free"), "impossible size"),
        (struct.pack(">I4sQ", 1, b"free", 15), "impossible size"),
        (struct.pack(">I4s", 8, b"\xff\xd8\xff\xe0"), "not a box"),
        (box(b"moov", b""), "second moov"),
    ],
)
def test_what_cannot_be_a_box_is_refused_at_once(after: bytes, complaint: str) -> None:
    checking = Mp4Check()
    checking.feed(film())
    with pytest.raises(CorruptVideo, match=complaint):
        checking.feed(after)


def test_a_table_that_points_beyond_the_end_is_found() -> None:
    beyond = changed(film(), b"stco", lambda table: table[:8] + struct.pack(">I", 1 << 30) + table[12:])
    with pytest.raises(CorruptVideo, match="beyond its end"):
        check(beyond)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 255)), min_size=1, max_size=20))
def test_no_damage_to_a_description_has_any_other_result(damage: list[tuple[int, int]]) -> None:
    data = bytearray(film())
    for place, value in damage:
        data[place] = value
    try:
        check(bytes(data))
    except CorruptVideo as error:
        assert str(error)  # noqa: PT017 - either it is corrupt or it is not: both are answers
