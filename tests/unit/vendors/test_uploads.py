"""Images handed to a vendor's own storage."""

from collections.abc import Callable

import httpx
import msgspec
import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.ports.vendor import ReadFailed
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor

Apiframe = Callable[..., ApiframeVendor]
WaveSpeed = Callable[..., WaveSpeedVendor]
JPEG = b"\xff\xd8\xff\xe0 not quite a photograph"
TICKET = {
    "code": 200,
    "message": "success",
    "data": {
        "upload": {
            "method": "PUT",
            "url": "https://storage.test/put/a.jpg?signature=s",
            "headers": {"Content-Type": "image/jpeg", "x-amz-acl": "private", "Host": "evil.test", "n": 1},
        },
        "download_url": "https://static.wavespeed.test/a.jpg",
    },
}


def ticket(**changes: object) -> httpx.Response:
    return httpx.Response(200, json={**TICKET, "data": {**TICKET["data"], **changes}})  # type: ignore[dict-item]


def test_apiframe_takes_an_image_as_a_multipart_file(apiframe: Apiframe, sent: list[httpx.Request]) -> None:
    url = "https://cdn.apiframe.test/u/a.jpg"
    vendor = apiframe(httpx.Response(201, json={"id": "u1", "url": url, "kind": "image"}))
    assert vendor.upload(JPEG, "image/jpeg", "ä b.jpg") == url
    assert sent[0].url.path == "/v2/uploads"
    assert sent[0].headers["X-API-Key"] == "afk_0123456789abcdef"
    assert sent[0].headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert 'name="file"; filename="ä b.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode() + JPEG in sent[0].content


@pytest.mark.parametrize("body", [b"", b"{}", b'{"url":"file:///etc/passwd"}'])
def test_an_upload_without_a_url_failed(body: bytes, apiframe: Apiframe) -> None:
    with pytest.raises(ReadFailed):
        apiframe(httpx.Response(201, content=body)).upload(JPEG, "image/jpeg", "a.jpg")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.INVALID_INPUT),
        (401, FailureKind.UNAUTHORIZED),
        (413, FailureKind.INVALID_INPUT),
        (429, FailureKind.THROTTLED),
        (502, FailureKind.UNAVAILABLE),
    ],
)
def test_an_upload_that_is_not_taken_says_why(
    status: int, kind: FailureKind, apiframe: Apiframe, wavespeed: WaveSpeed
) -> None:
    with pytest.raises(ReadFailed, match=f"HTTP {status}: No.") as at_apiframe:
        apiframe(httpx.Response(status, json={"error": "No."})).upload(JPEG, "image/jpeg", "a.jpg")
    with pytest.raises(ReadFailed, match=f"HTTP {status}: No.") as at_wavespeed:
        wavespeed(httpx.Response(status, json={"message": "No."})).upload(JPEG, "image/jpeg", "a.jpg")
    assert (at_apiframe.value.kind, at_wavespeed.value.kind) == (kind, kind)


def test_wavespeed_takes_an_image_by_a_ticket_and_a_put(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    vendor = wavespeed(ticket(), httpx.Response(200))
    assert vendor.upload(JPEG, "image/jpeg", "a.jpg") == "https://static.wavespeed.test/a.jpg"
    asked, stored = sent
    assert (asked.method, asked.url.path) == ("POST", "/api/v3/media/uploads")
    assert msgspec.json.decode(asked.content) == {
        "filename": "a.jpg",
        "size": len(JPEG),
        "content_type": "image/jpeg",
    }
    assert (stored.method, str(stored.url)) == ("PUT", "https://storage.test/put/a.jpg?signature=s")
    assert stored.content == JPEG
    assert stored.headers["Content-Type"] == "image/jpeg"
    assert stored.headers["x-amz-acl"] == "private"


def test_the_put_carries_no_key_and_its_own_host(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    wavespeed(ticket(), httpx.Response(200)).upload(JPEG, "image/jpeg", "a.jpg")
    assert "Authorization" not in sent[1].headers
    assert "ws_0123456789abcdef" not in str(sent[1].headers.raw)
    assert sent[1].headers.get_list("Host") == ["storage.test"]


def test_the_put_carries_a_credential_that_the_ticket_names(wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    upload = {"method": "PUT", "url": "https://storage.test/a", "headers": {"Authorization": "Ticket 1"}}
    wavespeed(ticket(upload=upload), httpx.Response(200)).upload(JPEG, "image/jpeg", "a.jpg")
    assert sent[1].headers["Authorization"] == "Ticket 1"


@pytest.mark.parametrize(
    "changes",
    [
        {"upload": None},
        {"upload": {"method": "POST", "url": "https://storage.test/a"}},
        {"upload": {"method": "PUT", "url": None}},
        {"upload": {"method": "PUT", "url": "https://storage.test:port/"}},
        {"upload": {"method": "PUT", "url": "/relative"}},
        {"upload": {"method": "PUT", "url": "http://169.254.169.254/latest"}},
        {"upload": {"method": "PUT", "url": "file:///etc/passwd"}},
        {"upload": {"method": "PUT", "url": "https://10.0.0.8/a.jpg"}},
        {"upload": {"method": "PUT", "url": "https://2130706433/a.jpg"}},
        {"upload": {"method": "PUT", "url": "https://[::ffff:169.254.169.254]/latest"}},
        {"upload": {"method": "PUT", "url": "https://me:secret@storage.test/a.jpg"}},
        {"upload": {"method": "PUT", "url": "https://storage.test:8443/a.jpg"}},
        {"upload": {"method": "PUT", "url": "https://storage.test/a", "headers": {"x": "ä€"}}},
        {"download_url": None},
        {"download_url": "static/a.jpg"},
    ],
)
def test_a_ticket_that_cannot_be_used_puts_nothing(
    changes: dict[str, object], wavespeed: WaveSpeed, sent: list[httpx.Request]
) -> None:
    with pytest.raises(ReadFailed):
        wavespeed(ticket(**changes), httpx.Response(200)).upload(JPEG, "image/jpeg", "a.jpg")
    assert len(sent) <= 1 or changes["upload"]["headers"]  # type: ignore[index]


def test_a_vendor_that_sends_a_picture_to_the_clouds_metadata_is_unavailable_and_is_sent_none(
    wavespeed: WaveSpeed, sent: list[httpx.Request]
) -> None:
    upload = {"method": "PUT", "url": "https://169.254.169.254/latest/meta-data?signature=secret"}
    vendor = wavespeed(ticket(upload=upload), httpx.Response(200))
    with pytest.raises(ReadFailed, match="public internet") as failed:
        vendor.upload(JPEG, "image/jpeg", "a.jpg")
    assert failed.value.kind is FailureKind.UNAVAILABLE
    assert "secret" not in str(failed.value)
    assert [request.method for request in sent] == ["POST"]


def test_the_put_may_go_to_where_the_vendor_itself_is(
    answering: Callable[..., httpx.MockTransport], sent: list[httpx.Request]
) -> None:
    upload = {"method": "PUT", "url": "http://127.0.0.1:4000/cdn/a.jpg"}
    transport = answering(ticket(upload=upload), httpx.Response(200))
    vendor = WaveSpeedVendor("http://127.0.0.1:4000/wavespeed", lambda: "ws_0123456789abcdef", transport=transport)
    vendor.upload(JPEG, "image/jpeg", "a.jpg")
    assert str(sent[1].url) == "http://127.0.0.1:4000/cdn/a.jpg"


@pytest.mark.parametrize("url", ["http://127.0.0.1:4001/a.jpg", "http://localhost:4000/a.jpg", "http://10.0.0.8/a.jpg"])
def test_a_vendor_on_this_machine_sends_pictures_to_no_other_place_on_it(
    url: str, answering: Callable[..., httpx.MockTransport], sent: list[httpx.Request]
) -> None:
    transport = answering(ticket(upload={"method": "PUT", "url": url}), httpx.Response(200))
    vendor = WaveSpeedVendor("http://127.0.0.1:4000", lambda: "ws_0123456789abcdef", transport=transport)
    with pytest.raises(ReadFailed, match="public internet"):
        vendor.upload(JPEG, "image/jpeg", "a.jpg")
    assert len(sent) == 1


@pytest.mark.parametrize("status", [307, 403, 500])
def test_a_put_that_is_not_taken_fails_the_upload(status: int, wavespeed: WaveSpeed, sent: list[httpx.Request]) -> None:
    answers = (ticket(), httpx.Response(status, headers={"Location": "https://elsewhere.test"}))
    with pytest.raises(ReadFailed, match=f"HTTP {status}"):
        wavespeed(*answers).upload(JPEG, "image/jpeg", "a.jpg")
    assert len(sent) == 2


def test_a_broken_put_fails_the_upload(wavespeed: WaveSpeed) -> None:
    with pytest.raises(ReadFailed):
        wavespeed(ticket(), httpx.ConnectError("refused")).upload(JPEG, "image/jpeg", "a.jpg")
