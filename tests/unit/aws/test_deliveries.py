"""Deliveries and subscriptions in the table, and the queue and the secret beside it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace
from tests.unit.aws.wire import NOW, Wire, lose_once

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.deliveries import DynamoDeliveryStore, DynamoSubscriptions, delivery_item
from stillmotion.aws.delivery_queue import SqsDeliveryQueue
from stillmotion.aws.records import DynamoJobStore
from stillmotion.aws.signing_roots import SigningRoots
from stillmotion.domain.deliveries import Delivery, DeliveryState, Subscription
from stillmotion.domain.identity import content_id
from stillmotion.errors import Misconfigured
from stillmotion.ports import Conflict, UnknownPage

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

ROOT = "a root of thirty-two characters."
DELIVERY = Delivery(
    id=content_id("1"),
    job_id=content_id("job"),
    tenant="ada",
    detail_type="Video Completed",
    detail={"job_id": "1", "reason": None, "metadata": {}, "video": {"bytes": 5}},
    created_at=NOW,
    url="https://hooks.example/1",
    dialect="wavespeed",
    last_tried_at=NOW,
    last_status=500,
    next_try_at=NOW + timedelta(seconds=5),
)


@pytest.fixture
def deliveries(clients: AwsClients, table: str) -> DynamoDeliveryStore:
    return DynamoDeliveryStore(clients, table)


def test_a_delivery_is_read_as_it_was_written(deliveries: DynamoDeliveryStore) -> None:
    deliveries.create(DELIVERY)

    assert deliveries.get(DELIVERY.id) == replace(DELIVERY, version=1)


@pytest.mark.parametrize("delivery_id", ["", "x", "../job", content_id("2")])
def test_what_there_is_not_is_not_found(deliveries: DynamoDeliveryStore, delivery_id: str) -> None:
    assert deliveries.get(delivery_id) is None


def test_one_that_is_there_is_not_made_again(deliveries: DynamoDeliveryStore) -> None:
    deliveries.create(replace(DELIVERY, state=DeliveryState.DELIVERED))
    deliveries.create(DELIVERY)

    stored = deliveries.get(DELIVERY.id)
    assert stored is not None
    assert stored.state is DeliveryState.DELIVERED


def test_of_two_who_write_at_once_one_is_refused(deliveries: DynamoDeliveryStore) -> None:
    deliveries.create(DELIVERY)
    read = replace(DELIVERY, version=1)

    assert deliveries.save(replace(read, tries=1)).version == 2
    with pytest.raises(Conflict):
        deliveries.save(replace(read, tries=9))


def test_a_save_whose_answer_is_lost_has_succeeded(deliveries: DynamoDeliveryStore, wire: Wire) -> None:
    deliveries.create(DELIVERY)
    wire.after = lose_once("PutItem")

    assert deliveries.save(replace(DELIVERY, version=1, tries=1)).version == 2


def test_it_is_forgotten_30_days_after_it_was_last_tried() -> None:
    tried = NOW + timedelta(hours=20)

    expires_at = delivery_item(replace(DELIVERY, last_tried_at=tried))["expires_at"]
    assert expires_at == {"N": str(int((tried + timedelta(days=30)).timestamp()))}


def test_a_tenants_are_listed_newest_first_page_by_page(deliveries: DynamoDeliveryStore) -> None:
    made = [replace(DELIVERY, id=content_id(str(n)), created_at=NOW + timedelta(seconds=n)) for n in range(3)]
    for each in (*made, replace(DELIVERY, id=content_id("other"), tenant="bob")):
        deliveries.create(each)

    first = deliveries.of_tenant("ada", 2)
    rest = deliveries.of_tenant("ada", 2, first.next)
    assert [each.id for each in (*first.deliveries, *rest.deliveries)] == [each.id for each in reversed(made)]
    assert rest.next is None


def test_another_tenants_delivery_is_no_place_to_go_on_from(deliveries: DynamoDeliveryStore) -> None:
    deliveries.create(DELIVERY)

    with pytest.raises(UnknownPage):
        deliveries.of_tenant("bob", 2, DELIVERY.id)
    with pytest.raises(UnknownPage):
        deliveries.of_tenant("ada", 2, "nothing")


def test_deliveries_and_subscriptions_are_not_among_the_tenants_jobs(
    clients: AwsClients, table: str, deliveries: DynamoDeliveryStore, jobs: DynamoJobStore
) -> None:
    deliveries.create(DELIVERY)
    DynamoSubscriptions(clients, table).put(Subscription(tenant="ada", url="https://a.b/", changed_at=NOW))

    assert jobs.of_tenant("ada", 10).jobs == ()


@pytest.mark.parametrize("url", ["https://hooks.example/all", None])
def test_a_subscription_is_read_as_it_was_written(clients: AwsClients, table: str, url: str | None) -> None:
    subscriptions = DynamoSubscriptions(clients, table)
    subscriptions.put(Subscription(tenant="ada", url="https://earlier.example/", changed_at=NOW))
    subscriptions.put(Subscription(tenant="ada", url=url, changed_at=NOW))

    assert subscriptions.find("ada") == Subscription(tenant="ada", url=url, changed_at=NOW)
    assert subscriptions.find("bob") is None


# --- the queue


@pytest.fixture
def queue(clients: AwsClients) -> SqsDeliveryQueue:
    made = clients.sqs.create_queue(
        QueueName="deliveries.fifo", Attributes={"FifoQueue": "true", "VisibilityTimeout": "60"}
    )
    return SqsDeliveryQueue(clients, made["QueueUrl"])


def received(clients: AwsClients, queue: SqsDeliveryQueue) -> "list[MessageTypeDef]":
    return clients.sqs.receive_message(QueueUrl=queue._url, MaxNumberOfMessages=1).get("Messages", [])


def test_a_delivery_that_waits_holds_up_those_behind_it_of_its_job_alone(
    clients: AwsClients, queue: SqsDeliveryQueue
) -> None:
    later, others = replace(DELIVERY, id="later"), replace(DELIVERY, id="others", job_id="another")
    for each in (DELIVERY, later, others):
        queue.send(each)

    (first,) = received(clients, queue)
    queue.hide(first["ReceiptHandle"], 3600)
    assert [message["Body"] for message in received(clients, queue)] == ["others"]
    assert received(clients, queue) == []
    queue.hide(first["ReceiptHandle"], 0)
    assert [message["Body"] for message in received(clients, queue)] == [DELIVERY.id]


def test_the_same_delivery_is_queued_once_and_its_replay_again(clients: AwsClients, queue: SqsDeliveryQueue) -> None:
    for each in (DELIVERY, DELIVERY, replace(DELIVERY, replays=1)):
        queue.send(each)

    queued = clients.sqs.get_queue_attributes(QueueUrl=queue._url, AttributeNames=["ApproximateNumberOfMessages"])
    assert queued["Attributes"]["ApproximateNumberOfMessages"] == "2"


# --- the root


def stored_root(clients: AwsClients, **fields: str) -> SigningRoots:
    clients.secretsmanager.create_secret(Name="signing", SecretString=msgspec.json.encode(fields).decode())
    return SigningRoots(clients, "signing")


def test_the_root_comes_from_the_secret_and_is_kept(clients: AwsClients, wire: Wire) -> None:
    roots = stored_root(clients, root=ROOT)
    wire.requests.clear()

    assert (roots(), roots()) == ((ROOT,), (ROOT,))
    assert wire.operations() == ["GetSecretValue"]


def test_a_previous_root_is_good_beside_the_current_one(clients: AwsClients) -> None:
    assert stored_root(clients, root=ROOT + "new", previous_root=ROOT)() == (ROOT + "new", ROOT)


@pytest.mark.parametrize("fields", [{}, {"root": ""}, {"root": "short"}, {"root": ROOT, "previous_root": "short"}])
def test_a_root_that_could_be_guessed_is_refused(clients: AwsClients, fields: dict[str, str]) -> None:
    roots = stored_root(clients, **fields)

    with pytest.raises(Misconfigured) as refused:
        roots()
    assert "short" not in str(refused.value)


def test_a_secret_that_cannot_be_read_is_not_quoted(clients: AwsClients) -> None:
    clients.secretsmanager.create_secret(Name="signing", SecretString="not json but secret")

    with pytest.raises(Misconfigured) as refused:
        SigningRoots(clients, "signing")()
    assert "but secret" not in str(refused.value)
