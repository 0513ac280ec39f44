"""A vendor's answer, read with suspicion: any field may be missing, of another type, hostile or far too long."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.ports.vendor import ReadFailed, Refused, Unanswered

MAX_MESSAGE_CHARACTERS = 500
MAX_WORD_CHARACTERS = 64
# A record has to hold it; signed URLs run to some 2,000.
MAX_URL_CHARACTERS = 4096
# Step Functions waits for a bounded time, and so do people: a day is as good as forever.
MAX_RETRY_AFTER_SECONDS = 86_400
# What is looked at of a text before it is cleaned and cut.
MAX_TEXT_CHARACTERS = 20_000

_TOKEN = re.compile(r"[^\s\"'<>]+")
# Also with the slashes escaped, and inside another URL.
_URL_START = re.compile(r"://|:\\/\\/|%3A%2F%2F", re.IGNORECASE)
_URL_TAIL = re.compile(r"[?#]|%3F", re.IGNORECASE)
# What goes into a URL path and an object's key as it stands.
_GENERATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")


class Answer(msgspec.Struct, frozen=True):
    """What came back: the status, the JSON document (None where there was none), Retry-After in seconds."""

    status: int
    document: object = None
    retry_after: int | None = None

    @property
    def is_success(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def decoded(text: str) -> object:
    """The JSON document in `text`; None where there is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def at(document: object, *path: str) -> object:
    """What stands at a path of member names; None where it leads nowhere."""
    for name in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def text_at(document: object, *path: str) -> str | None:
    """The text at a path, fit for a record; None where there is none. An object tells by its `message`."""
    found = at(document, *path)
    if isinstance(found, Mapping):
        found = found.get("message")
    return plain(found) or None if isinstance(found, str) else None


def word_at(document: object, *path: str) -> str | None:
    """A state's word, as the vendor wrote it but bounded."""
    found = text_at(document, *path)
    return found[:MAX_WORD_CHARACTERS] if found is not None else None


def count_at(document: object, *path: str) -> int | None:
    """A number that is not negative, in whole units; None where there is none."""
    found = at(document, *path)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 2**53:
        return None
    return round(found)


def code_at(document: object, *path: str) -> int | None:
    """A vendor's numeric code."""
    found = at(document, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def generation_id_at(document: object, *path: str) -> str | None:
    """A generation's id; None for anything that could be more than a name."""
    found = at(document, *path)
    return found if isinstance(found, str) and _GENERATION_ID.fullmatch(found) else None


def url_in(value: object, *names: str) -> str | None:
    """The first http(s) URL in `value`: a string, an object that has it under one of `names`, or a list of either."""
    match value:
        case str():
            is_url = re.fullmatch(r"https?://\S+", value) and len(value) <= MAX_URL_CHARACTERS
            return value if is_url else None
        case list():
            return next((url for item in value if (url := url_in(item, *names)) is not None), None)
        case dict():
            return next((url for name in names if (url := url_in(value.get(name), *names)) is not None), None)
        case _:
            return None


def plain(text: str) -> str:
    """`text` fit for a record: one line, no control characters, no signed URLs, bounded."""
    shown = "".join(character if character.isprintable() else " " for character in text[:MAX_TEXT_CHARACTERS])
    line = " ".join(_TOKEN.sub(_unsigned, shown).split())
    return line if len(line) <= MAX_MESSAGE_CHARACTERS else line[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def _unsigned(token: re.Match[str]) -> str:
    """A token without its query or fragment, which may sign what it names, where it looks like a URL."""
    word = token.group()
    start = _URL_START.search(word)
    tail = _URL_TAIL.search(word, start.end() if start else 0)
    if tail is None or (start is None and "=" not in word[tail.end() :]):
        return word
    return f"{word[: tail.start()]}?…"


def retry_after_seconds(headers: Mapping[str, str]) -> int | None:
    """Retry-After (RFC 9110: seconds, or a date, which is held against the answer's own Date), at most a day."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,9})?", value):
        return min(MAX_RETRY_AFTER_SECONDS, math.ceil(float(value)))
    then = _date(value)
    if then is None:
        return None
    now = _date(headers.get("Date", "")) or datetime.now(UTC)
    return min(MAX_RETRY_AFTER_SECONDS, max(0, math.ceil((then - now).total_seconds())))


def _date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
        # RFC 9110 dates are in GMT, also in the two old forms that do not say so.
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def message(answer: Answer, said: str | None) -> str:
    """A sentence for the record: the status, and what the vendor said with it."""
    return plain(f"HTTP {answer.status}: {said}") if said else f"HTTP {answer.status}"


def without_acceptance(
    answer: Answer, said: str | None, *, resendable: bool, kind: FailureKind | None = None
) -> Refused | Unanswered:
    """A submission's answer that names no generation, by its HTTP status; `kind` is what the vendor's code tells.

    Only a status that says no is a refusal. Whatever else it is, the vendor may have made something: 408, 5xx, a
    redirect, a success with nothing in it, and every status that no document of the vendor names.
    """
    text = message(answer, said)
    match answer.status:
        case 400 | 413 | 422:
            return Refused(failure=Failure(kind or FailureKind.INVALID_INPUT, text))
        case 401 | 403:
            return Refused(failure=Failure(kind or FailureKind.UNAUTHORIZED, text))
        case 402:
            return Refused(failure=Failure(FailureKind.OUT_OF_CREDITS, text))
        case 404 | 405 | 415:
            # The request is fine; this address does not take it.
            return Refused(failure=Failure(FailureKind.UNAVAILABLE, text), retry_after=answer.retry_after)
        case 429:
            return Refused(failure=Failure(FailureKind.THROTTLED, text), retry_after=answer.retry_after)
        case _:
            return Unanswered(detail=text, resendable=resendable)


def read_failed(answer: Answer, said: str | None) -> ReadFailed:
    """What an answer without a reading means. A 404 too is no verdict: a job just made may not be found yet."""
    match answer.status:
        case 401 | 403:
            kind = FailureKind.UNAUTHORIZED
        case 429:
            kind = FailureKind.THROTTLED
        case _:
            kind = FailureKind.UNAVAILABLE
    return ReadFailed(kind, message(answer, said), answer.retry_after)


def upload_failed(answer: Answer, said: str | None) -> ReadFailed:
    """What an upload that was not taken means: of the image itself for 400, 413, 415 and 422."""
    match answer.status:
        case 400 | 413 | 415 | 422:
            return ReadFailed(FailureKind.INVALID_INPUT, message(answer, said))
        case _:
            return read_failed(answer, said)
