"""An empty AWS for each test, and the jobs table in it."""

import httpx
import pytest
from tests.unit.aws.wire import TABLE, Moto, Wire, client_over

from stillmotion.aws.client import AwsClient
from stillmotion.aws.records import DynamoJobStore


@pytest.fixture(scope="session")
def moto() -> Moto:
    return Moto()


@pytest.fixture
def wire(moto: Moto) -> Wire:
    """An empty AWS."""
    httpx.Client(transport=moto).post("http://motoapi.amazonaws.com/moto-api/reset")
    return Wire(moto)


@pytest.fixture
def client(wire: Wire) -> AwsClient:
    return client_over(wire)


@pytest.fixture
def table(client: AwsClient, wire: Wire) -> str:
    """The jobs table as the template makes it."""
    text = "S"
    named = ("pk", "tenant", "newest", "attention_flag", "sweep_flag", "updated_at", "line", "place")
    indexes = {
        "by-tenant": ("tenant", "newest"),
        "by-attention": ("attention_flag", "updated_at"),
        "by-activity": ("sweep_flag", "updated_at"),
        "by-line": ("line", "place"),
    }
    definition = {
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": text} for name in named],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": name,
                "KeySchema": [
                    {"AttributeName": partition, "KeyType": "HASH"},
                    {"AttributeName": sort, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for name, (partition, sort) in indexes.items()
        ],
    }
    client.call("dynamodb", "DynamoDB_20120810.CreateTable", definition)
    wire.requests.clear()
    return TABLE


@pytest.fixture
def jobs(client: AwsClient, table: str) -> DynamoJobStore:
    return DynamoJobStore(client, table)
