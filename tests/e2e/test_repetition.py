"""The same thing twice, on the real stack: one job, one POST, one video."""

import json
from concurrent.futures import ThreadPoolExecutor

from tests.e2e.conftest import LocalStack
from tests.stills import image


def created(local: LocalStack, key: str, version_id: str) -> dict[str, object]:
    """The event that S3 sends for an object version."""
    return {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": local.description.input_bucket},
            "object": {"key": key, "version-id": version_id},
        },
    }


def test_the_same_event_five_times_is_one_job_one_post_one_video(local: LocalStack) -> None:
    version = local.drop("inbox/five.jpg", metadata={"prompt": "five times"})
    event = created(local, "inbox/five.jpg", version)
    with ThreadPoolExecutor(5) as at_once:
        list(at_once.map(lambda _: local.invoke("submit", event), range(5)))
    job = local.upload_ended("inbox/five.jpg")
    local.invoke("submit", event)
    assert [found["id"] for found in local.jobs_of("inbox/five.jpg")] == [job["id"]]
    assert len(local.posts("five times")) == 1
    folder = f"videos/default/{job['id']}/"
    listed = local.aws.s3.list_objects_v2(Bucket=local.description.output_bucket, Prefix=folder)
    assert sorted(found["Key"].rpartition(".")[2] for found in listed["Contents"]) == ["json", "mp4"]


def test_two_finalizes_at_once_make_one_video(local: LocalStack) -> None:
    """The video comes slowly, so that both are at it together."""
    prompt = "two at once [[fault:video_slow_drip seconds=3]]"
    job_id = local.api("POST", "/v1/videos", json={"prompt": prompt}).json()["id"]
    local.wait_for(lambda: local.job(job_id)["status"] == "finalizing", "finalizing")
    with ThreadPoolExecutor(2) as at_once:
        outcomes = list(
            at_once.map(lambda _: local.invoke("finalize", {"job_id": job_id, "run": 1})["outcome"], range(2))
        )
    assert set(outcomes) == {"completed"}
    job = local.ended(job_id)
    assert [change["status"] for change in job["history"]].count("completed") == 1
    versions = local.aws.s3.list_object_versions(Bucket=job["video"]["bucket"], Prefix=job["video"]["key"])
    assert len(versions["Versions"]) == 1
    assert len(local.posts(prompt)) == 1


def test_a_call_repeated_with_its_key_is_the_same_job_and_another_body_a_conflict(local: LocalStack) -> None:
    headers = {"idempotency-key": "order-7"}
    first = local.api("POST", "/v1/videos", json={"prompt": "with a key"}, headers=headers).json()
    again = local.api("POST", "/v1/videos", json={"prompt": "with a key"}, headers=headers).json()
    other = local.api("POST", "/v1/videos", json={"prompt": "another body"}, headers=headers)
    assert first["id"] == again["id"]
    assert other.status_code == 409
    local.ended(first["id"])
    assert len(local.posts("with a key")) == 1
    assert local.posts("another body") == []


def test_a_sidecar_that_comes_later_starts_the_image_that_waits_for_it(local: LocalStack) -> None:
    local.drop("inbox/late/lake.jpg", image("JPEG", 360, 240))
    waiting = local.wait_for(lambda: local.jobs_of("inbox/late/lake.jpg"), "waiting record")[0]
    assert (waiting["status"], waiting["reason"]) == ("waiting", "prompt")
    local.drop("inbox/late/lake.json", json.dumps({"prompt": "the sidecar came"}).encode())
    job = local.upload_ended("inbox/late/lake.jpg")
    assert (job["id"], job["status"]) == (waiting["id"], "completed")
