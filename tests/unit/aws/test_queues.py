"""Messages are seen, given back, deleted and sent, as SQS has them."""

import pytest
from tests.unit.aws.wire import NOW, Wire, answering, refusal

from stillmotion.aws.clients import AwsClients, AwsError
from stillmotion.aws.queues import SqsQueue
from stillmotion.domain.dead_letters import Message


@pytest.fixture
def queue(clients: AwsClients) -> SqsQueue:
    made = clients.sqs.create_queue(QueueName="dead")
    return SqsQueue(clients, made["QueueUrl"], wait_seconds=0)


def test_a_message_is_seen_with_all_that_is_told_of_it(clients: AwsClients, queue: SqsQueue, wire: Wire) -> None:
    clients.sqs.send_message(
        QueueUrl=queue._url,
        MessageBody="Möwe",
        MessageAttributes={"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}},
    )
    (message,) = queue.receive(10)
    assert (message.body, message.receives, message.attributes) == ("Möwe", 1, {"ERROR_CODE": "NO_PERMISSIONS"})
    assert message.sent_at.year >= 2026
    assert wire.operations().count("ReceiveMessage") == 2


def test_many_messages_are_seen_each_once_and_no_more_than_asked_for(queue: SqsQueue) -> None:
    for number in range(13):
        queue.send(str(number))
    assert len({message.body for message in queue.receive(12)}) == 12


def test_a_message_that_is_given_back_is_seen_again(queue: SqsQueue) -> None:
    for number in range(12):
        queue.send(str(number))
    seen = queue.receive(100)
    assert queue.receive(100) == []
    queue.give_back(seen)
    assert len(queue.receive(100)) == 12


def test_a_deleted_message_is_gone(queue: SqsQueue) -> None:
    queue.send("a")
    (message,) = queue.receive(1)
    queue.delete(message)
    queue.give_back([message])
    assert queue.receive(1) == []


LETTER = Message(id="m", body="b", sent_at=NOW, receives=1, handle="h")


def test_a_message_that_somebody_else_deleted_is_as_good_as_deleted() -> None:
    SqsQueue(answering(lambda _sent: refusal("ReceiptHandleIsInvalid")), "https://queue.test").delete(LETTER)


def test_a_message_that_may_not_be_deleted_is_an_error() -> None:
    with pytest.raises(AwsError, match="AccessDenied"):
        SqsQueue(answering(lambda _sent: refusal("AccessDenied")), "https://queue.test").delete(LETTER)
