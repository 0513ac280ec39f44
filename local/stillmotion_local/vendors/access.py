"""Who may call, and under which address the server is called."""

import hmac
import ipaddress

from starlette.requests import Request

from stillmotion_local.vendors.settings import VendorsSettings


def same_secret(first: str, second: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(first.encode(), second.encode())


def base_url_of(request: Request, settings: VendorsSettings) -> str:
    """The address under which the caller reached the server, without a slash at its end."""
    return (settings.public_url or str(request.base_url)).rstrip("/")


def is_loopback(host: str) -> bool:
    """True for this machine's own addresses only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
