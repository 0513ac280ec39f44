"""Keys on the deployed stack: made by the command, held to what they may, and ended."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest
from tests.e2e.conftest import LocalStack
from typer.testing import CliRunner, Result

from stillmotion_cli.main import app
from stillmotion_cli.surroundings import Surroundings
from stillmotion_local.aws_clients import LOCAL_CREDENTIALS
from stillmotion_local.deployment import STACK_NAME


def run(local: LocalStack, *arguments: str, key: str | None = None) -> Result:
    """`stillmotion keys`, on this stack."""
    environment = {
        "STILLMOTION_API_URL": local.description.api_url,
        "STILLMOTION_API_KEY": key or local.description.api_key,
    }
    return CliRunner().invoke(
        app, ["keys", *arguments], obj=Surroundings(environment=environment), catch_exceptions=False
    )


def made(local: LocalStack, *options: str) -> str:
    ended = run(local, "create", "--name", "test", *options)
    assert ended.exit_code == 0, ended.output
    return str(ended.stdout).strip()


def test_a_key_of_a_new_tenant_sees_its_own_jobs_only(local: LocalStack) -> None:
    mine = local.api("POST", "/v1/videos", json={"prompt": "a lake"}).json()["id"]
    key = made(local, "--tenant", "acme")

    assert local.api("GET", "/v1/videos", key=key).json()["data"] == []
    theirs, absent = (local.api("GET", f"/v1/videos/{id}", key=key) for id in (mine, mine[:-1] + "0"))  # noqa: A001
    assert theirs.status_code == absent.status_code == httpx.codes.NOT_FOUND
    assert theirs.json() == absent.json()


def test_a_key_that_only_reads_orders_nothing(local: LocalStack) -> None:
    key = made(local, "--scope", "read")

    refused = local.api("POST", "/v1/videos", key=key, json={"prompt": "a lake"})

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_scope")
    assert local.api("GET", "/v1/videos", key=key).status_code == httpx.codes.OK
    assert run(local, "list", key=key).exit_code == 2


def test_a_key_calls_as_often_as_its_rate_says(local: LocalStack) -> None:
    key = made(local, "--rate", "2")

    answers = [local.api("GET", "/v1/videos", key=key) for _ in range(6)]

    # Six calls lie in two minutes at most.
    refused = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
    assert 2 <= len(refused) <= 4
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in refused)


def test_a_key_orders_within_its_daily_allowance(local: LocalStack) -> None:
    price = local.api("POST", "/v1/videos", json={"prompt": "a lake", "dry_run": True}).json()["price_dollars"]
    key = made(local, "--daily-dollars", price)

    answers = [local.api("POST", "/v1/videos", key=key, json={"prompt": f"lake {number}"}) for number in range(2)]

    assert [answer.status_code for answer in answers] == [200, 402]
    assert answers[1].json()["error"]["code"] == "key_allowance_spent"


def test_a_revoked_key_opens_nothing(local: LocalStack) -> None:
    key = made(local)
    assert run(local, "revoke", key).exit_code == 0
    assert local.api("GET", "/v1/videos", key=key).status_code == httpx.codes.UNAUTHORIZED


def test_a_rotated_key_and_its_successor_both_open_during_the_grace(local: LocalStack) -> None:
    old = made(local)
    record = json.loads(run(local, "rotate", old, "--grace", "1h", "--json").stdout)
    statuses = [local.api("GET", "/v1/videos", key=key).status_code for key in (old, record["key"])]
    assert statuses == [200, 200]
    listed = json.loads(run(local, "list", "--json").stdout)["data"]
    assert [key["rotated_to"] for key in listed if key["id"] == record["rotated_from"]] == [record["id"]]


def test_the_first_key_is_written_with_the_callers_own_credentials(
    local: LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**LOCAL_CREDENTIALS, "AWS_ENDPOINT_URL": local.description.aws_endpoint_url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", os.environ.get("NO_PROXY", "") + ",127.0.0.1,localhost")

    ended = run(local, "bootstrap", "--stack", STACK_NAME)

    assert ended.exit_code == 0, ended.output
    assert run(local, "list", key=str(ended.stdout).strip()).exit_code == 0


def test_an_order_that_is_sent_eight_times_at_once_is_one_job_within_its_allowance(local: LocalStack) -> None:
    order = {"prompt": "a lake"}
    price = local.api("POST", "/v1/videos", json={**order, "dry_run": True}).json()["price_dollars"]
    key = made(local, "--daily-dollars", str(2 * Decimal(price)))

    def send(number: int) -> httpx.Response:
        return local.api("POST", "/v1/videos", key=key, headers={"idempotency-key": f"at once {number}"}, json=order)

    with ThreadPoolExecutor(8) as pool:
        answers = [list(pool.map(send, [number] * 8)) for number in range(3)]

    assert [{answer.status_code for answer in of_one} for of_one in answers] == [{200}, {200}, {402}]
    assert [len({answer.json()["id"] for answer in of_one}) for of_one in answers[:2]] == [1, 1]
