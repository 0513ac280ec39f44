"""Which addresses a video or a picture may be fetched from, or put to. Pure: names and IP addresses in, a yes or a
reason out.

A vendor's answer names the one URL and a caller the other, so both are foreign input: without these rules they could
make a function read, or write, what only the function can reach.
"""

from collections.abc import Sequence

import httpx
import msgspec

from stillmotion.domain.hosts import is_name, is_number_in_disguise, is_public, literal

NOT_PUBLIC = "must be an https:// address (port 443, no user info) that the public internet knows and can reach"

Origin = tuple[str, str, int]
"""Scheme, host and port."""

HTTPS_PORT = 443
_DEFAULT_PORTS = {"http": 80, "https": HTTPS_PORT}


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
        address = literal(host)
        if address is None and not is_name(host):
            return "the address of the video has no host that could be one"
        if address is not None and not is_public(address):
            return f"{host} is not on the public internet"
        if scheme != "https":
            return f"{host} would serve the video over {scheme or 'nothing'}, not https"
        if port != HTTPS_PORT:
            return f"{host} would serve the video on port {port}, not {HTTPS_PORT}"
        if self._allowed and not any(_matches(host, allowed) for allowed in self._allowed):
            return f"{host} is not among the hosts that videos may come from"
        return None


def _origin(url: httpx.URL) -> Origin:
    host = url.raw_host.decode("ascii").lower().rstrip(".").strip("[]")
    return url.scheme, host, url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def _objection(url: httpx.URL, scheme: str, host: str) -> str | None:
    if scheme not in _DEFAULT_PORTS or not host:
        return f"a video is not fetched from a {scheme or 'relative'} address"
    if url.userinfo:
        return f"the address of the video at {host} carries a user name"
    if is_number_in_disguise(host):
        return f"{host} is an IP address in disguise"
    return None


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
