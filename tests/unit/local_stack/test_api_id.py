"""The vendors are told where the API is before there is one."""

from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from stillmotion_local import deployment
from stillmotion_local.aws_clients import LocalAws


class _Refused(Exception):
    response: ClassVar = {"Error": {"Code": "ValidationError"}}


def aws_with(*stacks: dict[str, Any]) -> LocalAws:
    """A local AWS whose CloudFormation has these stacks."""

    def describe_stacks(**_: str) -> dict[str, Any]:
        if not stacks:
            raise _Refused
        return {"Stacks": list(stacks)}

    exceptions = SimpleNamespace(ClientError=_Refused)
    cloudformation = SimpleNamespace(describe_stacks=describe_stacks, exceptions=exceptions)
    return cast("LocalAws", SimpleNamespace(cloudformation=cloudformation))


def stack(status: str, api_id: str) -> dict[str, Any]:
    return {"StackStatus": status, "Outputs": [{"OutputKey": "ApiId", "OutputValue": api_id}]}


def test_a_new_stack_gets_the_id_that_it_is_given() -> None:
    assert deployment.api_id(aws_with()) == deployment.API_ID


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE"])
def test_a_stack_keeps_the_id_that_it_has(status: str) -> None:
    assert deployment.api_id(aws_with(stack(status, "a1b2c3"))) == "a1b2c3"


def test_a_stack_that_was_half_made_is_made_anew() -> None:
    assert deployment.api_id(aws_with(stack("CREATE_FAILED", "a1b2c3"))) == deployment.API_ID
