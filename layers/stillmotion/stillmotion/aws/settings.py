"""Where AWS is and who calls it, as Lambda tells it to a function."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from stillmotion.errors import Misconfigured

# The first part of a region's name tells the partition where it is not the commercial one.
_SUFFIXES = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}


class AwsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Region and credentials. `endpoint_url` (scheme://host[:port]) replaces every service's own address."""

    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    endpoint_url: str | None = None

    def __repr__(self) -> str:
        return f"AwsSettings(region={self.region!r}, endpoint_url={self.endpoint_url!r})"

    @property
    def domain(self) -> str:
        """What follows the region in a service's host name."""
        return _SUFFIXES.get(self.region.partition("-")[0], "amazonaws.com")

    def origin(self, service: str) -> str:
        """scheme://host[:port] of a service, by its endpoint prefix."""
        return self.endpoint_url or f"https://{service}.{self.region}.{self.domain}"


def aws_settings(environment: Mapping[str, str] = os.environ) -> AwsSettings:
    """The settings in the variables that Lambda sets. Raises Misconfigured, naming the variable."""
    return AwsSettings(
        region=_required(environment, "AWS_REGION"),
        access_key_id=_required(environment, "AWS_ACCESS_KEY_ID"),
        secret_access_key=_required(environment, "AWS_SECRET_ACCESS_KEY"),
        session_token=environment.get("AWS_SESSION_TOKEN") or None,
        endpoint_url=_origin(environment.get("AWS_ENDPOINT_URL", "")),
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise Misconfigured(f"{name} is not set")
    return value


def _origin(url: str) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise Misconfigured(f"AWS_ENDPOINT_URL is {url!r}, not http(s)://host[:port]")
    return f"{parts.scheme}://{parts.netloc}"
