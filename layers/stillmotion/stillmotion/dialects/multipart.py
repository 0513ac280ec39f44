"""Forms with files (`multipart/form-data`, RFC 7578), as API Gateway hands them over: whole.

A form that is too large for Lambda's event is answered by the gateway itself, with 413 and no word of ours.

Names are spelt as the HTML standard has it, which browsers and httpx keep to (multipart/form-data encoding algorithm).
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from stillmotion.dialects.http import MAX_BODY_BYTES, HttpRequest, Problem

MAX_PARTS = 100
MAX_HEADER_BYTES = 64 * 1024
"""So long may the headers of all parts be together; a form's own Content-Type as well."""
MEDIA_TYPE = "multipart/form-data"
FILE_SCHEMA: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1}
ONE_FILE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"file": FILE_SCHEMA},
    "required": ["file"],
    "additionalProperties": False,
}
"""Of a form that holds a file and nothing else."""
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}
# It matches at every quote, up to the end where no other follows: what did not would be tried again at the next one.
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"?')
# RFC 7578 forbids it, and there are clients that send no other.
_EXTENDED_FILENAME = re.compile(rb";\s*filename\*", re.IGNORECASE)
# Some clients say of each text that it is JSON.
_TEXT = re.compile(rb"text/.*|application/json|")


class FormFile(msgspec.Struct, frozen=True):
    """A file in a form. Its name and media type are what the caller says of it, and prove nothing."""

    name: str
    media_type: str
    content: bytes


class Form(msgspec.Struct, frozen=True):
    """What a form holds, by name: a name may come several times.

    A part with a file name is a file, and so is one with a media type that is no text's. A file without name and
    content is what browsers send for none.
    """

    fields: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[FormFile, ...]]


class _Part(msgspec.Struct):
    headers: dict[bytes, bytes]
    content: bytearray


def is_form(request: HttpRequest) -> bool:
    """Whether the call says that its body is one."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == MEDIA_TYPE


def form_of(request: HttpRequest) -> Form:
    """The form in a call's body. Raises Problem."""
    if not is_form(request):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not_a_form", f"The body must be {MEDIA_TYPE}.")
    if len(request.body) > MAX_BODY_BYTES:
        detail = (
            f"A form may have at most {MAX_BODY_BYTES} bytes. For a larger file, ask POST /v1/uploads for a signed "
            "URL, PUT the file there, and name it by the address that comes with the URL."
        )
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "form_too_large", detail)
    try:
        return _sorted(_parts(request.body, request.headers["content-type"]))
    except UnicodeError as error:
        raise _malformed("text in it is not UTF-8") from error


def _parts(body: bytes, content_type: str) -> list[_Part]:
    from python_multipart.exceptions import FormParserError  # noqa: PLC0415 - few calls bring a form
    from python_multipart.multipart import MultipartParser, parse_options_header  # noqa: PLC0415

    parts: list[_Part] = []
    name, value = bytearray(), bytearray()
    ends, header_bytes = 0, 0

    def part_begin() -> None:
        if len(parts) == MAX_PARTS:
            raise _malformed(f"it has more than {MAX_PARTS} parts")
        parts.append(_Part({}, bytearray()))

    def header_end() -> None:
        nonlocal header_bytes
        header_bytes += len(name) + len(value)
        if header_bytes > MAX_HEADER_BYTES:
            raise _malformed(f"its headers have more than {MAX_HEADER_BYTES} bytes")
        parts[-1].headers[bytes(name).lower()] = bytes(value)
        name.clear()
        value.clear()

    def end() -> None:
        nonlocal ends
        ends += 1

    if len(content_type) > MAX_HEADER_BYTES:
        raise _malformed(f"its Content-Type has more than {MAX_HEADER_BYTES} bytes")
    boundary = parse_options_header(content_type.encode("latin-1"))[1].get(b"boundary")
    if not boundary:
        raise _malformed("its Content-Type names no boundary")
    try:
        MultipartParser(
            boundary,
            {
                "on_part_begin": part_begin,
                "on_header_field": lambda data, start, stop: name.extend(data[start:stop]),
                "on_header_value": lambda data, start, stop: value.extend(data[start:stop]),
                "on_header_end": header_end,
                "on_part_data": lambda data, start, stop: parts[-1].content.extend(data[start:stop]),
                "on_end": end,
            },
        ).write(body)
    except FormParserError as error:
        raise _malformed("it does not keep to RFC 7578") from error
    # What breaks off is no error to the parser: it would wait for the rest.
    if not ends:
        raise _malformed("it breaks off")
    return parts


def _sorted(parts: list[_Part]) -> Form:
    from python_multipart.multipart import parse_options_header  # noqa: PLC0415

    fields: dict[str, tuple[str, ...]] = defaultdict(tuple)
    files: dict[str, tuple[FormFile, ...]] = defaultdict(tuple)
    for part in parts:
        disposition = part.headers.get(b"content-disposition", b"")
        kind, options = parse_options_header(disposition)
        if kind != b"form-data" or b"name" not in options:
            raise _malformed("a part of it has no name")
        name = _unescaped(options[b"name"])
        media_type = parse_options_header(part.headers.get(b"content-type"))[0]
        filename = options.get(b"filename")
        is_named = filename or _EXTENDED_FILENAME.search(_QUOTED.sub(b"", disposition))
        if filename is None and not is_named and _TEXT.fullmatch(media_type):
            fields[name] += (part.content.decode(),)
        elif part.content or is_named:
            files[name] += (FormFile(_unescaped(filename or b""), media_type.decode(), bytes(part.content)),)
    return Form(dict(fields), dict(files))


def _unescaped(name: bytes) -> str:
    return re.sub("|".join(_ESCAPED), lambda found: _ESCAPED[found[0]], name.decode())


def _malformed(why: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "invalid_form", f"The body is no form that can be read: {why}.")
