"""Calls and objects that were made to hurt: what `hostile_inputs.py` sends."""

import base64
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.unit.dialects.forms import BOUNDARY, CONTENT_TYPE

from stillmotion.dialects.http import MAX_VALUES

MEGABYTE = 1_000_000
FORMS = ("POST /v1/videos", "POST /api/v3/media/upload/binary", "POST /v2/uploads")
ORDERS: Mapping[str, tuple[str, ...]] = {
    "POST /v1/videos": (
        "prompt", "image", "end_image", "duration", "aspect_ratio", "size", "loop", "concepts", "vendor", "failover",
        "max_dollars", "metadata", "callback_url", "seconds", "input_reference", "model",
    ),
    "POST /api/v3/luma/ray-2-flash-i2v": ("prompt", "image", "size", "duration", "vendor", "max_dollars", "metadata"),
    "POST /api/v3/media/uploads": ("filename", "size", "content_type"),
    "POST /api/v3/predictions": ("page", "model", "status", "created_after"),
    "POST /v2/videos/generate": ("model", "prompt", "webhookUrl", "webhookEvents"),
    "POST /v1/keys": ("name", "tenant", "scopes", "expires_at", "daily_dollars", "rate_per_minute"),
    "PUT /v1/webhooks": ("url", "events"),
    "POST /v1/videos/{id}/resolve": ("action", "generation", "run"),
    "POST /v1/videos/{id}/retry": ("expect_dollars", "dry_run", "run"),
}  # fmt: skip
"""Members of bodies that take text from outside, by route."""
APIFRAMES = ("start_image", "end_image", "aspect_ratio", "duration", "concepts", "loop")
QUERIES = ("limit", "after", "cursor", "status", "model", "search", "scope", "days", "variant",
           "modality", "webhook", "include_models")  # fmt: skip
HEADERS = (
    "authorization", "x-api-key", "idempotency-key", "content-type", "if-none-match", "accept-encoding", "accept",
    "x-stainless-retry-count", "webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What a case puts into a call."""

    name: str
    body: bytes | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    segment: str | None = None
    """What stands in each variable of the path."""
    routes: tuple[str, ...] | None = None
    """Where it goes; to every route that it fits, where none are named."""


def _times(text: str, size: int) -> str:
    return (text * (size // len(text.encode("utf-8", "surrogatepass")) + 1))[:size]


def texts(size: int = MEGABYTE) -> Mapping[str, str]:
    """Texts of so many bytes at most, or nearly."""
    repeated = {
        "letters": "a", "spaces": " ", "points": ".", "slashes": "/", "backslashes": "\\", "quotes": '"',
        "quotes that never end": '"\\', "opening brackets": "[", "brackets": "a[",
        "][": "][", "percents": "%22", "noughts": "0", "nines": "9",
        "NULs": "\0", "small letters that grow": "İ", "a ligature that grows": "ﷺ", "marks on a letter": "\u0323\u0307",
        "lions": "🦁", "data: URIs in one another": "data:image/png;base64,", "words of RFC 2047": "=?utf-8?q?a",
        "semicolons": ";", "commas": ",", "filename*": '; filename*="', "URLs in one another": "https://a.example/?",
        "entity tags": '"a", ', "encodings": "gzip;q=0.001, ",
    }  # fmt: skip
    begun = {
        "https://letters": ("https://", "a"),
        "https://points": ("https://a", "."),
        "https://labels": ("https://", "a."),
        "https://colons": ("https://[", ":"),
        "https://letters that grow": ("https://", "ﷺ"),
        "https://user info": ("https://", "a@"),
        "localhost's port": ("http://localhost:", "9"),
        "s3://letters": ("s3://", "a"),
        "s3://a folder up": ("s3://input/uploads/default/", "../"),
        "s3://nothing": ("s3://input/uploads/default/", "/./"),
        "a data URI of letters": ("data:image/png;base64,", "a"),
        "a data URI of padding": ("data:image/png;base64,", "="),
        "a data URI of a long type": ("data:image/", "a"),
        "a size": ("1", "0"),
        "a price": ("0.", "0"),
        "a negative exponent": ("1e-", "9"),
    }
    return {name: _times(text, size) for name, text in repeated.items()} | {
        name: first + _times(more, size - len(first)) for name, (first, more) in begun.items()
    }


def jpegs(size: int) -> Iterator[tuple[str, bytes]]:
    """Beginnings of JPEGs that never come to their dimensions."""
    yield "fill bytes", b"\xff\xd8" + b"\xff" * size
    yield "fill bytes with a marker between", b"\xff\xd8" + (b"\xff" * 999 + b"\x01") * (size // 1000)
    yield "bytes that are no marker", b"\xff\xd8\xff\xe0\x00\x02" + b"\x00" * size
    yield "empty segments", b"\xff\xd8" + b"\xff\xe0\x00\x02" * (size // 4)
    yield "markers without a segment", b"\xff\xd8" + b"\xff\x01" * (size // 2)
    directory = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 5400) + bytes(12 * 5400)
    segment = b"\xff\xe1" + struct.pack(">H", len(directory) + 2) + directory
    yield "directories of EXIF", b"\xff\xd8" + segment * (size // len(segment) + 1)


def json_bodies() -> Iterator[Sent]:
    """For every route that takes a body of JSON."""
    n = MEGABYTE
    yield Sent("nothing but an opening bracket", "[" * n)
    yield Sent("objects in one another", '{"a":' * (n // 5) + "1" + "}" * (n // 5))
    yield Sent("lists in one another, closed", '{"a":' + "[" * (n // 2) + "]" * (n // 2) + "}")
    yield Sent("500 deep", '{"a":' + "[" * 500 + "]" * 500 + "}")
    yield Sent("unknown names", json.dumps({f"name{number}": 1 for number in range(65_000)}))
    yield Sent("as many unknown names as may be", json.dumps({f"n{number}": 1 for number in range(MAX_VALUES - 10)}))
    yield Sent("unknown names of one letter", "{" + ",".join(f'"{chr(c)}":1' for c in range(0x4E00, 0x9FFF)) + "}")
    yield Sent("long unknown names", json.dumps({"n" * 40_000 + str(number): 1 for number in range(24)}))
    yield Sent("the same name", '{"a":1' + ',"a":1' * (n // 6) + "}")
    yield Sent("two of a name at the end", json.dumps({f"n{i}": 1 for i in range(70_000)})[:-1] + ',"n69999":1}')
    yield Sent("empty objects", '{"a":[' + "{}," * (n // 3) + "{}]}")
    yield Sent("objects of one member", '{"a":[' + '{"a":1},' * (n // 8) + "{}]}")
    yield Sent("empty lists", '{"a":[' + "[]," * (n // 3) + "[]]}")
    yield Sent("small numbers", '{"a":[' + "1," * (n // 2) + "1]}")
    yield Sent("floats", '{"a":[' + "0.1," * (n // 4) + "1]}")
    yield Sent("empty texts", '{"a":[' + '"",' * (n // 3) + '""]}')
    yield Sent("a number of a million digits", '{"a":' + "9" * n + "}")
    yield Sent("numbers of 4,300 digits", '{"a":[' + ("9" * 4300 + ",") * 230 + "1]}")
    yield Sent("a float of a million digits", '{"a":0.' + "1" * n + "}")
    yield Sent("floats of 4,000 digits", '{"a":[' + ("0." + "1" * 4000 + ",") * 240 + "1]}")
    yield Sent("a huge exponent", '{"a":1e' + "9" * n + "}")
    yield Sent("exponents", '{"a":[' + "1e-999," * (n // 7) + "1]}")
    yield Sent("halves of characters", '{"a":"' + r"\ud800" * (n // 6) + '"}')
    yield Sent("pairs of halves", '{"a":"' + r"\ud83e\udd81" * (n // 12) + '"}')
    yield Sent("halves of characters in names", "{" + ",".join(f'"\\ud800{i}":1' for i in range(n // 16)) + "}")
    yield Sent("white space", " " * n + "{}")
    yield Sent("no UTF-8", b'{"a":"' + b"\xff" * n + b'"}')
    yield Sent("UTF-16", json.dumps({"prompt": "a" * (n // 2)}).encode("utf-16"))
    yield Sent("a body that is no base64", "!" * n, headers={"x-claims": "base64"})
    yield Sent("4.4 MB of white space", " " * 4_400_000 + "{}")
    yield Sent("4.4 MB of unknown names", json.dumps({f"name{number}": 1 for number in range(270_000)}))
    yield Sent("4.4 MB of small numbers", '{"a":[' + "1," * 2_200_000 + "1]}")
    yield Sent("4.4 MB of empty objects", '{"a":[' + "{}," * 1_460_000 + "{}]}")
    yield Sent("4.4 MB of text", json.dumps({"prompt": "a" * 4_400_000}))
    yield Sent("4.4 MB of escapes", '{"prompt":"' + r"\u0041" * 730_000 + '"}')


def members() -> Iterator[Sent]:
    """Each member of a body with each text, in lists and objects too."""
    for route, names in ORDERS.items():
        for name in names:
            for kind, text in {**texts(), "halves of characters": "\ud800" * (MEGABYTE // 6)}.items():
                yield Sent(f"{name}: {kind}", json.dumps({"prompt": "a", name: text}), routes=(route,))
            yield from (Sent(f"{name}: {kind}", body, routes=(route,)) for kind, body in _many(name))
    apiframes = ("POST /v2/videos/generate",)
    order = {"model": "luma-ray-flash-2", "prompt": "a"}
    for name in APIFRAMES:
        for kind, text in {**texts(), "halves of characters": "\ud800" * (MEGABYTE // 6)}.items():
            yield Sent(f"{name}: {kind}", json.dumps({**order, "lumaParams": {name: text}}), routes=apiframes)
        for kind, body in _many(name):
            yield Sent(f"{name}: {kind}", json.dumps({**order, "lumaParams": json.loads(body)}), routes=apiframes)
    routes = {"POST /v1/videos": "image", "POST /api/v3/luma/ray-2-flash-i2v": "image"}
    for kind, image in jpegs(3_200_000):
        uri = f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"
        for route, name in routes.items():
            yield Sent(f"{name}: a JPEG of {kind}", json.dumps({"prompt": "a", name: uri}), routes=(route,))
        start = {**order, "lumaParams": {"start_image": uri}}
        yield Sent(f"start_image: a JPEG of {kind}", json.dumps(start), routes=apiframes)


def _many(name: str) -> Iterator[tuple[str, str]]:
    yield "many words", json.dumps({name: ["static"] * 100_000})
    yield "many other words", json.dumps({name: [f"w{number}" for number in range(100_000)]})
    yield "many numbers", json.dumps({name: list(range(140_000))})
    yield "many lists", json.dumps({name: [[]] * 250_000})
    yield "many entries", json.dumps({name: {f"n{number}": "a" for number in range(60_000)}})
    # As many as a body may have.
    most = MAX_VALUES - 10
    yield "words", json.dumps({name: ["static"] * most})
    yield "other words", json.dumps({name: [f"w{number}" for number in range(most)]})
    yield "long words", json.dumps({name: ["w" * 90] * most})
    yield "numbers", json.dumps({name: list(range(most))})
    yield "lists", json.dumps({name: [[]] * (most // 2)})
    yield "entries", json.dumps({name: {f"n{number}": "a" for number in range(most)}})
    yield "a number of 300 digits", json.dumps({name: 10**300})
    yield "a tiny number", json.dumps({name: 1e-300})


def forms() -> Iterator[Sent]:
    """For every route that takes a form."""

    def part(head: str, content: str = "x") -> str:
        return f"--{BOUNDARY}\r\n{head}\r\n\r\n{content}\r\n"

    def named(name: str, more: str = "") -> str:
        return f'Content-Disposition: form-data; name="{name}"{more}'

    end, long = f"--{BOUNDARY}--\r\n", 4_000
    bodies: dict[str, str] = {
        "many parts": part(named("a")) * 12_000 + end,
        "100 parts of one name": part(named("prompt")) * 100 + end,
        "100 lists": part(named("concepts[]"), "a" * 9_000) * 100 + end,
        "lines": "\r\n" * (MEGABYTE // 2),
        "carriage returns": part(named("prompt"), "\r" * MEGABYTE) + end,
        "hyphens": part(named("prompt"), "-" * MEGABYTE) + end,
        "boundaries that break off": part(named("prompt"), f"\r\n--{BOUNDARY[:-1]}" * (MEGABYTE // 12)) + end,
        "boundaries and no part": f"--{BOUNDARY}\r\n" * (MEGABYTE // 13),
        "many headers": part(named("a") + "\r\nx: y" * (MEGABYTE // 6)) + end,
        "a long header": part(named("a" * MEGABYTE)) + end,
    }
    for kind, text in texts(long).items():
        if not any(forbidden in text for forbidden in "\0"):
            head = text.encode("utf-8", "replace").decode("latin-1")
            bodies[f"100 names of {kind}"] = "".join(part(named(head[: long - 40])) for _ in range(100)) + end
            bodies[f"100 dispositions of {kind}"] = part(named("a", f"; {head[: long - 60]}")) * 100 + end
            bodies[f"100 file names of {kind}"] = part(named("file", f'; filename="{head[: long - 60]}"')) * 100 + end
            bodies[f"100 types of {kind}"] = part(f"{named('a')}\r\nContent-Type: {head}") * 100 + end
            bodies[f"100 members of {kind}"] = part(named(f"metadata[{head[: long - 60]}]")) * 100 + end
    for kind, body in bodies.items():
        yield Sent(f"a form: {kind}", body.encode("latin-1"), {"content-type": CONTENT_TYPE}, routes=FORMS)
    for kind, text in texts().items():
        content_type = f"multipart/form-data; boundary={text}"
        yield Sent(f"a form: boundary of {kind}", b"--x\r\n", {"content-type": content_type}, routes=FORMS)
    for boundary in ("-" * 250, "\r" * 250, "a" * 250):
        content_type = f"multipart/form-data; boundary={boundary}"
        body = f"--{boundary}\r\n{named('a')}\r\n\r\n" + (f"\r\n--{boundary[:-1]}" * (MEGABYTE // 253))
        yield Sent(
            f"a form: nearly {boundary[0]!r} again and again", body.encode(), {"content-type": content_type},
            routes=FORMS,
        )  # fmt: skip
    for kind, image in jpegs(3_200_000):
        head = 'Content-Disposition: form-data; name="{}"; filename="a.jpg"\r\nContent-Type: image/jpeg'
        for name, route in (("image", FORMS[0]), ("file", FORMS[1]), ("file", FORMS[2])):
            first = f"--{BOUNDARY}\r\n{head.format(name)}\r\n\r\n".encode()
            prompt = part(named("prompt")).encode() if route == FORMS[0] else b""
            body_of_file = prompt + first + image + f"\r\n{end}".encode()
            headers = {"content-type": CONTENT_TYPE}
            yield Sent(f"a form: a JPEG of {kind}", body_of_file, headers, routes=(route,))


def around() -> Iterator[Sent]:
    """Paths, queries and headers, for every route."""
    for kind, text in texts().items():
        yield Sent(f"a path of {kind}", segment=text)
        yield Sent(f"a path of many {kind}", segment="/".join([text[:1] or "a"] * (MEGABYTE // 2)))
    yield Sent("a path of ids", segment="a1/" * (MEGABYTE // 3))
    yield Sent("many parameters", query={f"name{number}": "a" for number in range(80_000)})
    yield Sent("long names of parameters", query={"n" * 40_000 + str(number): "a" for number in range(25)})
    for kind, text in texts().items():
        yield Sent(f"every parameter {kind}", query=dict.fromkeys(QUERIES, text))
        yield Sent(f"every header {kind}", headers=dict.fromkeys(HEADERS[2:], text))
        yield Sent(f"a key of {kind}", headers={"authorization": f"Bearer {text}"})
        yield Sent(f"a scheme of {kind}", headers={"authorization": text, "x-api-key": text})
    yield Sent("many headers", headers={f"x-{number}": "a" for number in range(80_000)})


def sidecars(size: int) -> Iterator[tuple[str, bytes]]:
    """What may lie beside an image, of so many bytes at most."""
    yield "opening brackets", b"[" * size
    yield "unknown names", json.dumps({f"n{number}": 1 for number in range(size // 13)}).encode()
    yield "the same name", b'{"a":1' + b',"a":1' * (size // 6 - 2) + b"}"
    yield "a number of many digits", b'{"duration":' + b"9" * (size - 20) + b"}"
    yield "empty objects", b'{"a":[' + b"{}," * (size // 3 - 6) + b"{}]}"
    yield "half characters", b'{"prompt":"' + rb"\ud800" * (size // 6 - 4) + b'"}'
    for kind, text in texts(size // 2 - 100).items():
        for name in ("prompt", "end_image", "metadata", "size", "max_dollars", "callback_url"):
            yield f"{name}: {kind}", json.dumps({"prompt": "a", name: text}).encode()[:size]


Make = Callable[[], Iterator[Sent]]
CALLS: Mapping[str, Make] = {"JSON": json_bodies, "members": members, "forms": forms, "around": around}
