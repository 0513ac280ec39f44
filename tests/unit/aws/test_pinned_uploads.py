"""What the URL of an upload lets through, judged as S3 judges: by the signature over what is really sent."""

from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.unit.aws.wire import ACCESS_KEY_ID, CLIENTS, REGION, SECRET_ACCESS_KEY

from stillmotion.aws.objects import S3ObjectStore

PINNED = {"content-type": "image/jpeg", "content-length": "12345"}


class At(S3SigV4QueryAuth):
    """Signs as of a given moment."""

    def __init__(self, stamp: str, seconds: int) -> None:
        super().__init__(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY), "s3", REGION, expires=seconds)
        self._stamp = stamp

    def signature(self, string_to_sign: str, request: AWSRequest) -> str:  # noqa: ARG002 - as the base class has it
        """Over the same, with the moment of now replaced by the given one."""
        now: str = request.context["timestamp"]
        request.context["timestamp"] = self._stamp
        request.url = str(request.url).replace(now, self._stamp).replace(now[:8], self._stamp[:8])
        again = self.string_to_sign(request, self.canonical_request(request))
        signed: str = super().signature(again, request)
        return signed


def url() -> str:
    return S3ObjectStore(CLIENTS).signed_put(
        "photos",
        "uploads/acme/1",
        seconds=900,
        content_type=PINNED["content-type"],
        content_length=int(PINNED["content-length"]),
    )


def passes(method: str, path: str, headers: dict[str, str]) -> bool:
    """Whether S3 takes this call with the URL: it signs what came, and compares."""
    given = urlsplit(url())
    query = parse_qs(given.query)
    sent = {name: headers.get(name, "") for name in query["X-Amz-SignedHeaders"][0].split(";") if name != "host"}
    request = AWSRequest(method, f"{given.scheme}://{given.netloc}{path}", headers=sent)
    At(query["X-Amz-Date"][0], int(query["X-Amz-Expires"][0])).add_auth(request)
    return parse_qs(urlsplit(str(request.url)).query)["X-Amz-Signature"] == query["X-Amz-Signature"]


def test_the_announced_upload_passes() -> None:
    assert passes("PUT", "/uploads/acme/1", PINNED)


@pytest.mark.parametrize("length", ["12344", "12346", "0", ""])
def test_an_upload_of_another_length_does_not(length: str) -> None:
    assert not passes("PUT", "/uploads/acme/1", {**PINNED, "content-length": length})


@pytest.mark.parametrize("content_type", ["image/png", "text/html", ""])
def test_an_upload_of_another_type_does_not(content_type: str) -> None:
    assert not passes("PUT", "/uploads/acme/1", {**PINNED, "content-type": content_type})


@pytest.mark.parametrize(("method", "path"), [("PUT", "/uploads/other/1"), ("GET", "/uploads/acme/1")])
def test_nothing_but_this_one_put_of_this_one_key_passes(method: str, path: str) -> None:
    assert not passes(method, path, PINNED)
