"""What is the same for everybody and changes with the code only: gzipped for callers that take it, known by a tag."""

import base64
import gzip
import hashlib
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from stillmotion.dialects.http import REQUEST_ID

MAX_ACCEPTED = 1000
"""So many characters of an Accept-Encoding are read."""


class Content:
    """A body and its headers; each form of it is made once. With `is_gzipped`, the one form that there is."""

    def __init__(self, media_type: str, body: bytes, headers: Mapping[str, str], *, is_gzipped: bool = False) -> None:
        self._media_type = media_type
        self._body = body
        self._headers = headers
        self._is_gzipped = is_gzipped

    def __call__(self, event: Mapping[str, Any]) -> dict[str, object]:
        """Answers an HTTP API event: 304 to a caller that has it already, and HEAD without the body."""
        context = event["requestContext"]
        asked = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        is_gzipped = self._is_gzipped or takes_gzip(asked.get("accept-encoding", ""))
        headers = {
            **self._headers,
            "etag": f'"{self._digest}-gzip"' if is_gzipped else f'"{self._digest}"',
            "vary": "accept-encoding",
            REQUEST_ID: context["requestId"],
        }
        if self._digest in asked.get("if-none-match", ""):
            return {"statusCode": int(HTTPStatus.NOT_MODIFIED), "headers": headers, "body": ""}
        headers["content-type"] = self._media_type
        if is_gzipped:
            headers["content-encoding"] = "gzip"
        answer: dict[str, object] = {"statusCode": int(HTTPStatus.OK), "headers": headers}
        if context["http"]["method"] == "HEAD":
            return {**answer, "body": ""}
        if is_gzipped:
            return {**answer, "body": self._gzipped, "isBase64Encoded": True}
        return {**answer, "body": self._body.decode()}

    @cached_property
    def _digest(self) -> str:
        return hashlib.sha256(self._body).hexdigest()[:32]

    @cached_property
    def _gzipped(self) -> str:
        """As base64, with no moment in it, so that every function has the same bytes."""
        return base64.b64encode(gzip.compress(self._body, mtime=0)).decode()


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding (RFC 9110, 12.5.3) takes gzip."""
    codings = dict(map(_coding, accepted[:MAX_ACCEPTED].lower().split(",")))
    return codings.get("gzip", codings.get("*", False))


def _coding(word: str) -> tuple[str, bool]:
    """A coding, and whether it is taken: a weight of 0 refuses it."""
    coding, _, weight = word.partition(";")
    return coding.strip(), weight.strip().rstrip("0.") != "q="
