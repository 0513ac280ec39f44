"""Which object a URL of S3 leads to, signed or not: of one bucket, in every form that such a URL may have.

Source: docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html and its pages on FIPS, dual-stack and
accelerated endpoints. The region may be any: S3 sends a caller on who takes the wrong one.
"""

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from stillmotion.ports.objects import ObjectPlace

# s3.eu-west-1, s3-eu-west-1, s3-fips.dualstack.us-east-1, s3-accelerate, s3 alone; in every partition.
_SERVICE = re.compile(r"s3(?:-[a-z0-9-]+)?(?:\.dualstack)?(?:\.[a-z0-9-]+)?\.amazonaws\.(?:com|com\.cn|eu)")
_PORTS = (None, 443)


def place_of(url: str, bucket: str, endpoint_url: str | None = None) -> ObjectPlace | None:
    """The object of `bucket` that a URL leads to; None for any other URL.

    `endpoint_url` (scheme://host[:port]) stands in for S3's own hosts, as in `AwsSettings`.
    """
    try:
        parts = urlsplit(url)
        path = _path_in_bucket(parts, bucket, endpoint_url)
        key = None if path is None else unquote(path, errors="strict")
    except ValueError:
        return None
    if key is None:
        return None
    # The path is taken as it stands: a key may hold dots and slashes in any order.
    return ObjectPlace(bucket, key, next(iter(parse_qs(parts.query).get("versionId", ())), None))


def _path_in_bucket(parts: SplitResult, bucket: str, endpoint_url: str | None) -> str | None:
    if endpoint_url is not None and f"{parts.scheme}://{parts.netloc}" == endpoint_url:
        return _below(parts.path, bucket)
    if parts.scheme != "https" or "@" in parts.netloc or parts.port not in _PORTS:
        return None
    host = (parts.hostname or "").rstrip(".")
    if _SERVICE.fullmatch(host):
        return _below(parts.path, bucket)
    is_own_host = host.startswith(f"{bucket}.") and _SERVICE.fullmatch(host, len(bucket) + 1)
    return parts.path[1:] if is_own_host else None


def _below(path: str, bucket: str) -> str | None:
    root = f"/{bucket}/"
    return path.removeprefix(root) if path.startswith(root) else None
