"""Vendors that throttle, stay silent, refuse or send rubbish: each ends as the ledger says, none is paid twice."""

from typing import Any

from tests.e2e.conftest import LocalStack


def ordered(local: LocalStack, prompt: str, vendor: str = "apiframe") -> dict[str, Any]:
    """The record of a job with this prompt, once it has ended."""
    image = {"image": "https://images.example/a.jpg"} if vendor == "wavespeed-by-url" else {}
    if vendor == "wavespeed":
        local.drop(f"inbox/{abs(hash(prompt))}.jpg", metadata={"prompt": prompt, "vendor": "wavespeed"})
        return local.upload_ended(f"inbox/{abs(hash(prompt))}.jpg")
    return local.ended(local.api("POST", "/v1/videos", json={"prompt": prompt, **image}).json()["id"])


def outcomes(job: dict[str, Any]) -> list[str]:
    return [attempt["outcome"] for attempt in job["attempts"]]


def test_throttling_is_waited_out(local: LocalStack) -> None:
    prompt = "throttled [[fault:throttle retry_after=2 times=1]]"
    job = ordered(local, prompt)
    assert (job["status"], outcomes(job)) == ("completed", ["refused", "accepted"])
    assert len(local.posts(prompt)) == 2


def test_a_lost_answer_at_apiframe_is_asked_for_again_with_the_same_key(local: LocalStack) -> None:
    prompt = "lost [[fault:drop_after_accept times=1]] [[fault:webhook_lost]]"
    job = ordered(local, prompt)
    assert (job["status"], outcomes(job), job["attempts"][0]["sends"]) == ("completed", ["accepted"], 2)
    posts = local.posts(prompt)
    assert len({(post["headers"]["Idempotency-Key"], post["body_sha256"]) for post in posts}) == 1
    assert len({post["generation_id"] for post in posts}) == 1


def test_a_lost_answer_at_wavespeed_needs_attention_and_is_never_sent_again(local: LocalStack) -> None:
    prompt = "lost there [[fault:drop_after_accept]] [[fault:webhook_lost]]"
    job = ordered(local, prompt, "wavespeed")
    assert (job["status"], job["reason"], outcomes(job)) == ("needs_attention", "outcome_unknown", ["unknown"])
    assert len(local.posts(prompt)) == 1


def test_a_refusal_is_told_with_what_to_do(local: LocalStack) -> None:
    job = ordered(local, "broke [[fault:out_of_credits]]")
    assert (job["status"], job["failure"]["kind"]) == ("failed", "out_of_credits")
    assert "credits" in job["failure"]["advice"]


def test_a_declared_failure_is_told(local: LocalStack) -> None:
    job = ordered(local, "declined [[fault:moderated]]", "wavespeed")
    assert (job["status"], job["failure"]["kind"]) == ("failed", "moderated")


def test_a_truncated_video_is_fetched_again(local: LocalStack) -> None:
    prompt = "cut short [[fault:video_truncated times=1]]"
    job = ordered(local, prompt)
    assert job["status"] == "completed"
    assert job["attempts"][0]["generation"]["fetches"] == 1
    assert len(local.posts(prompt)) == 1


def test_a_status_that_cannot_be_read_fails_no_job(local: LocalStack) -> None:
    job = ordered(local, "unreadable [[fault:read_500 times=2]]")
    assert job["status"] == "completed"
    assert job["attempts"][0]["generation"]["failed_reads"] == 2


def test_a_state_that_nobody_documented_is_recorded_and_runs_on(local: LocalStack) -> None:
    job = ordered(local, "strange [[fault:unknown_state word=DREAMING times=1]]")
    assert job["status"] == "completed"
    assert job["attempts"][0]["generation"]["undocumented"] == ["DREAMING"]
