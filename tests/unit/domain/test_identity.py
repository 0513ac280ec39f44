"""Ids: the same for the same, and for nothing else."""

import uuid

import msgspec

from stillmotion.domain import identity
from stillmotion.domain.request import Request


def test_a_content_id_is_a_uuid_of_version_8() -> None:
    made = uuid.UUID(identity.content_id("a", "b"))
    assert (made.version, made.variant) == (8, uuid.RFC_4122)


def test_parts_do_not_run_together() -> None:
    assert identity.content_id("ab", "c") != identity.content_id("a", "bc")


def test_an_upload_and_its_request_name_one_job() -> None:
    source = identity.source_id("bucket", "inbox/a.jpg", "SHA256:00")
    same = identity.upload_job_id(source, Request(prompt="p"))
    assert same == identity.upload_job_id(source, Request(prompt="p"))
    assert same != identity.upload_job_id(source, Request(prompt="q"))
    assert same != identity.upload_job_id(source, None)


def test_a_fingerprint_ignores_the_order_of_keys() -> None:
    assert identity.fingerprint({"a": 1, "b": 2}) == identity.fingerprint({"b": 2, "a": 1})


class TomorrowsRequest(Request, frozen=True, kw_only=True):
    """A request as a later release may have it."""

    seed: int | None = None
    styles: tuple[str, ...] = ()
    options: dict[str, str] = msgspec.field(default_factory=dict)


def test_a_field_that_a_release_adds_changes_no_fingerprint() -> None:
    today = Request(prompt="p", loop=True, metadata={"b": "1", "a": "2"})
    tomorrow = TomorrowsRequest(prompt="p", loop=True, metadata={"a": "2", "b": "1"})
    assert identity.fingerprint(today) == identity.fingerprint(tomorrow)


def test_a_field_that_is_set_changes_the_fingerprint() -> None:
    plain = identity.fingerprint(TomorrowsRequest(prompt="p"))
    assert len({plain, *(identity.fingerprint(TomorrowsRequest(prompt="p", seed=seed)) for seed in (0, 1))}) == 3


def test_naming_what_holds_anyway_is_the_same_request() -> None:
    assert identity.fingerprint(Request(prompt="p", duration=5)) == identity.fingerprint(Request(prompt="p"))


def test_two_tenants_keys_name_two_jobs() -> None:
    assert identity.keyed_job_id("one", "key") != identity.keyed_job_id("two", "key")


def test_an_attempts_key_is_its_own_and_short_enough_for_the_vendor() -> None:
    job_id = identity.new_job_id()
    assert identity.idempotency_key(job_id, 1) != identity.idempotency_key(job_id, 2)
    assert len(identity.idempotency_key(job_id, 10**6)) <= 255
