import io

from PIL import Image

from stillmotion_local.sample_picture import paint_sample


def test_the_sample_is_a_landscape_jpeg_of_many_colours() -> None:
    picture = Image.open(io.BytesIO(paint_sample()))
    assert picture.format == "JPEG"
    assert picture.size == (1600, 900)
    assert picture.convert("RGB").getcolors(maxcolors=1000) is None


def test_the_sample_is_always_the_same() -> None:
    assert paint_sample() == paint_sample()
