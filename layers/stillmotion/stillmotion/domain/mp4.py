"""Whether passing bytes are a whole MP4 with a video in it, told in bounded memory.

The walk over the top-level boxes (ISO/IEC 14496-12, 4.2) is done here, since no library takes a stream that it cannot
seek in. Only `ftyp` and `moov` are kept; `mdat` and the rest are counted and hashed, and go by. What the header boxes
in them say is read by pymp4x, imported when the last byte has passed. It is given just those boxes: a codec that it
does not know is no reason to call a paid video corrupt.

CorruptVideo
    raised as soon as the bytes cannot become an MP4 with a video track; nothing more should be fed then.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

# A ten-second video's is 2 KB.
MAX_MOOV_BYTES = 16 * 1024 * 1024
_LIMITS = {b"ftyp": 4096, b"moov": MAX_MOOV_BYTES}
# Each entry costs some microseconds; longer tables than a video of minutes needs are not looked at.
MAX_CHUNK_TABLE_BYTES = 256 * 1024

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
_VIDEO_HANDLER = b"vide"
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
        width, height, milliseconds = _describe(memoryview(self._kept[b"moov"]), self._bytes)
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


def _describe(movie: memoryview, file_length: int) -> tuple[int, int, int]:
    """Width, height and milliseconds: what the header boxes of the movie and of its first video track say."""
    # What construct, under pymp4x, raises for nonsense in the fields is not all of its own kind.
    from construct.core import ConstructError  # noqa: PLC0415 - for the end of a download alone

    try:
        header = _leaf(_one(movie, "mvhd"))
        milliseconds = round(1000 * header.duration / header.timescale)
        for track in _inside(movie, "trak"):
            media = _one(track[_SHORT_HEADER:], "mdia")[_SHORT_HEADER:]
            if _leaf(_one(media, "hdlr")).handler_type == _VIDEO_HANDLER:
                _check_offsets(media, file_length)
                width, height = _displayed(_leaf(_one(track[_SHORT_HEADER:], "tkhd")))
                return width, height, milliseconds
    except (ConstructError, LookupError, ValueError, ArithmeticError, TypeError, AttributeError) as error:
        raise CorruptVideo("its moov box cannot be read") from error
    raise CorruptVideo("it has no video track")


def _inside(container: memoryview, kind: str) -> Iterator[memoryview]:
    """The boxes of one kind, whole, among those that a container's payload consists of. Raises ValueError."""
    start = 0
    while start < len(container):
        size = int.from_bytes(container[start : start + 4], "big")
        if not _SHORT_HEADER <= size <= len(container) - start:
            raise ValueError(f"a box of {size} bytes in {len(container) - start}")
        if container[start + 4 : start + 8] == kind.encode():
            yield container[start : start + size]
        start += size


def _one(container: memoryview, kind: str) -> memoryview:
    """The first box of a kind. Raises LookupError."""
    for found in _inside(container, kind):
        return found
    raise LookupError(kind)


def _leaf(box: memoryview) -> Any:  # noqa: ANN401 - pymp4x has no types
    """The fields of one box, by the names of ISO/IEC 14496-12."""
    from pymp4.parser import Box  # noqa: PLC0415

    return Box.parse(bytes(box))


def _displayed(header: Any) -> tuple[int, int]:  # noqa: ANN401
    """Whole pixels, after a quarter turn where the display matrix makes one."""
    # The sizes are 16.16 fixed-point numbers.
    width, height = round(header.width / 65536), round(header.height / 65536)
    if width <= 0 or height <= 0:
        raise CorruptVideo("its video track has no size")
    a, b, _, c, d = header.matrix[:5]
    return (height, width) if b and c and not (a or d) else (width, height)


def _check_offsets(media: memoryview, file_length: int) -> None:
    """Every chunk of the video must lie within the file: a whole file can still be less than its table says."""
    samples = _one(_one(media, "minf")[_SHORT_HEADER:], "stbl")[_SHORT_HEADER:]
    for kind in ("stco", "co64"):
        for table in _inside(samples, kind):
            if len(table) > MAX_CHUNK_TABLE_BYTES:
                return
            if any(entry.chunk_offset >= file_length for entry in _leaf(table).entries):
                raise CorruptVideo("its sample table points beyond its end")
