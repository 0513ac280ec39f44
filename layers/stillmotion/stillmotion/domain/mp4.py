"""Whether passing bytes are a whole MP4 with a video in it, told in bounded memory.

The walk over the top-level boxes (ISO/IEC 14496-12, 4.2) is done here, since no library takes a stream that it cannot
seek in. Only `ftyp` and `moov` are kept; `mdat` and the rest are counted and hashed, and go by. What the kept boxes say
is read by hachoir, which is imported when the last byte has passed: it costs half a second, and only here.

CorruptVideo
    raised as soon as the bytes cannot become an MP4 with a video track; nothing more should be fed then.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

# A ten-second video's is 2 KB. With hachoir's copies of it, 16 MB still fit a small function beside everything else.
MAX_MOOV_BYTES = 16 * 1024 * 1024
_LIMITS = {b"ftyp": 4096, b"moov": MAX_MOOV_BYTES}
# Each entry costs hachoir some 10 µs; longer tables than a video of minutes needs are not looked at.
MAX_CHUNK_OFFSETS = 50_000

_BEFORE_FTYP = frozenset({b"free", b"skip", b"wide"})
_BRANDS = frozenset(
    {
        b"isom",
        b"mp41",
        b"mp42",
        b"mp71",
        b"avc1",
        b"hvc1",
        b"hev1",
        b"av01",
        b"M4V ",
        b"M4VH",
        b"MSNV",
        b"dash",
        b"f4v ",
    }
    | {b"iso%d" % number for number in range(2, 10)}
)
_VIDEO_HANDLER = "vide"
_SHORT_HEADER = 8
_LONG_HEADER = 16


class CorruptVideo(Exception):
    """Not a whole MP4 with a video track; the message says what is wrong."""


class Mp4Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the bytes turned out to be. Width and height are in pixels as displayed, after any rotation.

    `duration_milliseconds` is 0 where the boxes do not state one, as in a fragmented MP4.
    """

    width: int
    height: int
    duration_milliseconds: int
    bytes: int
    sha256: str


class Mp4Check:
    """Reads an MP4 piece by piece: `feed` each piece, then `finish` once."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._header = bytearray()
        self._left: int | None = 0
        self._kept: dict[bytes, bytearray] = {}
        self._seen: set[bytes] = set()
        self._sink: bytearray | None = None
        self._sink_limit = 0

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes, in pieces of any size. Raises CorruptVideo."""
        self._digest.update(chunk)
        self._bytes += len(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = self._feed_header(rest) if self._left == 0 else self._feed_payload(rest)

    def finish(self, declared_length: int | None) -> Mp4Facts:
        """The facts, once every byte has passed. `declared_length` is what the server announced, in bytes.

        Raises CorruptVideo.
        """
        if declared_length is not None and self._bytes != declared_length:
            raise CorruptVideo(f"{self._bytes} bytes came of the {declared_length} that were announced")
        if self._bytes == 0:
            raise CorruptVideo("it is empty")
        if self._header or self._left:
            raise CorruptVideo(f"it is cut off after {self._bytes} bytes, within a box")
        for kind in (b"ftyp", b"moov", b"mdat"):
            if kind not in self._seen:
                raise CorruptVideo(f"it has no {kind.decode()} box")
        _check_brand(self._kept[b"ftyp"])
        width, height, milliseconds = _describe(self._kept, self._bytes)
        return Mp4Facts(
            width=width,
            height=height,
            duration_milliseconds=milliseconds,
            bytes=self._bytes,
            sha256=self._digest.hexdigest(),
        )

    def _feed_header(self, rest: memoryview) -> memoryview:
        wanted = _LONG_HEADER if len(self._header) >= _SHORT_HEADER else _SHORT_HEADER
        taken = rest[: wanted - len(self._header)]
        self._header += taken
        if len(self._header) == wanted:
            self._read_header()
        return rest[len(taken) :]

    def _read_header(self) -> None:
        size, kind = int.from_bytes(self._header[:4], "big"), bytes(self._header[4:8])
        if len(self._header) == _SHORT_HEADER:
            self._expect(kind)
            if size == 1:
                return  # the true size follows, in 64 bits
        else:
            size = int.from_bytes(self._header[8:], "big")
        if size == 0:
            self._left = None
        elif size < len(self._header):
            raise CorruptVideo(f"its {kind.decode()} box has an impossible size of {size}")
        else:
            self._left = size - len(self._header)
        self._begin(kind)
        self._header.clear()

    def _expect(self, kind: bytes) -> None:
        if b"ftyp" not in self._seen and kind != b"ftyp" and kind not in _BEFORE_FTYP:
            raise CorruptVideo("it does not begin as an MP4 does")
        if not (kind.isascii() and kind.decode().isprintable()):
            raise CorruptVideo(f"what follows byte {self._bytes} at the latest is not a box")
        if kind in self._kept:
            raise CorruptVideo(f"it has a second {kind.decode()} box")

    def _begin(self, kind: bytes) -> None:
        self._seen.add(kind)
        self._sink = None
        if kind in _LIMITS:
            if self._left is not None and self._left > _LIMITS[kind]:
                raise CorruptVideo(f"its {kind.decode()} box of {self._left} bytes is larger than {_LIMITS[kind]}")
            self._sink = self._kept[kind] = bytearray()
            self._sink_limit = _LIMITS[kind]

    def _feed_payload(self, rest: memoryview) -> memoryview:
        taken = rest if self._left is None else rest[: self._left]
        if self._sink is not None:
            # Only a box that runs to the end of the file can come to this: the others said their size.
            if len(self._sink) + len(taken) > self._sink_limit:
                raise CorruptVideo(f"a box that has to be kept is larger than {self._sink_limit} bytes")
            self._sink += taken
        if self._left is not None:
            self._left -= len(taken)
        return rest[len(taken) :]


def _check_brand(file_type: bytearray) -> None:
    """Major brand, a version, then the compatible brands: any of them may be one that MP4 players know."""
    words = [bytes(file_type[start : start + 4]) for start in range(0, len(file_type) - 3, 4)]
    brands = {*words[:1], *words[2:]}
    if brands.isdisjoint(_BRANDS):
        raise CorruptVideo("it is not of the MP4 family")


def _describe(kept: dict[bytes, bytearray], file_length: int) -> tuple[int, int, int]:
    """Width, height and milliseconds, as hachoir reads them in the kept boxes put together to a small MP4."""
    from hachoir.core import config  # noqa: PLC0415 - half a second, for the end of a download alone
    from hachoir.field import FieldError  # noqa: PLC0415
    from hachoir.parser.container.mp4 import MP4File  # noqa: PLC0415
    from hachoir.stream import StreamError, StringInputStream  # noqa: PLC0415

    # Its remarks about odd fields go to standard error otherwise.
    config.quiet = True
    small = b"".join((len(box) + 8).to_bytes(4, "big") + kind + box for kind, box in kept.items())
    try:
        movie = _only(MP4File(StringInputStream(small)), "movie")
        header = _only(movie, "movie_hdr")
        milliseconds = round(1000 * header["duration"].value / header["time_scale"].value)
        for track in _each(movie, "track"):
            media = _only(track, "media")
            if _only(media, "hdlr")["subtype"].value == _VIDEO_HANDLER:
                _check_offsets(media, file_length)
                width, height = _displayed(_only(track, "track_hdr"))
                return width, height, milliseconds
    # What hachoir raises for nonsense in the fields is not all of its own kind.
    except (FieldError, StreamError, LookupError, ValueError, ArithmeticError, TypeError, AssertionError) as error:
        raise CorruptVideo("its moov box cannot be read") from error
    raise CorruptVideo("it has no video track")


def _each(container: Iterable[Any], name: str) -> Iterator[Any]:
    """The contents of the boxes of one kind, by hachoir's name for it."""
    return (box[name] for box in container if name in box)


def _only(container: Iterable[Any], name: str) -> Any:  # noqa: ANN401 - hachoir has no types
    """The content of the first box of a kind. Raises LookupError."""
    for content in _each(container, name):
        return content
    raise LookupError(name)


def _displayed(header: Any) -> tuple[int, int]:  # noqa: ANN401
    """Whole pixels, after a quarter turn where the display matrix makes one."""
    width, height = round(header["frame_size_width"].value), round(header["frame_size_height"].value)
    if width <= 0 or height <= 0:
        raise CorruptVideo("its video track has no size")
    upright = header["geom_a"].value or header["geom_d"].value
    turned = header["geom_b"].value and header["geom_c"].value and not upright
    return (height, width) if turned else (width, height)


def _check_offsets(media: Any, file_length: int) -> None:  # noqa: ANN401
    """Every chunk of the video must lie within the file: a whole file can still be less than its table says."""
    samples = _only(_only(media, "minf"), "stbl")
    for name in ("stco", "co64"):
        for table in _each(samples, name):
            count = table["count"].value
            if count > MAX_CHUNK_OFFSETS:
                return
            if any(table[f"chunk_offset[{number}]"].value >= file_length for number in range(count)):
                raise CorruptVideo("its sample table points beyond its end")
