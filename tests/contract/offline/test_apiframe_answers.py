"""Every answer of the offline Apiframe is valid by Apiframe's own OpenAPI."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest

from stillmotion_local.vendors.moves import Concept

CONTRACT = Path(__file__).parents[4] / "shared" / "contracts" / "apiframe-v2-luma.openapi.json"
KEY = {"X-API-Key": "afk_offline"}

pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="Apiframe's OpenAPI is not beside this checkout")


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return dict(json.loads(CONTRACT.read_text(encoding="utf-8")))


def check(contract: dict[str, Any], answer: httpx.Response, method: str, path: str) -> Any:
    """Validates an answer against the schema of its status."""
    responses = contract["paths"][path][method]["responses"]
    assert str(answer.status_code) in responses, f"{answer.status_code} is not in the contract of {path}"
    schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator(
        {**schema, "components": contract["components"]}, format_checker=jsonschema.FormatChecker()
    )
    validator.validate(answer.json())
    return answer.json()


def submit(server: Any, prompt: str, **body: Any) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{server.port}/v2/videos/generate",
        headers=KEY,
        json={"model": "luma-ray-flash-2", "prompt": prompt, **body},
        timeout=10,
    )


@pytest.mark.parametrize("prompt", ["a hill", "a hill [[fault:stuck]]", "a hill [[fault:generation_failed]]"])
def test_jobs_in_every_state(server: Any, contract: dict[str, Any], prompt: str) -> None:
    accepted = check(contract, submit(server, prompt), "post", "/v2/videos/generate")
    for _ in range(20):
        answer = server.http.get(f"/v2/jobs/{accepted['jobId']}", headers=KEY)
        check(contract, answer, "get", "/v2/jobs/{id}")
    check(contract, server.http.get("/v2/jobs", headers=KEY), "get", "/v2/jobs")


@pytest.mark.parametrize(
    "fault", ["throttle", "throttle_bare", "unauthorized", "out_of_credits", "forbidden", "unavailable_503", "invalid"]
)
def test_refusals(server: Any, contract: dict[str, Any], fault: str) -> None:
    check(contract, submit(server, f"a hill [[fault:{fault}]]"), "post", "/v2/videos/generate")


def test_errors_of_reading(server: Any, contract: dict[str, Any]) -> None:
    check(contract, server.http.get(f"/v2/jobs/{uuid.uuid4()}", headers=KEY), "get", "/v2/jobs/{id}")
    check(contract, server.http.get("/v2/jobs/nonsense", headers=KEY), "get", "/v2/jobs/{id}")
    check(contract, server.http.get("/v2/jobs"), "get", "/v2/jobs")
    check(contract, server.http.get("/v2/jobs?limit=0", headers=KEY), "get", "/v2/jobs")


def test_account_catalogue_and_upload(server: Any, contract: dict[str, Any]) -> None:
    check(contract, server.http.get("/v2/me", headers=KEY), "get", "/v2/me")
    check(contract, server.http.get("/v2/models"), "get", "/v2/models")
    png = b"\x89PNG\r\n\x1a\n" + bytes(16)
    answer = server.http.post("/v2/uploads", headers=KEY, files={"file": ("a.png", png)})
    check(contract, answer, "post", "/v2/uploads")
    check(contract, server.http.post("/v2/uploads", headers=KEY), "post", "/v2/uploads")


def test_the_same_concepts_ratios_and_durations_are_known(contract: dict[str, Any]) -> None:
    (_, flash) = contract["components"]["schemas"]["GenerateVideoRequest"]["oneOf"]
    params = flash["properties"]["lumaParams"]["properties"]
    assert flash["properties"]["model"]["enum"] == ["luma-ray-flash-2"]
    assert set(params["concepts"]["items"]["enum"]) == set(Concept)


def test_whatever_the_contract_allows_is_accepted(server: Any, contract: dict[str, Any]) -> None:
    (_, flash) = contract["components"]["schemas"]["GenerateVideoRequest"]["oneOf"]
    params = flash["properties"]["lumaParams"]["properties"]
    for ratio in params["aspect_ratio"]["enum"]:
        for duration in (5, 9.0):
            body = {
                "lumaParams": {"aspect_ratio": ratio, "duration": duration, "concepts": ["static"], "loop": False},
                "webhookUrl": "http://127.0.0.1:9/hook",
                "webhookEvents": ["failed"],
            }
            jsonschema.validate({"model": "luma-ray-flash-2", "prompt": "x", **body}, flash)
            assert submit(server, "a hill [[fault:stuck]]", **body).status_code == 202
