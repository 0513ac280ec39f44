"""Which hosts may be on the public internet. Pure: names and IP addresses in, a yes or a no out.

URLs are foreign input, a caller's or a vendor's: without these rules they could make a function call what only the
function can reach. Who needs them imports them late: `ipaddress` costs a cold start.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IpAddress = IPv4Address | IPv6Address

# RFC 1123, with the underscores that are used all the same.
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.|\Z))+")
# RFC 6052 and RFC 8215: an IPv4 address in the last 32 bits, reached through the network's own translator.
_NAT64 = IPv6Network("64:ff9b::/96")
# RFC 8215 leaves to each network what it reaches through the first; RFC 4291 gave up the IPv4-compatible ones; the
# last two are for examples and for segment routing (RFC 9637, RFC 9602), which an older Python does not know.
_NEVER = tuple(map(IPv6Network, ("64:ff9b:1::/48", "::/96", "3fff::/20", "5f00::/16")))
# IETF's own, where one cloud has its metadata (RFC 6890); the relays of 6to4 (RFC 7526); the host of Azure's agent. An
# older Python, or every one, takes them for addresses like any other.
_NEVER_4 = tuple(map(IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))


def may_be_public(host: str) -> bool:
    """Whether a host of a URL, in lower case, may be one on the internet. Where a name leads is seen when it is
    resolved."""
    address = literal(host)
    if address is not None:
        return is_public(address)
    return is_name(host) and not is_number_in_disguise(host)


def is_name(host: str) -> bool:
    """Whether a host has the form of a name, in lower case."""
    return _NAME.fullmatch(host) is not None


def is_number_in_disguise(host: str) -> bool:
    """Hosts that resolvers read as IPv4 addresses though they are not written as such: 2130706433, 0x7f.1, 127.1."""
    return literal(host) is None and host.rpartition(".")[2][:1].isdigit()


def literal(host: str) -> IpAddress | None:
    """The IP address that a host is written as; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
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
