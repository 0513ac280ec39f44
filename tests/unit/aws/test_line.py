"""The line for a vendor's slots: an index of the jobs that stand in it."""

from datetime import timedelta

from msgspec.structs import replace
from tests.unit.aws.wire import NOW, Wire

from stillmotion.aws.items import job_item
from stillmotion.aws.records import DynamoJobStore
from stillmotion.domain.job.lifecycle import moved, started
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.request import Priority, Request, VendorName


def in_line(number: int, priority: Priority = "normal", vendor: VendorName = VendorName.WAVESPEED) -> Job:
    made = NOW + timedelta(seconds=number)
    empty = Job(id=f"job-{number}", tenant="t", status=Status.WAITING, created_at=made, updated_at=made)
    return started(empty, Request(prompt="x", priority=priority), "16:9", made, vendor)


def ids(jobs: DynamoJobStore) -> list[str]:
    return [job.id for job in jobs.in_line(VendorName.WAVESPEED)]


def test_the_line_is_by_priority_and_then_by_age(jobs: DynamoJobStore) -> None:
    for job in (in_line(4, "low"), in_line(3), in_line(2), in_line(5, "high")):
        jobs.create(job)

    assert ids(jobs) == ["job-5", "job-2", "job-3", "job-4"]


def test_each_vendor_has_its_own_line(jobs: DynamoJobStore) -> None:
    jobs.create(in_line(1))
    jobs.create(in_line(2, vendor=VendorName.APIFRAME))

    assert ids(jobs) == ["job-1"]


def test_a_job_that_ends_leaves_the_line(jobs: DynamoJobStore) -> None:
    job = jobs.create(in_line(1))
    jobs.save(moved(job, Status.CANCELLED, NOW))

    assert ids(jobs) == []


def test_a_job_that_is_to_be_cancelled_stands_in_no_line() -> None:
    assert "place" in job_item(in_line(1), "w")
    assert "place" not in job_item(replace(in_line(1), cancel_requested_at=NOW), "w")


def test_a_job_comes_out_of_the_line_as_it_is(jobs: DynamoJobStore) -> None:
    job = jobs.create(in_line(1))

    assert list(jobs.in_line(VendorName.WAVESPEED)) == [job]


def test_no_more_of_the_line_is_read_than_is_wanted(jobs: DynamoJobStore, wire: Wire) -> None:
    for number in range(25):
        jobs.create(in_line(number))
    wire.requests.clear()

    line = jobs.in_line(VendorName.WAVESPEED)
    next(line)

    assert wire.operations() == ["Query"]
    assert wire.requests[-1].members["Limit"] == 10
    assert len(list(line)) == 24
