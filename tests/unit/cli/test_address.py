"""Which API the commands call."""

from dataclasses import replace

import pytest
from tests.unit.cli.stage import Stage

from stillmotion_cli.address import Address, find_address
from stillmotion_local.failures import StackError
from stillmotion_local.stack_file import StackDescription

LOCAL = StackDescription(
    aws_endpoint_url="http://127.0.0.1:4566",
    region="us-east-1",
    api_url="http://127.0.0.1:4566/_aws/execute-api/local/$default",
    api_key="sm_local",
    input_bucket="input",
    output_bucket="output",
    jobs_table="jobs",
    state_machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:video",
    vendors_url=None,
)


def no_stack() -> StackDescription:
    raise StackError("No local stack is running.", next_step="Start one.")


def test_the_local_stack_is_used_unless_another_is_named() -> None:
    assert find_address({}, lambda: LOCAL) == Address(LOCAL.api_url, "sm_local")


def test_the_environment_goes_before_the_local_stack() -> None:
    named = {"STILLMOTION_API_URL": "https://a.example/v1/", "STILLMOTION_API_KEY": " sm_key\n"}
    assert find_address(named, lambda: LOCAL) == Address("https://a.example", "sm_key")


def test_with_no_stack_at_all_both_ways_out_are_told(stage: Stage) -> None:
    stage.environment.clear()
    ended = stage.run("jobs")
    assert ended.exit_code == 2
    assert "stillmotion local up" in ended.stderr
    assert "STILLMOTION_API_URL" in ended.stderr


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ({"STILLMOTION_API_URL": "https://a.example"}, "STILLMOTION_API_KEY is not"),
        ({"STILLMOTION_API_KEY": "sm_key"}, "STILLMOTION_API_URL is not"),
        ({"STILLMOTION_API_URL": "a.example", "STILLMOTION_API_KEY": "k"}, "not an http address"),
        ({"STILLMOTION_API_URL": "https://[", "STILLMOTION_API_KEY": "k"}, "not an http address"),
        ({"STILLMOTION_API_URL": "https://a.example", "STILLMOTION_API_KEY": "sm_é"}, "characters that no key has"),
    ],
)
def test_a_setting_that_cannot_be_used_names_itself(stage: Stage, named: dict[str, str], sentence: str) -> None:
    stage.environment = named
    ended = stage.run("jobs")
    assert ended.exit_code == 2
    assert sentence in ended.stderr
    assert not stage.sent


def test_a_key_is_not_in_an_addresss_text() -> None:
    assert "sm_local" not in repr(find_address({}, lambda: LOCAL))


def test_a_local_stack_that_does_not_answer_is_hinted_at(stage: Stage) -> None:
    stage.environment.clear()
    stage.stack = LOCAL
    stage.faults["GET"] = [502] * 4
    ended = stage.run("jobs")
    assert ended.exit_code == 4
    assert "Is the local stack up?" in ended.stderr


@pytest.mark.parametrize("body", ["<html>", '{"message": "Not Found"}', '{"error": "no such page"}'])
def test_a_refusal_of_some_other_server_asks_whether_the_address_is_right(stage: Stage, body: str) -> None:
    stage.endpoints = lambda _: {"statusCode": 404, "headers": {}, "body": body}  # type: ignore[assignment]
    ended = stage.run("jobs")
    assert ended.exit_code == 2
    assert "The API answered 404" in ended.stderr
    assert "a Stillmotion API? Give STILLMOTION_API_URL its URL without /v1." in ended.stderr


def test_a_local_stack_that_refuses_its_own_key_is_to_be_started_again(stage: Stage) -> None:
    stage.environment.clear()
    stage.stack = replace(LOCAL, api_url="https://api.test/stage", api_key="sm_old")
    ended = stage.run("jobs")
    assert ended.exit_code == 2
    assert "The local stack does not take its own key." in ended.stderr
    assert "stillmotion local up" in ended.stderr


def test_an_answer_of_some_other_server_is_told(stage: Stage) -> None:
    stage.endpoints = lambda _: {"statusCode": 200, "headers": {}, "body": "<html>"}  # type: ignore[assignment]
    ended = stage.run("jobs")
    assert ended.exit_code == 4
    assert "something else than Stillmotion's API" in ended.stderr
