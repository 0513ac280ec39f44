"""The page at `/docs`: what it links is there, is what its name says, and is all that a browser may fetch and run."""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from tests.unit.template.document import ROOT

from stillmotion.dialects.openapi.serving import Contract

BASE_URL = "https://api.example"
MAX_ANSWER = 6 * 1024 * 1024
"""What a function may answer, base64 and JSON's escapes counted (AWS's guide to Lambda, quotas)."""
INERT = {"html", "head", "meta", "title", "link", "script", "body", "noscript", "a", "div"}


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the text in scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag in ("script", "style"):
            self.inline += data.strip()

    @property
    def links(self) -> list[str]:
        """Where it leads, and what it loads."""
        found = [each.get("src") or each.get("href") for _, each in self.tags]
        return [address for address in found if address and not address.startswith("data:")]


@pytest.fixture
def contract() -> Contract:
    return Contract(BASE_URL)


def answered(contract: Contract, address: str, method: str = "GET", **headers: str) -> Any:
    path = urlsplit(address).path
    read: dict[str, Any] = json.loads((ROOT / "events" / "read-docs-asset.json").read_text(encoding="utf-8"))
    folder, _, name = path.rpartition("/")
    is_asset = folder == "/docs/assets"
    route = f"{method} {folder}/{{name}}" if is_asset else f"{method} {path}"
    context = {**read["requestContext"], "http": {"method": method, "path": path}, "routeKey": route}
    given = {"pathParameters": {"name": name}} if is_asset else {}
    return contract({**read, "routeKey": route, "requestContext": context, "headers": headers, **given})


def body_of(answer: Mapping[str, Any]) -> bytes:
    """What a browser has of it."""
    if not answer.get("isBase64Encoded"):
        return str(answer["body"]).encode()
    sent = base64.b64decode(answer["body"])
    return gzip.decompress(sent) if answer["headers"].get("content-encoding") == "gzip" else sent


@pytest.fixture
def page(contract: Contract) -> Tags:
    return Tags(answered(contract, "/docs")["body"])


@pytest.fixture
def assets(page: Tags) -> list[str]:
    """The addresses of what the page loads."""
    return [urljoin(f"{BASE_URL}/docs", link) for link in page.links if "assets" in link]


def test_a_browser_may_fetch_and_run_what_is_of_the_stack_and_nothing_else(contract: Contract) -> None:
    headers = answered(contract, "/docs")["headers"]
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
    assert {word for words in policy.values() for word in words.split()} == {"'none'", "'self'", "data:"}
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_nothing_is_inline_or_foreign(page: Tags) -> None:
    assert page.inline == ""
    assert {tag for tag, _ in page.tags} <= INERT
    assert not {name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"}
    assert all(not urlsplit(link).netloc and not link.startswith("/") for link in page.links)


def test_every_link_leads_somewhere(contract: Contract, page: Tags) -> None:
    assert {answered(contract, urljoin(f"{BASE_URL}/docs", link))["statusCode"] for link in page.links} == {200}


def test_the_page_is_found_below_any_path(page: Tags) -> None:
    """A stack may be reached below a path of another host: what the page names stands beside it."""
    address = urljoin("https://host.example/videos/docs", page.links[0])
    assert address.startswith("https://host.example/videos/docs/assets/")


def test_an_asset_is_what_its_name_says_and_may_be_kept_for_ever(contract: Contract, assets: list[str]) -> None:
    assert len(assets) == 3
    for address in assets:
        answer = answered(contract, address, **{"accept-encoding": "gzip, br"})
        assert hashlib.sha256(body_of(answer)).hexdigest()[:16] in address
        assert answer["headers"]["cache-control"] == "public, max-age=31536000, immutable"
        assert answer["headers"]["x-content-type-options"] == "nosniff"
        assert answer["headers"]["content-type"].startswith(
            "text/css" if address.endswith(".css") else "text/javascript"
        )


@pytest.mark.parametrize("accepted", ["gzip", "identity", "gzip;q=0"])
def test_an_asset_is_gzipped_for_everybody_and_fits_into_an_answer(
    contract: Contract, assets: list[str], accepted: str
) -> None:
    """A flood of those who take nothing else would cost four times as much."""
    for address in assets:
        answer = answered(contract, address, **{"accept-encoding": accepted})
        assert answer["headers"]["content-encoding"] == "gzip"
        assert len(json.dumps(answer)) < MAX_ANSWER / 4


def test_head_of_an_asset_has_its_headers_and_no_body(contract: Contract, assets: list[str]) -> None:
    head, get = answered(contract, assets[0], "HEAD"), answered(contract, assets[0])
    assert (head["statusCode"], head["headers"], head["body"]) == (200, get["headers"], "")


@pytest.mark.parametrize("name", ["docs.js", "swagger-ui.0000000000000000.css", "", "../docs", "LICENSE"])
def test_no_other_name_is_there(contract: Contract, name: str) -> None:
    answer = answered(contract, f"/docs/assets/{name}")
    assert (answer["statusCode"], answer["headers"]["cache-control"]) == (404, "no-store")


def test_the_page_asks_nobody_else_and_keeps_no_key(contract: Contract, assets: list[str]) -> None:
    (setup,) = [body_of(answered(contract, address)).decode() for address in assets if "/docs." in address]
    assert "validatorUrl: null" in setup
    assert "persistAuthorization" not in setup
    assert "queryConfigEnabled" not in setup
    assert "://" not in setup
