"""The downloader: whom it connects to, what it takes, and when it gives up. Every connection is counted."""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest

from stillmotion.domain.failures import FailureKind
from stillmotion.domain.hosts import IpAddress
from stillmotion.egress.downloads import MAX_REDIRECTS, HttpDownloader
from stillmotion.ports.egress import FetchFailed

PUBLIC = "93.184.216.34"
URL = "https://cdn.example/v.mp4?signature=secret"


def answer(status: int, body: bytes = b"", **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "content_length" not in headers and "transfer_encoding" not in headers:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Stream(httpcore.MockStream):
    """Serves an answer in pieces, each of which takes `seconds_a_piece`."""

    def __init__(self, network: "Network", pieces: Iterable[bytes]) -> None:
        super().__init__(list(pieces))
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._network.now += self._network.seconds_a_piece
        return super().read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._network.sent += buffer

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del ssl_context, timeout
        self._network.server_names.append(server_hostname)
        return self


class Network(httpcore.NetworkBackend):
    """The internet: an answer for each connection, in order, and a book of who was connected to."""

    def __init__(self, answers: Sequence[bytes], unreachable: Sequence[str] = (), seconds_a_piece: float = 0) -> None:
        self.answers = list(answers)
        self.unreachable = unreachable
        self.seconds_a_piece = seconds_a_piece
        self.now = 0.0
        self.connections: list[tuple[str, int]] = []
        self.server_names: list[str | None] = []
        self.sent = b""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        del timeout, local_address, socket_options
        self.connections.append((host, port))
        if host in self.unreachable:
            raise httpcore.ConnectError("unreachable")
        served = self.answers.pop(0)
        return Stream(self, [served[start : start + 100] for start in range(0, len(served), 100)])


class Names:
    """DNS: what each name resolves to, the first time, the second time and so on."""

    def __init__(self, addresses: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.addresses = {name: list(answers) for name, answers in addresses.items()}
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[IpAddress]:
        self.asked.append(host)
        answers = self.addresses.get(host, [[PUBLIC]])
        return [ip_address(address) for address in (answers.pop(0) if len(answers) > 1 else answers[0])]


def downloader(network: Network, names: Names | None = None, **settings: Any) -> HttpDownloader:
    return HttpDownloader(
        trust=lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        resolve=names or Names({}),
        seconds=lambda: network.now,
        network=network,
        **settings,
    )


def fetch(downloads: HttpDownloader, url: str = URL) -> bytes:
    with downloads.open(url) as download:
        return b"".join(download.chunks())


def failure(downloads: HttpDownloader, url: str = URL) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        fetch(downloads, url)
    return caught.value


def test_a_video_is_streamed_with_its_announced_length() -> None:
    network = Network([answer(200, b"film" * 100)])
    with downloader(network).open(URL) as download:
        assert download.content_length == 400
        assert b"".join(download.chunks()) == b"film" * 100


def test_a_body_of_unannounced_length_has_none() -> None:
    network = Network([answer(200, b"4\r\nfilm\r\n0\r\n\r\n", transfer_encoding="chunked")])
    with downloader(network).open(URL) as download:
        assert download.content_length is None
        assert b"".join(download.chunks()) == b"film"


def test_the_checked_address_is_connected_to_under_the_name_of_the_host() -> None:
    network = Network([answer(200)])
    fetch(downloader(network))
    assert network.connections == [(PUBLIC, 443)]
    assert network.server_names == ["cdn.example"]
    assert network.sent.startswith(b"GET /v.mp4?signature=secret HTTP/1.1\r\nHost: cdn.example\r\n")


def test_the_body_is_asked_for_as_it_is() -> None:
    network = Network([answer(200)])
    fetch(downloader(network))
    assert b"\r\nAccept-Encoding: identity\r\n" in network.sent


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.8"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.8"], ["fd00::1"], [PUBLIC, "10.0.0.8"]],
    ids=", ".join,
)
def test_a_name_that_leads_to_a_private_address_is_never_connected_to(addresses: list[str]) -> None:
    network = Network([])
    found = failure(downloader(network, Names({"cdn.example": [addresses]})))
    assert found.kind is FailureKind.UNAVAILABLE
    assert str(found) == "cdn.example is not on the public internet"
    assert network.connections == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://cdn.example/v.mp4",
        "https://user@cdn.example/v.mp4",
        "https://cdn.example:8080/v.mp4",
        "https://127.0.0.1/v.mp4",
        "https://[::1]/v.mp4",
        "https://[::ffff:169.254.169.254]/v.mp4",
        "https://[64:ff9b::a9fe:a9fe]/v.mp4",
        "https://169.254.169.254/latest/meta-data/",
        "https://2130706433/v.mp4",
        "https://0177.0.0.1/v.mp4",
        "https://0x7f.0.0.1/v.mp4",
    ],
)
def test_a_forbidden_address_is_never_connected_to_nor_looked_up(url: str) -> None:
    network, names = Network([]), Names({})
    assert failure(downloader(network, names), url).kind is FailureKind.UNAVAILABLE
    assert (network.connections, names.asked) == ([], [])


def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    network = Network([answer(200, b"film")])
    names = Names({"cdn.example": [[PUBLIC], ["127.0.0.1"]]})
    assert fetch(downloader(network, names)) == b"film"
    assert (names.asked, network.connections) == (["cdn.example"], [(PUBLIC, 443)])


def test_the_next_address_is_tried_when_the_first_is_unreachable() -> None:
    names = Names({"cdn.example": [["2606:4700::1", PUBLIC]]})
    network = Network([answer(200, b"film")], unreachable=["2606:4700::1"])
    assert fetch(downloader(network, names)) == b"film"
    assert network.connections == [("2606:4700::1", 443), (PUBLIC, 443)]


def test_a_host_that_cannot_be_reached_is_unavailable() -> None:
    assert failure(downloader(Network([], unreachable=[PUBLIC]))).kind is FailureKind.UNAVAILABLE


def test_a_name_that_nobody_knows_is_unavailable() -> None:
    def unknown(host: str) -> Sequence[IpAddress]:
        raise OSError(host)

    downloads = HttpDownloader(network=Network([]), resolve=unknown)
    assert failure(downloads).kind is FailureKind.UNAVAILABLE


def test_a_redirect_is_followed() -> None:
    network = Network([answer(302, location="/other.mp4"), answer(200, b"film")])
    assert fetch(downloader(network)) == b"film"
    assert b"GET /other.mp4 HTTP/1.1\r\nHost: cdn.example\r\n" in network.sent


@pytest.mark.parametrize(
    "location",
    [
        "http://cdn.example/v.mp4",
        "https://127.0.0.1/v.mp4",
        "https://internal.example/v.mp4",
        "https://cdn.example:8080/v.mp4",
        "//user@cdn.example/v.mp4",
        "file:///etc/passwd",
        "http://127.0.0.1:4000/v.mp4",
    ],
)
def test_a_redirect_is_checked_as_the_first_address_is(location: str) -> None:
    network = Network([answer(302, location=location)])
    names = Names({"internal.example": [["10.0.0.8"]]})
    assert failure(downloader(network, names)).kind is FailureKind.UNAVAILABLE
    assert network.connections == [(PUBLIC, 443)]


def test_a_redirect_to_a_name_that_turned_private_is_not_followed() -> None:
    network = Network([answer(302, location="https://cdn.example/again")])
    names = Names({"cdn.example": [[PUBLIC], ["127.0.0.1"]]})
    failure(downloader(network, names))
    assert network.connections == [(PUBLIC, 443)]


def test_a_server_outside_may_not_send_to_a_local_origin() -> None:
    network = Network([answer(302, location="http://127.0.0.1:4000/v.mp4"), answer(200, b"film")])
    downloads = downloader(network, local_origins=["http://127.0.0.1:4000"])
    assert failure(downloads).kind is FailureKind.UNAVAILABLE
    assert network.connections == [(PUBLIC, 443)]


def test_redirects_come_to_an_end() -> None:
    network = Network([answer(307, location="/next")] * 10)
    assert "redirects" in str(failure(downloader(network)))
    assert len(network.connections) == MAX_REDIRECTS + 1


def test_a_redirect_to_nowhere_is_unavailable() -> None:
    assert failure(downloader(Network([answer(302)]))).kind is FailureKind.UNAVAILABLE


def test_only_the_named_hosts_serve_where_hosts_are_named() -> None:
    network = Network([answer(302, location="https://elsewhere.example/v.mp4")])
    assert "not among the hosts" in str(failure(downloader(network, allowed_hosts=["cdn.example"])))
    assert len(network.connections) == 1


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_video_that_is_gone_has_expired(status: int) -> None:
    assert failure(downloader(Network([answer(status)]))).kind is FailureKind.EXPIRED


@pytest.mark.parametrize("status", [201, 204, 206, 304, 401, 429, 500, 503])
def test_any_other_status_is_unavailable(status: int) -> None:
    assert failure(downloader(Network([answer(status)]))).kind is FailureKind.UNAVAILABLE


def test_a_compressed_body_is_refused() -> None:
    network = Network([answer(200, b"film", content_encoding="gzip")])
    assert "compressed" in str(failure(downloader(network)))


def test_a_body_that_breaks_off_is_unavailable() -> None:
    network = Network([answer(200, b"film", content_length=400)])
    assert failure(downloader(network)).kind is FailureKind.UNAVAILABLE


def test_a_body_announced_as_too_large_is_refused_unread() -> None:
    network = Network([answer(200, content_length=1001)])
    with pytest.raises(FetchFailed, match="more than 1000 bytes"), downloader(network, max_bytes=1000).open(URL):
        pass


def test_a_body_that_turns_out_too_large_is_refused() -> None:
    body = b"258\r\n" + bytes(600) + b"\r\n"
    network = Network([answer(200, body * 2 + b"0\r\n\r\n", transfer_encoding="chunked")])
    assert failure(downloader(network, max_bytes=1000)).kind is FailureKind.CORRUPT_VIDEO


def test_a_body_that_drips_ends_with_the_time_for_the_whole() -> None:
    network = Network([answer(200, bytes(10_000))], seconds_a_piece=1)
    found = failure(downloader(network, overall_seconds=10))
    assert found.kind is FailureKind.UNAVAILABLE
    assert str(found).endswith("ReadTimeout: it was not over within 10 seconds")
    assert network.now <= 11


def test_headers_that_drip_end_with_the_time_for_the_whole() -> None:
    network = Network([answer(200, padding="x" * 10_000)], seconds_a_piece=1)
    failure(downloader(network, overall_seconds=10))
    assert network.now <= 11


def test_redirects_share_one_time() -> None:
    network = Network([answer(307, location="/next")] * 6, seconds_a_piece=4)
    assert "within 10 seconds" in str(failure(downloader(network, overall_seconds=10)))


def test_no_reason_shows_what_opens_the_address() -> None:
    for served in (answer(403), answer(500), answer(302, location="http://cdn.example/v.mp4?signature=secret"), b"?"):
        assert "secret" not in str(failure(downloader(Network([served]))))
