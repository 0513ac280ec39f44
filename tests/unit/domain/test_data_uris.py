"""Pictures that stand in their own address."""

from base64 import b64encode

import pytest
from tests.stills import image

from stillmotion.domain.data_uris import decoded
from stillmotion.domain.images import MAX_BYTES
from stillmotion.domain.request import InvalidRequest
from stillmotion.edge.request import parse_request


def uri(body: bytes, beginning: str = "data:image/jpeg;base64,") -> str:
    return beginning + b64encode(body).decode()


@pytest.mark.parametrize(
    "beginning",
    ["data:image/jpeg;base64,", "data:image/png;base64,", "DATA:image/WebP;BASE64,", "data:image/svg+xml;base64,"],
)
def test_the_bytes_are_those_that_were_encoded_whatever_image_they_are_said_to_be(beginning: str) -> None:
    assert decoded(uri(image(), beginning), "image") == image()


@pytest.mark.parametrize(
    "text",
    [
        "data:",
        "data:,hello",
        "data:;base64,AAAA",
        "data:image/jpeg,%FF%D8",
        "data:text/html;base64,AAAA",
        "data:image/jpeg;charset=utf-8;base64,AAAA",
        "data:image/" + "x" * 65 + ";base64,AAAA",
        " data:image/jpeg;base64,AAAA",
    ],
)
def test_a_uri_that_holds_no_base64_of_an_image_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^end_image: must be data:image/…;base64,…"):
        decoded(text, "end_image")


@pytest.mark.parametrize("encoded", ["A", "AAA", "AA=A", "AA AA", "AAAA\nAAAA", "AAA%3D", "AA-_", "ÄÖÜß", "===="])
def test_what_is_not_strictly_base64_is_refused(encoded: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^image: must be base64"):
        decoded(f"data:image/png;base64,{encoded}", "image")


def test_more_than_an_image_may_have_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InvalidRequest, match=f"at most {MAX_BYTES} bytes"):
        decoded("data:image/png;base64," + "A" * (MAX_BYTES // 3 * 4 + 8), "image")


def test_a_request_may_hold_a_data_uri_longer_than_any_address() -> None:
    assert parse_request({"prompt": "a lake", "image": uri(image())}).image == uri(image())


def test_an_address_is_bounded() -> None:
    with pytest.raises(InvalidRequest, match=r"^image: must be at most 4096 characters long"):
        parse_request({"prompt": "a lake", "image": "https://a.example/" + "b" * 4096})


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:4001/a.jpg", "http://localhost:4001/a.jpg", "http://[::1]/a.jpg"]
)
def test_an_address_of_this_machine_passes_its_text_for_settings_to_decide(address: str) -> None:
    assert parse_request({"prompt": "a lake", "image": address}).image == address


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1.example/a",
        "http://localhost.example/a",
        "http://127.0.0.2/a",
        "http://u@127.0.0.1/a",
        "http://[::1",
    ],
)
def test_no_other_address_goes_without_tls(address: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^image: must be an https:// URL"):
        parse_request({"prompt": "a lake", "image": address})
