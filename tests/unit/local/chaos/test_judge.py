"""The judge finds what was paid twice, lost, not paid or stuck, and nothing where all is well."""

import pytest
from tests.unit.local.chaos.cases import STORED, attempt, failed_generation, found, generation, job

from stillmotion_local.chaos.evidence import Stored


def test_a_completed_job_with_its_video_is_well() -> None:
    finding = found([job()], [generation()])
    assert (finding.wrongs, finding.attention, finding.paid) == ([], None, 1)


def test_a_declared_failure_followed_by_another_attempt_is_well() -> None:
    made = [failed_generation("first", accepted_at=1.0, completed_at=5.0), generation(accepted_at=6.0)]
    finding = found([job("completed", attempt("first"), attempt("one"))], made)
    assert (finding.wrongs, finding.paid) == ([], 1)


def test_a_failure_that_was_billed_all_the_same_and_its_successor_are_not_paid_twice() -> None:
    made = [failed_generation("first", accepted_at=1.0, completed_at=5.0) | {"refunded": False}, generation()]
    finding = found([job("completed", attempt("first"), attempt("one"))], made)
    assert (finding.paid_twice, finding.paid) == (None, 2)


def test_two_generations_that_succeeded_are_paid_twice() -> None:
    made = [generation(), generation("two", accepted_at=30.0, completed_at=40.0)]
    assert found([job()], made).paid_twice is not None


def test_a_generation_accepted_while_another_is_at_work_is_paid_twice_even_if_that_fails_later() -> None:
    made = [failed_generation("first", accepted_at=1.0, completed_at=15.0), generation(accepted_at=10.0)]
    assert found([job()], made).paid_twice is not None


def test_a_generation_accepted_after_one_that_never_ended_is_paid_twice() -> None:
    made = [generation("first", accepted_at=1.0, completed_at=None, state="processing"), generation()]
    assert found([job()], made).paid_twice is not None


def test_two_jobs_for_one_play_are_paid_twice() -> None:
    jobs = [job(), job("completed", attempt("two"), id="job-2")]
    assert found(jobs, [generation(), generation("two", accepted_at=30.0)]).paid_twice is not None


@pytest.mark.parametrize(
    "stored",
    [None, Stored(999, "abc", is_mp4=True), Stored(1000, "abd", is_mp4=True), Stored(1000, "abc", is_mp4=False)],
    ids=["missing", "of another length", "of other bytes", "no MP4"],
)
def test_a_completed_job_without_its_video_is_lost(stored: Stored | None) -> None:
    finding = found([job()], [generation()], stored=stored)
    assert finding.paid_and_lost is not None
    assert finding.unpaid_and_completed is not None


def test_a_video_that_the_vendor_did_not_make_is_unpaid() -> None:
    assert found([job()], [generation(video_sha256="another")]).unpaid_and_completed is not None


def test_a_video_with_padding_that_the_vendor_added_on_demand_is_well() -> None:
    made = [generation(video_sha256="another", faults=[{"name": "video_large"}])]
    assert found([job()], made, stored=STORED).wrongs == []


def test_a_completed_job_that_no_vendor_knows_is_unpaid() -> None:
    assert found([job()], []).unpaid_and_completed is not None


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_success_whose_job_was_ended_otherwise_is_lost(status: str) -> None:
    assert found([job(status)], [generation()]).paid_and_lost is not None


def test_a_success_whose_job_failed_while_it_was_overdue_is_lost() -> None:
    assert found([job("failed", overdue=True)], [generation()]).paid_and_lost is not None


def test_a_generation_still_at_work_whose_job_was_given_up_is_lost() -> None:
    made = [generation(state="processing", completed_at=None)]
    assert found([job("failed")], made).paid_and_lost is not None


def test_a_success_without_any_job_is_lost() -> None:
    assert found([], [generation()]).paid_and_lost is not None


def test_a_success_that_a_person_is_shown_is_explained() -> None:
    record = job("needs_attention", attempt(None), reason="outcome_unknown", failure={"message": "HTTP 502"})
    finding = found([record], [generation()])
    assert finding.wrongs == []
    assert finding.attention is not None
    assert "HTTP 502" in finding.attention
    assert "wavespeed one is completed there, its webhook was not taken (0 tries)" in finding.attention


def test_attention_to_an_attempt_at_the_other_vendor_explains_nothing() -> None:
    record = job("needs_attention", attempt(None, vendor="apiframe"))
    assert found([record], [generation()]).paid_and_lost is not None


def test_attention_to_an_attempt_that_was_refused_explains_nothing() -> None:
    record = job("needs_attention", attempt(None, outcome="refused"))
    assert found([record], [generation()]).paid_and_lost is not None


def test_an_overdue_job_is_shown_and_not_stuck() -> None:
    finding = found([job("generating", overdue=True)], [generation(state="processing", completed_at=None)])
    assert finding.wrongs == []
    assert finding.attention is not None


@pytest.mark.parametrize("status", ["waiting", "dispatching", "generating", "finalizing", "a status of next year"])
def test_a_job_that_neither_ended_nor_is_shown_is_stuck(status: str) -> None:
    assert found([job(status)], [generation()]).stuck is not None


def test_a_play_that_never_became_a_job_is_stuck() -> None:
    assert found([], []).stuck == "it never became a job"


def test_a_refused_job_is_well() -> None:
    assert found([job("failed", attempt(None, outcome="refused"))], []).wrongs == []


def test_a_failure_that_no_vendor_declared_is_told_and_no_wrong() -> None:
    refusal = {"prompt": generation()["prompt"], "faults": [], "status": 402}
    record = job("failed", attempt(None, outcome="refused"), failure={"message": "no workers"})
    finding = found([record], [])
    assert (finding.failed_unasked, finding.wrongs) == ("job job-1: no workers", [])
    assert found([record], [], posts=(refusal,)).failed_unasked is None
    assert found([job("failed")], [failed_generation()]).failed_unasked is None


def test_a_fault_at_the_vendor_is_seen_where_it_struck_this_generation() -> None:
    name = "webhook_lost"
    elsewhere = found([job()], [generation()], name, strikes=({"fault": name, "id": "another's"},))
    here = found([job()], [generation()], name, strikes=({"fault": name, "id": "one"},))
    assert not elsewhere.seen
    assert here.seen == {name}


def test_a_fault_of_an_answer_is_seen_by_the_post() -> None:
    post = {"prompt": generation()["prompt"], "faults": ["unauthorized"], "status": 401}
    assert found([job("failed")], [], "unauthorized", posts=(post,)).seen == {"unauthorized"}


def test_a_kill_is_seen_by_what_the_killer_left() -> None:
    name = "killed after the upload"
    assert found([job()], [generation()], name, kills=frozenset({"after_upload-job-1"})).seen == {name}
    assert found([job()], [generation()], name, kills=frozenset({"after_post-job-1"})).seen != {name}
