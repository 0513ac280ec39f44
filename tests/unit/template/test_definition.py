"""The state machine's definition, as text: what must hold for every state of it."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonata
from cfnlint.api import lint_all
from statelint.linter import Linter  # type: ignore[import-untyped]
from tests.unit.template.document import JsonObject, Template

# It has no Catch: an execution that fails in it says why, and can be redriven from it.
CLOSE = "Close"


def of_type(definition: JsonObject, kind: str) -> dict[str, JsonObject]:
    return {name: state for name, state in definition["States"].items() if state["Type"] == kind}


def calls(definition: JsonObject) -> dict[str, JsonObject]:
    """The tasks that call a function."""
    tasks = of_type(definition, "Task").items()
    return {name: task for name, task in tasks if task["Resource"] == "arn:aws:states:::lambda:invoke"}


def parkings(definition: JsonObject) -> dict[str, JsonObject]:
    """The tasks that wait for a webhook."""
    tasks = of_type(definition, "Task").items()
    return {name: task for name, task in tasks if task["Resource"].endswith("dynamodb:updateItem.waitForTaskToken")}


def expressions(part: Any) -> Iterator[str]:
    """Every JSONata expression."""
    match part:
        case dict():
            for value in part.values():
                yield from expressions(value)
        case list():
            for value in part:
                yield from expressions(value)
        case str() if part.startswith("{%"):
            yield part.removeprefix("{%").removesuffix("%}").strip()


def followers(state: JsonObject) -> set[str]:
    """The states that may come next."""
    rules = [*state.get("Choices", ()), *state.get("Catch", ())]
    return {name for name in (state.get("Next"), state.get("Default"), *(rule["Next"] for rule in rules)) if name}


def test_every_choice_has_a_default(definition: JsonObject) -> None:
    assert all("Default" in state for state in of_type(definition, "Choice").values())


def test_every_call_hands_every_error_to_close(definition: JsonObject) -> None:
    for name, task in calls(definition).items():
        if name == CLOSE:
            assert "Catch" not in task
        else:
            (catcher,) = task["Catch"]
            assert (catcher["ErrorEquals"], catcher["Next"]) == (["States.ALL"], CLOSE), name


FOR_A_SLOT = "Park for a slot"
STORES_OUT_OF_REACH = {"AwsError", "AwsUnreachable", "Conflict"}


def test_only_faults_of_lambda_and_of_the_stores_are_retried(definition: JsonObject) -> None:
    """An outage of DynamoDB must not park every job in flight. The functions may run twice: the ledger decides."""
    retried = {
        name: {error for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
        for name, task in calls(definition).items()
    }

    assert retried.pop(CLOSE) == {"States.ALL"}
    for errors in retried.values():
        assert errors >= STORES_OUT_OF_REACH
        assert all(error.startswith(("Lambda.", "Sandbox.")) for error in errors - STORES_OUT_OF_REACH)


def test_every_task_waits_longer_than_its_function_may_run(definition: JsonObject, template: Template) -> None:
    functions = template.of_type("AWS::Serverless::Function")
    for name, task in calls(definition).items():
        function = re.fullmatch(r"\$\{(\w+)Arn\}", task["Arguments"]["FunctionName"])
        assert function
        assert task["TimeoutSeconds"] > functions[function[1]]["Properties"]["Timeout"], name


def test_every_task_calls_a_function_or_parks(definition: JsonObject) -> None:
    assert of_type(definition, "Task").keys() == calls(definition).keys() | parkings(definition).keys()


def test_parking_ends_by_itself_and_no_error_of_it_ends_the_job(definition: JsonObject) -> None:
    for name, task in parkings(definition).items():
        after = ["Dispatch", "Wait to dispatch again"] if name == FOR_A_SLOT else ["Check", "Wait for the vendor"]
        assert isinstance(task["TimeoutSeconds"], int)
        assert [catcher["Next"] for catcher in task["Catch"]] == after
        assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_the_parkings_are_made_in_the_same_way(definition: JsonObject) -> None:
    asked = [task["Arguments"] for task in parkings(definition).values()]

    assert all(arguments == asked[0] for arguments in asked)


def test_the_parkings_for_a_vendor_last_as_long_as_the_parameter_allows(
    definition: JsonObject, template: Template
) -> None:
    seconds = {task["TimeoutSeconds"] for name, task in parkings(definition).items() if name != FOR_A_SLOT}

    assert seconds == set(template.parameters["SlowPollSeconds"]["AllowedValues"])


def test_every_state_can_be_reached_and_every_way_leads_somewhere(definition: JsonObject) -> None:
    reached: set[str] = set()
    waiting = [definition["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += followers(definition["States"][name])

    assert reached == definition["States"].keys()


def test_every_expression_can_be_read(definition: JsonObject) -> None:
    found = list(expressions(definition))

    assert found
    for expression in found:
        jsonata.Jsonata(expression)


def test_every_substitution_is_given_and_used(definition: JsonObject, template: Template) -> None:
    given = template.properties("VideoStateMachine")["DefinitionSubstitutions"]

    assert set(re.findall(r"\$\{(\w+)\}", json.dumps(definition))) == given.keys()


def test_the_machine_may_call_the_functions_that_it_calls(template: Template) -> None:
    given = template.properties("VideoStateMachine")["DefinitionSubstitutions"]
    (allowed,) = [found for found in template.statements() if "lambda:InvokeFunction" in found.actions]

    functions = [value for name, value in given.items() if name.endswith("FunctionArn")]
    assert sorted(allowed.resources, key=str) == sorted(functions, key=str)


def test_the_machines_deadline_is_longer_than_all_that_the_parameters_allow(
    definition: JsonObject, template: Template
) -> None:
    a_week_of_fetching = 7 * 86_400
    longest = sum(int(template.parameters[name]["MaxValue"]) for name in ("DispatchPatienceSeconds", "DeadlineSeconds"))

    assert definition["TimeoutSeconds"] > longest + a_week_of_fetching


def test_statelint_finds_nothing(definition: JsonObject) -> None:
    # It does not know of expressions in a Wait's Seconds.
    readable = deepcopy(definition)
    for state in of_type(readable, "Wait").values():
        state["Seconds"] = 1

    assert Linter.validate(readable) == []


def test_cfn_lint_finds_nothing_in_the_definition(definition: JsonObject) -> None:
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": "arn:aws:iam::123456789012:role/any", "Definition": definition},
    }
    text = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}})

    assert [str(match) for match in lint_all(text) if not match.rule.id.startswith("I")] == []
