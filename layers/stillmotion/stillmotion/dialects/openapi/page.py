"""The document as one HTML page that fetches nothing and runs nothing."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from stillmotion.dialects.http import REQUEST_ID
from stillmotion.dialects.openapi.schemas import Json

STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; } h2 + p { color: var(--quiet); }
details { border-top: 1px solid var(--line); padding: .5rem 0; } details details { margin-left: 1rem; }
summary { cursor: pointer; } summary b { display: inline-block; min-width: 4.5rem; }
summary span { color: var(--quiet); float: right; }
code, pre { font: 14px/1.4 ui-monospace, monospace; } pre { overflow: auto; padding: .75rem; background: #8881; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .25rem .5rem;
border-top: 1px solid var(--line); }
"""
STYLE_HASH = f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"
LONGEST_ENUM = 12


def page(document: Json) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])}</h1>{_prose(info['description'])}",
        f"<p>The API is at <code>{escape(document['servers'][0]['url'])}</code>. The same as ",
        '<a href="openapi.json">OpenAPI 3.1</a>.</p>',
    ]
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>")
        parts += _operations(document, tag["name"])
    parts.append("<h2>Schemas</h2><p>What the operations name.</p>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>')
        parts.append(f"{_schema(schema)}</details>")
    return "".join([*parts, "</body></html>"])


def _operations(document: Json, tag: str) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag not in operation["tags"]:
                continue
            scopes = [scope for way in operation["security"] for scope in next(iter(way.values()))]
            yield f'<details id="{escape(operation["operationId"])}"><summary>'
            yield f"<b>{method.upper()}</b> <code>{escape(path)}</code> "
            yield f"<span>{escape(operation['summary'])}</span></summary>"
            yield f"<p>Takes {f'a key with the scope <b>{scopes[0]}</b>' if scopes else 'no key'}.</p>"
            yield _prose(operation.get("description", ""))
            yield _parameters(operation.get("parameters", []))
            yield from _bodies(document, method, path, operation)
            yield _answers(operation["responses"])
            yield "</details>"


def _parameters(parameters: list[Json]) -> str:
    rows = [
        (
            f"<code>{escape(one['name'])}</code> in {one['in']}",
            _kind(one["schema"]),
            escape(one.get("description", "")),
        )
        for one in parameters
    ]
    return _table(("Parameter", "", ""), rows)


def _bodies(document: Json, method: str, path: str, operation: Json) -> Iterator[str]:
    for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body, {escape(media_type)}: {_kind(body['schema'])}</p>"
        for example in body.get("examples", {}).values():
            yield f"<p>{escape(example['summary'])}</p><pre>"
            address = document["servers"][0]["url"] + _filled(path, operation)
            yield escape(_curl(f"{method.upper()} {address}", operation, media_type, example["value"]))
            yield "</pre>"


def _filled(path: str, operation: Json) -> str:
    for one in operation.get("parameters", []):
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
    return path


def _curl(call: str, operation: Json, media_type: str, value: Mapping[str, Any]) -> str:
    lines = [f"curl -X {call}"]
    if operation["security"]:
        lines.append("-H 'Authorization: Bearer '\"$STILLMOTION_API_KEY\"")
    if media_type == "application/json":
        lines += ["-H 'Content-Type: application/json'", f"-d '{_json(value)}'"]
    else:
        lines += [f"-F '{name}={text}'" for name, text in value.items()]
    return " \\\n  ".join(lines)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2).replace("'", "'\\''")


def _answers(responses: Mapping[str, Json]) -> str:
    rows = []
    for status, told in responses.items():
        # What every answer has is told at the top.
        named = [name for name in told.get("headers", {}) if name != REQUEST_ID]
        headers = ", ".join(f"<code>{escape(name)}</code>" for name in named)
        shown = " or ".join(_kind(content["schema"]) for content in told.get("content", {}).values())
        rows.append((f"<b>{status}</b>", shown, escape(told["description"]) + (f" With {headers}." if headers else "")))
    return _table(("Answer", "", ""), rows)


def _schema(schema: Json) -> str:
    text = _prose(schema.get("description", ""))
    if "properties" not in schema:
        return f"{text}<p>{_kind(schema)}</p>"
    required = schema.get("required", [])
    rows = [
        (
            f"<code>{escape(name)}</code>{'' if name in required else ' (optional)'}",
            _kind(member),
            escape(member.get("description", "")),
        )
        for name, member in schema["properties"].items()
    ]
    return text + _table(("Member", "", ""), rows)


def _kind(schema: Json) -> str:
    """A schema in a few words."""
    match schema:
        case {"$ref": str(target)}:
            name = escape(target.rpartition("/")[2])
            return f'<a href="#{name}">{name}</a>'
        case {"anyOf": list(options)}:
            return " or ".join(_kind(option) for option in options)
        case {"const": value}:
            return _values([value])
        case {"enum": list(values)}:
            return _values(values)
        case _:
            return _structure(schema)


def _structure(schema: Json) -> str:
    match schema:
        case {"type": "array", "items": items}:
            return f"list of {_kind(items)}"
        case {"type": "object", "properties": dict(members)}:
            return "{" + ", ".join(f"{escape(name)}: {_kind(member)}" for name, member in members.items()) + "}"
        case _:
            return escape(str(schema.get("format") or schema.get("type") or "anything"))


def _values(values: Sequence[object]) -> str:
    shown = ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values[:LONGEST_ENUM])
    return shown + (", …" if len(values) > LONGEST_ENUM else "")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>{cells}</table>"


def _prose(text: str) -> str:
    """Paragraphs, with what Markdown there is: bold and code."""
    paragraphs = [escape(paragraph) for paragraph in text.strip().split("\n\n") if paragraph]
    return "".join(f"<p>{_marked(_marked(paragraph, '**', 'b'), '`', 'code')}</p>" for paragraph in paragraphs)


def _marked(text: str, mark: str, element: str) -> str:
    outside, *rest = text.split(mark)
    pieces = [outside]
    for number, piece in enumerate(rest):
        pieces += [f"</{element}>" if number % 2 else f"<{element}>", piece]
    return "".join(pieces)
