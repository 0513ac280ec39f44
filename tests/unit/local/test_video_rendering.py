"""Rendered videos are real: they decode, they are as long and as large as ordered, and they show the picture moving."""

import threading
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from stillmotion_local.vendors.moves import Concept
from stillmotion_local.vendors.pictures import UnreadablePictureError, paint_prompt
from stillmotion_local.vendors.rendering import RenderingStoppedError, Scene, render_scene

WIDTH = 320
HEIGHT = 180
EXIF_ORIENTATION = 0x0112

Pixels = NDArray[np.uint8]


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Large soft blotches of colour: a photograph's low frequencies."""
    blotches = np.random.default_rng(seed).integers(40, 216, (6, 9, 3), np.uint8)
    return Image.fromarray(blotches).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    picture(1).save(tmp_path / "start", "PNG")
    picture(2).save(tmp_path / "end", "PNG")
    return tmp_path


def rendered(pictures: Path, scene: Scene) -> list[Pixels]:
    target = pictures / "video.mp4"
    render_scene(scene, pictures=pictures, target=target)
    with av.open(str(target)) as video:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in video.decode(video=0)]


def scene(**changes: object) -> Scene:
    given: dict[str, object] = {
        "prompt": "a fox",
        "start_picture": "start",
        "width": WIDTH,
        "height": HEIGHT,
        "duration_seconds": 1,
    }
    return Scene(**(given | changes))  # type: ignore[arg-type]


def likeness(frame: Pixels, other: Image.Image) -> float:
    """Correlation of two pictures, from -1 to 1."""
    pixels = np.asarray(other.convert("RGB").resize((frame.shape[1], frame.shape[0])))
    return float(np.corrcoef(frame.ravel(), pixels.ravel())[0, 1])


def difference(frame: Pixels, other: Pixels) -> float:
    return float(np.abs(frame.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("duration_seconds", [1, 3])
def test_video_is_h264_of_the_ordered_size_and_length(pictures: Path, duration_seconds: int) -> None:
    target = pictures / "video.mp4"
    render_scene(scene(duration_seconds=duration_seconds), pictures=pictures, target=target)
    with av.open(str(target)) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (WIDTH, HEIGHT)
        assert stream.average_rate == 24
        assert video.duration == duration_seconds * 1_000_000
        assert sum(1 for _ in video.decode(video=0)) == 24 * duration_seconds


def test_first_frame_is_the_picture(pictures: Path) -> None:
    frames = rendered(pictures, scene())
    assert likeness(frames[0], picture(1)) > 0.97
    means = np.asarray(picture(1)).reshape(-1, 3).mean(axis=0)
    assert frames[0].reshape(-1, 3).mean(axis=0) == pytest.approx(means, abs=6)


@pytest.mark.parametrize("concept", [Concept.PAN_LEFT, Concept.ROLL_RIGHT, Concept.ORBIT_LEFT, Concept.HANDHELD])
def test_frames_move_and_have_no_black_border(pictures: Path, concept: Concept) -> None:
    frames = rendered(pictures, scene(concepts=(concept,)))
    assert difference(frames[0], frames[-1]) > 3
    assert max(difference(one, next_one) for one, next_one in pairwise(frames)) < 20
    for frame in frames:
        assert min(frame[0].max(axis=1).min(), frame[:, 0].max(axis=1).min(), frame[:, -1].max(axis=1).min()) > 25


def test_video_ends_on_the_end_picture(pictures: Path) -> None:
    frames = rendered(pictures, scene(end_picture="end", concepts=(Concept.STATIC,)))
    assert likeness(frames[0], picture(1)) > 0.95
    assert likeness(frames[-1], picture(2)) > 0.95


def test_loop_ends_on_the_frame_it_began_with(pictures: Path) -> None:
    frames = rendered(pictures, scene(loop=True))
    assert difference(frames[0], frames[-1]) < 3
    assert difference(frames[0], frames[len(frames) // 2]) > 3


def test_picture_of_another_shape_fills_the_frame(pictures: Path) -> None:
    picture(1, 200, 600).save(pictures / "tall", "JPEG")
    frames = rendered(pictures, scene(start_picture="tall"))
    middle = picture(1, 200, 600).crop((0, 244, 200, 356))
    assert likeness(frames[0], middle) > 0.95


def test_exif_orientation_is_respected(pictures: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    picture(1).rotate(90, expand=True).save(pictures / "turned", "JPEG", exif=exif, quality=95)
    frames = rendered(pictures, scene(start_picture="turned"))
    assert likeness(frames[0], picture(1)) > 0.95


def test_transparent_picture_is_laid_on_white(pictures: Path) -> None:
    Image.new("RGBA", (64, 36), (0, 0, 0, 0)).save(pictures / "glass", "PNG")
    frames = rendered(pictures, scene(start_picture="glass"))
    assert frames[0][: HEIGHT // 2].mean() > 240


def test_prompt_alone_is_painted(pictures: Path) -> None:
    frames = rendered(pictures, scene(start_picture=None))
    assert likeness(frames[0], paint_prompt("a fox", WIDTH, HEIGHT)) > 0.9


def test_notice_says_that_it_is_a_preview(pictures: Path) -> None:
    Image.new("RGB", (64, 36), (60, 90, 140)).save(pictures / "plain", "PNG")
    frame = rendered(pictures, scene(start_picture="plain"))[0]
    assert frame[-40:, WIDTH // 2 :].max() > 180
    assert frame[: HEIGHT // 2].max() < 160


@pytest.mark.parametrize(("faststart", "index_first"), [(True, True), (False, False)])
def test_index_comes_first_or_last_as_asked(pictures: Path, *, faststart: bool, index_first: bool) -> None:
    target = pictures / "video.mp4"
    render_scene(scene(faststart=faststart), pictures=pictures, target=target)
    content = target.read_bytes()
    assert (content.index(b"moov") < content.index(b"mdat")) is index_first


def test_bytes_that_are_no_picture_are_refused(pictures: Path) -> None:
    (pictures / "words").write_bytes(b"not a picture")
    with pytest.raises(UnreadablePictureError):
        render_scene(scene(start_picture="words"), pictures=pictures, target=pictures / "video.mp4")


def test_truncated_picture_is_refused(pictures: Path) -> None:
    whole = (pictures / "start").read_bytes()
    (pictures / "half").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadablePictureError):
        render_scene(scene(start_picture="half"), pictures=pictures, target=pictures / "video.mp4")


def test_rendering_stops_when_the_server_does(pictures: Path) -> None:
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(RenderingStoppedError):
        render_scene(scene(), pictures=pictures, target=pictures / "video.mp4", stopping=stopping)


def test_equal_scenes_share_a_fingerprint_and_prompts_count_only_where_painted() -> None:
    assert scene(prompt="one").fingerprint() == scene(prompt="two").fingerprint()
    assert scene(prompt="one", start_picture=None).fingerprint() != scene(start_picture=None).fingerprint()
    assert scene(loop=True).fingerprint() != scene().fingerprint()
