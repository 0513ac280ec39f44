"""template.yaml as it is written, and the parts of it that the tests ask about."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
JsonObject = dict[str, Any]


class _CloudFormationLoader(yaml.SafeLoader):
    """Reads `!Ref x` as {"Ref": x} and `!Sub x` as {"Fn::Sub": x}, as CloudFormation does."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> JsonObject:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
            if suffix == "GetAtt":
                value = str(value).split(".", 1)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            raise TypeError(f"{suffix} of {node.tag}")
    return {name: value}


_CloudFormationLoader.add_multi_constructor("!", _intrinsic)


@dataclass(frozen=True)
class Statement:
    """One statement of a function's or the state machine's role."""

    owner: str
    body: JsonObject

    @property
    def name(self) -> str:
        return f"{self.owner}.{self.body['Sid']}"

    @property
    def actions(self) -> list[str]:
        return _listed(self.body["Action"])

    @property
    def resources(self) -> list[Any]:
        return _listed(self.body["Resource"])


@dataclass(frozen=True)
class Template:
    """The template as data."""

    body: JsonObject

    @property
    def parameters(self) -> Mapping[str, JsonObject]:
        found: Mapping[str, JsonObject] = self.body["Parameters"]
        return found

    def of_type(self, kind: str) -> Mapping[str, JsonObject]:
        """Resources of a type, such as `AWS::S3::Bucket`, by logical id."""
        return {name: found for name, found in self.body["Resources"].items() if found["Type"] == kind}

    def properties(self, logical_id: str) -> JsonObject:
        found: JsonObject = self.body["Resources"][logical_id]["Properties"]
        return found

    @property
    def functions(self) -> Mapping[str, JsonObject]:
        """Functions' properties by the name of their folder."""
        found = self.of_type("AWS::Serverless::Function").values()
        return {Path(function["Properties"]["CodeUri"]).name: function["Properties"] for function in found}

    def environment(self, function: str) -> JsonObject:
        """The variables that a function has."""
        of_all: JsonObject = self.body["Globals"]["Function"]["Environment"]["Variables"]
        own: JsonObject = self.functions[function]["Environment"]["Variables"]
        return of_all | own

    def when(self, **conditions: bool) -> "Template":
        """The template as CloudFormation deploys it when these conditions hold or do not; others stay as written."""
        kept = {
            name: resource
            for name, resource in self.body["Resources"].items()
            if conditions.get(resource.get("Condition", ""), True)
        }
        return Template(_decided({**self.body, "Resources": kept}, conditions))

    def called_by_routes(self) -> Mapping[str, str]:
        """The logical id of what each route calls, a function or an alias, by the route's key."""
        routes = [route["Properties"] for route in self.of_type("AWS::ApiGatewayV2::Route").values()]
        return {route["RouteKey"]: self._called_by(route["Target"]["Fn::Sub"]) for route in routes}

    def _called_by(self, target: str) -> str:
        integration = re.fullmatch(r"integrations/\$\{(\w+)\}", target)
        if not integration:
            raise ValueError(f"{target} is no integration")
        return named(self.properties(integration[1])["IntegrationUri"])

    def statements(self) -> Iterator[Statement]:
        """Every statement of every role, and of what is given to roles besides."""
        for kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
            for owner, resource in self.of_type(kind).items():
                for policy in resource["Properties"]["Policies"]:
                    yield from (Statement(owner, body) for body in policy["Statement"])
        for owner, resource in self.of_type("AWS::IAM::Policy").items():
            yield from (Statement(owner, body) for body in resource["Properties"]["PolicyDocument"]["Statement"])


def named(reference: JsonObject) -> str:
    """The logical id in a Ref, or in the GetAtt of an ARN."""
    match reference:
        case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), "Arn"]}:
            return logical_id
        case _:
            raise ValueError(f"{reference} names no resource")


_NOTHING: JsonObject = {"Ref": "AWS::NoValue"}


def _decided(part: Any, conditions: Mapping[str, bool]) -> Any:
    """`part` with what these conditions choose in the place of each Fn::If of theirs."""
    match part:
        case {"Fn::If": [str(condition), chosen, otherwise]} if condition in conditions:
            return _decided(chosen if conditions[condition] else otherwise, conditions)
        case dict():
            members = {name: _decided(member, conditions) for name, member in part.items()}
            return {name: member for name, member in members.items() if member != _NOTHING}
        case list():
            items = [_decided(item, conditions) for item in part]
            return [item for item in items if item != _NOTHING]
        case _:
            return part


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read_template() -> Template:
    return Template(read_yaml(ROOT / "template.yaml"))


def read_yaml(path: Path) -> JsonObject:
    """A template of CloudFormation, as it is written."""
    text = path.read_text(encoding="utf-8")
    read: JsonObject = yaml.load(text, Loader=_CloudFormationLoader)  # noqa: S506 - a SafeLoader
    return read


def read_definition() -> JsonObject:
    """The state machine's definition."""
    read: JsonObject = json.loads((ROOT / "functions" / "video.asl.json").read_text(encoding="utf-8"))
    return read
