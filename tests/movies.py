"""Small real films, and surgery on their boxes."""

import io
import struct
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import av
import numpy as np

FRAMES_PER_SECOND = 8
_NESTED = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})

Box = tuple[bytes, bytes]
"""Kind and payload."""


@cache
def film(width: int = 64, height: int = 36, *, seconds: int = 5, movflags: str = "+faststart") -> bytes:
    """A real H.264 MP4 of a moving grey."""
    # A film whose description comes first is read again while it is written, which a buffer does not allow.
    with NamedTemporaryFile(suffix=".mp4") as target:
        with av.open(target.name, "w", options={"movflags": movflags} if movflags else {}) as container:
            stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"preset": "ultrafast", "threads": "1"}
            for number in range(seconds * FRAMES_PER_SECOND):
                picture = np.full((height, width, 3), number % 255, dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        return Path(target.name).read_bytes()


@cache
def sound() -> bytes:
    """A real MP4 with a sound track alone."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), "fltp", "mono")
        silence.sample_rate = 44_100
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    return target.getvalue()


def box(kind: bytes, payload: bytes, *, long: bool = False) -> bytes:
    """One box, with its size in 64 bits where `long`."""
    if long:
        return struct.pack(">I4sQ", 1, kind, len(payload) + 16) + payload
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def boxes(data: bytes) -> list[Box]:
    """The boxes that follow one another in `data`, whose sizes are all in 32 bits."""
    found, start = [], 0
    while start < len(data):
        size, kind = struct.unpack_from(">I4s", data, start)
        found.append((kind, data[start + 8 : start + size]))
        start += size
    return found


def joined(parts: Iterable[Box]) -> bytes:
    return b"".join(box(kind, payload) for kind, payload in parts)


def changed(data: bytes, wanted: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The film with the payload of every box of one kind changed, however deep, in a way that keeps its length."""
    return joined(
        (kind, change(payload) if kind == wanted else changed(payload, wanted, change) if kind in _NESTED else payload)
        for kind, payload in boxes(data)
    )
