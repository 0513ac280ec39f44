"""A POST to where a caller said: to the public internet, once, for ten seconds."""

import ssl
from typing import Any

import pytest
from tests.unit.pictures.web import PUBLIC, Web, answer

from stillmotion.egress.posting import OVERALL_SECONDS, HttpPoster
from stillmotion.ports.egress import Undelivered, WebhookMessage

URL = "https://hooks.example/1?token=secret"
MESSAGE = WebhookMessage({"webhook-id": "e-1", "webhook-signature": "v1,abc"}, b'{"type":"video.completed"}')


def poster(web: Web, **settings: Any) -> HttpPoster:
    return HttpPoster(
        trust=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        network=web,
        resolve=web.resolve,
        seconds=lambda: web.now,
        **settings,
    )


def refused(web: Web, url: str = URL) -> Undelivered:
    with pytest.raises(Undelivered) as undelivered:
        poster(web).post(url, MESSAGE)
    assert "secret" not in str(undelivered.value)
    return undelivered.value


def test_the_message_goes_to_the_address_that_was_checked() -> None:
    web = Web(answer(204))

    assert poster(web).post(URL, MESSAGE) == 204
    assert (web.connections, web.server_names) == ([(PUBLIC, 443)], ["hooks.example"])
    head, _, body = web.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /1?token=secret HTTP/1.1\r\nHost: hooks.example\r\n")
    assert b"webhook-id: e-1\r\nwebhook-signature: v1,abc" in head
    assert b"Content-Type: application/json" in head
    assert b"Content-Length: 26" in head
    assert body == MESSAGE.body


@pytest.mark.parametrize("status", [200, 404, 410, 500])
def test_the_status_is_the_answer(status: int) -> None:
    assert poster(Web(answer(status, b"x" * 100))).post(URL, MESSAGE) == status


def test_a_redirect_is_not_followed() -> None:
    web = Web(answer(307, location="https://other.example/"))

    assert poster(web).post(URL, MESSAGE) == 307
    assert len(web.connections) == 1


def test_no_more_is_read_than_it_takes_to_know_the_status() -> None:
    web = Web(answer(200, b"x" * 1_000_000))

    poster(web).post(URL, MESSAGE)
    assert web.received < 10_000


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "https://hooks.example:8443/",
        "https://me:secret@hooks.example/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "file:///etc/passwd",
        "http://127.0.0.1:8080/",
        "nothing",
    ],
)
def test_an_address_that_is_not_public_is_never_connected_to(url: str) -> None:
    web = Web()

    assert refused(web, url).for_good
    assert (web.connections, web.asked) == ([], [])


@pytest.mark.parametrize("addresses", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["fd00::1"], []])
def test_a_name_that_leads_elsewhere_is_not_connected_to_but_may_be_mended(addresses: list[str]) -> None:
    web = Web(names={"hooks.example": [addresses]})

    assert not refused(web).for_good
    assert web.connections == []


def test_a_name_is_resolved_once_so_that_no_second_answer_counts() -> None:
    web = Web(answer(204), names={"hooks.example": [[PUBLIC], ["127.0.0.1"]]})

    poster(web).post(URL, MESSAGE)
    assert (web.asked, web.connections) == (["hooks.example"], [(PUBLIC, 443)])


def test_an_origin_of_the_machine_itself_is_called_where_the_settings_say_so() -> None:
    web = Web(answer(204))

    assert poster(web, local_origins=["http://127.0.0.1:8080"]).post("http://127.0.0.1:8080/hook", MESSAGE) == 204
    assert web.connections == [("127.0.0.1", 8080)]


def test_a_receiver_that_drips_is_left_after_ten_seconds() -> None:
    web = Web(b"HTTP/1.1 200 OK\r\nx-slow: " + b"x" * 20_000, seconds_a_piece=1)

    assert str(refused(web)) == "No answer came within 10 seconds."
    assert web.now <= OVERALL_SECONDS + 1


def test_a_connection_that_fails_may_do_better_later() -> None:
    undelivered = refused(Web(unreachable=[PUBLIC]))

    assert (str(undelivered), undelivered.for_good) == ("The connection failed.", False)


def test_what_speaks_no_http_is_a_failed_connection() -> None:
    assert str(refused(Web(b"220 smtp ready\r\n"))) == "The connection failed."
