"""Renders a real H.264 MP4: a camera move over a picture.

The work is done on the three YUV planes, so that a frame costs two small resizes beside the large one and no colour
conversion. Threads do the rendering: Pillow and the encoder release the interpreter lock for nearly all of it.
"""

import asyncio
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray
from PIL import Image

from stillmotion_local.vendors.moves import Concept, View, plan_views
from stillmotion_local.vendors.pictures import draw_notice, open_picture, paint_prompt

FRAMES_PER_SECOND = 24

# Raise it whenever the same scene would look different: cached videos of another edition are not reused.
_EDITION = 2

_CROSS_FADE_FROM = 0.6
_SMALLEST_LEAN = 1e-6

Planes = tuple[Image.Image, Image.Image, Image.Image]


class RenderingStoppedError(Exception):
    """The server is stopping, so the video was not finished."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """All that a video's pixels depend on. Pictures are named by the SHA-256 of their bytes."""

    prompt: str
    start_picture: str | None = None
    end_picture: str | None = None
    width: int = 1280
    height: int = 720
    duration_seconds: int = 5
    concepts: tuple[Concept, ...] = ()
    loop: bool = False
    faststart: bool = True

    def fingerprint(self) -> str:
        """A name for the video: equal scenes have equal names, and a prompt counts only where it is painted."""
        parts = asdict(self) | {"edition": _EDITION}
        if self.start_picture is not None:
            parts["prompt"] = ""
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Renderer:
    """Renders scenes in a few threads and keeps each video on disk under the scene's fingerprint."""

    def __init__(self, *, videos: Path, pictures: Path, at_once: int) -> None:
        """`videos` is written to, `pictures` is read from; at most `at_once` videos are rendered at a time."""
        self._videos = videos
        self._pictures = pictures
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="render")
        self._under_way: dict[str, asyncio.Future[Path]] = {}
        self._stopping = threading.Event()
        self.rendered_count = 0
        videos.mkdir(parents=True, exist_ok=True)

    async def render(self, scene: Scene) -> Path:
        """Returns the MP4 of a scene: from disk, from the rendering already under way, or newly made.

        Raises `UnreadablePictureError`, `RenderingStoppedError`.
        """
        name = scene.fingerprint()
        path = self._videos / f"{name}.mp4"
        if path.exists():
            return path
        if name not in self._under_way:
            future = asyncio.get_running_loop().run_in_executor(self._pool, self._render_to, scene, path)
            self._under_way[name] = future
            future.add_done_callback(lambda done: self._forget(name, done))
        return await asyncio.shield(self._under_way[name])

    def close(self) -> None:
        """Stops at the next frame of whatever is being rendered; nothing half-made stays behind."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _forget(self, name: str, done: asyncio.Future[Path]) -> None:
        del self._under_way[name]
        if not done.cancelled():
            # Whoever waits gets the error too; when nobody does any more, it is no news.
            done.exception()

    def _render_to(self, scene: Scene, path: Path) -> Path:
        unfinished = path.with_suffix(".part")
        try:
            render_scene(scene, pictures=self._pictures, target=unfinished, stopping=self._stopping)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        self.rendered_count += 1
        return path


def render_scene(scene: Scene, *, pictures: Path, target: Path, stopping: threading.Event | None = None) -> None:
    """Renders one scene to a file: H.264, yuv420p, 24 frames a second, exactly as long as the scene says.

    Raises `UnreadablePictureError`, `RenderingStoppedError`.
    """
    frame_count = FRAMES_PER_SECOND * scene.duration_seconds
    start = _Canvas.prepare(scene, pictures, scene.start_picture)
    end = _Canvas.prepare(scene, pictures, scene.end_picture) if scene.end_picture else None
    views = plan_views(scene.concepts, frame_count=frame_count, aspect=scene.width / scene.height, loop=scene.loop)
    notice = _Notice(scene.width, scene.height)
    options = {"movflags": "+faststart"} if scene.faststart else {}
    with av.open(str(target), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        stream.width = scene.width
        stream.height = scene.height
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, FRAMES_PER_SECOND)
        # High definition is BT.709; untagged, each player would guess.
        stream.codec_context.colorspace = Colorspace.ITU709
        stream.codec_context.color_primaries = ColorPrimaries.BT709
        stream.codec_context.color_trc = ColorTrc.BT709
        stream.codec_context.color_range = ColorRange.MPEG
        # One encoder thread: several videos are rendered at a time, and none may starve the server.
        stream.codec_context.thread_count = 1
        stream.options = {"preset": "ultrafast", "crf": "23", "bf": "0", "g": str(2 * FRAMES_PER_SECOND)}
        for number, view in enumerate(views):
            if stopping is not None and stopping.is_set():
                raise RenderingStoppedError
            planes = start.seen_through(view)
            if end is not None and (share := _cross_fade(number / (frame_count - 1))) > 0:
                planes = _blend(planes, end.seen_through(view), share)
            frame = _frame_of(notice.put_on(planes))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _cross_fade(moment: float) -> float:
    """How much of the end picture is seen: none before 60 %, all of it from 97 % of the video on."""
    return min(1.0, max(0.0, (moment - _CROSS_FADE_FROM) / (0.97 - _CROSS_FADE_FROM)))


def _blend(first: Planes, second: Planes, share: float) -> Planes:
    (luma, blue, red) = (Image.blend(one, other, share) for one, other in zip(first, second, strict=True))
    return (luma, blue, red)


class _Canvas:
    """A picture as YUV planes, ready to be looked at through views."""

    def __init__(self, planes: Planes, width: int, height: int) -> None:
        self._planes = planes
        self._size = (width, height)

    @classmethod
    def prepare(cls, scene: Scene, pictures: Path, name: str | None) -> Self:
        if name is None:
            picture = paint_prompt(scene.prompt, scene.width, scene.height)
        else:
            picture = open_picture(pictures / name, scene.width, scene.height)
        frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709
        )
        (luma, blue, red) = (_image_of(plane) for plane in frame.planes)
        return cls((luma, blue, red), scene.width, scene.height)

    def seen_through(self, view: View) -> Planes:
        (width, height) = self._size
        half = (width // 2, height // 2)
        (luma, blue, red) = self._planes
        return (_look(luma, view, self._size), _look(blue, view, half), _look(red, view, half))


def _look(plane: Image.Image, view: View, size: tuple[int, int]) -> Image.Image:
    """One plane through one view. An upright view is a resize of a box, which is much cheaper than turning."""
    (width, height) = plane.size
    ((ax, ay), (dx, dy)) = view.axes(size[0] / size[1])
    if abs(ay) < _SMALLEST_LEAN and abs(dx) < _SMALLEST_LEAN:
        box = (
            max(0.0, (view.x - ax + 1) / 2 * width),
            max(0.0, (view.y - dy + 1) / 2 * height),
            min(float(width), (view.x + ax + 1) / 2 * width),
            min(float(height), (view.y + dy + 1) / 2 * height),
        )
        return plane.resize(size, Image.Resampling.BILINEAR, box=box)
    (origin_x, origin_y) = view.corners(size[0] / size[1])[0]
    # Half a pixel of room on each side, because the outermost samples would read beyond the plane.
    (span_x, span_y) = (width - 1.0, height - 1.0)
    matrix = (
        ax * span_x / size[0],
        dx * span_x / size[1],
        (origin_x + 1) / 2 * span_x + 0.5,
        ay * span_y / size[0],
        dy * span_y / size[1],
        (origin_y + 1) / 2 * span_y + 0.5,
    )
    return plane.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


class _Notice:
    """The words in the corner, dark-edged by a soft shade so that they can be read on any picture."""

    def __init__(self, width: int, height: int) -> None:
        (self._mask, (self._left, self._top)) = draw_notice(width, height)
        self._shade = self._mask.point([value * 3 // 5 for value in range(256)])

    def put_on(self, planes: Planes) -> Planes:
        (luma, blue, red) = planes
        luma.paste(16, (self._left + 1, self._top + 1), self._shade)
        luma.paste(235, (self._left, self._top), self._mask)
        small = self._mask.reduce(2)
        for chroma in (blue, red):
            chroma.paste(128, (self._left // 2, self._top // 2), small)
        return planes


def _image_of(plane: av.video.plane.VideoPlane) -> Image.Image:
    rows: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return Image.fromarray(np.ascontiguousarray(rows[:, : plane.width]))


def _frame_of(planes: Planes) -> av.VideoFrame:
    (width, height) = planes[0].size
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, image in zip(frame.planes, planes, strict=True):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, : plane.width] = np.asarray(image)
        plane.update(padded.tobytes())
    return frame
