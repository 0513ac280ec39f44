"""`stillmotion keys`."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import ANY, Stubber
from tests.fakes import InMemoryKeyStore
from tests.unit.cli.stage import LOST, Stage
from tests.world import World

from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.keys import Keys
from stillmotion.dialects.native.problems import show_problem
from stillmotion.domain.keys import ApiKey
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.key_ring import KeyRing
from stillmotion.services.keys.minting import key_hash, mint
from stillmotion_cli import key_bootstrap
from stillmotion_cli.failures import Misuse
from stillmotion_cli.keys import seconds

KEY = re.compile(r"sm_[A-Za-z0-9_-]{43}\n")


class KeyStage(Stage):
    """The command before the routes that manage keys."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.ring = InMemoryKeyStore()
        self.ring.put(mint("default", world.clock.now(), name="mine")[1])
        self.key, mine = mint("default", world.clock.now(), name="admin")
        self.ring.put(mine)
        routes = Keys(KeyRing(self.ring, world.clock, "default")).routes()
        self.endpoints = Endpoints(Authenticator(self.ring, world.clock), routes, show_problem)
        self.environment["STILLMOTION_API_KEY"] = self.key

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        self.world.clock.advance(1)
        path = request.url.path.removeprefix("/stage")
        found = re.fullmatch(r"/v1/keys/([^/]+)/(revoke|rotate)", path)
        route = f"{request.method} {f'/v1/keys/{{id}}/{found[2]}' if found else path}"
        return self._faulty(request, route, lambda sent: self._called(sent, route, found[1] if found else None))

    def stored(self, key: str) -> ApiKey:
        return self.ring.stored[key_hash(key.strip())]


@pytest.fixture
def stage() -> KeyStage:
    return KeyStage(World())


def test_a_new_key_is_all_that_is_printed(stage: KeyStage) -> None:
    made = stage.run("keys", "create", "--name", "ci")
    assert made.exit_code == 0
    assert KEY.fullmatch(made.stdout)
    assert stage.stored(made.stdout).scopes == ("read", "write")
    assert "It is not shown again" in made.stderr
    assert made.stdout.strip() not in made.stderr


def test_a_key_is_made_as_it_was_wanted(stage: KeyStage) -> None:
    options = ["--tenant", "acme", "--scope", "read", "--expires", "90d", "--rate", "60", "--daily-dollars", "5"]
    made = stage.stored(stage.run("keys", "create", "--name", "ci", *options).stdout)
    assert (made.tenant, made.scopes, made.rate_per_minute, str(made.daily_dollars)) == ("acme", ("read",), 60, "5")
    assert made.expires_at is not None
    assert (made.expires_at - made.created_at).days == 90


def test_with_json_the_record_is_printed_with_the_key(stage: KeyStage) -> None:
    told = json.loads(stage.run("keys", "create", "--name", "ci", "--json").stdout)
    assert stage.stored(told["key"]).id == told["id"]


@pytest.mark.parametrize("limit", [["--daily-dollars", "5"], ["--rate", "60"]])
def test_a_limit_of_an_admin_key_is_refused_with_the_reason(stage: KeyStage, limit: list[str]) -> None:
    ended = stage.run("keys", "create", "--name", "ci", "--scope", "admin", *limit)
    assert (ended.exit_code, ended.stdout, len(stage.ring.stored)) == (2, "", 2)
    assert f"{limit[0].strip('-').replace('-', '_')}" in ended.stderr
    assert "scope admin" in ended.stderr


@pytest.mark.parametrize("option", [["--expires", "soon"], ["--daily-dollars", "much"]])
def test_what_cannot_be_read_is_told_before_anything_is_called(stage: KeyStage, option: list[str]) -> None:
    ended = stage.run("keys", "create", "--name", "ci", *option)
    assert (ended.exit_code, stage.sent) == (2, [])
    assert option[1] in ended.stderr


@pytest.mark.parametrize(("given", "told"), [("45s", 45), ("30m", 1800), ("24h", 86_400), (" 90d ", 7_776_000)])
def test_lengths_of_time_have_a_unit(given: str, told: int) -> None:
    assert seconds(given) == told


@pytest.mark.parametrize("given", ["", "90", "-1d", "1.5h", "d", "1y", "٣d", "9999999d"])
def test_what_is_no_length_of_time_is_refused(given: str) -> None:
    with pytest.raises(Misuse):
        seconds(given)


def test_a_creation_whose_answer_is_lost_is_not_repeated(stage: KeyStage) -> None:
    stage.faults["POST /v1/keys"] = [LOST]
    ended = stage.run("keys", "create", "--name", "ci")
    assert (ended.exit_code, len(stage.sent), len(stage.ring.stored)) == (4, 1, 3)
    assert "A key may have been made" in ended.stderr


def test_keys_are_listed_with_their_states_and_without_secrets(stage: KeyStage) -> None:
    key = stage.run("keys", "create", "--name", "old").stdout.strip()
    stage.run("keys", "revoke", stage.stored(key).id)
    printed = stage.run("keys", "list").stdout
    assert printed.splitlines()[1].split()[:6] == [
        stage.stored(key).id,
        stage.stored(key).prefix,
        "old",
        "default",
        "read,write",
        "revoked",
    ]
    assert key not in printed
    assert len(json.loads(stage.run("keys", "list", "--json").stdout)["data"]) == 3


def test_all_keys_are_listed_however_many_pages_they_fill(stage: KeyStage) -> None:
    oldest = next(iter(stage.ring.stored.values()))
    for number in range(220):
        moment = stage.world.clock.now() + timedelta(microseconds=number)
        stage.ring.put(mint("default", moment, name=f"key {number}")[1])

    told = json.loads(stage.run("keys", "list", "--json").stdout)

    assert (len(told["data"]), told["has_more"], told["next"]) == (222, False, None)
    assert len({key["id"] for key in told["data"]}) == 222
    assert len(stage.calls("GET")) == 3
    assert len(stage.run("keys", "list").stdout.splitlines()) == 223
    assert stage.run("keys", "revoke", oldest.id[:8]).exit_code == 0
    assert stage.ring.stored[oldest.hash].revoked


@pytest.mark.parametrize("how", ["id", "start", "prefix", "key", "hash"])
def test_a_key_is_meant_by_its_id_its_prefix_the_start_of_one_or_itself(stage: KeyStage, how: str) -> None:
    key = stage.run("keys", "create", "--name", "ci").stdout.strip()
    record = stage.stored(key)
    meant = {"id": record.id, "start": record.id[:6], "prefix": record.prefix, "key": key, "hash": record.hash}
    ended = stage.run("keys", "revoke", meant[how])
    assert ended.exit_code == 0
    assert stage.stored(key).revoked


@pytest.mark.parametrize("given", ["zz", "sm_nothing", "0000", "sm_"])
def test_what_means_no_key_or_several_ends_none(stage: KeyStage, given: str) -> None:
    ended = stage.run("keys", "revoke", given)
    assert ended.exit_code == 2
    assert not [key for key in stage.ring.stored.values() if key.revoked]


def test_a_rotation_prints_the_new_key_and_when_the_old_one_ends(stage: KeyStage) -> None:
    old = stage.run("keys", "create", "--name", "ci").stdout.strip()
    ended = stage.run("keys", "rotate", stage.stored(old).id, "--grace", "2h")
    assert KEY.fullmatch(ended.stdout)
    assert "ends in 2 h" in ended.stderr
    assert stage.stored(old).rotated_to == stage.stored(ended.stdout).id


def test_a_key_that_was_rotated_names_its_successor(stage: KeyStage) -> None:
    old = stage.run("keys", "create", "--name", "ci").stdout.strip()
    new = stage.stored(stage.run("keys", "rotate", old).stdout)
    ended = stage.run("keys", "rotate", old)
    assert ended.exit_code == 2
    assert ended.stderr == f"This key cannot be rotated. It was rotated already: {new.id} took its place.\n"


def test_an_id_that_no_key_has_leads_to_the_list(stage: KeyStage) -> None:
    ended = stage.run("keys", "revoke", "0" * 12)
    assert ended.exit_code == 2
    assert "There is no key with this id.\n`stillmotion keys list` shows" in ended.stderr


# --- bootstrap ---


class Deployment:
    """A deployed stack, as AWS describes it."""

    def __init__(self) -> None:
        self.cloudformation = boto3.client("cloudformation", region_name="eu-central-1", **CREDENTIALS)
        self.dynamodb = boto3.client("dynamodb", region_name="eu-central-1", **CREDENTIALS)
        self.stacks, self.table = Stubber(self.cloudformation), Stubber(self.dynamodb)
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.written: list[dict[str, Any]] = []
        self.dynamodb.meta.events.register("provide-client-params.dynamodb.PutItem", self._remember)

    def _remember(self, params: dict[str, Any], **_: object) -> None:
        self.written.append(params["Item"])

    def is_described(self, *outputs: str) -> None:
        stack: dict[str, Any] = {
            "StackName": "prod",
            "CreationTime": datetime(2026, 1, 1),  # noqa: DTZ001 - nobody reads it
            "StackStatus": "CREATE_COMPLETE",
            "Parameters": [{"ParameterKey": "InboxTenant", "ParameterValue": "studio"}],
            "Outputs": [{"OutputKey": name, "OutputValue": f"the-{name}"} for name in outputs],
        }
        self.stacks.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "prod"})

    def find(self, stack: str, region: str | None, profile: str | None) -> key_bootstrap.Deployed:
        self.asked.append((stack, region, profile))
        return key_bootstrap.Deployed(self.cloudformation, self.dynamodb, stack)


CREDENTIALS: dict[str, Any] = {"aws_access_key_id": "id", "aws_secret_access_key": "secret"}
PUT = {
    "TableName": "the-JobsTableName",
    "Item": ANY,
    "ConditionExpression": "attribute_not_exists(pk)",
}


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    deployment = Deployment()
    monkeypatch.setattr(key_bootstrap, "find", deployment.find)
    with deployment.stacks, deployment.table:
        yield deployment


def test_the_first_key_is_written_into_the_table_and_may_do_everything(stage: KeyStage, deployment: Deployment) -> None:
    deployment.is_described("JobsTableName", "ApiUrl")
    deployment.table.add_response("put_item", {}, PUT)
    ended = stage.run("keys", "bootstrap", "--stack", "prod", "--region", "eu-west-1", "--profile", "me")
    assert (ended.exit_code, deployment.asked) == (0, [("prod", "eu-west-1", "me")])
    assert KEY.fullmatch(ended.stdout)
    (item,) = deployment.written
    assert item["pk"] == {"S": f"key#{key_hash(ended.stdout.strip())}"}
    assert item["tenant"] == {"S": "studio"}
    assert item["scopes"] == {"L": [{"S": "read"}, {"S": "write"}, {"S": "admin"}]}
    assert "STILLMOTION_API_URL=the-ApiUrl" in ended.stderr
    assert stage.sent == []


def test_a_stack_of_something_else_is_left_alone(stage: KeyStage, deployment: Deployment) -> None:
    deployment.is_described("SomethingElse")
    ended = stage.run("keys", "bootstrap", "--stack", "prod")
    assert (ended.exit_code, deployment.written) == (2, [])
    assert "no stack of Stillmotion" in ended.stderr


def test_what_aws_refuses_is_told(stage: KeyStage, deployment: Deployment) -> None:
    deployment.stacks.add_client_error("describe_stacks", "ValidationError", "Stack with id prod does not exist")
    ended = stage.run("keys", "bootstrap", "--stack", "prod")
    assert ended.exit_code == 2
    assert "Stack with id prod does not exist" in ended.stderr


def test_the_region_of_the_environment_is_taken_as_aws_cli_takes_it(stage: KeyStage, deployment: Deployment) -> None:
    stage.environment["AWS_REGION"] = "eu-north-1"
    deployment.is_described("SomethingElse")
    stage.run("keys", "bootstrap", "--stack", "prod")
    assert deployment.asked == [("prod", "eu-north-1", None)]


def test_without_a_region_it_is_told_how_to_give_one(stage: KeyStage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    ended = stage.run("keys", "bootstrap", "--stack", "prod")
    assert ended.exit_code == 2
    assert "No region says where the stack is." in ended.stderr
    assert "--region" in ended.stderr
    assert "AWS_REGION" in ended.stderr


def test_without_credentials_it_is_told_how_to_give_some(stage: KeyStage, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> key_bootstrap.Deployed:
        raise NoCredentialsError

    monkeypatch.setattr(key_bootstrap, "find", find)
    ended = stage.run("keys", "bootstrap", "--stack", "prod")
    assert ended.exit_code == 2
    assert "--profile" in ended.stderr


def test_a_tenant_that_can_be_none_is_refused_before_aws_is_asked(stage: KeyStage, deployment: Deployment) -> None:
    assert stage.run("keys", "bootstrap", "--stack", "prod", "--tenant", "A/B").exit_code == 2
    assert deployment.asked == []
