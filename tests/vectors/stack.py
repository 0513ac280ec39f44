"""The stack as e906955 declares it. Its template and its state machine lie in `e906955/` as they were."""

import json
from collections.abc import Mapping
from typing import Any

from tests.unit.template.document import JsonObject, read_yaml
from tests.vectors import files

FOLDER = files.FOLDER / "e906955"
STUB = "def handler(event, context):\n    return None\n"

STATEFUL = frozenset({
    "AWS::ApiGatewayV2::Api",  # its address is in callers' settings, and in the webhooks that vendors were given
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",  # other stacks have their rules on it
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",  # people have confirmed that they want its alarms
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
    "AWS::Serverless::StateMachine",  # executions under way end with it
})  # fmt: skip
"""Types of resources that hold what no deployment can make again."""


def template() -> JsonObject:
    """The template, as data."""
    return read_yaml(FOLDER / "template.yaml")


def stateful(declared: JsonObject) -> Mapping[str, JsonObject]:
    """What a template declares that holds a state, by logical id."""
    return {name: found for name, found in declared["Resources"].items() if found["Type"] in STATEFUL}


def deployable() -> JsonObject:
    """The template with every function's code replaced by a stub, the layer left out, and the state machine inline.

    The folders that it names may be renamed, and the code in them is not that of e906955 any more. What is stored, the
    queues, the API with its routes, roles and alarms are declared as they were.
    """
    declared = template()
    del declared["Globals"]["Function"]["Layers"]
    resources: dict[str, Any] = {}
    for name, resource in declared["Resources"].items():
        properties = dict(resource["Properties"])
        match resource["Type"]:
            case "AWS::Serverless::LayerVersion":
                continue
            case "AWS::Serverless::Function":
                del properties["CodeUri"]
                properties |= {"InlineCode": STUB, "Handler": "index.handler"}
            case "AWS::Serverless::StateMachine":
                del properties["DefinitionUri"]
                definition = (FOLDER / "video.asl.json").read_text(encoding="utf-8")
                properties["Definition"] = json.loads(definition)
        resources[name] = {**resource, "Properties": properties}
    return {**declared, "Resources": resources}
