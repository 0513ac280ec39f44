"""The parking item counts nudges and keeps the token of whoever parked last."""

import msgspec
import pytest
from tests.unit.aws.wire import NOW, Wire

from stillmotion.aws.client import AwsClient, AwsError
from stillmotion.aws.parking import DynamoParking


@pytest.fixture
def parking(client: AwsClient, table: str) -> DynamoParking:
    return DynamoParking(client, table)


def park(client: AwsClient, table: str, token: str, seen: int) -> None:
    """What the state machine asks of DynamoDB."""
    client.call(
        "dynamodb",
        "DynamoDB_20120810.UpdateItem",
        {
            "TableName": table,
            "Key": {"pk": {"S": "parking#job-1"}},
            "UpdateExpression": "SET #token = :token",
            "ConditionExpression": "attribute_not_exists(#nudges) OR #nudges = :seen",
            "ExpressionAttributeNames": {"#token": "token", "#nudges": "nudges"},
            "ExpressionAttributeValues": {":token": {"S": token}, ":seen": {"N": str(seen)}},
        },
    )


def test_a_job_that_nobody_spoke_of_has_no_nudges(parking: DynamoParking) -> None:
    assert parking.nudges("job-1") == 0


def test_nudges_are_counted_for_each_job(parking: DynamoParking) -> None:
    parking.nudge("job-1", NOW)
    parking.nudge("job-1", NOW)
    parking.nudge("job-2", NOW)

    assert (parking.nudges("job-1"), parking.nudges("job-2")) == (2, 1)


def test_a_nudge_gives_the_token_of_whoever_parked_last(parking: DynamoParking, client: AwsClient, table: str) -> None:
    assert parking.nudge("job-1", NOW) is None
    park(client, table, "token-1", seen=1)
    park(client, table, "token-2", seen=1)

    assert parking.nudge("job-1", NOW) == "token-2"


def test_whoever_has_not_seen_the_last_nudge_does_not_park(
    parking: DynamoParking, client: AwsClient, table: str
) -> None:
    parking.nudge("job-1", NOW)

    with pytest.raises(AwsError) as refused:
        park(client, table, "token-1", seen=0)

    assert refused.value.code == "ConditionalCheckFailedException"
    assert parking.nudge("job-1", NOW) is None


def test_parking_is_forgotten_after_thirty_days(parking: DynamoParking, wire: Wire) -> None:
    parking.nudge("job-1", NOW)

    sent = msgspec.json.decode(wire.requests[-1].content)["ExpressionAttributeValues"]
    assert int(sent[":expires_at"]["N"]) == int(NOW.timestamp()) + 30 * 86_400


def test_nudges_are_read_strongly_consistent(parking: DynamoParking, wire: Wire) -> None:
    parking.nudges("job-1")

    assert msgspec.json.decode(wire.requests[-1].content)["ConsistentRead"] is True
