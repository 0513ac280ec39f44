"""The events of a time are found among everything else in the table, page by page."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.ledgers import NOW, dispatching

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.outbox import DynamoOutbox
from stillmotion.aws.records import DynamoJobStore
from stillmotion.domain.job.lifecycle import noted
from stillmotion.ports import UnknownPage
from stillmotion.ports.records import Event

MINUTE = timedelta(minutes=1)


@pytest.fixture
def outbox(clients: AwsClients, table: str, jobs: DynamoJobStore) -> DynamoOutbox:
    """Of a table with a job that told three events, a minute apart."""
    job = jobs.create(dispatching())
    for number in range(3):
        job = jobs.save(noted(job, str(number), NOW), event=event(number))
    return DynamoOutbox(clients, table)


def event(number: int) -> Event:
    return Event(
        id=f"event-{number}",
        job_id="job-1",
        detail_type="Video Completed",
        detail={"title": "Möwe"},
        created_at=NOW + number * MINUTE,
    )


def test_events_are_found_by_when_they_were_written(outbox: DynamoOutbox) -> None:
    ((found, more),) = outbox.written_between(NOW, NOW + MINUTE, None)
    assert (sorted(each.id for each in found), more) == (["event-0", "event-1"], None)
    assert event(0) in found


@pytest.fixture
def _pages_of_one_item(clients: AwsClients) -> Iterator[None]:
    """Pages of 1 MB would need a large table."""

    def limited(params: dict[str, Any], **_others: object) -> None:
        params["Limit"] = 1

    clients.dynamodb.meta.events.register("before-parameter-build.dynamodb.Scan", limited)
    yield
    clients.dynamodb.meta.events.unregister("before-parameter-build.dynamodb.Scan", limited)


@pytest.mark.usefixtures("_pages_of_one_item")
def test_the_search_goes_on_where_it_ended(outbox: DynamoOutbox) -> None:
    found: list[str] = []
    after: str | None = None
    for _ in range(10):
        events, after = next(outbox.written_between(NOW, NOW + 2 * MINUTE, after))
        found += [each.id for each in events]
        if after is None:
            break
    assert sorted(found) == ["event-0", "event-1", "event-2"]


@pytest.mark.parametrize("after", ["", "%", "x" * 3000, "_w=="])
def test_a_place_that_was_never_given_out_is_told(outbox: DynamoOutbox, after: str) -> None:
    with pytest.raises(UnknownPage):
        next(outbox.written_between(NOW, NOW, after))
