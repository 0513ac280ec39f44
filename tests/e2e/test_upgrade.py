"""A stack of e906955 is updated to the present template, and loses nothing.

What is deployed first is the template of e906955 with stubs in place of its functions' code (`tests.vectors.stack`):
its folders need not be here any more, and what its code wrote is recorded in `tests/vectors`. The recorded items are
put into its table, and the present template is deployed over it, as the local stack deploys. It has an emulator of its
own beside the local stack's, and needs no vendors, as nothing is sent.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import PORTS_APART, ProcessWorkspace
from tests.vectors import files, stack
from tests.vectors.present import KINDS, read_book, value

from stillmotion_local import deployment, emulator, environments, ports, running
from stillmotion_local import stack as local_stack
from stillmotion_local.aws_clients import LocalAws
from stillmotion_local.environments import Tool
from stillmotion_local.parameters import template_parameters
from stillmotion_local.running import EMULATOR_PORT, Running
from stillmotion_local.vendor_access import read_vendor_settings
from stillmotion_local.workspace import find_workspace

NO_VENDORS = "http://127.0.0.1:9"
NO_SWEEP = {"SweepMinutes": "60"}
PICTURE = ("uploads/default/photo.png", b"a picture")
VIDEO = ("videos/default/1/2.mp4", b"a video")
ROOT = '{"root": "a root of thirty-two characters."}'
VENDOR_KEYS = '{"apiframe_api_key": "one", "wavespeed_api_key": "two"}'
CREATED = "2026-05-04T06:00:00.000000Z"

ITEMS = files.read(files.FOLDER / "items.json")
OLD_ITEMS = files.read(files.FOLDER / "old_items.json")
BOOKS = files.read(files.FOLDER / "counters.json")["all that is in these vectors"]["gives"]
OLD_KEY = "a key of before there were versions"
ORDER = files.read(files.FOLDER / "calls.json")["a key"]
CLEAR: Mapping[str, str] = {
    name["gives"]: name["given"]["hash of key"]
    for name in files.read(files.FOLDER / "names.json").values()
    if "hash of key" in name["given"]
}
"""API keys by their hashes."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class UpgradeWorkspace(ProcessWorkspace):
    """As a process has one for its local stack, with a state of its own."""

    @property
    def local(self) -> Path:
        return self.cache / f"test-upgrade-{self.number}"


def key_of(name: str, items: Mapping[str, Any] = ITEMS) -> str:
    """The API key of a recorded item, as its holder sends it."""
    given = items[name]["given"]
    return CLEAR[given["value"]["hash"] if "value" in given else given["item"]["hash"]["S"]]


def ordered_before() -> Item:
    """A job that a call with an Idempotency-Key made, and that is completed."""
    item: Item = ITEMS["completed by the other vendor"]["gives"]["item"]
    pk = ORDER["gives"]["job"]
    job_id = pk.removeprefix("job#")
    return item | {
        "pk": {"S": pk},
        "id": {"S": job_id},
        "fingerprint": {"S": ORDER["gives"]["fingerprint"]},
        "newest": {"S": f"{CREATED}#{job_id}"},
        "created_at": {"S": CREATED},
    }


def recorded_items() -> dict[str, Item]:
    """What is in the table before the update, by key."""
    written = [vector["gives"]["item"] for vector in ITEMS.values()]
    items = [*written, *BOOKS["items"], OLD_ITEMS[OLD_KEY]["given"]["item"], ordered_before()]
    return {item["pk"]["S"]: item for item in items}


@dataclass(frozen=True)
class Held:
    """What a stack is made of (physical ids by logical ids), and what is in its table (items by key)."""

    resources: Mapping[str, str]
    items: Mapping[str, Item]


@dataclass
class Upgraded:
    """A stack after its update, with what it held before and holds now."""

    aws: LocalAws
    api_url: str
    before: Held
    now: Held

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        return deployment.outputs(self.aws)

    def ask(self, method: str, path: str, key: str, **options: Any) -> Any:
        headers = {"authorization": f"Bearer {key}", **options.pop("headers", {})}
        answer = httpx.request(method, f"{self.api_url}{path}", headers=headers, timeout=30, trust_env=False, **options)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def stored(self, bucket: str, key: str) -> bytes:
        return self.aws.s3.get_object(Bucket=self.outputs[bucket], Key=key)["Body"].read()

    def secret(self, name: str) -> str:
        return self.aws.secretsmanager.get_secret_value(SecretId=self.outputs[name])["SecretString"]


def held(aws: LocalAws) -> Held:
    found = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=deployment.STACK_NAME)
    scanned = aws.dynamodb.get_paginator("scan").paginate(TableName=deployment.outputs(aws)["JobsTableName"])
    return Held(
        {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in found
            for resource in page["StackResourceSummaries"]
        },
        {item["pk"]["S"]: dict(item) for page in scanned for item in page["Items"]},
    )


def deploy_e906955(aws: LocalAws, parameters: Mapping[str, str]) -> None:
    """Makes the stack. The parameters that e906955 does not know are of a later release."""
    declared = stack.deployable()
    aws.s3.create_bucket(Bucket=deployment.PACKAGES_BUCKET)
    aws.s3.put_object(Bucket=deployment.PACKAGES_BUCKET, Key="e906955.template", Body=json.dumps(declared).encode())
    aws.cloudformation.create_stack(
        StackName=deployment.STACK_NAME,
        TemplateURL=f"{aws.endpoint_url}/{deployment.PACKAGES_BUCKET}/e906955.template",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Tags=[{"Key": deployment.API_ID_TAG, "Value": deployment.API_ID}],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": setting}
            for name, setting in parameters.items()
            if name in declared["Parameters"]
        ],
    )
    waiter = aws.cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=deployment.STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


def fill(aws: LocalAws) -> None:
    """Puts into the stack what a stack in use holds."""
    outputs = deployment.outputs(aws)
    for item in recorded_items().values():
        aws.dynamodb.put_item(TableName=outputs["JobsTableName"], Item=item)
    for bucket, (key, body) in (("InputBucketName", PICTURE), ("OutputBucketName", VIDEO)):
        aws.s3.put_object(Bucket=outputs[bucket], Key=key, Body=body)
    for name, text in (("VendorSecretName", VENDOR_KEYS), ("WebhookSecretName", ROOT)):
        aws.secretsmanager.put_secret_value(SecretId=outputs[name], SecretString=text)


@pytest.fixture(scope="module")
def upgraded(worker_id: str) -> Iterator[Upgraded]:
    number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw"))
    workspace = UpgradeWorkspace(find_workspace().root, number)
    local_stack.down(workspace)
    shutil.rmtree(workspace.local, ignore_errors=True)
    workspace.make_folders()
    tools = {tool: environments.ensure(workspace, tool, lambda _sentence: None) for tool in Tool}
    port = ports.choose(EMULATOR_PORT + PORTS_APART * number + PORTS_APART // 4)
    process = emulator.start(workspace, tools[Tool.EMULATOR], port)
    running.write(workspace, Running(emulator_port=port).with_process(process))
    try:
        emulator.wait(workspace, process, port)
        aws = LocalAws(emulator.endpoint_url(port))
        api_url = emulator.api_url(port, deployment.API_ID)
        parameters = {**template_parameters(read_vendor_settings(), NO_VENDORS, api_url), **NO_SWEEP}
        deploy_e906955(aws, parameters)
        fill(aws)
        before = held(aws)
        deployment.build(workspace, tools[Tool.SAM])
        deployment.deploy(workspace, tools[Tool.SAM], aws, parameters)
        yield Upgraded(aws, api_url, before, held(aws))
    finally:
        local_stack.down(workspace)


def test_nothing_that_holds_a_state_is_replaced(upgraded: Upgraded) -> None:
    kept = stack.stateful(stack.template()).keys()
    before, now = upgraded.before.resources, upgraded.now.resources
    assert {name: now.get(name) for name in kept} == {name: before[name] for name in kept}


def test_every_item_is_as_it_was(upgraded: Upgraded) -> None:
    assert upgraded.now.items == upgraded.before.items
    assert upgraded.now.items.keys() == recorded_items().keys()


def test_every_item_reads_as_it_did(upgraded: Upgraded) -> None:
    for vector in ITEMS.values():
        given, gives = vector["given"], vector["gives"]
        read = KINDS[given["kind"]].read(upgraded.now.items[gives["item"]["pk"]["S"]])
        assert value(read) == gives.get("reads_as", given["value"])


def test_the_books_read_as_they_did(upgraded: Upgraded) -> None:
    books = [upgraded.now.items[item["pk"]["S"]] for item in BOOKS["items"]]
    assert [dollars(read_book(book)) for book in books] == [dollars(book) for book in BOOKS["reads_as"]]


def test_objects_stay_in_their_buckets(upgraded: Upgraded) -> None:
    assert upgraded.stored("InputBucketName", PICTURE[0]) == PICTURE[1]
    assert upgraded.stored("OutputBucketName", VIDEO[0]) == VIDEO[1]


def test_secrets_keep_their_values(upgraded: Upgraded) -> None:
    assert upgraded.secret("VendorSecretName") == VENDOR_KEYS
    assert upgraded.secret("WebhookSecretName") == ROOT


@pytest.mark.parametrize(("key", "tenant"), [("a key", "default"), ("a key with a daily allowance", "acme")])
def test_every_job_is_listed_and_shown_to_its_tenant(key: str, tenant: str, upgraded: Upgraded) -> None:
    made = {
        vector["given"]["value"]["id"]: vector["given"]["value"]
        for vector in ITEMS.values()
        if vector["given"]["kind"] == "job" and vector["given"]["value"]["tenant"] == tenant
    }
    wanted = {job_id: job for job_id, job in made.items() if "deleted_at" not in job}

    listed = upgraded.ask("GET", "/v1/videos?limit=100", key_of(key))["data"]
    shown = {job_id: upgraded.ask("GET", f"/v1/videos/{job_id}", key_of(key))["job"] for job_id in wanted}

    assert {video["id"] for video in listed} - {ORDER["gives"]["job"].removeprefix("job#")} == wanted.keys()
    for job_id, job in wanted.items():
        for field in ("status", "run", "history", "notes", "video"):
            assert _set(shown[job_id][field]) == job.get(field)


def test_a_key_of_before_there_were_versions_opens(upgraded: Upgraded) -> None:
    assert upgraded.ask("GET", "/v1/videos?limit=1", key_of(OLD_KEY, OLD_ITEMS))["data"]


def test_an_order_that_is_repeated_is_not_made_again(upgraded: Upgraded) -> None:
    request, key = ORDER["given"]["request"], ORDER["given"]["idempotency_key"]

    answer = upgraded.ask("POST", "/v1/videos", key_of("a key"), json=request, headers={"idempotency-key": key})

    assert (f"job#{answer['id']}", answer["status"]) == (ORDER["gives"]["job"], "completed")


def test_a_tenant_is_told_where_it_was_told(upgraded: Upgraded) -> None:
    told = upgraded.ask("GET", "/v1/webhooks", key_of("a key with a daily allowance"))
    assert told["url"] == ITEMS["a subscription"]["given"]["value"]["url"]


def test_deliveries_are_listed(upgraded: Upgraded) -> None:
    listed = upgraded.ask("GET", "/v1/webhooks/deliveries", key_of("a key with a daily allowance"))["data"]
    made = [vector["given"]["value"]["id"] for vector in ITEMS.values() if vector["given"]["kind"] == "delivery"]
    assert sorted(delivery["id"] for delivery in listed) == sorted(made)


def test_webhooks_are_signed_with_the_same_secret(upgraded: Upgraded) -> None:
    secret = upgraded.ask("GET", "/v1/webhooks/secret", key_of("a key"))["secret"]
    names = files.read(files.FOLDER / "names.json")
    assert secret == names["the signing secret of the stack's owner"]["gives"]


def dollars(book: Mapping[str, Any]) -> Mapping[str, Any]:
    """A book with its amounts as numbers: DynamoDB leaves out the noughts at an amount's end."""
    vendors = {
        vendor: {part: Decimal(amount) for part, amount in parts.items()} for vendor, parts in book["vendors"].items()
    }
    return {**book, "vendors": vendors}


def _set(shown: Any) -> Any:
    """What the API shows of a field, as the vectors have it: without members that are null."""
    match shown:
        case dict():
            return {name: _set(member) for name, member in shown.items() if member is not None}
        case list():
            return [_set(member) for member in shown]
        case _:
            return shown
