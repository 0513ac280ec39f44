"""Which vendors a local stack talks to: the offline ones, or those that the environment names at `up`."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from stillmotion_local.failures import StackError

OFFLINE_KEYS: Mapping[str, str] = {"APIFRAME": "afk_offline", "WAVESPEED": "ws_offline"}
WEBHOOK_SECRET_PATH = "/api/v3/webhook/secret"  # noqa: S105 - a path, not a secret
# Generous for one small answer; `up` waits for it.
SECRET_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class VendorAccess:
    """One vendor's address and key. `base_url` None: the offline server answers."""

    name: str
    base_url: str | None
    api_key: str

    @property
    def is_offline(self) -> bool:
        return self.base_url is None

    @property
    def is_local(self) -> bool:
        """Whether the vendor runs on this machine, and so can see the local buckets and call back."""
        return self.base_url is None or is_loopback(urlsplit(self.base_url).hostname or "")


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """Everything about vendors that `up` takes from the environment."""

    apiframe: VendorAccess
    wavespeed: VendorAccess
    limits: Mapping[str, str]

    @property
    def are_all_local(self) -> bool:
        return self.apiframe.is_local and self.wavespeed.is_local

    @property
    def need_offline_server(self) -> bool:
        return self.apiframe.is_offline or self.wavespeed.is_offline


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_vendor_settings(environment: Mapping[str, str] = os.environ) -> VendorSettings:
    """Raises StackError for a value that cannot be used, naming its variable."""
    limits = {
        name: _limit(name, environment[name])
        for vendor in OFFLINE_KEYS
        for name in (f"{vendor}_CONCURRENCY", f"{vendor}_PER_MINUTE")
        if environment.get(name)
    }
    return VendorSettings(
        apiframe=_access("APIFRAME", environment), wavespeed=_access("WAVESPEED", environment), limits=limits
    )


def read_webhook_secret(base_url: str, api_key: str) -> str | None:
    """The secret that WaveSpeed signs its webhooks with; None when this server does not tell one."""
    try:
        answer = httpx.get(
            base_url.rstrip("/") + WEBHOOK_SECRET_PATH,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=SECRET_TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return _secret_of(answer.json())
    except (httpx.HTTPError, ValueError):
        return None


def _secret_of(answer: object) -> str | None:
    match answer:
        case {"data": {"secret": str(secret)}} | {"secret": str(secret)}:
            return secret
        case _:
            return None


def _access(vendor: str, environment: Mapping[str, str]) -> VendorAccess:
    url_name, key_name = f"{vendor}_BASE_URL", f"{vendor}_API_KEY"
    base_url = environment.get(url_name, "").rstrip("/") or None
    api_key = environment.get(key_name, "")
    if base_url is None:
        return VendorAccess(vendor.lower(), None, api_key or OFFLINE_KEYS[vendor])
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StackError(
            f"{url_name} is {base_url!r}, which is not an http address.",
            next_step=f"Give it like {url_name}=https://api.example.com, or unset it for the offline vendor.",
        )
    if not api_key and not is_loopback(parts.hostname):
        raise StackError(f"{url_name} is set, and {key_name} is not.", next_step=f"Set {key_name} to your key there.")
    return VendorAccess(vendor.lower(), base_url, api_key or OFFLINE_KEYS[vendor])


def _limit(name: str, value: str) -> str:
    if not value.isdecimal():
        raise StackError(
            f"{name} is {value!r}, which is not a whole number.",
            next_step="Give how many there may be; 0 means no limit.",
        )
    return value
