"""Where a caller may ask to be told."""

import pytest

from stillmotion.domain.request import Callback, InvalidRequest
from stillmotion.edge.request import parse_request


def test_a_callback_url_is_told_of_everything_in_the_standard_form() -> None:
    request = parse_request({"prompt": "a lake", "callback_url": "https://hooks.example/1?token=x"})

    assert request.callback == Callback(url="https://hooks.example/1?token=x", dialect="standard", events=())


def test_a_scheme_is_one_in_capitals_too() -> None:
    request = parse_request({"prompt": "a lake", "callback_url": "HTTPS://hooks.example/Path"})

    assert request.callback == Callback(url="https://hooks.example/Path")
    assert Callback(url="Https://hooks.example/") == Callback(url="https://hooks.example/")


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


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example:8443/x",
        "https://hooks.example:80/x",
        "https://hooks.example:99999/x",
        "https://hooks.example:abc/x",
        "https://hooks.example:-443/x",
        "https://:443/x",
        "https://hooks..example/x",
        "https://.hooks.example/x",
        "https://-.example/x",
        "https://hooks%2eexample/x",
        "https://hooks.example\\@10.0.0.1/x",
        f"https://{'x' * 64}.example/x",
        "https://10.0.0.1/x",
        "https://10.0.0.1./x",
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[fe80::1%eth0]/x",
        "https://[8.8.8.8]/x",
        "https://[::1/x",
        "https://2606:4700:4700::1111/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
    ],
)
def test_what_can_never_be_called_is_refused_when_it_is_ordered(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"callback_url: must be an https:// URL .* port 443"):
        parse_request({"prompt": "a lake", "callback_url": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example",
        "https://hooks.example:443/x",
        "https://hooks.example:/x",
        "https://HOOKS.example./x?a=b#c",
        "https://my_hooks.example?a=https://10.0.0.1:8443/",
        "https://xn--bcher-kva.example/x",
        "https://1.1.1.1/x",
        "https://[2606:4700:4700::1111]:443/x",
        "http://localhost:3000/hook",
        "http://127.0.0.1:3000/hook",
        "http://[::1]:3000/hook",
    ],
)
def test_what_may_be_callable_is_taken(url: str) -> None:
    callback = parse_request({"prompt": "a lake", "callback_url": url}).callback

    assert callback is not None
    assert callback.url == url


def test_a_callback_cannot_be_given_in_the_records_own_form() -> None:
    with pytest.raises(InvalidRequest):
        parse_request({"prompt": "a lake", "callback": {"url": "https://hooks.example/"}})
