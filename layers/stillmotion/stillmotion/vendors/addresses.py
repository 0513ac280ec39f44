"""Which addresses a video or a picture may be fetched from, or put to. Pure: names and IP addresses in, a yes or a
reason out.

A vendor's answer names the one URL and a caller the other, so both are foreign input: without these rules they could
make a function read, or write, what only the function can reach.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx
import msgspec

IpAddress = IPv4Address | IPv6Address
Origin = tuple[str, str, int]
"""Scheme, host and port."""

HTTPS_PORT = 443
# RFC 1123, with the underscores that are used all the same.
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.|\Z))+")
_DEFAULT_PORTS = {"http": 80, "https": HTTPS_PORT}
# RFC 6052 and RFC 8215: an IPv4 address in the last 32 bits, reached through the network's own translator.
_NAT64 = IPv6Network("64:ff9b::/96")
# RFC 8215 leaves to each network what it reaches through the first; RFC 4291 gave up the IPv4-compatible ones; the
# last two are for examples and for segment routing (RFC 9637, RFC 9602), which an older Python does not know.
_NEVER = tuple(map(IPv6Network, ("64:ff9b:1::/48", "::/96", "3fff::/20", "5f00::/16")))
# IETF's own, where one cloud has its metadata (RFC 6890); the relays of 6to4 (RFC 7526); the host of Azure's agent. An
# older Python, or every one, takes them for addresses like any other.
_NEVER_4 = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))


class ForbiddenAddress(Exception):
    """A URL that nothing is fetched from; the message says why and shows no more of it than its host."""


class Target(msgspec.Struct, frozen=True):
    """A URL that was taken apart and may be connected to, as far as its text tells. `local` needs no public address."""

    scheme: str
    host: str
    port: int
    path: str
    local: bool

    @property
    def url(self) -> str:
        """Without user info and fragment, for joining a redirect to it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


class AddressRules:
    """What a stack's settings allow.

    `allowed_hosts` are exact names or `*.suffix`; none means any. `local_origins` are `scheme://host:port`, and are
    allowed whatever they resolve to: for a vendor that runs beside the stack. No redirect from elsewhere leads to one.
    """

    def __init__(self, allowed_hosts: Sequence[str] = (), local_origins: Sequence[str] = ()) -> None:
        self._allowed = tuple(host.lower().rstrip(".") for host in allowed_hosts)
        self._local = frozenset(_origin(httpx.URL(origin)) for origin in local_origins)

    def target(self, url: str, base: Target | None = None) -> Target:
        """The URL, relative to `base`, where it may be fetched. Raises ForbiddenAddress."""
        try:
            parsed = httpx.URL(base.url).join(url) if base is not None else httpx.URL(url)
            scheme, host, port = _origin(parsed)
        except (httpx.InvalidURL, ValueError) as error:
            raise ForbiddenAddress("the address of the video is not a URL") from error
        local = (scheme, host, port) in self._local
        reason = _objection(parsed, scheme, host)
        if reason is None and not local:
            reason = self._outside_objection(scheme, host, port)
        if local and base is not None and not base.local:
            # Somebody's server out there has no say in what is read on this machine.
            reason = f"{base.host} may not send anybody to {host}"
        if reason is not None:
            raise ForbiddenAddress(reason)
        return Target(scheme, host, port, parsed.raw_path.decode("ascii"), local)

    def _outside_objection(self, scheme: str, host: str, port: int) -> str | None:
        literal = _literal(host)
        if literal is None and not _NAME.fullmatch(host):
            return "the address of the video has no host that could be one"
        if literal is not None and not is_public(literal):
            return f"{host} is not on the public internet"
        if scheme != "https":
            return f"{host} would serve the video over {scheme or 'nothing'}, not https"
        if port != HTTPS_PORT:
            return f"{host} would serve the video on port {port}, not {HTTPS_PORT}"
        if self._allowed and not any(_matches(host, allowed) for allowed in self._allowed):
            return f"{host} is not among the hosts that videos may come from"
        return None


def is_public(address: IpAddress) -> bool:
    """Whether an address is reached over the internet, and no other address hides in it that is not."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None or any(address in network for network in _NEVER):
            return False
        embedded = _embedded(address)
        if embedded:
            return all(is_public(inner) for inner in embedded)
        if address.is_site_local:
            return False
    elif any(address in network for network in _NEVER_4):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that packets to an IPv6 address end up at."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return [inner for inner in found if inner is not None]


def _origin(url: httpx.URL) -> Origin:
    host = url.raw_host.decode("ascii").lower().rstrip(".").strip("[]")
    return url.scheme, host, url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def _objection(url: httpx.URL, scheme: str, host: str) -> str | None:
    if scheme not in _DEFAULT_PORTS or not host:
        return f"a video is not fetched from a {scheme or 'relative'} address"
    if url.userinfo:
        return f"the address of the video at {host} carries a user name"
    if _is_number_in_disguise(host):
        return f"{host} is an IP address in disguise"
    return None


def _is_number_in_disguise(host: str) -> bool:
    """Hosts that resolvers read as IPv4 addresses though they are not written as such: 2130706433, 0x7f.1, 127.1."""
    return _literal(host) is None and host.rpartition(".")[2][:1].isdigit()


def _literal(host: str) -> IpAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
