"""The history in WaveSpeed's dialect: a tenant's newest predictions in numbered pages, all of them or those that fit.

Pages of the store follow each other by a mark: a numbered one is found by reading those before it, many jobs at once.

Source: wavespeed.ai/docs (predictions-api).
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Annotated, ClassVar

import msgspec
from annotated_types import Ge, Le
from msgspec import Meta
from pydantic import Field, PlainValidator, WithJsonSchema

from stillmotion.dialects.models import JsonBody
from stillmotion.dialects.wavespeed import MODEL, UNKNOWN_PARAMETER
from stillmotion.dialects.wavespeed.views import WORDS, PredictionStatus
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import FieldError
from stillmotion.edge.fields import Rule
from stillmotion.ports.records import JobStore

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 100
MAX_PAGED = 1000
"""How many predictions can be paged: each page is found by reading those before it."""
STORE_PAGE = 100
"""How many jobs are read at once, at most."""
_PAGE_RULE = f"must be a number from 1, within the newest {MAX_PAGED} predictions"
_MOMENT_RULE = "must be a time by RFC 3339, such as 2026-01-31T09:15:00Z"


def _moment(value: object) -> datetime:
    try:
        moment: datetime = msgspec.convert(value, Annotated[datetime, Meta(tz=True)])
    except msgspec.ValidationError as error:
        raise ValueError(_MOMENT_RULE) from error
    return moment


Moment = Annotated[datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class WavespeedHistoryRequest(JsonBody):
    """A page of the history, and which predictions are in it: those that were created at or after the one time and
    before the other. Null is what is left out."""

    UNKNOWN = UNKNOWN_PARAMETER
    NULL = "left out"
    MAY_BE_EMPTY = True
    EXAMPLES: ClassVar[dict[str, object]] = {
        "the_newest": {"page": 1, "page_size": 10},
        "what_failed_in_january": {
            "status": "failed",
            "created_after": "2026-01-01T00:00:00Z",
            "created_before": "2026-02-01T00:00:00Z",
        },
    }

    page: Annotated[
        int,
        Ge(1),
        Le(MAX_PAGED),
        Rule(_PAGE_RULE),
        Field(description=f"The first is 1. The newest {MAX_PAGED} predictions can be paged."),
    ] = 1
    page_size: Annotated[int, Ge(1), Le(MAX_PAGE_SIZE)] = DEFAULT_PAGE_SIZE
    model: str | None = None
    status: PredictionStatus | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None

    def contradictions(self, wrong: Collection[str]) -> Iterator[FieldError]:
        if not {"page", "page_size"}.intersection(wrong) and self.page * self.page_size > MAX_PAGED:
            yield FieldError("page", _PAGE_RULE)

    def found(self, jobs: JobStore, tenant: str) -> Sequence[Job]:
        """The jobs of the page, newest first."""
        if self.model not in (None, MODEL):
            return ()
        end = self.page * self.page_size
        # What fits may be rare.
        newest = _newest(jobs, tenant, MAX_PAGED if self._is_filtered else end)
        return tuple(islice((job for job in newest if self._fits(job)), end - self.page_size, end))

    @property
    def _is_filtered(self) -> bool:
        return (self.status, self.created_after, self.created_before) != (None, None, None)

    def _fits(self, job: Job) -> bool:
        return (
            (self.status is None or WORDS[job.status] == self.status)
            and (self.created_after is None or job.created_at >= self.created_after)
            and (self.created_before is None or job.created_at < self.created_before)
        )


def _newest(jobs: JobStore, tenant: str, most: int) -> Iterator[Job]:
    """Read as they are asked for."""
    after = None
    for left in range(most, 0, -STORE_PAGE):
        page = jobs.of_tenant(tenant, min(left, STORE_PAGE), after)
        yield from page.jobs
        after = page.next
        if after is None:
            return
