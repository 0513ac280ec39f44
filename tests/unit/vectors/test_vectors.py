"""What was recorded of e906955 comes out again, byte for byte (`tests/vectors/README.md` says why)."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.vectors import files
from tests.vectors.present import COMPUTED


def recorded(stem: str) -> pytest.MarkDecorator:
    """Runs a test once with each entry of a file."""
    vectors = files.read(files.FOLDER / f"{stem}.json")
    return pytest.mark.parametrize("vector", vectors.values(), ids=vectors)


def assert_comes_out_again(stem: str, vector: Mapping[str, Any]) -> None:
    assert files.canonical(COMPUTED[stem](vector["given"])) == files.canonical(vector["gives"])


@recorded("fingerprints")
def test_a_request_keeps_its_fingerprint(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("fingerprints", vector)


@recorded("uploads")
def test_an_upload_keeps_its_job_id(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("uploads", vector)


@recorded("drops")
def test_objects_in_the_inbox_make_the_same_jobs(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("drops", vector)


@recorded("calls")
def test_a_call_keeps_its_job_id_and_is_recognized_when_it_is_repeated(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("calls", vector)


@recorded("names")
def test_a_name_by_which_something_is_found_again_stays(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("names", vector)


@recorded("submissions")
def test_a_vendor_is_sent_the_same_path_and_body(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("submissions", vector)


@recorded("attempts")
def test_an_attempt_freezes_the_same_submission(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("attempts", vector)


@recorded("posts")
def test_a_frozen_submission_goes_over_the_wire_unchanged(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("posts", vector)


@recorded("items")
def test_a_value_is_stored_as_the_same_item_and_read_from_it(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("items", vector)


@recorded("old_items")
def test_an_item_of_another_release_reads_as_the_same_value(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("old_items", vector)


@recorded("counters")
def test_a_counter_counts_in_the_same_item(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("counters", vector)


@recorded("events")
def test_the_event_bus_is_told_the_same(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("events", vector)


@recorded("webhooks")
def test_a_receiver_is_sent_the_same_webhook(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("webhooks", vector)


@recorded("notices")
def test_a_vendors_webhook_keeps_its_ids(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("notices", vector)


@recorded("provenance")
def test_a_video_has_the_same_document_beside_it(vector: Mapping[str, Any]) -> None:
    assert_comes_out_again("provenance", vector)


def test_every_file_of_vectors_is_computed() -> None:
    assert [path.stem for path in files.paths()] == sorted(COMPUTED)


def test_every_status_of_a_job_is_among_the_items() -> None:
    items = files.read(files.FOLDER / "items.json").values()
    stored = {item["gives"]["item"]["status"]["S"] for item in items if item["given"]["kind"] == "job"}
    assert stored == {
        "waiting", "dispatching", "generating", "finalizing", "completed", "failed", "cancelled", "needs_attention"
    }  # fmt: skip
