"""The parking item counts nudges and keeps the token of whoever parked last."""

import pytest
from tests.unit.aws.wire import NOW, Wire

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.parking import DynamoParking


@pytest.fixture
def parking(clients: AwsClients, table: str) -> DynamoParking:
    return DynamoParking(clients, table)


def park(clients: AwsClients, table: str, token: str, seen: int) -> None:
    """What the state machine asks of DynamoDB."""
    clients.dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": "parking#job-1"}},
        UpdateExpression="SET #token = :token",
        ConditionExpression="attribute_not_exists(#nudges) OR #nudges = :seen",
        ExpressionAttributeNames={"#token": "token", "#nudges": "nudges"},
        ExpressionAttributeValues={":token": {"S": token}, ":seen": {"N": str(seen)}},
    )


def test_a_job_that_nobody_spoke_of_has_no_nudges(parking: DynamoParking) -> None:
    assert parking.nudges("job-1") == 0


def test_nudges_are_counted_for_each_job(parking: DynamoParking) -> None:
    parking.nudge("job-1", NOW)
    parking.nudge("job-1", NOW)
    parking.nudge("job-2", NOW)

    assert (parking.nudges("job-1"), parking.nudges("job-2")) == (2, 1)


def test_a_nudge_gives_the_token_of_whoever_parked_last(
    parking: DynamoParking, clients: AwsClients, table: str
) -> None:
    assert parking.nudge("job-1", NOW) is None
    park(clients, table, "token-1", seen=1)
    park(clients, table, "token-2", seen=1)

    assert parking.nudge("job-1", NOW) == "token-2"


def test_whoever_has_not_seen_the_last_nudge_does_not_park(
    parking: DynamoParking, clients: AwsClients, table: str
) -> None:
    parking.nudge("job-1", NOW)

    with pytest.raises(clients.dynamodb.exceptions.ConditionalCheckFailedException):
        park(clients, table, "token-1", seen=0)

    assert parking.nudge("job-1", NOW) is None


def test_parking_is_forgotten_after_thirty_days(parking: DynamoParking, wire: Wire) -> None:
    parking.nudge("job-1", NOW)

    sent = wire.requests[-1].members["ExpressionAttributeValues"]
    assert int(sent[":expires_at"]["N"]) == int(NOW.timestamp()) + 30 * 86_400


def test_nudges_are_read_strongly_consistent(parking: DynamoParking, wire: Wire) -> None:
    parking.nudges("job-1")

    assert wire.requests[-1].members["ConsistentRead"] is True
