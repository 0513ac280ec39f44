"""An empty AWS for each test, and the jobs table in it."""

from collections.abc import Iterator
from functools import cache

import pytest
from tests.unit.aws.wire import CLIENTS, TABLE, Wire, empty_aws
from tests.unit.template.document import Template, read_template

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.records import DynamoJobStore


@cache
def _template() -> Template:
    return read_template()


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """An empty AWS. Whoever tries again does not wait."""
    for sleeps in ("botocore.endpoint.time.sleep", "stillmotion.aws.table.sleep", "stillmotion.aws.uploads.sleep"):
        monkeypatch.setattr(sleeps, lambda _seconds: None)
    with empty_aws() as wire:
        yield wire


@pytest.fixture
def clients() -> AwsClients:
    return CLIENTS


@pytest.fixture
def table(clients: AwsClients, wire: Wire) -> str:
    """The jobs table as the template makes it."""
    properties = _template().properties("JobsTable")
    clients.dynamodb.create_table(
        TableName=TABLE,
        BillingMode=properties["BillingMode"],
        KeySchema=properties["KeySchema"],
        AttributeDefinitions=properties["AttributeDefinitions"],
        GlobalSecondaryIndexes=properties["GlobalSecondaryIndexes"],
    )
    wire.requests.clear()
    return TABLE


@pytest.fixture
def jobs(clients: AwsClients, table: str) -> DynamoJobStore:
    return DynamoJobStore(clients, table)
