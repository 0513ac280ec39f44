"""SnapStart is a parameter: off, nothing is published; on, callers reach the versions that have a snapshot."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.unit.template.document import ROOT, JsonObject, Template, named

FUNCTIONS = {"SubmitFunction", "ReadFunction", "OperateFunction"}
LIVE = {name: f"Live{name}" for name in FUNCTIONS}
PUBLISHED = ("AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::LayerVersion")
# What AWS takes at most (API reference of PublishLayerVersion).
MAX_DESCRIPTION, MAX_LICENSE_INFO = 256, 512
# A function has the first as a whole; the second is used for the inbox alone, which calls no version.
OF_NO_VERSION = {"ReservedConcurrency", "DefaultPrompt"}


@pytest.fixture(scope="module")
def off(template: Template) -> Template:
    return template.when(UsesSnapStart=False)


@pytest.fixture(scope="module")
def on(template: Template) -> Template:
    return template.when(UsesSnapStart=True)


def test_it_is_off_unless_it_is_asked_for(template: Template) -> None:
    assert template.parameters["SnapStart"]["Default"] == "off"
    assert template.body["Conditions"]["UsesSnapStart"] == {"Fn::Equals": [{"Ref": "SnapStart"}, "on"]}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_nothing_is_published_when_it_is_off(off: Template, kind: str) -> None:
    assert off.of_type(kind) == {}


def test_no_function_publishes_by_itself(template: Template) -> None:
    """A SAM function with an alias of its own publishes a version whatever a condition says."""
    assert not [name for name, function in template.functions.items() if "AutoPublishAlias" in function]


def test_off_a_function_is_what_it_would_be_without_the_parameter(off: Template) -> None:
    for name in FUNCTIONS:
        function = off.properties(name)
        assert function["SnapStart"] == {"ApplyOn": "None"}  # Lambda's own default
        assert {"Ref": "ReleaseLayer"} not in function["Layers"]


def test_it_adds_versions_aliases_and_the_release_and_takes_nothing_away(on: Template, off: Template) -> None:
    before, after = off.body["Resources"], on.body["Resources"]

    assert before.keys() <= after.keys()
    assert after.keys() - before.keys() == {
        "ReleaseLayer",
        *LIVE.values(),
        *(f"{name}Version" for name in FUNCTIONS),
    }


def test_off_routes_call_functions(off: Template) -> None:
    assert set(off.called_by_routes().values()) == {*FUNCTIONS, "WebhookFunction"}


def test_on_routes_call_the_aliases_of_the_same_functions(on: Template, off: Template) -> None:
    assert on.called_by_routes() == {
        route: LIVE.get(function, function) for route, function in off.called_by_routes().items()
    }


def test_on_the_api_may_call_the_aliases_where_it_might_call_their_functions(on: Template, off: Template) -> None:
    assert permissions(on) == {
        name: {**permission, "FunctionName": LIVE.get(permission["FunctionName"], permission["FunctionName"])}
        for name, permission in permissions(off).items()
    }


def permissions(template: Template) -> Mapping[str, JsonObject]:
    """Who may call what, by logical id."""
    return {
        name: {**found["Properties"], "FunctionName": named(found["Properties"]["FunctionName"])}
        for name, found in template.of_type("AWS::Lambda::Permission").items()
    }


def test_an_integration_waits_for_the_permissions_of_what_it_calls(on: Template) -> None:
    """Or routes would lead to an alias that the API may not call yet, for the seconds between two updates."""
    for integration in on.of_type("AWS::ApiGatewayV2::Integration").values():
        called = named(integration["Properties"]["IntegrationUri"])
        needed = {name for name, found in permissions(on).items() if found["FunctionName"] == called}
        assert called not in LIVE.values() or set(integration["DependsOn"]) == needed


def test_the_inbox_queue_calls_the_function_itself(on: Template, off: Template) -> None:
    """A person waits for the API's calls alone."""
    for template in (on, off):
        assert named(template.properties("InboxDeliveries")["FunctionName"]) == "SubmitFunction"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_on_an_alias_is_the_version_of_its_function(on: Template, name: str) -> None:
    alias, version = on.properties(LIVE[name]), on.properties(f"{name}Version")

    assert on.properties(name)["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [f"{name}Version", "Version"]}
    assert alias["FunctionName"] == version["FunctionName"] == {"Ref": name}


def test_a_version_that_is_replaced_is_deleted(on: Template) -> None:
    """AWS bills its snapshot until then."""
    for version in on.of_type("AWS::Lambda::Version").values():
        assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_no_role_may_do_more(on: Template, off: Template) -> None:
    assert list(on.statements()) == list(off.statements())
    assert [name for name in on.body["Resources"] if "Role" in name or "Policy" in name] == [
        name for name in off.body["Resources"] if "Role" in name or "Policy" in name
    ]


def test_snapshots_are_had_without_what_excludes_them(template: Template) -> None:
    """Source: AWS's guide to SnapStart: no EFS, no more than 512 MB of /tmp, no provisioned concurrency."""
    for name in FUNCTIONS:
        function = template.body["Globals"]["Function"] | template.properties(name)
        assert not {"FileSystemConfigs", "EphemeralStorage", "ProvisionedConcurrencyConfig"} & function.keys()
        assert function["Runtime"] >= "python3.12"


# --- a change of anything that a version is made of publishes another


def test_a_new_release_is_a_new_version_of_each_function(on: Template) -> None:
    """By the layer too: of a function that has not changed Lambda publishes no version, and CloudFormation fails."""
    for name in FUNCTIONS:
        assert on.properties(f"{name}Version")["Description"] == {"Ref": "ReleaseLayer"}
        assert {"Ref": "ReleaseLayer"} in on.properties(name)["Layers"]


def test_a_release_holds_the_code_and_the_template() -> None:
    folder = ROOT / "layers" / "release"

    assert (folder / "functions").resolve() == ROOT / "functions"
    assert (folder / "template.yaml").resolve() == ROOT / "template.yaml"


def test_a_release_holds_every_layer_and_every_parameter_of_its_functions(on: Template) -> None:
    shared = on.body["Globals"]["Function"]
    used, layers = set(parameters(on, shared)), {named(layer) for layer in shared["Layers"]}
    for name in FUNCTIONS:
        own = {key: part for key, part in on.properties(name).items() if key != "Policies"}
        used.update(parameters(on, own))
        layers.update(named(layer) for layer in own["Layers"])

    held = {named(text) for found in texts(on).values() for text in found}
    assert held == (used - OF_NO_VERSION) | (layers - {"ReleaseLayer"})


def test_the_parameters_of_a_release_have_room_in_it(on: Template) -> None:
    """Also in a region with a long name, and with a long address of the API."""
    layer = "arn:aws:lambda:ap-southeast-1:123456789012:layer:StillmotionLayer:1000"
    values = {
        **{name: str(parameter["Default"]) for name, parameter in on.parameters.items()},
        "StillmotionLayer": layer,
        "WebhookBaseUrl": "https://" + "w" * 64,
        "InboxTenant": "t" * 63,
        **dict.fromkeys(("TenantDailyDollars", "StackDailyDollars"), "10000.00"),
    }
    lengths = {
        property_: len(" ".join(values[named(text)] for text in found)) for property_, found in texts(on).items()
    }

    assert lengths["Description"] <= MAX_DESCRIPTION
    assert lengths["LicenseInfo"] <= MAX_LICENSE_INFO


def texts(template: Template) -> Mapping[str, list[JsonObject]]:
    """The two texts of a release, by property: what each is joined of."""
    release = template.properties("ReleaseLayer")
    return {name: release[name]["Fn::Join"][1] for name in ("Description", "LicenseInfo")}


def parameters(template: Template, part: Any) -> Iterator[str]:
    """The parameters that decide what `part` is, by themselves or through a condition."""
    match part:
        case {"Ref": str(name)} if name in template.parameters:
            yield name
        case {"Fn::If": [str(condition), *choices]}:
            yield from parameters(template, template.body["Conditions"][condition])
            yield from parameters(template, choices)
        case {"Fn::Sub": str(text)}:
            yield from (name for name in re.findall(r"\$\{(\w+)\}", text) if name in template.parameters)
        case dict():
            for member in part.values():
                yield from parameters(template, member)
        case list():
            for item in part:
                yield from parameters(template, item)
