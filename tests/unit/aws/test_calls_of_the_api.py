"""How many calls to AWS the API's calls cost, counted on the wire."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from tests.stills import image
from tests.unit.aws.wire import Sent, Wire, answer
from tests.unit.dialects.calling import call
from tests.world import BUCKET, PRICES, World

from stillmotion.aws.allowances import DynamoAllowanceStore
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.keys import DynamoKeyStore
from stillmotion.aws.rates import DynamoRateStore
from stillmotion.aws.records import DynamoJobStore
from stillmotion.dialects.http import Endpoints
from stillmotion.dialects.native.orders import Orders
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.native.videos import Videos
from stillmotion.dialects.native.views import View
from stillmotion.services.intake.api_orders import SubmitApiOrder
from stillmotion.services.keys.authentication import Authenticator
from stillmotion.services.keys.limits import Allowance, RateLimit
from stillmotion.services.keys.minting import mint

PICTURE = f"data:image/png;base64,{b64encode(image('PNG')).decode()}"


class Api:
    """The native routes on the jobs table of moto; everything else in memory."""

    def __init__(self, clients: AwsClients, table: str, wire: Wire) -> None:
        world, jobs = World(), DynamoJobStore(clients, table)
        self.wire = wire
        self.keys = DynamoKeyStore(clients, table)
        self.clock = world.clock
        submit = SubmitApiOrder(
            jobs=jobs,
            objects=world.objects,
            workflow=world.workflow,
            clock=world.clock,
            prices=PRICES,
            receiving=world.receiving,
            input_bucket=BUCKET,
            allowance=Allowance(DynamoAllowanceStore(clients, table), world.clock),
        )
        routes = {
            **Orders(submit, lambda: world.estimate, View()).routes(),
            **Videos(jobs, world.objects, View()).routes(),
        }
        authenticate = Authenticator(self.keys, world.clock, RateLimit(DynamoRateStore(clients, table)))
        self.endpoints = Endpoints(authenticate, routes, show_problem)

    def key(self, **fields: Any) -> str:
        key, record = mint("default", self.clock.now(), **fields)
        self.keys.put(record)
        return key

    def counted(self, do: Callable[[], tuple[int, Any]]) -> tuple[list[str], int]:
        """What a call asked of the table, each as the operation and the kind of item; and its status."""
        self.wire.requests.clear()
        status, _ = do()
        return [_described(sent) for sent in self.wire.requests], status

    def create(self, key: str, body: object = None, **headers: str) -> tuple[int, Any]:
        wanted = body or {"prompt": "a lake"}
        status, made, _ = call(self.endpoints, "POST /v1/videos", key, body=wanted, headers={**headers})
        return status, made

    def get(self, key: str | None, video_id: str) -> tuple[int, Any]:
        status, found, _ = call(self.endpoints, "GET /v1/videos/{id}", key, path={"id": video_id})
        return status, found


def _described(sent: Sent) -> str:
    fields = sent.members
    writes = [part for item in fields.get("TransactItems", ()) for part in item.values()] or [fields]
    kinds = [(part.get("Key") or part["Item"])["pk"]["S"].partition("#")[0] for part in writes]
    return f"{sent.operation} {'+'.join(kinds)}"


@pytest.fixture
def api(clients: AwsClients, table: str, wire: Wire) -> Api:
    return Api(clients, table, wire)


def test_a_warm_get_of_a_job_costs_one_read(api: Api) -> None:
    key = api.key()
    _, made = api.create(key)
    assert api.counted(lambda: api.get(key, made["id"])) == (["GetItem job"], 200)


def test_a_cold_get_reads_the_key_as_well(api: Api) -> None:
    key = api.key()
    _, made = api.create(key)
    api.clock.advance(61)
    assert api.counted(lambda: api.get(key, made["id"])) == (["GetItem key", "GetItem job"], 200)


def test_a_create_costs_one_write(api: Api) -> None:
    key = api.key()
    api.create(key)
    assert api.counted(lambda: api.create(key)) == (["PutItem job"], 200)


@pytest.mark.parametrize(
    ("header", "others"),
    [
        ({}, ["TransactWriteItems job+allowance"]),
        ({"idempotency-key": "k"}, ["GetItem job", "TransactWriteItems job+allowance"]),
        ({"x-stainless-retry-count": "0"}, ["TransactWriteItems job+recent+allowance"]),
    ],
)
def test_a_create_of_a_key_with_a_rate_and_an_allowance_costs_one_write_and_one_for_the_rate(
    api: Api, header: dict[str, str], others: list[str]
) -> None:
    key = api.key(rate_per_minute=60, daily_dollars=5)
    api.create(key)
    assert api.counted(lambda: api.create(key, **header)) == (["UpdateItem rate", *others], 200)


def test_a_create_with_a_picture_looks_at_the_allowance_once_before(api: Api) -> None:
    key = api.key(daily_dollars=5)
    api.create(key)
    operations = ["GetItem allowance", "TransactWriteItems job+allowance"]
    assert api.counted(lambda: api.create(key, body={"prompt": "a lake", "image": PICTURE})) == (operations, 200)


def test_a_picture_of_a_key_that_has_spent_its_day_costs_one_read(api: Api) -> None:
    key = api.key(daily_dollars=0)
    api.get(key, "x")
    ordering = {"prompt": "a lake", "image": PICTURE}
    assert api.counted(lambda: api.create(key, body=ordering)) == (["GetItem allowance"], 402)


def test_an_order_that_is_repeated_costs_one_read(api: Api) -> None:
    key = api.key(daily_dollars=5)
    api.create(key, **{"idempotency-key": "k"})
    assert api.counted(lambda: api.create(key, **{"idempotency-key": "k"})) == (["GetItem job"], 200)


def test_a_malformed_key_costs_nothing_and_an_unused_one_a_single_read(api: Api) -> None:
    assert api.counted(lambda: api.get("sm_short", "x")) == ([], 401)
    unused = "sm_" + "x" * 43
    assert api.counted(lambda: api.get(unused, "x")) == (["GetItem key"], 401)
    assert api.counted(lambda: api.get(unused, "x")) == ([], 401)


def test_a_call_over_the_rate_costs_one_write_and_then_none(api: Api) -> None:
    key = api.key(rate_per_minute=1)
    api.get(key, "x")
    assert api.counted(lambda: api.get(key, "x")) == (["UpdateItem rate"], 429)
    assert api.counted(lambda: api.get(key, "x")) == ([], 429)


def test_nobody_is_let_in_while_the_table_cannot_be_read(api: Api) -> None:
    key = api.key()
    api.wire.before = lambda _sent: answer(500)
    status, problem, headers = call(api.endpoints, "GET /v1/videos", key)
    assert (status, problem["error"]["code"], headers["retry-after"]) == (503, "unavailable", "2")
