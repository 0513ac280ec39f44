"""Fetching a picture: what is asked for, what is taken, and when it is given up."""

import gzip
from collections.abc import Sequence
from threading import Event

import pytest
from tests.stills import image
from tests.unit.pictures.web import PUBLIC, Web, answer

from stillmotion.domain.hosts import IpAddress
from stillmotion.egress.addresses import NOT_PUBLIC
from stillmotion.egress.client import within
from stillmotion.egress.pictures import MAX_REDIRECTS
from stillmotion.ports.egress import PictureUnreachable

URL = "https://cdn.example/a.jpg?signature=secret"


def fetched(web: Web, **settings: object) -> bytes:
    return web.pictures(**settings).fetch(URL, 15)


def refusal(web: Web, **settings: object) -> str:
    with pytest.raises(PictureUnreachable) as refused:
        fetched(web, **settings)
    assert "secret" not in str(refused.value)
    return str(refused.value)


def test_the_checked_address_is_connected_to_under_the_name_of_the_host() -> None:
    web = Web(answer(200, image()))
    assert fetched(web) == image()
    assert web.connections == [(PUBLIC, 443)]
    assert web.server_names == ["cdn.example"]
    assert web.sent.startswith(b"GET /a.jpg?signature=secret HTTP/1.1\r\nHost: cdn.example\r\n")


def test_nothing_is_told_about_who_asks() -> None:
    web = Web(answer(200, image()))
    fetched(web)
    names = {line.partition(b":")[0].lower() for line in web.sent.split(b"\r\n")[1:] if line}
    assert names == {b"host", b"user-agent", b"accept", b"accept-encoding", b"connection"}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment_comes_between(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:3128")
    web = Web(answer(200, image()))
    fetched(web)
    assert web.connections == [(PUBLIC, 443)]


def test_a_body_of_unannounced_length_is_taken() -> None:
    body = b"%x\r\n" % len(image()) + image() + b"\r\n0\r\n\r\n"
    assert fetched(Web(answer(200, body, transfer_encoding="chunked"))) == image()


def test_a_redirect_is_followed() -> None:
    web = Web(answer(302, location="//other.example/b.jpg"), answer(200, image()))
    assert fetched(web) == image()
    assert web.server_names == ["cdn.example", "other.example"]


def test_redirects_come_to_an_end() -> None:
    web = Web(*[answer(307, location="/next")] * 10)
    assert "redirects" in refusal(web)
    assert len(web.connections) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("status", [201, 204, 206, 304, 401, 403, 404, 410, 429, 500, 503])
def test_any_other_status_is_told(status: int) -> None:
    assert refusal(Web(answer(status))) == f"could not be fetched: its server answers with status {status}"


def test_the_picture_is_asked_for_as_it_is() -> None:
    web = Web(answer(200, image()))
    fetched(web)
    assert b"\r\nAccept-Encoding: identity\r\n" in web.sent


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip", "GZIP"])
def test_what_is_compressed_all_the_same_is_refused_unread(encoding: str) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    web = Web(answer(200, bomb, content_encoding=encoding))
    assert "compresses" in refusal(web)
    assert web.received < len(bomb)


def test_a_compressed_transfer_is_no_answer() -> None:
    bomb = answer(200, gzip.compress(bytes(50_000_000)), transfer_encoding="gzip, chunked")
    assert "does not answer as it should" in refusal(Web(bomb))


def test_a_body_announced_as_too_large_is_refused_unread() -> None:
    web = Web(answer(200, bytes(100_000), content_length=1_000_000_000_000))
    assert refusal(web, max_bytes=50_000) == "must be at most 50000 bytes"
    assert web.received <= 1000


def test_a_body_that_turns_out_too_large_is_read_no_further() -> None:
    web = Web(answer(200, b"%x\r\n" % 1_000_000 + bytes(1_000_000), transfer_encoding="chunked"))
    assert refusal(web, max_bytes=50_000) == "must be at most 50000 bytes"
    assert web.received < 60_000


def test_a_body_that_is_longer_than_announced_is_cut_where_it_was_to_end() -> None:
    assert fetched(Web(answer(200, image() + bytes(1000), content_length=len(image())))) == image()


def test_a_body_that_is_shorter_than_announced_is_refused() -> None:
    assert "does not answer as it should" in refusal(Web(answer(200, image(), content_length=len(image()) + 1)))


@pytest.mark.parametrize("length", ["-1", "1e9", "ten", "1, 2", "²"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert "does not answer as it should" in refusal(Web(answer(200, image(), content_length=length)))


def test_a_slow_drip_ends_with_the_time_for_the_whole() -> None:
    web = Web(answer(200, bytes(100_000)), seconds_a_piece=0.9)
    assert refusal(web) == "could not be fetched: its server is too slow"
    assert web.now < 16


def test_headers_that_drip_end_with_it_too() -> None:
    web = Web(b"HTTP/1.1 200 -\r\n" + b"x-header: y\r\n" * 5000, seconds_a_piece=0.9)
    assert "too slow" in refusal(web)
    assert web.now < 16


def test_redirects_share_the_time_for_the_whole() -> None:
    web = Web(*[answer(307, location="/next")] * 4, seconds_a_piece=6)
    assert "too slow" in refusal(web)


def test_no_time_left_is_too_slow_already() -> None:
    web = Web(answer(200, image()))
    with pytest.raises(PictureUnreachable, match="too slow"):
        web.pictures().fetch(URL, 0)
    assert web.connections == []


def test_a_host_that_cannot_be_reached_is_told() -> None:
    assert "does not answer as it should" in refusal(Web(unreachable=[PUBLIC]))


@pytest.mark.parametrize("served", [b"", b"?", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200\x00\r\n\r\n"])
def test_what_is_not_http_is_refused(served: bytes) -> None:
    assert "does not answer as it should" in refusal(Web(served))


def test_a_name_that_is_looked_up_too_slowly_is_given_up() -> None:
    asked, answered = Event(), Event()

    def slow(_host: str) -> Sequence[IpAddress]:
        asked.set()
        answered.wait(10)
        return []

    web = Web()
    with pytest.raises(PictureUnreachable) as refused:
        web.pictures(resolve=slow, seconds=lambda: 0.0).fetch(URL, 0.01)
    answered.set()
    assert (asked.is_set(), str(refused.value), web.connections) == (True, NOT_PUBLIC, [])


def test_a_look_up_in_time_gives_what_it_found_or_raises_what_it_met() -> None:
    def unknown() -> Sequence[IpAddress]:
        raise OSError("no such name")

    assert within(5, list) == []
    with pytest.raises(OSError, match="no such name"):
        within(5, unknown)
