"""The wire: the key, the time-outs, and what is kept of a hostile answer."""

import logging
from collections.abc import Callable, Iterator

import httpx
import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.errors import Misconfigured
from stillmotion.ports import StoreError
from stillmotion.ports.vendor import Envelope, NotSent, ReadFailed, Refused, Unanswered, Vendor
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.wavespeed import WaveSpeedVendor

KEY = "afk_0123456789abcdef"
Answering = Callable[..., httpx.MockTransport]


def test_both_vendors_keep_to_the_port() -> None:
    vendors: list[Vendor] = [ApiframeVendor("https://a.test", str), WaveSpeedVendor("https://w.test", str)]
    assert [(vendor.name, vendor.supports_idempotency) for vendor in vendors] == [
        ("apiframe", True),
        ("wavespeed", False),
    ]


def test_every_exchange_has_its_time_outs(answering: Answering, sent: list[httpx.Request], envelope: Envelope) -> None:
    vendor = ApiframeVendor("https://a.test", lambda: KEY, transport=answering(httpx.Response(202)))
    vendor.submit(envelope, "k")
    assert sent[0].extensions["timeout"] == {"connect": 5.0, "read": 30.0, "write": 10.0, "pool": 5.0}


def test_the_base_url_may_have_a_path(answering: Answering, sent: list[httpx.Request], envelope: Envelope) -> None:
    transport = answering(httpx.Response(202))
    ApiframeVendor("http://127.0.0.1:8080/apiframe/", lambda: KEY, transport=transport).submit(envelope, "k")
    assert str(sent[0].url) == "http://127.0.0.1:8080/apiframe/generate"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.apiframe.ai",
        "ftp://a.test",
        "https://",
        "https://u:p@a.test",
        "https://a.test?x=1",
        "http://a.test:port",
    ],
)
def test_a_base_url_that_is_none_is_a_misconfiguration(base_url: str) -> None:
    with pytest.raises(Misconfigured, match="base URL"):
        ApiframeVendor(base_url, lambda: KEY)


def test_the_key_is_fetched_late_and_for_each_exchange(
    answering: Answering, sent: list[httpx.Request], envelope: Envelope
) -> None:
    keys = iter(["afk_yesterday", "afk_today\n"])
    transport = answering(httpx.Response(202), httpx.Response(202))
    vendor = ApiframeVendor("https://a.test", lambda: next(keys), transport=transport)
    vendor.submit(envelope, "k")
    vendor.submit(envelope, "k")
    assert [request.headers["X-API-Key"] for request in sent] == ["afk_yesterday", "afk_today"]


@pytest.mark.parametrize("key", ["", "  \n", "afk_\x00", "afk_ü", "afk_a\r\nX-Evil: 1"])
def test_a_key_that_cannot_be_sent_is_refused_and_nothing_is_sent(
    key: str, answering: Answering, sent: list[httpx.Request], envelope: Envelope
) -> None:
    vendor = ApiframeVendor("https://a.test", lambda: key, transport=answering(httpx.Response(202)))
    submission = vendor.submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.kind is FailureKind.UNAUTHORIZED
    assert sent == []


def test_a_key_that_is_not_configured_is_refused_with_its_name(answering: Answering, envelope: Envelope) -> None:
    def key() -> str:
        raise Misconfigured("the secret has no wavespeed_api_key")

    vendor = WaveSpeedVendor("https://w.test", key, transport=answering())
    submission = vendor.submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.message == "the secret has no wavespeed_api_key"
    with pytest.raises(ReadFailed) as failed:
        vendor.read("t1")
    assert failed.value.kind is FailureKind.UNAUTHORIZED


def test_a_key_that_cannot_be_fetched_proves_that_nothing_was_sent(answering: Answering, envelope: Envelope) -> None:
    def key() -> str:
        raise StoreError("secrets are away")

    vendor = WaveSpeedVendor("https://w.test", key, transport=answering())
    assert vendor.submit(envelope, "k") == NotSent("The vendor's key could not be fetched.")
    with pytest.raises(ReadFailed):
        vendor.read("t1")


def test_the_key_is_in_no_repr_and_no_log(
    answering: Answering, envelope: Envelope, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor = ApiframeVendor("https://a.test", lambda: KEY, transport=answering(httpx.ReadError(f"sent {KEY}")))
    submission = vendor.submit(envelope, "k")
    assert KEY not in f"{vendor!r} {vars(vendor)!r} {submission!r} {caplog.text}"
    assert isinstance(submission, Unanswered)
    assert submission.detail == "No answer came back: ReadError: sent [key]"


def test_a_url_with_its_query_is_in_no_log(answering: Answering, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    vendor = WaveSpeedVendor("https://w.test", lambda: KEY, transport=answering(httpx.Response(200, json={})))
    vendor.submit(Envelope("/generate?webhook=https%3A%2F%2Fa.test%3Ftoken%3Ds3cret", "{}"), "k")
    assert "s3cret" not in caplog.text


def test_a_vendor_that_quotes_the_key_does_not_put_it_into_a_record(answering: Answering, envelope: Envelope) -> None:
    answer = httpx.Response(401, json={"error": f"Invalid API key {KEY}."})
    submission = ApiframeVendor("https://a.test", lambda: KEY, transport=answering(answer)).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.message == "HTTP 401: Invalid API key [key]."


def test_a_vendor_that_quotes_a_signed_url_does_not_put_it_into_a_record(
    answering: Answering, envelope: Envelope
) -> None:
    answer = httpx.Response(400, json={"error": "Cannot load https://b.test/a.jpg?X-Amz-Signature=5ecre7"})
    submission = ApiframeVendor("https://a.test", lambda: KEY, transport=answering(answer)).submit(envelope, "k")
    assert isinstance(submission, Refused)
    assert submission.failure.message == "HTTP 400: Cannot load https://b.test/a.jpg?…"


def test_an_answer_that_breaks_off_is_unanswered(answering: Answering, envelope: Envelope) -> None:
    def broken() -> Iterator[bytes]:
        yield b'{"jobId":"j1"'
        raise httpx.RemoteProtocolError("peer closed connection")

    vendor = ApiframeVendor("https://a.test", lambda: KEY, transport=answering(httpx.Response(202, content=broken())))
    assert isinstance(vendor.submit(envelope, "k"), Unanswered)


def test_an_answer_that_is_not_what_its_encoding_says_is_unanswered(answering: Answering, envelope: Envelope) -> None:
    answer = httpx.Response(202, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))
    vendor = ApiframeVendor("https://a.test", lambda: KEY, transport=answering(answer))
    assert isinstance(vendor.submit(envelope, "k"), Unanswered)
