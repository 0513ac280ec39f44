"""Addresses that nothing may be fetched from: one error for all of them, and nobody is connected to."""

import pytest
from tests.stills import image
from tests.unit.pictures.web import PUBLIC, Web, answer

from stillmotion.egress.addresses import NOT_PUBLIC
from stillmotion.ports.egress import PictureUnreachable

PRIVATE = [
    "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:192.0.0.192",
    "::ffff:0:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
]
DISGUISED = [
    # IPv4 in other numerals, which a resolver would read as the loopback or the metadata address.
    "https://2130706433/",
    "https://2852039166/latest/meta-data/",
    "https://017700000001/",
    "https://0x7f000001/",
    "https://0x7F.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://10.1/",
    "https://0/",
    "https://127.0.0.0x1/",
    "https://127.0.0.1./",
    "https://169.254.169.254.:443/",
    "https://00000127.0.0.1/",
    "https://127.0.0.01/",
    "https://256.256.256.256/",
    "https://１２７.0.0.1/",  # noqa: RUF001 - full-width digits
    "https://127。0。0。1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://[::1%25lo]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::ffff:0x7f.0.0.1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::1/",
    "https://::1/",
]
MISSHAPEN = [
    "",
    "picture.jpg",
    "//cdn.example/a.jpg",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://cdn.example/a.jpg",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stat",
    "ldap://cdn.example/",
    "jar:https://cdn.example!/a.jpg",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "http://cdn.example/a.jpg",
    "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
    "http://localhost/a.jpg",
    "http://[::1]:8080/a.jpg",
    "https:///a.jpg",
    "https://:443/a.jpg",
    "https://cdn.example:22/a.jpg",
    "https://cdn.example:80/a.jpg",
    "https://cdn.example:8443/a.jpg",
    "https://cdn.example:99999/a.jpg",
    "https://cdn.example:port/a.jpg",
    "https://user@cdn.example/a.jpg",
    "https://user:password@cdn.example/a.jpg",
    "https://cdn.example@127.0.0.1/a.jpg",
    "https://127.0.0.1@cdn.example/a.jpg",
    "https://cdn.example:443@169.254.169.254/",
    "https://cdn.example\\@127.0.0.1/",
    "https://cdn.example%40127.0.0.1/",
    "https://127.0.0.1%2f.cdn.example/",
    "https://cdn.example\r\nHost: 127.0.0.1/",
    "https://cdn.example\x00.127.0.0.1/",
    "https://cdn.example 127.0.0.1/",
    "https://" + "a" * 300 + ".example/",
]


# What means the host that sends it, when it is the address of a redirect.
WITHOUT_HOST = ["https:///a.jpg", "https://:443/a.jpg"]


def literal(address: str) -> str:
    return f"https://[{address}]/a.jpg" if ":" in address else f"https://{address}/a.jpg"


def refusal(web: Web, url: str) -> str:
    with pytest.raises(PictureUnreachable) as refused:
        web.pictures().fetch(url, 15)
    return str(refused.value)


@pytest.mark.parametrize("url", [*map(literal, PRIVATE), *DISGUISED, *MISSHAPEN])
def test_a_hostile_address_is_refused_with_one_text_and_nobody_is_connected_to(url: str) -> None:
    web = Web()
    assert (refusal(web, url), web.connections, web.asked) == (NOT_PUBLIC, [], [])


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_refused_with_the_same_text(address: str) -> None:
    web = Web(names={"cdn.example": [[address]]})
    assert (refusal(web, "https://cdn.example/a.jpg"), web.connections) == (NOT_PUBLIC, [])


@pytest.mark.parametrize("addresses", [[PUBLIC, "10.0.0.8"], ["10.0.0.8", PUBLIC], [PUBLIC, "::1"]])
def test_a_name_with_a_private_address_among_public_ones_is_refused(addresses: list[str]) -> None:
    web = Web(names={"cdn.example": [addresses]})
    assert (refusal(web, "https://cdn.example/a.jpg"), web.connections) == (NOT_PUBLIC, [])


def test_a_name_that_nobody_knows_reads_the_same_as_one_that_is_private() -> None:
    assert refusal(Web(names={"cdn.example": [[]]}), "https://cdn.example/a.jpg") == NOT_PUBLIC


@pytest.mark.parametrize(
    "location",
    [
        *map(literal, PRIVATE),
        *DISGUISED,
        *(url for url in MISSHAPEN if "://" in url and not set(url) & {"\r", "\x00"} and url not in WITHOUT_HOST),
        "//127.0.0.1/a.jpg",
        "//user@cdn.example/a.jpg",
        "https://internal.example/a.jpg",
        "https://unknown.example/a.jpg",
    ],
)
def test_a_redirect_to_a_hostile_address_is_not_followed(location: str) -> None:
    names: dict[str, list[list[str]]] = {"internal.example": [["10.0.0.8"]], "unknown.example": [[]]}
    redirect = answer(302, location=location.encode().decode("latin-1"))
    web = Web(redirect, names=names)
    assert refusal(web, "https://cdn.example/a.jpg") == NOT_PUBLIC
    assert web.connections == [(PUBLIC, 443)]


@pytest.mark.parametrize(
    "location", [*WITHOUT_HOST, "///127.0.0.1/a.jpg", "https:127.0.0.1", "\\\\127.0.0.1\\a.jpg", ""]
)
def test_a_redirect_without_a_host_stays_where_it_was(location: str) -> None:
    web = Web(answer(302, location=location), answer(200, image()))
    assert web.pictures().fetch("https://cdn.example/a.jpg", 15) == image()
    assert (web.asked, web.connections) == (["cdn.example", "cdn.example"], [(PUBLIC, 443), (PUBLIC, 443)])


def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    web = Web(answer(200, image()), names={"cdn.example": [[PUBLIC], ["127.0.0.1"]]})
    assert web.pictures().fetch("https://cdn.example/a.jpg", 15) == image()
    assert (web.asked, web.connections) == (["cdn.example"], [(PUBLIC, 443)])


def test_a_name_that_turns_private_before_its_own_redirect_is_not_followed() -> None:
    moved = answer(302, location="https://cdn.example/again.jpg")
    web = Web(moved, names={"cdn.example": [[PUBLIC], ["169.254.169.254"]]})
    assert refusal(web, "https://cdn.example/a.jpg") == NOT_PUBLIC
    assert web.connections == [(PUBLIC, 443)]


def test_a_local_origin_is_fetched_from_and_nothing_beside_it() -> None:
    allowed = {"local_origins": ["http://127.0.0.1:4001"]}
    assert Web(answer(200, image())).pictures(**allowed).fetch("http://127.0.0.1:4001/a.jpg", 15) == image()
    for url in ("http://127.0.0.1:4002/a.jpg", "http://localhost:4001/a.jpg", "https://127.0.0.1:4001/a.jpg"):
        web = Web()
        with pytest.raises(PictureUnreachable, match="port 443"):
            web.pictures(**allowed).fetch(url, 15)
        assert web.connections == []


def test_a_server_outside_may_not_send_to_a_local_origin() -> None:
    web = Web(answer(302, location="http://127.0.0.1:4001/a.jpg"))
    with pytest.raises(PictureUnreachable, match="port 443"):
        web.pictures(local_origins=["http://127.0.0.1:4001"]).fetch("https://cdn.example/a.jpg", 15)
    assert web.connections == [(PUBLIC, 443)]


@pytest.mark.parametrize("url", [*map(literal, PRIVATE), *DISGUISED, *MISSHAPEN])
def test_its_text_alone_is_enough_to_refuse_a_hostile_address(url: str) -> None:
    with pytest.raises(PictureUnreachable, match="port 443"):
        Web().pictures().check(url)
