"""Where a caller may ask to be told."""

import pytest

from stillmotion.domain.request import Callback, InvalidRequest, parse_request


def test_a_callback_url_is_told_of_everything_in_the_standard_form() -> None:
    request = parse_request({"prompt": "a lake", "callback_url": "https://hooks.example/1?token=x"})

    assert request.callback == Callback(url="https://hooks.example/1?token=x", dialect="standard", events=())


@pytest.mark.parametrize("fields", [{}, {"callback_url": None}])
def test_nobody_is_told_unless_asked(fields: dict[str, object]) -> None:
    assert parse_request({"prompt": "a lake", **fields}).callback is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.example/",
        "https://",
        "https://user:secret@hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "https://hooks.example/ 1",
        "https://hooks.example/ä",
        "https://hooks.example/" + "x" * 5000,
        5,
        ["https://hooks.example/"],
    ],
)
def test_what_is_no_https_address_is_refused(url: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_request({"prompt": "a lake", "callback_url": url})

    assert [error.field for error in refused.value.errors] == ["callback_url"]
    assert "secret" not in str(refused.value)


def test_a_callback_cannot_be_given_in_the_records_own_form() -> None:
    with pytest.raises(InvalidRequest):
        parse_request({"prompt": "a lake", "callback": {"url": "https://hooks.example/"}})
