"""AWS Signature Version 4, computed by AWS's own `awscrt`.

A `Message` is signed just as it goes over the wire: its `target` is the path with its query, percent-encoded already.
S3 signs that path as it is; every other service signs it encoded once more and normalised
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

import msgspec
from awscrt.auth import (
    AwsCredentialsProvider,
    AwsSignatureType,
    AwsSignedBodyHeaderType,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest

from stillmotion.aws.settings import AwsSettings

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
        self._region = settings.region
        self._credentials = AwsCredentialsProvider.new_static(
            settings.access_key_id, settings.secret_access_key, settings.session_token
        )

    def headers(self, message: Message, at: datetime) -> dict[str, str]:
        """The message's headers with its signature among them; `at` is the time of signing."""
        body = UNSIGNED_PAYLOAD if message.unsigned_body else hashlib.sha256(message.body).hexdigest()
        signed = self._signed(
            message,
            signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
            date=at,
            signed_body_value=body,
            signed_body_header_type=AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        )
        return dict(signed.headers)

    def url(self, message: Message, at: datetime, *, seconds: int) -> str:
        """A URL that carries the signature in its query and is good for `seconds` (604800 at most) from `at`.

        Whoever uses it must send the message's headers as they are here.
        """
        signed = self._signed(
            message,
            signature_type=AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS,
            date=at,
            signed_body_value=UNSIGNED_PAYLOAD,
            expiration_in_seconds=seconds,
        )
        return message.origin + str(signed.path)

    def _signed(self, message: Message, **options: object) -> HttpRequest:
        is_s3 = message.service == "s3"
        config = AwsSigningConfig(
            credentials_provider=self._credentials,
            region=self._region,
            service=message.service,
            use_double_uri_encode=not is_s3,
            should_normalize_uri_path=not is_s3,
            **options,
        )
        headers = HttpHeaders([("host", message.host), *message.headers.items()])
        # With static credentials the signature is ready on return: no thread of awscrt's is involved.
        return aws_sign_request(HttpRequest(message.method, message.target, headers), config).result()
