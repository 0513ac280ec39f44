"""Which addresses a video may be fetched from."""

from ipaddress import ip_address

import pytest

from stillmotion.domain.hosts import is_public
from stillmotion.egress.addresses import AddressRules, ForbiddenAddress


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_of_some_private_place_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.216.34",
        "::ffff:93.184.216.34",
        "64:ff9b::93.184.216.34",
        "2002:5db8:d822::1",
        "2606:4700:4700::1111",
    ],
)
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/video.mp4",
        "file:///etc/passwd",
        "ftp://cdn.example/v.mp4",
        "http://cdn.example/v.mp4",
        "https:///v.mp4",
        "https://cdn.example:8443/v.mp4",
        "https://cdn.example:22/v.mp4",
        "https://user@cdn.example/v.mp4",
        "https://user:password@cdn.example/v.mp4",
        "https://cdn.example@127.0.0.1/v.mp4",
        "https://2130706433/v.mp4",
        "https://0x7f000001/v.mp4",
        "https://0177.0.0.1/v.mp4",
        "https://127.1/v.mp4",
        "https://127.0.0.0x1/v.mp4",
        "https://１２７.１/v.mp4",  # noqa: RUF001 - full-width digits, which IDNA turns into plain ones
        "https://[::1/v.mp4",
        "https://cdn.example:port/v.mp4",
        "https://cdn.example\r\nX-Header: 1/v.mp4",
        "http://127.0.0.1:4001/v.mp4",
        "https://127.0.0.1:4000/v.mp4",
    ],
)
def test_a_url_of_the_wrong_kind_is_forbidden_by_its_text(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        AddressRules(local_origins=["http://127.0.0.1:4000"]).target(url)


def test_the_reason_shows_the_host_and_nothing_that_opens_the_address() -> None:
    with pytest.raises(ForbiddenAddress, match=r"^cdn\.example would serve the video over http, not https$"):
        AddressRules().target("http://cdn.example/v.mp4?signature=secret")


def test_any_host_is_allowed_where_no_hosts_are_named() -> None:
    assert AddressRules().target("https://CDN.Example./v.mp4?s=1#t").url == "https://cdn.example:443/v.mp4?s=1"


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("cdn2.apiframe.ai", True),
        ("CDN2.apiframe.AI.", True),
        ("a.cloudfront.net", True),
        ("a.b.cloudfront.net", True),
        ("cloudfront.net", False),
        ("evilcloudfront.net", False),
        ("cdn2.apiframe.ai.evil.example", False),
        ("x.cdn2.apiframe.ai", False),
    ],
)
def test_a_list_of_hosts_is_exact_or_by_suffix(host: str, *, allowed: bool) -> None:
    rules = AddressRules(["cdn2.apiframe.ai", "*.cloudfront.net"])
    if allowed:
        assert rules.target(f"https://{host}/v.mp4").port == 443
    else:
        with pytest.raises(ForbiddenAddress, match="not among the hosts"):
            rules.target(f"https://{host}/v.mp4")


def test_a_local_origin_is_allowed_whatever_it_is_and_however_few_hosts_are() -> None:
    rules = AddressRules(["cdn.example"], ["http://127.0.0.1:4000"])
    assert rules.target("http://127.0.0.1:4000/v.mp4").local


def test_a_redirect_is_read_relative_to_where_it_came_from() -> None:
    rules = AddressRules()
    first = rules.target("https://cdn.example/a/b.mp4?s=1")
    assert rules.target("../c.mp4", first).url == "https://cdn.example:443/c.mp4"
    assert rules.target("//other.example/c.mp4", first).url == "https://other.example:443/c.mp4"


def test_a_server_outside_has_no_say_in_what_is_read_on_this_machine() -> None:
    rules = AddressRules(local_origins=["http://127.0.0.1:4000"])
    outside = rules.target("https://cdn.example/v.mp4")
    with pytest.raises(ForbiddenAddress, match=r"^cdn\.example may not send anybody to 127\.0\.0\.1$"):
        rules.target("http://127.0.0.1:4000/v.mp4?signature=secret", outside)


def test_a_local_origin_may_send_to_itself_and_to_the_internet() -> None:
    rules = AddressRules(local_origins=["http://127.0.0.1:4000"])
    local = rules.target("http://127.0.0.1:4000/v.mp4")
    assert rules.target("/moved.mp4", local).local
    assert not rules.target("https://cdn.example/v.mp4", local).local
