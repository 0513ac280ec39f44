"""The history in WaveSpeed's dialect: a tenant's newest predictions in numbered pages, all of them or those that fit.

Pages of the store follow each other by a mark: a numbered one is found by reading those before it, many jobs at once.
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from stillmotion.dialects.wavespeed_bodies import DEEPEST_LISTED, HistoryQuery
from stillmotion.dialects.wavespeed_views import MODEL, WORDS
from stillmotion.domain.job import Job
from stillmotion.ports import JobStore

STORE_PAGE = 100
"""How many jobs are read at once, at most."""


def found(jobs: JobStore, tenant: str, query: HistoryQuery) -> Sequence[Job]:
    """The jobs of a page, newest first."""
    if query.model not in (None, MODEL):
        return ()
    end = query.page * query.page_size
    # What fits may be rare.
    newest = _newest(jobs, tenant, DEEPEST_LISTED if query.is_filtered else end)
    return tuple(islice((job for job in newest if _fits(job, query)), end - query.page_size, end))


def _newest(jobs: JobStore, tenant: str, most: int) -> Iterator[Job]:
    """Read as they are asked for."""
    after = None
    for left in range(most, 0, -STORE_PAGE):
        page = jobs.of_tenant(tenant, min(left, STORE_PAGE), after)
        yield from page.jobs
        after = page.next
        if after is None:
            return


def _fits(job: Job, query: HistoryQuery) -> bool:
    return (
        (query.status is None or WORDS[job.status] == query.status)
        and (query.created_after is None or job.created_at >= query.created_after)
        and (query.created_before is None or job.created_at < query.created_before)
    )
