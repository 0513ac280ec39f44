"""Pictures over real sockets of this machine: whom TLS trusts, and when a drip ends."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.downloads.test_sockets import (
    FILM,
    HOST,
    PUBLIC,
    Loopback,
    Peer,
    Server,
    breaking_off,
    dripping_body,
    dripping_headers,
    serving_film,
    silent,
)

from stillmotion.egress.pictures import HttpPictures
from stillmotion.ports.egress import PictureUnreachable

pytestmark = pytest.mark.enable_socket


def over_tls(server: Server, trusted: Path | None) -> tuple[HttpPictures, Loopback]:
    network = Loopback(server.port)
    pictures = HttpPictures(
        trust=lambda: ssl.create_default_context(cafile=trusted), resolve=lambda _host: [PUBLIC], network=network
    )
    return pictures, network


def test_the_checked_address_is_connected_to_and_tls_verifies_the_name(
    tls_server: Server, certificate: Path, asked_names: list[str | None]
) -> None:
    pictures, network = over_tls(tls_server, certificate)
    assert pictures.fetch(f"https://{HOST}/a.jpg", 5) == FILM
    assert (network.meant_for, asked_names) == ([(str(PUBLIC), 443)], [HOST])


def test_a_certificate_for_another_name_is_refused(tls_server: Server, certificate: Path) -> None:
    pictures, _ = over_tls(tls_server, certificate)
    with pytest.raises(PictureUnreachable, match="does not answer as it should"):
        pictures.fetch("https://other.example/a.jpg", 5)


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: Server) -> None:
    pictures, _ = over_tls(tls_server, None)
    with pytest.raises(PictureUnreachable, match="does not answer as it should"):
        pictures.fetch(f"https://{HOST}/a.jpg", 5)


@pytest.mark.parametrize("peer", [dripping_body, dripping_headers, silent])
def test_no_drip_outlasts_the_time_for_the_whole(serve: Callable[..., Server], peer: Peer) -> None:
    server = serve(peer)
    origin = f"http://127.0.0.1:{server.port}"
    with pytest.raises(PictureUnreachable, match="too slow"):
        HttpPictures(local_origins=[origin]).fetch(f"{origin}/a.jpg", 0.2)


@pytest.mark.parametrize(
    ("peer", "limit", "told"), [(serving_film, 1000, "at most 1000 bytes"), (breaking_off, 10**7, "as it should")]
)
def test_what_is_too_large_or_breaks_off_is_refused(
    serve: Callable[..., Server], peer: Peer, limit: int, told: str
) -> None:
    server = serve(peer)
    origin = f"http://127.0.0.1:{server.port}"
    with pytest.raises(PictureUnreachable, match=told):
        HttpPictures(local_origins=[origin], max_bytes=limit).fetch(f"{origin}/a.jpg", 5)


def test_another_port_of_this_machine_is_not_connected_to(serve: Callable[..., Server]) -> None:
    allowed, other = serve(serving_film), serve(serving_film)
    pictures = HttpPictures(local_origins=[f"http://127.0.0.1:{allowed.port}"])
    with pytest.raises(PictureUnreachable, match="public internet"):
        pictures.fetch(f"http://127.0.0.1:{other.port}/a.jpg", 5)
    assert (allowed.connections, other.connections) == (0, 0)
