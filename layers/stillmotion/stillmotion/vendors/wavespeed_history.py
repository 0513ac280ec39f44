"""WaveSpeed's list of what an account has had made: `POST /api/v3/predictions`, newest first.

Source: WaveSpeed's predictions page. An item has id, model, status and created_at, and not what was asked for. It is
there to find a task again, not to be polled.
"""

from collections.abc import Callable
from datetime import datetime
from time import monotonic

from stillmotion.domain.failures import FailureKind
from stillmotion.ports.vendor import Listed, ReadFailed
from stillmotion.vendors.answers import Answer, at, generation_id_at, message, read_failed, text_at, word_at

MODEL = "luma/ray-2-flash-i2v"
PATH = "/api/v3/predictions"
PAGE_SIZE = 100
MAX_PAGES = 20
# For all pages together: the sweep, which asks, has 300 s, and one page has 50 s.
HISTORY_SECONDS = 120.0

Ask = Callable[[int], Answer]
"""Gives a page by its number; 1 is the first. Raises ReadFailed."""


def read_history(
    ask: Ask, since: datetime, said: Callable[[object], str | None], seconds: Callable[[], float] = monotonic
) -> list[Listed] | None:
    """What our model made since then; None where that is too far back. `said` words an error. Raises ReadFailed.

    It ends with a page on which everything is older, or that is empty or the one before it again: a page that is not
    full may just be short. What is made meanwhile moves items to later pages, where they are seen again. What cannot be
    understood could be what is looked for: then nothing is told.
    """
    until = seconds() + HISTORY_SECONDS
    found: dict[str, Listed] = {}
    before: list[str] = []
    for number in range(1, MAX_PAGES + 1):
        if seconds() >= until:
            return None
        page = [_item(item) for item in _items(ask(number), said)]
        keys = [key for key, _, _ in page]
        found |= {key: listed for key, _, listed in page if listed is not None and listed.created_at >= since}
        if keys == before or all(moment is not None and moment < since for _, moment, _ in page):
            return list(found.values())
        before = keys
    return None


def _items(answer: Answer, said: Callable[[object], str | None]) -> list[object]:
    if not answer.is_success:
        raise read_failed(answer, said(answer.document))
    data = at(answer.document, "data")
    items = at(data, "items")
    if items is None and isinstance(data, dict) and "items" in data:
        return []
    if not isinstance(items, list):
        raise ReadFailed(FailureKind.UNAVAILABLE, message(answer, said(answer.document) or "The answer has no list."))
    return items


def _item(item: object) -> tuple[str, datetime | None, Listed | None]:
    """An item's key among others, its moment where it has one, and itself where it is of our model."""
    model = text_at(item, "model")
    if model is None:
        raise ReadFailed(FailureKind.UNAVAILABLE, "WaveSpeed lists a task and does not say of which model.")
    moment = _moment(text_at(item, "created_at"))
    if model != MODEL:
        return f"{model} {at(item, 'id')}", moment, None
    task_id = generation_id_at(item, "id")
    if task_id is None or moment is None:
        raise ReadFailed(FailureKind.UNAVAILABLE, "WaveSpeed lists a task and does not say which, or of when.")
    listed = Listed(generation_id=task_id, model=model, created_at=moment, vendor_status=word_at(item, "status"))
    return task_id, moment, listed


def _moment(text: str | None) -> datetime | None:
    """ISO 8601. A time without its zone could be any of a day's."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
