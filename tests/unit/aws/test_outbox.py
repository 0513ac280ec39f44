"""The events of a time are found among everything else in the table, page by page."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.ledgers import NOW, dispatching
from tests.unit.aws.wire import SETTINGS, Wire

from stillmotion.aws.client import AwsClient
from stillmotion.aws.outbox import DynamoOutbox
from stillmotion.aws.records import DynamoJobStore
from stillmotion.domain.job import noted
from stillmotion.ports import Event, UnknownPage

MINUTE = timedelta(minutes=1)


@pytest.fixture
def outbox(client: AwsClient, table: str, jobs: DynamoJobStore) -> DynamoOutbox:
    """Of a table with a job that told three events, a minute apart."""
    job = jobs.create(dispatching())
    for number in range(3):
        job = jobs.save(noted(job, str(number), NOW), event=event(number))
    return DynamoOutbox(client, table)


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


class OneAtATime(AwsClient):
    """Pages of one item: those of 1 MB would need a large table."""

    def call(self, service: str, operation: str, payload: Mapping[str, object], **options: Any) -> dict[str, Any]:
        return super().call(service, operation, {**payload, "Limit": 1}, **options)


@pytest.mark.usefixtures("outbox")
def test_the_search_goes_on_where_it_ended(wire: Wire, table: str) -> None:
    outbox = DynamoOutbox(OneAtATime(SETTINGS, httpx.Client(transport=wire)), table)
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
