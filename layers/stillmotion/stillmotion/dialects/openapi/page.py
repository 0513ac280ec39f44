"""The document as one HTML page that fetches nothing and runs nothing.

What a link leads to stands inside of its `details`: browsers open those around what they scroll to.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import urlencode

from stillmotion.dialects.http import REQUEST_ID
from stillmotion.dialects.openapi.schemas import Json

STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: light-dark(#666, #999); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
overflow-wrap: break-word; }
h2 { margin-top: 3rem; } h2 + p { color: var(--quiet); } nav a { margin-right: 1rem; white-space: nowrap; }
details { border-top: 1px solid var(--line); padding: .5rem 0; } details details { border: 0; padding: 0; }
summary { cursor: pointer; } summary::after { content: ""; display: block; clear: both; }
summary b { display: inline-block; min-width: 4.5rem; } summary span { color: var(--quiet); float: right; }
div { scroll-margin-top: 3.5rem; }
code, pre { font: 14px/1.4 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
pre { overflow: auto; padding: .75rem; background: #8881; }
ul { margin: 0; padding-left: 1.25rem; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; }
td, th { vertical-align: top; padding: .25rem .5rem; border-top: 1px solid var(--line); }
td:first-child { min-width: 9rem; } td:nth-child(2) { width: 40%; }
@media (max-width: 48rem) {
summary span { float: none; display: block; }
div { scroll-margin-top: 5rem; }
table, tbody, tr, td { display: block; } tr:first-child, td:empty { display: none; }
td, td:first-child, td:nth-child(2) { width: auto; min-width: 0; border: 0; padding: 0; }
tr { border-top: 1px solid var(--line); padding: .25rem 0; }
}
"""
STYLE_HASH = f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"
_RANGES = (
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " entries"),
    ("minimum", "maximum", ""),
)
_KEY = '-H "Authorization: Bearer $STILLMOTION_API_KEY"'


def page(document: Json) -> str:
    """The page of an OpenAPI document."""
    info, tags = document["info"], [tag["name"] for tag in document["tags"]]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])}</h1>{_prose(info['description'])}",
        f"<p>The API is at <code>{escape(document['servers'][0]['url'])}</code>. The same as ",
        '<a href="openapi.json">OpenAPI 3.1</a>.</p><nav>',
        *(f'<a href="#{_anchor(name)}">{escape(name)}</a> ' for name in (*tags, "Schemas")),
        "</nav>",
    ]
    for tag in document["tags"]:
        parts.append(f'<h2 id="{_anchor(tag["name"])}">{escape(tag["name"])}</h2>{_prose(tag["description"])}')
        parts += _operations(document, tag["name"])
        parts += _webhooks(document, tag["name"])
    parts.append('<h2 id="schemas">Schemas</h2><p>What the operations name.</p>')
    for name, schema in document["components"]["schemas"].items():
        parts.append(_details(f"<code>{escape(name)}</code>", _schema(schema), id_=name))
    return "".join([*parts, "</body></html>"])


def _anchor(tag: str) -> str:
    return re.sub(r"\W+", "-", tag).lower()


def _details(summary: str, content: str, *, id_: str) -> str:
    return f'<details><summary>{summary}</summary><div id="{escape(id_)}">{content}</div></details>'


def _operations(document: Json, tag: str) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield _operation(document, method.upper(), path, operation)


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    scopes = [scope for way in operation["security"] for scope in next(iter(way.values()))]
    parts = [
        f"<p>Takes {f'a key with the scope <b>{scopes[0]}</b>' if scopes else 'no key'}.</p>",
        _prose(operation.get("description", "")),
        _parameters(operation.get("parameters", [])),
        *_calls(document, method, path, operation),
        _answers(operation["responses"]),
        *_examples(document, operation["responses"]),
    ]
    summary = f"<b>{method}</b> <code>{escape(path)}</code> <span>{escape(operation['summary'])}</span>"
    return _details(summary, "".join(parts), id_=operation["operationId"])


def _webhooks(document: Json, tag: str) -> Iterator[str]:
    for word, methods in document.get("webhooks", {}).items():
        told = methods["post"]
        if tag not in told["tags"]:
            continue
        bodies = told["requestBody"]["content"].items()
        parts = [
            "<p>Comes to your address.</p>",
            _parameters(told["parameters"]),
            *(f"<p>Body, {escape(media_type)}: {_kind(body['schema'])}</p>" for media_type, body in bodies),
            *_examples(document, {"": told["requestBody"]}),
            _answers(told["responses"]),
        ]
        summary = f"<b>POST</b> <code>{escape(word)}</code> <span>{escape(told['summary'])}</span>"
        yield _details(summary, "".join(parts), id_=told["operationId"])


def _parameters(parameters: list[Json]) -> str:
    rows = []
    for one in parameters:
        shown = f" For example <code>{escape(str(one['example']))}</code>." if "example" in one else ""
        rows.append((f"<code>{escape(one['name'])}</code> in {one['in']}", _kind(one["schema"]), _about(one) + shown))
    return _table(("Parameter", "", ""), rows)


def _calls(document: Json, method: str, path: str, operation: Json) -> Iterator[str]:
    """The bodies, and calls to copy."""
    address = document["servers"][0]["url"] + _filled(path, operation)
    bodies = operation.get("requestBody", {}).get("content", {})
    if not bodies:
        query = {one["name"]: one["example"] for one in _with_example(operation, "query")}
        yield _code(_curl(method, f"{address}?{urlencode(query)}" if query else address, operation))
    for media_type, body in bodies.items():
        yield f"<p>Body, {escape(media_type)}: {_kind(body['schema'])}</p>"
        is_form = media_type == "multipart/form-data"
        examples = body.get("examples", {"": {"summary": "", "value": {"file": "@photo.jpg"}}} if is_form else {})
        for example in examples.values():
            sent = _form(example["value"]) if is_form else _sent(media_type, example["value"])
            yield f"<p>{escape(example['summary'])}</p>{_code(_curl(method, address, operation, *sent))}"


def _filled(path: str, operation: Json) -> str:
    for one in _with_example(operation, "path"):
        path = path.replace(f"{{{one['name']}}}", str(one["example"]))
    return path


def _with_example(operation: Json, where: str) -> list[Json]:
    return [one for one in operation.get("parameters", []) if one["in"] == where and "example" in one]


def _curl(method: str, address: str, operation: Json, *sent: str) -> str:
    lines = [f"curl {'' if method == 'GET' else f'-X {method} '}{_quoted(address)}"]
    if "302" in operation["responses"]:
        lines = [f"curl -L -o video.mp4 {_quoted(address)}"]
    if operation["security"]:
        lines.append(_KEY)
    return " \\\n  ".join([*lines, *sent])


def _sent(media_type: str, value: object) -> tuple[str, ...]:
    return (f"-H 'Content-Type: {media_type}'", f"-d {_quoted(_json(value))}")


def _form(value: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"-F {_quoted(f'{name}={text}')}" for name, text in value.items())


def _quoted(text: str) -> str:
    """As a shell takes it word for word."""
    return "'" + text.replace("'", "'\\''") + "'"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _code(text: str) -> str:
    return f"<pre>{escape(text, quote=False)}</pre>"


def _answers(responses: Mapping[str, Json]) -> str:
    rows = []
    for status, told in responses.items():
        kinds = dict.fromkeys(_kind(content["schema"]) for content in told.get("content", {}).values())
        # What every answer has is told at the top.
        named = [name for name in told.get("headers", {}) if name != REQUEST_ID]
        headers = ", ".join(f"<code>{escape(name)}</code>" for name in named)
        rows.append((f"<b>{status}</b>", " or ".join(kinds), _about(told) + (f" With {headers}." if headers else "")))
    return _table(("Answer", "", ""), rows)


def _examples(document: Json, bodies: Mapping[str, Json]) -> Iterator[str]:
    """What is sent back, or told."""
    for status, body in bodies.items():
        for content in body.get("content", {}).values():
            for name in content.get("examples", {}):
                value = document["components"]["examples"][name]["value"]
                words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
                yield f"<details><summary>{status} for example: {words}</summary>{_code(_json(value))}</details>"


def _schema(schema: Json) -> str:
    text = _prose(schema.get("description", ""))
    shown = "".join(f"<p>For example:</p>{_code(_json(example))}" for example in schema.get("examples", []))
    if "properties" not in schema:
        return f"{text}<p>{_kind(schema)}</p>{shown}"
    rows = [(f"{_named(name, schema)}", _kind(member), _about(member)) for name, member in schema["properties"].items()]
    return text + _table(("Member", "", ""), rows) + shown


def _named(name: str, schema: Json) -> str:
    return f"<code>{escape(name)}</code>{'' if name in schema.get('required', []) else ' (optional)'}"


def _about(told: Json) -> str:
    """What is said of it, and of what it may be."""
    said = [part["description"] for part in (told, *told.get("anyOf", ())) if part.get("description")]
    return " ".join(_inline(text) for text in dict.fromkeys(said))


def _kind(schema: Json) -> str:
    """A schema in a few words: what it is, its limits, its default."""
    default = schema.get("default")
    usual = "" if default is None else f"; by default <code>{escape(json.dumps(default))}</code>"
    match schema:
        case {"$ref": str(target)}:
            name = escape(target.rpartition("/")[2])
            return f'<a href="#{name}">{name}</a>'
        case {"anyOf": list(options)}:
            return " or ".join(_kind(option) for option in options) + usual
        case {"const": value}:
            return _values([value])
        case {"enum": list(values)}:
            return _values(values) + usual
        case _:
            limits = ", ".join(_limits(schema))
            return _structure(schema) + (f" ({limits})" if limits else "") + usual


def _structure(schema: Json) -> str:
    match schema:
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"type": "object", "properties": dict(members)}:
            rows = (f"<li>{_named(name, schema)}: {_kind(member)}</li>" for name, member in members.items())
            return f"object with <ul>{''.join(rows)}</ul>"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {_kind(values)}"
        case _:
            return escape(str(schema.get("format") or schema.get("type") or "anything"))


def _limits(schema: Json) -> Iterator[str]:
    yield from _bounds(schema)
    if "propertyNames" in schema:
        yield from (f"names of {limit}" for limit in _limits(schema["propertyNames"]))
    if schema.get("uniqueItems"):
        yield "each once"
    if "pattern" in schema:
        yield f"matching <code>{escape(schema['pattern'])}</code>"


def _bounds(schema: Json) -> Iterator[str]:
    for least, most, unit in _RANGES:
        match schema.get(least), schema.get(most):
            case None, None:
                continue
            case None, high:
                yield f"up to {high}{unit}"
            case low, None:
                yield f"{low} or more{unit}"
            case low, high:
                # In full: 0.000001 and not 1e-06.
                yield f"{Decimal(str(low)):f} to {high}{unit}"
    if "exclusiveMinimum" in schema:
        yield f"more than {schema['exclusiveMinimum']}"
    if "exclusiveMaximum" in schema:
        yield f"less than {schema['exclusiveMaximum']}"


def _values(values: Sequence[object]) -> str:
    return ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>{cells}</table>"


def _prose(text: str) -> str:
    """Paragraphs, with what Markdown there is: blocks of code, and within a line bold and code."""
    parts = []
    for number, block in enumerate(text.strip().split("```")):
        if number % 2:
            parts.append(_code(block.partition("\n")[2].rstrip()))
        else:
            parts += [f"<p>{_inline(paragraph)}</p>" for paragraph in block.strip().split("\n\n") if paragraph]
    return "".join(parts)


def _inline(text: str) -> str:
    return _marked(_marked(escape(text), "**", "b"), "`", "code")


def _marked(text: str, mark: str, element: str) -> str:
    outside, *rest = text.split(mark)
    pieces = [outside]
    for number, piece in enumerate(rest):
        pieces += [f"</{element}>" if number % 2 else f"<{element}>", piece]
    return "".join(pieces)
