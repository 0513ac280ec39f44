"""AWS Signature Version 4.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. The tests hold every
signature against botocore's. A `Message` is signed just as it goes over the wire: its `target` is the path with its
query, percent-encoded already. S3 signs that path as it is; the JSON services have no path but `/`, which every rule
of encoding leaves as it is.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import msgspec

from stillmotion.aws.settings import AwsSettings

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request to AWS. `origin` is scheme://host[:port]; `headers` are all signed, `host` is added.

    `unsigned_body` leaves the body out of the signature: only for https, where a checksum header guards it.
    """

    service: str
    method: str
    origin: str
    target: str = "/"
    headers: Mapping[str, str] = {}
    body: bytes = b""
    unsigned_body: bool = False

    @property
    def url(self) -> str:
        return self.origin + self.target

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]


def target(path: str, query: Mapping[str, str | None] | None = None) -> str:
    """The request target for a plain path and query; members of the query that are None are left out.

    Only RFC 3986's unreserved characters stay as they are, as SigV4 wants it.
    """
    pairs = sorted((name, value) for name, value in (query or {}).items() if value is not None)
    encoded = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return quote(path, safe="/") + (f"?{encoded}" if encoded else "")


class Signer:
    """Signs with one set of credentials."""

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings

    def headers(self, message: Message, at: datetime) -> dict[str, str]:
        """The message's headers with its signature among them; `at` is the time of signing."""
        digest = UNSIGNED_PAYLOAD if message.unsigned_body else hashlib.sha256(message.body).hexdigest()
        headers = {"host": message.host, **message.headers, "x-amz-date": _stamp(at), "x-amz-content-sha256": digest}
        if self._settings.session_token:
            headers["x-amz-security-token"] = self._settings.session_token
        scope = self._scope(message, at)
        signature = self._signature(_canonical(message.method, message.target, headers, digest), scope, at)
        credential = f"{ALGORITHM} Credential={self._settings.access_key_id}/{scope}"
        return headers | {"authorization": f"{credential}, SignedHeaders={_names(headers)}, Signature={signature}"}

    def url(self, message: Message, at: datetime, *, seconds: int) -> str:
        """A URL that carries the signature in its query and is good for `seconds` (604800 at most) from `at`.

        Whoever uses it must send the message's headers as they are here.
        """
        headers = {"host": message.host, **message.headers}
        scope = self._scope(message, at)
        path, _, query = message.target.partition("?")
        given = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        signed = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self._settings.access_key_id}/{scope}",
            "X-Amz-Date": _stamp(at),
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": _names(headers),
        }
        if self._settings.session_token:
            signed["X-Amz-Security-Token"] = self._settings.session_token
        pairs = sorted((given | {name: quote(value, safe="") for name, value in signed.items()}).items())
        unsigned = f"{path}?{'&'.join(f'{name}={value}' for name, value in pairs)}"
        signature = self._signature(_canonical(message.method, unsigned, headers, UNSIGNED_PAYLOAD), scope, at)
        return f"{message.origin}{unsigned}&X-Amz-Signature={signature}"

    def _scope(self, message: Message, at: datetime) -> str:
        return f"{at:%Y%m%d}/{self._settings.region}/{message.service}/aws4_request"

    def _signature(self, canonical: str, scope: str, at: datetime) -> str:
        to_sign = "\n".join([ALGORITHM, _stamp(at), scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self._settings.secret_access_key}".encode()
        for part in scope.split("/"):
            key = _hmac(key, part)
        return _hmac(key, to_sign).hex()


def _canonical(method: str, request_target: str, headers: Mapping[str, str], digest: str) -> str:
    path, _, query = request_target.partition("?")
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in sorted(headers)]
    return "\n".join([method, path, query, *lines, "", _names(headers), digest])


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _names(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))
