"""Makes docs/demo.webp, the README's moving picture, from the video that `make demo` made."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
from PIL import Image

from stillmotion_local.failures import StackError
from stillmotion_local.workspace import find_workspace

SIZE = (640, 360)
FRAMES_PER_SECOND = 12
QUALITY = 55
MAX_FRAMES = 15 * FRAMES_PER_SECOND
MAX_BYTES = 600_000
"""What a page may load before its first screen is read."""


def main() -> None:
    try:
        workspace = find_workspace()
        picture = workspace.root / "docs" / "demo.webp"
        size = draw(workspace.local / "sample.mp4", picture)
    except StackError as error:
        sys.exit(f"{error.message}\n{error.next_step}")
    sys.stdout.write(f"{workspace.shown(picture)}, {size // 1000} kB\n")


def draw(video: Path, picture: Path) -> int:
    """Writes an animated WebP of a video; gives its bytes.

    Raises StackError when there is no video, and when the picture has more than MAX_BYTES.
    """
    if not video.is_file():
        raise StackError(f"There is no video {video.name}.", next_step="Make one: make demo")
    first, *others = frames(video)
    first.save(
        picture,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=1000 // FRAMES_PER_SECOND,
        loop=0,
        quality=QUALITY,
        method=6,  # slow, and two thirds of the size
    )
    size = picture.stat().st_size
    if size > MAX_BYTES:
        raise StackError(
            f"{picture.name} has {size} bytes, and at most {MAX_BYTES} are wanted.",
            next_step="Lower QUALITY or FRAMES_PER_SECOND in local/stillmotion_local/demo_picture.py.",
        )
    return size


def frames(video: Path) -> Iterator[Image.Image]:
    """The video's frames in the picture's size, at most MAX_FRAMES, FRAMES_PER_SECOND of them for each second."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        step = max(1, round(float(stream.average_rate or FRAMES_PER_SECOND) / FRAMES_PER_SECOND))
        for frame in islice(container.decode(stream), 0, MAX_FRAMES * step, step):
            yield Image.fromarray(frame.to_ndarray(format="rgb24")).resize(SIZE, Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
