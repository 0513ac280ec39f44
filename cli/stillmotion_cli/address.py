"""Which stack the commands talk to: the one that the environment names, else the local one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from stillmotion_cli.failures import Misuse
from stillmotion_local.failures import StackError
from stillmotion_local.stack_file import StackDescription
from stillmotion_local.vendor_access import is_loopback

URL_VARIABLE = "STILLMOTION_API_URL"
KEY_VARIABLE = "STILLMOTION_API_KEY"


@dataclass(frozen=True, slots=True)
class Address:
    """An API: its URL with no `/v1` and no slash at its end, and the key, which is never printed.

    `is_named`: the environment names it; else it is the local stack.
    """

    url: str
    key: str = field(repr=False)
    is_named: bool = field(default=True, compare=False)

    @property
    def is_local(self) -> bool:
        return is_loopback(urlsplit(self.url).hostname or "")


def find_address(environment: Mapping[str, str], read_stack: Callable[[], StackDescription]) -> Address:
    """Raises Misuse when no stack is named and none runs here."""
    url, key = (environment.get(name, "").strip() for name in (URL_VARIABLE, KEY_VARIABLE))
    if url or key:
        return _given(url, key)
    try:
        stack = read_stack()
    except StackError as error:
        raise Misuse(
            error.message,
            next_step="Start the local stack with `stillmotion local up`, or set STILLMOTION_API_URL and"
            " STILLMOTION_API_KEY to use a deployed one.",
        ) from error
    return Address(stack.api_url.rstrip("/"), stack.api_key, is_named=False)


def _given(url: str, key: str) -> Address:
    if not url or not key:
        present, missing = (URL_VARIABLE, KEY_VARIABLE) if url else (KEY_VARIABLE, URL_VARIABLE)
        raise Misuse(f"{present} is set, and {missing} is not.", next_step="Set both, or neither for the local stack.")
    if not _is_http(url):
        raise Misuse(
            f"{URL_VARIABLE} is {url!r}, which is not an http address.",
            next_step="Give it like https://abc123.execute-api.eu-central-1.amazonaws.com, with no /v1.",
        )
    if not key.isascii() or not key.isprintable():
        raise Misuse(f"{KEY_VARIABLE} holds characters that no key has.")
    return Address(url.rstrip("/").removesuffix("/v1"), key)


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isascii() and url.isprintable()
