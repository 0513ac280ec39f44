"""A stack of e906955 can be updated to the present template, and keeps what it holds.

`tests/e2e/test_upgrade.py` deploys both; AWS refuses more than an emulator does, and that is looked for here.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.template.document import read_template
from tests.vectors import stack

BEFORE = stack.template()
STATEFUL = stack.stateful(BEFORE)
REPLACING: Mapping[str, tuple[str, ...]] = {
    "AWS::ApiGatewayV2::Api": ("ProtocolType",),
    "AWS::DynamoDB::Table": ("TableName", "KeySchema"),
    "AWS::Events::EventBus": ("Name",),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::SNS::Topic": ("TopicName", "FifoTopic"),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::SecretsManager::Secret": ("Name", "SecretString", "GenerateSecretString"),
    "AWS::Serverless::StateMachine": ("Name", "Type"),
}
"""Properties that, when they change, make CloudFormation replace a resource, or write a secret's value again.

Source: the resource reference of CloudFormation ("Update requires: Replacement").
"""


@pytest.fixture(scope="module")
def resources() -> Mapping[str, Any]:
    """Of the present template."""
    found: Mapping[str, Any] = read_template().body["Resources"]
    return found


@pytest.mark.parametrize("name", STATEFUL)
def test_what_holds_a_state_is_still_declared(name: str, resources: Mapping[str, Any]) -> None:
    assert resources.get(name, {}).get("Type") == STATEFUL[name]["Type"]


@pytest.mark.parametrize("name", STATEFUL)
def test_it_still_outlives_the_stack(name: str, resources: Mapping[str, Any]) -> None:
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert resources[name].get(policy) == STATEFUL[name].get(policy)


@pytest.mark.parametrize("name", STATEFUL)
def test_no_property_has_changed_that_replaces_it(name: str, resources: Mapping[str, Any]) -> None:
    for replacing in REPLACING[STATEFUL[name]["Type"]]:
        assert resources[name]["Properties"].get(replacing) == STATEFUL[name]["Properties"].get(replacing)


def test_the_tables_indexes_are_still_there(resources: Mapping[str, Any]) -> None:
    def indexes(table: Mapping[str, Any]) -> list[Any]:
        found: list[Any] = table["Properties"]["GlobalSecondaryIndexes"]
        return found

    # An index with other keys is deleted and made anew, and answers nothing until it is filled.
    assert [index for index in indexes(STATEFUL["JobsTable"]) if index not in indexes(resources["JobsTable"])] == []


@pytest.mark.parametrize(
    ("kind", "unique"),
    [
        ("AWS::ApiGatewayV2::Route", ("RouteKey",)),
        ("AWS::Lambda::EventSourceMapping", ("FunctionName", "EventSourceArn")),
    ],
)
def test_what_must_be_unique_keeps_its_logical_id(
    kind: str, unique: tuple[str, ...], resources: Mapping[str, Any]
) -> None:
    def logical_ids(declared: Mapping[str, Any]) -> Mapping[str, str]:
        return {
            repr([resource["Properties"][name] for name in unique]): logical_id
            for logical_id, resource in declared.items()
            if resource["Type"] == kind
        }

    before, after = logical_ids(BEFORE["Resources"]), logical_ids(resources)

    # CloudFormation makes what is new before it deletes what is gone, and the service refuses a second one.
    assert {key: after[key] for key in before.keys() & after.keys()} == {
        key: before[key] for key in before.keys() & after.keys()
    }


def test_the_form_that_is_deployed_declares_all_that_holds_a_state() -> None:
    assert stack.stateful(stack.deployable()).keys() == STATEFUL.keys()
