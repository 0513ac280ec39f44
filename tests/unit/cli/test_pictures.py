"""A picture that cannot be used is refused before anything is called."""

from pathlib import Path

import pytest
from tests.stills import image
from tests.unit.cli.stage import Stage

from stillmotion.domain.images import MAX_BYTES
from stillmotion_cli.pictures import RemotePicture, stem


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"GIF89a..", "its bytes are none of image/jpeg, image/png, image/webp"),
        (b"", "is empty"),
        (b"\xff\xd8\xff" + bytes(300), "its dimensions cannot be read"),
        (b"\xff\xd8\xff" + bytes(MAX_BYTES), "is too large: 20.0 MiB, and 20 are allowed"),
        (image(width=16, height=16), "must be 64 to 16384 pixels"),
    ],
    ids=["not an image", "empty", "headless", "too large", "tiny"],
)
@pytest.mark.parametrize("option", [(), ("lake.jpg", "--end-image")], ids=["image", "end image"])
def test_a_file_that_is_no_usable_image_is_refused(
    stage: Stage, content: bytes, sentence: str, option: tuple[str, ...]
) -> None:
    Path("bad.jpg").write_bytes(content)
    ended = stage.run("generate", *option, "bad.jpg", "--prompt", "waves")
    assert ended.exit_code == 2
    assert sentence in ended.stderr
    assert not stage.sent


def test_a_file_that_is_not_there_is_told(stage: Stage) -> None:
    ended = stage.run("generate", "sea.jpg", "--prompt", "waves")
    assert ended.exit_code == 2
    assert "sea.jpg cannot be read: No such file or directory.\nGive a JPEG, PNG or WebP file" in ended.stderr


def test_an_insecure_address_is_refused(stage: Stage) -> None:
    ended = stage.run("generate", "http://a.example/lake.jpg", "--prompt", "waves")
    assert ended.exit_code == 2
    assert "an https:// URL" in ended.stderr


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://a.example/photos/two%20lakes.jpeg?size=1#top", "two lakes"),
        ("https://a.example/", ""),
        ("https://[::1/lake.jpg", "lake"),
        ("s3://photos/2026/lake?.png", "lake?"),
        ("https://a.example/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("https://a.example/%2E%2E", ""),
        ("https://a.example/a%0Ab.jpg", ""),
    ],
)
def test_a_video_is_named_by_the_last_part_of_an_address(address: str, name: str) -> None:
    assert stem(RemotePicture(address)) == name
