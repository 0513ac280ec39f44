"""The page at `/docs`: Swagger UI, whose files are routes of the stack. Nothing is inline, and nothing is foreign.

A file's name has a hash of what is in it, so that it may be kept for ever. Its package is never imported: it is one for
Django.
"""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from stillmotion.dialects.openapi.content import Content

PACKAGE = "drf_spectacular_sidecar"
FILES: Mapping[str, str] = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
"""Those of the package, with their media types."""
SETUP = "docs.js"
_SETUP = b"""\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Stillmotion API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{swagger-ui.css}">
<script defer src="{swagger-ui-bundle.js}"></script>
<script defer src="{docs.js}"></script>
</head>
<body>
<noscript>This page needs JavaScript. The same is in <a href="openapi.json">openapi.json</a>.</noscript>
<div id="docs"></div>
</body>
</html>
"""
HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_FOR_EVER: Mapping[str, str] = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
}


def assets() -> Mapping[str, Content]:
    """What the page links, by its name in the path; gzipped for everybody, as a flood costs a fourth then."""
    package = find_spec(PACKAGE)
    assert package is not None  # noqa: S101 - it is pinned
    assert package.origin is not None  # noqa: S101
    folder = Path(package.origin).parent / "static" / PACKAGE / "swagger-ui-dist"
    read = {name: (media_type, (folder / name).read_bytes()) for name, media_type in FILES.items()}
    read[SETUP] = ("text/javascript; charset=utf-8", _SETUP)
    return {
        _hashed(name, body): Content(media_type, body, _FOR_EVER, is_gzipped=True)
        for name, (media_type, body) in read.items()
    }


def page(names: Mapping[str, object]) -> Content:
    """The page that links assets of these names."""
    written = _PAGE
    for name in names:
        written = written.replace(f"{{{_plain(name)}}}", f"docs/assets/{name}")
    return Content("text/html; charset=utf-8", written.encode(), {"cache-control": "public, max-age=300", **HEADERS})


def _hashed(name: str, body: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{suffix}"


def _plain(hashed: str) -> str:
    stem, _, suffix = hashed.rpartition(".")
    return f"{stem.rpartition('.')[0]}.{suffix}"
