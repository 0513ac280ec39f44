"""The page at `/docs` as a browser is given it by the gateway: gzipped, kept, and all of the stack itself."""

import hashlib
import re
from urllib.parse import urljoin

import httpx
import pytest
from tests.e2e.conftest import LocalStack

ENCODINGS = ["gzip, deflate, br", "identity"]


def fetched(local: LocalStack, path: str, encoding: str, **headers: str) -> httpx.Response:
    # The client decodes what says that it is gzipped.
    return local.http.get(f"{local.description.api_url}{path}", headers={"accept-encoding": encoding, **headers})


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_all_that_the_page_links_comes_from_the_stack_as_its_name_says(local: LocalStack, encoding: str) -> None:
    page = fetched(local, "/docs", encoding)
    assert "script-src 'self';" in page.headers["content-security-policy"]
    links = re.findall(r'(?:src|href)="(docs/assets/[^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        assert urljoin(str(page.url), link) == f"{local.description.api_url}/{link}"
        asset = fetched(local, f"/{link}", encoding)
        assert (asset.status_code, "immutable" in asset.headers["cache-control"]) == (200, True)
        assert asset.headers["content-encoding"] == "gzip"
        assert hashlib.sha256(asset.content).hexdigest()[:16] in link


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_caller_has_already_is_not_sent_again(local: LocalStack, path: str, encoding: str) -> None:
    first = fetched(local, path, encoding)
    again = fetched(local, path, encoding, **{"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_the_page_calls_the_api_where_it_is_served_from(local: LocalStack) -> None:
    """What it may connect to is its own origin."""
    document = fetched(local, "/openapi.json", "gzip").json()
    assert document["servers"] == [{"url": local.description.api_url}]
