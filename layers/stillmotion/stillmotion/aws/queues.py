"""SQS, as far as dead letters need it. A message that is sent twice after a lost answer does no harm there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stillmotion.aws.clients import AwsClients, aws_errors
from stillmotion.domain.dead_letters import Message

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

AT_ONCE = 10
"""What SQS gives, or takes, in one call."""
# Longer than the function lives that looks: a message is not seen twice by one look.
HIDDEN_SECONDS = 30
# With none at all, SQS asks only some of its servers, and may say that a queue is empty that is not.
WAIT_SECONDS = 1


class SqsQueue:
    """One queue as a `ports.webhooks.Queue`."""

    def __init__(self, clients: AwsClients, url: str, *, wait_seconds: int = WAIT_SECONDS) -> None:
        self._clients = clients
        self._url = url
        self._wait_seconds = wait_seconds

    def receive(self, limit: int) -> Sequence[Message]:
        """At most `limit` messages, hidden from others for HIDDEN_SECONDS or until they are given back."""
        found: dict[str, Message] = {}
        while len(found) < limit:
            with aws_errors():
                answer = self._clients.sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(AT_ONCE, limit - len(found)),
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=self._wait_seconds,
                    MessageSystemAttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            messages = answer.get("Messages", ())
            if not messages:
                break
            found |= {message["MessageId"]: _message(message) for message in messages}
        return list(found.values())

    def give_back(self, messages: Sequence[Message]) -> None:
        """Shows them to others again. One that cannot be given back comes back by itself."""
        for start in range(0, len(messages), AT_ONCE):
            batch = messages[start : start + AT_ONCE]
            with aws_errors():
                self._clients.sqs.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message.handle, "VisibilityTimeout": 0}
                        for number, message in enumerate(batch)
                    ],
                )

    def delete(self, message: Message) -> None:
        """Deletes it, unless it is gone already."""
        sqs = self._clients.sqs
        with aws_errors():
            try:
                sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message.handle)
            except sqs.exceptions.ReceiptHandleIsInvalid:
                return

    def send(self, body: str) -> None:
        """Raises AwsError."""
        with aws_errors():
            self._clients.sqs.send_message(QueueUrl=self._url, MessageBody=body)


def _message(received: "MessageTypeDef") -> Message:
    system = received.get("Attributes", {})
    return Message(
        id=received["MessageId"],
        body=received["Body"],
        sent_at=datetime.fromtimestamp(int(system.get("SentTimestamp", "0")) / 1000, UTC),
        receives=int(system.get("ApproximateReceiveCount", "1")),
        handle=received["ReceiptHandle"],
        attributes={
            name: value.get("StringValue", "") for name, value in received.get("MessageAttributes", {}).items()
        },
    )
