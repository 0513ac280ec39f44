"""What no route takes, and HEAD, by way of the gateway: its routes lead where the template says."""

import httpx
import pytest
from tests.e2e.conftest import LocalStack

ABSENT = "0f0e0d0c-0b0a-8009-8807-060504030201"


@pytest.mark.parametrize("path", ["/v1/nothing", "/v2/nothing", "/api/v3/nothing"])
def test_what_is_nowhere_takes_a_key_and_is_told_by_the_stack(local: LocalStack, path: str) -> None:
    assert local.api("POST", path, json={}).status_code == httpx.codes.NOT_FOUND
    refused = httpx.post(f"{local.description.api_url}{path}", json={}, trust_env=False)
    assert refused.status_code == httpx.codes.UNAUTHORIZED
    assert refused.headers["x-request-id"]


def test_another_model_of_wavespeeds_is_told_of_the_one_that_there_is(local: LocalStack) -> None:
    told = local.api("POST", "/api/v3/luma/ray-2-flash-t2v", json={"prompt": "a lake"}).json()
    assert (told["code"], "luma/ray-2-flash-i2v" in told["message"]) == (404, True)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", f"/v1/videos/{ABSENT}", "GET, HEAD, DELETE"),
        ("GET", "/v2/videos/generate", "POST"),
        ("DELETE", f"/api/v3/predictions/{ABSENT}", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_which_there_are(local: LocalStack, method: str, path: str, allowed: str) -> None:
    answer = local.api(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/keys", "/v2/me", "/v2/models", "/api/v3/balance", "/openapi.json"])
def test_head_is_answered_as_get_is(local: LocalStack, path: str) -> None:
    get, head = local.api("GET", path), local.api("HEAD", path)
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]


def test_the_head_of_content_can_be_asked_for_where_it_leads(local: LocalStack) -> None:
    video = local.api("POST", "/v1/videos", json={"prompt": "head of content"}).json()["id"]
    local.wait_for(lambda: local.job(video)["status"] == "completed", "video")
    way = local.api("HEAD", f"/v1/videos/{video}/content").headers["location"]
    size = httpx.head(way, trust_env=False).headers["content-length"]
    assert int(size) == local.job(video)["video"]["bytes"]
