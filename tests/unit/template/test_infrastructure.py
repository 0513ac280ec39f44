"""What the template promises: nothing is public, nothing is lost, nobody may do more than what he has to."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
from tests.unit.template.document import ROOT, JsonObject, Statement, Template, named

from stillmotion.aws.items import KEY_PARTITION
from stillmotion.dialects.catalogue import declared
from stillmotion.dialects.declared import Declared

# Statements whose actions have no resource to name.
MAY_NAME_NO_RESOURCE = {"VideoStateMachine.DeliverLogs"}
# By what an item is written: also as part of a batch, or of a statement of PartiQL.
ITEM_WRITES = {f"dynamodb:{name}Item" for name in ("Put", "Update", "Delete", "BatchWrite")} | {
    f"dynamodb:PartiQL{name}" for name in ("Insert", "Update", "Delete")
}
BLOCKED = {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
# What has no operation.
UNDECLARED = {
    "ReadFunction": {
        "ANY /v1/{proxy+}",
        "OPTIONS /v1/{proxy+}",
        "ANY /api/v3/{proxy+}",
        "OPTIONS /api/v3/{proxy+}",
        "ANY /v2/{proxy+}",
        "OPTIONS /v2/{proxy+}",
        "GET /openapi.json",
        "GET /docs",
    },
}


def test_every_function_folder_is_deployed_and_every_function_has_a_folder(template: Template) -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}

    assert template.functions.keys() == folders


def test_functions_are_plain_folders_that_no_build_touches(template: Template) -> None:
    functions = template.of_type("AWS::Serverless::Function").values()

    assert all(function["Metadata"] == {"SkipBuild": True} for function in functions)


def test_every_function_has_a_log_group_of_its_own(template: Template) -> None:
    groups = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in template.functions.values()]

    assert len(set(groups)) == len(template.functions)
    assert set(groups) <= template.of_type("AWS::Logs::LogGroup").keys()


def test_every_log_group_forgets(template: Template) -> None:
    groups = template.of_type("AWS::Logs::LogGroup").values()

    assert all(group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups)


def test_every_route_leads_to_its_function(template: Template) -> None:
    led = _functions_of_routes(template)

    others = {route: function for function, routes in UNDECLARED.items() for route in routes}
    expected = functions_of(declared()) | others
    assert {route: function for route, function in led.items() if not route.startswith("HEAD ")} == expected


def functions_of(routes: Iterable[Declared]) -> dict[str, str]:
    """The function that each declared route is to lead to."""
    return {each.operation.route: f"{each.feature.FUNCTION.title()}Function" for each in routes}


def test_what_takes_get_takes_head(template: Template) -> None:
    led = _functions_of_routes(template)

    assert {route.replace("GET ", "HEAD "): led[route] for route in led if route.startswith("GET ")} == {
        route: led[route] for route in led if route.startswith("HEAD ")
    }


def _functions_of_routes(template: Template) -> Mapping[str, str]:
    return template.when(UsesSnapStart=False).called_by_routes()


def _permissions(template: Template) -> list[JsonObject]:
    found = template.when(UsesSnapStart=False).of_type("AWS::Lambda::Permission")
    return [permission["Properties"] for permission in found.values()]


def test_the_api_may_call_its_functions(template: Template) -> None:
    permissions = _permissions(template)

    assert {named(found["FunctionName"]) for found in permissions} == {
        "SubmitFunction",
        "ReadFunction",
        "WebhookFunction",
        "OperateFunction",
    }
    assert all("${Api}" in found["SourceArn"]["Fn::Sub"] for found in permissions)


def test_every_route_may_call_its_function(template: Template) -> None:
    """Source: AWS's guide to HTTP APIs: the source is API/STAGE/METHOD/PATH, and a star stands for anything."""
    allowed: dict[str, list[str]] = {}
    for found in _permissions(template):
        source = found["SourceArn"]["Fn::Sub"]
        allowed.setdefault(named(found["FunctionName"]), []).append(source.partition("${Api}")[2])
    shut = []
    for route, function in _functions_of_routes(template).items():
        method, _, path = route.partition(" ")
        called = f"/$default/{method}{path}"
        if not any(fnmatchcase(called, pattern) for pattern in allowed[function]):
            shut.append(route)

    assert shut == []


def test_no_statement_allows_every_action(template: Template) -> None:
    actions = {action for statement in template.statements() for action in statement.actions}

    assert not [action for action in actions if "*" in action]


def test_only_what_has_no_name_is_allowed_on_everything(template: Template) -> None:
    unnamed = {statement.name for statement in template.statements() if "*" in statement.resources}

    assert unnamed == MAY_NAME_NO_RESOURCE


def test_objects_are_reached_below_a_prefix_only(template: Template) -> None:
    for statement in template.statements():
        if any(action.startswith("s3:") for action in statement.actions):
            objects = [resource["Fn::Sub"] for resource in statement.resources if "Fn::Sub" in resource]
            assert all(re.fullmatch(r"\$\{\w+\.Arn\}/[a-z]+/\*", resource) for resource in objects), statement.name
            assert ("s3:ListBucket" in statement.actions) == ("Condition" in statement.body), statement.name


def test_buckets_are_listed_below_a_prefix_only(template: Template) -> None:
    listed = [statement for statement in template.statements() if "s3:ListBucket" in statement.actions]

    assert listed
    for statement in listed:
        assert re.fullmatch(r"[a-z]+/\*", statement.body["Condition"]["StringLikeIfExists"]["s3:prefix"])


def test_only_these_items_are_changed_in_place(template: Template) -> None:
    changing = [statement for statement in template.statements() if "dynamodb:UpdateItem" in statement.actions]
    who: dict[str, set[str]] = {}
    for statement in changing:
        assert statement.actions == ["dynamodb:UpdateItem"]
        (keys,) = _kinds(statement)
        who.setdefault(keys, set()).add(statement.owner)

    assert who == {
        "parking#*": {
            "VideoStateMachine",
            "WebhookFunction",
            "OperateFunction",
            "DispatchFunction",
            "CheckFunction",
            "SweepFunction",
        },
        "spend#*": _storing_jobs(template),
        "rate#*": {"SubmitFunction", "ReadFunction", "OperateFunction"},
        "allowance#*": {"SubmitFunction"},
    }


def test_only_who_tells_executions_of_something_may_wake_them(template: Template) -> None:
    wakers = {statement.owner for statement in template.statements() if "states:SendTaskSuccess" in statement.actions}
    apart = template.of_type("AWS::IAM::Policy")["WakePolicy"]["Properties"]

    assert wakers == {"WebhookFunction", "OperateFunction", "SweepFunction", "WakePolicy"}
    assert apart["Roles"] == [{"Ref": "DispatchFunctionRole"}, {"Ref": "CheckFunctionRole"}]


def test_whoever_grants_slots_reads_the_line(template: Template) -> None:
    readers = {
        statement.owner
        for statement in template.statements()
        if {"Fn::Sub": "${JobsTable.Arn}/index/by-line"} in statement.resources
    }

    assert readers == {"DispatchFunction", "CheckFunction", "SweepFunction", "OperateFunction"}


def test_the_operate_function_lists_keys_and_no_quiet_jobs(template: Template) -> None:
    (listing,) = [
        statement
        for statement in template.statements()
        if statement.owner == "OperateFunction"
        and {"Fn::Sub": "${JobsTable.Arn}/index/by-activity"} in statement.resources
    ]

    assert listing.body["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [KEY_PARTITION[1]]}}


def _storing_jobs(template: Template) -> set[str]:
    """Whoever stores a job books what it spends, with it."""
    return {
        statement.owner
        for statement in template.statements()
        if "dynamodb:PutItem" in statement.actions and "job#*" in _kinds(statement)
    }


def test_whoever_gets_or_writes_items_says_of_which_kinds(template: Template) -> None:
    actions = ITEM_WRITES | {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
    of_items = [found for found in template.statements() if actions.intersection(found.actions)]

    assert of_items
    for statement in of_items:
        assert all(re.fullmatch(r"[a-z]+#\*", kind) for kind in _kinds(statement)), statement.name


def test_no_function_but_operate_makes_or_changes_api_keys(template: Template) -> None:
    writing = [found for found in template.statements() if ITEM_WRITES.intersection(found.actions)]

    assert {found.owner for found in writing if "key#*" in _kinds(found)} == {"OperateFunction"}


def test_only_who_is_called_with_an_api_key_reads_them(template: Template) -> None:
    reading = [found for found in template.statements() if "dynamodb:GetItem" in found.actions]

    assert {found.owner for found in reading if "key#*" in _kinds(found)} == {
        "SubmitFunction",
        "ReadFunction",
        "OperateFunction",
    }


def test_only_who_replays_announcements_reads_the_whole_table(template: Template) -> None:
    assert [found.name for found in template.statements() if "dynamodb:Scan" in found.actions] == [
        "OperateFunction.FindEvents"
    ]


def _kinds(statement: Statement) -> list[str]:
    """The kinds of items that a statement is about, as `job#*`. A KeyError: it says none."""
    kinds: list[str] = statement.body["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return kinds


def test_only_who_talks_to_vendors_or_estimates_reads_their_keys(template: Template) -> None:
    assert _readers(template, "VendorSecret") <= {
        "SubmitFunction",
        "DispatchFunction",
        "CheckFunction",
        "FinalizeFunction",
        "WebhookFunction",
        "SweepFunction",
        "OperateFunction",
    }


def test_only_who_signs_webhooks_or_shows_their_secret_reads_what_they_are_signed_from(template: Template) -> None:
    assert _readers(template, "WebhookSecret") == {"DeliverFunction", "OperateFunction"}


def _readers(template: Template, secret: str) -> set[str]:
    reading = [found for found in template.statements() if "secretsmanager:GetSecretValue" in found.actions]
    return {statement.owner for statement in reading if {"Ref": secret} in statement.resources}


def test_webhooks_are_signed_from_a_root_that_no_later_deployment_changes(template: Template) -> None:
    # CloudFormation makes another whenever the template's text of it differs from the last deployment's.
    assert template.properties("WebhookSecret")["GenerateSecretString"] == {
        "SecretStringTemplate": "{}",
        "GenerateStringKey": "root",
        "PasswordLength": 64,
        "ExcludePunctuation": True,
    }


def test_who_tells_of_jobs_writes_what_it_tells_of_them_and_no_job(template: Template) -> None:
    for owner in ("AnnounceFunction", "DeliverFunction"):
        (writing,) = [
            found
            for found in template.statements()
            if found.owner == owner and any(action.startswith("dynamodb:Put") for action in found.actions)
        ]
        assert set(_kinds(writing)) <= {"outbound#*", "unwanted#*"}


def test_deliveries_of_one_job_come_in_order(template: Template) -> None:
    (taking,) = [
        found["Properties"]
        for found in template.of_type("AWS::Lambda::EventSourceMapping").values()
        if found["Properties"]["EventSourceArn"] == {"Fn::GetAtt": ["DeliveryQueue", "Arn"]}
    ]

    assert template.properties("DeliveryQueue")["FifoQueue"] is True
    assert (taking["BatchSize"], taking["FunctionResponseTypes"]) == (1, ["ReportBatchItemFailures"])


@pytest.mark.parametrize(
    ("mapping", "parameter"), [("Deliveries", "DeliveryConcurrency"), ("InboxDeliveries", "InboxConcurrency")]
)
def test_what_waits_in_a_queue_takes_so_many_invocations_at_once_and_no_more(
    template: Template, mapping: str, parameter: str
) -> None:
    limits = template.parameters[parameter]

    assert template.properties(mapping)["ScalingConfig"] == {"MaximumConcurrency": {"Ref": parameter}}
    # What Lambda takes (API reference of ScalingConfig).
    assert (limits["MinValue"], limits["MaxValue"]) == (2, 1000)


def test_every_queue_that_calls_a_function_has_such_a_limit(template: Template) -> None:
    mappings = [found["Properties"] for found in template.of_type("AWS::Lambda::EventSourceMapping").values()]
    queues = template.of_type("AWS::SQS::Queue")
    of_queues = [found for found in mappings if found["EventSourceArn"]["Fn::GetAtt"][0] in queues]

    assert of_queues
    assert all("ScalingConfig" in found for found in of_queues)


def test_full_queues_leave_the_api_and_dispatch_some_of_the_ten_invocations_of_a_new_account(
    template: Template,
) -> None:
    taken = sum(template.parameters[name]["Default"] for name in ("DeliveryConcurrency", "InboxConcurrency"))

    assert taken <= 6


def test_the_read_function_writes_nothing_but_how_often_a_key_calls(template: Template) -> None:
    actions = {
        action
        for statement in template.statements()
        if statement.owner == "ReadFunction" and statement.body["Sid"] != "CountCalls"
        for action in statement.actions
    }

    reads = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
    assert actions == reads | {"s3:GetObject", "s3:GetObjectVersion"}


def test_buckets_are_private_versioned_and_encrypted(template: Template) -> None:
    buckets = template.of_type("AWS::S3::Bucket").values()

    assert len(buckets) == 2
    for bucket in buckets:
        properties = bucket["Properties"]
        assert properties["PublicAccessBlockConfiguration"] == dict.fromkeys(BLOCKED, True)
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert properties["BucketEncryption"]
        assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_buckets_abort_incomplete_uploads(template: Template) -> None:
    for bucket in template.of_type("AWS::S3::Bucket").values():
        rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


def test_buckets_refuse_what_does_not_come_over_tls(template: Template) -> None:
    policies = [found["Properties"] for found in template.of_type("AWS::S3::BucketPolicy").values()]

    assert {policy["Bucket"]["Ref"] for policy in policies} == template.of_type("AWS::S3::Bucket").keys()
    for policy in policies:
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"])
def test_what_is_stored_outlives_the_stack(template: Template, kind: str) -> None:
    for resource in template.of_type(kind).values():
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_vendors_keys_are_not_overwritten_by_a_later_deployment(template: Template) -> None:
    # CloudFormation writes the value whenever the template's text of it differs from the last deployment's.
    secret = template.properties("VendorSecret")

    assert secret["SecretString"] == '{"apiframe_api_key":"","wavespeed_api_key":""}'


def test_the_table_has_its_keys_and_can_be_restored(template: Template) -> None:
    table = template.properties("JobsTable")

    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_queues_are_encrypted_and_watched(template: Template) -> None:
    queues = template.of_type("AWS::SQS::Queue")
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Properties"].get("Dimensions", ())
        if dimension["Name"] == "QueueName"
    }

    assert watched == queues.keys()
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in queues.values())


def test_every_alarm_tells_somebody_and_does_not_mind_silence(template: Template) -> None:
    alarms = [found["Properties"] for found in template.of_type("AWS::CloudWatch::Alarm").values()]

    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}] for alarm in alarms)
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms)


def test_every_function_has_an_alarm_for_its_errors(template: Template) -> None:
    watched = {
        alarm["Properties"]["Dimensions"][0]["Value"]["Ref"]
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["MetricName"] == "Errors"
    }

    assert watched == template.of_type("AWS::Serverless::Function").keys()


def test_every_metric_that_a_function_logs_is_counted(template: Template) -> None:
    counted = {
        (found["Properties"]["LogGroupName"]["Ref"], transformation["MetricName"])
        for found in template.of_type("AWS::Logs::MetricFilter").values()
        for transformation in found["Properties"]["MetricTransformations"]
    }
    logged = {
        (f"{path.parent.name.title()}Logs", metric)
        for path in (ROOT / "functions").glob("*/app.py")
        for metric in ("NeedsAttention", "JobsFailed")
        if f'"{metric}"' in path.read_text(encoding="utf-8")
    }

    assert logged <= counted


def test_every_parameter_is_described_and_shown_in_a_group(template: Template) -> None:
    interface = template.body["Metadata"]["AWS::CloudFormation::Interface"]
    shown = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(shown) == sorted(template.parameters)
    assert all(parameter["Description"] for parameter in template.parameters.values())


def test_every_parameter_is_used(template: Template) -> None:
    used = set(_references({key: part for key, part in template.body.items() if key != "Metadata"}))

    assert template.parameters.keys() <= used


def _references(part: Any) -> list[str]:
    match part:
        case {"Ref": str(name)}:
            return [name]
        case {"Fn::Sub": str(text)}:
            return re.findall(r"\$\{(\w+)\}", text)
        case dict():
            return [name for value in part.values() for name in _references(value)]
        case list():
            return [name for value in part for name in _references(value)]
        case _:
            return []


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_each_stage_sets_parameters_that_exist(template: Template, stage: str) -> None:
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    overrides = configuration[stage]["deploy"]["parameters"]["parameter_overrides"]

    assert {override.partition("=")[0] for override in overrides} <= template.parameters.keys()


def test_production_asks_before_it_changes_anything() -> None:
    configuration = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))

    assert configuration["prod"]["deploy"]["parameters"]["confirm_changeset"] is True
