"""A job in the shape of OpenAI's video object."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests import ledgers

from stillmotion.dialects.http import encoded
from stillmotion.dialects.native.views import ADDRESSES_OF_IMAGES, View
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.attempts import with_attempt
from stillmotion.domain.job.records import Candidate, Job, Still

DAY = datetime(2026, 5, 5, tzinfo=UTC)


def as_sent(job: Job, view: View | None = None) -> dict[str, Any]:
    """A job as a caller reads it."""
    read: dict[str, Any] = json.loads(encoded((view or View()).video(job)))
    return read


def stored_at(moment: datetime) -> Job:
    return replace(ledgers.done(), video=replace(ledgers.VIDEO, stored_at=moment))


def test_a_completed_video_has_its_times_in_whole_seconds() -> None:
    shown = as_sent(ledgers.done())
    assert (shown["created_at"], shown["completed_at"]) == (int(ledgers.NOW.timestamp()),) * 2
    assert (shown["progress"], shown["expires_at"], shown["error"]) == (100, None, None)


@pytest.mark.parametrize("moment", [DAY, DAY + timedelta(hours=10, minutes=30), DAY + timedelta(hours=23.99)])
def test_a_video_expires_when_the_rule_of_the_bucket_deletes_it(moment: datetime) -> None:
    # S3's own example: stored at 10:30 on the 15th with a rule of 3 days, it is deleted at midnight before the 19th.
    shown = as_sent(stored_at(moment), View(output_expiration_days=3))
    assert shown["expires_at"] == int((DAY + timedelta(days=4)).timestamp())


def test_what_has_no_video_expires_at_no_time() -> None:
    assert as_sent(ledgers.generating(), View(output_expiration_days=3))["expires_at"] is None


@pytest.mark.parametrize(
    ("job", "status"),
    [
        (ledgers.in_line(), "queued"),
        (ledgers.dispatching(), "queued"),
        (ledgers.generating(), "in_progress"),
        (ledgers.finalizing(), "in_progress"),
        (ledgers.unknown(), "in_progress"),
        (ledgers.done(), "completed"),
        (ledgers.refused(), "failed"),
        (ledgers.called_off(), "failed"),
    ],
)
def test_a_status_is_one_of_openais_four(job: Job, status: str) -> None:
    assert as_sent(job)["status"] == status


def test_what_is_not_known_yet_is_empty_text_as_openais_clients_have_no_null_there() -> None:
    shown = as_sent(ledgers.unprompted())
    assert (shown["seconds"], shown["size"]) == ("", "")


def test_a_shape_without_a_size_of_its_own_has_one_when_it_is_made() -> None:
    square = replace(ledgers.dispatching(), aspect_ratio="1:1")
    assert (as_sent(square)["seconds"], as_sent(square)["size"]) == ("5", "")
    assert as_sent(replace(ledgers.done(), aspect_ratio="1:1"))["size"] == "1x1"


def test_a_failure_has_a_code_and_a_message() -> None:
    shown = as_sent(ledgers.declared_failed())["error"]
    assert shown == {"code": ledgers.DECLARED.kind, "message": ledgers.DECLARED.message}


def test_the_vendors_words_of_the_operators_account_are_in_the_record_alone() -> None:
    shown: Any = as_sent(ledgers.refused())
    assert (shown["error"]["code"], shown["job"]["failure"]["message"]) == ("out_of_credits", "no credits")
    assert "credits" not in shown["error"]["message"]


@pytest.mark.parametrize(("tenant", "shown"), [("default", ["generation-9"]), ("acme", [])])
def test_what_another_tenants_order_may_have_made_is_shown_to_the_stacks_owner_alone(
    tenant: str, shown: list[str]
) -> None:
    job = ledgers.unknown()
    assert job.attempt is not None
    candidate = Candidate(generation_id="generation-9", created_at=ledgers.NOW)
    doubtful = with_attempt(job, replace(job.attempt, candidates=(candidate,)), ledgers.NOW)
    record: Any = as_sent(replace(doubtful, tenant=tenant))["job"]
    assert [found["generation_id"] for found in record["attempts"][-1]["candidates"]] == shown


def test_no_signature_of_an_image_is_shown() -> None:
    job = ledgers.done()
    assert job.request is not None
    address = "https://me:secret@pictures.example/lake.jpg?X-Amz-Signature=1"
    request = replace(job.request, image=address, end_image=address)
    still = Still(address=address)
    shown: Any = as_sent(replace(job, request=request, still=still, end_still=still))["job"]
    told = [shown[field][name] for field, name in ADDRESSES_OF_IMAGES]
    assert told == ["https://pictures.example/lake.jpg"] * 4


@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_what_a_vendor_says_of_the_operators_account_is_told_to_the_stacks_owner_alone(tenant: str) -> None:
    failure = Failure(FailureKind.OUT_OF_CREDITS, "HTTP 402: needs 51 credits, has 7")
    job = ledgers.refused()
    assert job.attempt is not None
    attempt = replace(job.attempt, failure=failure)
    shown = as_sent(replace(job, tenant=tenant, failure=failure, attempts=(attempt,)))
    record = shown["job"]
    said = [record["failure"]["message"], record["attempts"][0]["failure"]["message"]]
    assert [("has 7" in message) for message in said] == [tenant == "default"] * 2
    assert "has 7" not in shown["error"]["message"]
