"""What the URL of an upload lets through, judged as S3 judges: by the signature over what is really sent."""

from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.aws.wire import NOW, SETTINGS

from stillmotion.aws.client import AwsClient
from stillmotion.aws.objects import S3ObjectStore
from stillmotion.aws.signing import Message, Signer

PINNED = {"content-type": "image/jpeg", "content-length": "12345"}


def url() -> str:
    store = S3ObjectStore(AwsClient(SETTINGS, now=lambda: NOW))
    return store.signed_put(
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
    message = Message(service="s3", method=method, origin=f"{given.scheme}://{given.netloc}", target=path, headers=sent)
    signed = Signer(SETTINGS).url(message, NOW, seconds=int(query["X-Amz-Expires"][0]))
    return parse_qs(urlsplit(signed).query)["X-Amz-Signature"] == query["X-Amz-Signature"]


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
