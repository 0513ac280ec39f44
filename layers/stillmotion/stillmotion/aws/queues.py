"""SQS, as far as dead letters need it. A message that is sent twice after a lost answer does no harm there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from stillmotion.aws.client import AwsClient, AwsError
from stillmotion.domain.dead_letters import Message

AT_ONCE = 10
"""What SQS gives, or takes, in one call."""
# Longer than the function lives that looks: a message is not seen twice by one look.
HIDDEN_SECONDS = 30
# With none at all, SQS asks only some of its servers, and may say that a queue is empty that is not.
WAIT_SECONDS = 1


class SqsQueue:
    """One queue as a `dead_letters.Queue`."""

    def __init__(self, client: AwsClient, url: str, *, wait_seconds: int = WAIT_SECONDS) -> None:
        self._client = client
        self._url = url
        self._wait_seconds = wait_seconds

    def receive(self, limit: int) -> Sequence[Message]:
        """At most `limit` messages, hidden from others for HIDDEN_SECONDS or until they are given back."""
        found: dict[str, Message] = {}
        while len(found) < limit:
            answer = self._call(
                "ReceiveMessage",
                MaxNumberOfMessages=min(AT_ONCE, limit - len(found)),
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=self._wait_seconds,
                # The newer name, and the one that it replaced.
                MessageSystemAttributeNames=["All"],
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages") or ()
            if not messages:
                break
            found |= {message["MessageId"]: _message(message) for message in messages}
        return list(found.values())

    def give_back(self, messages: Sequence[Message]) -> None:
        """Shows them to others again. One that cannot be given back comes back by itself."""
        for start in range(0, len(messages), AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": message.handle, "VisibilityTimeout": 0}
                for number, message in enumerate(messages[start : start + AT_ONCE])
            ]
            self._call("ChangeMessageVisibilityBatch", Entries=entries)

    def delete(self, message: Message) -> None:
        """Deletes it; one that is gone is as good."""
        try:
            self._call("DeleteMessage", ReceiptHandle=message.handle)
        except AwsError as error:
            if error.code != "ReceiptHandleIsInvalid":
                raise

    def send(self, body: str) -> None:
        """Raises AwsError."""
        self._call("SendMessage", MessageBody=body)

    def _call(self, operation: str, **members: object) -> dict[str, Any]:
        return self._client.call("sqs", f"AmazonSQS.{operation}", {"QueueUrl": self._url, **members})


def _message(told: Mapping[str, Any]) -> Message:
    system: Mapping[str, str] = told.get("Attributes") or {}
    own: Mapping[str, Mapping[str, str]] = told.get("MessageAttributes") or {}
    return Message(
        id=told["MessageId"],
        body=told["Body"],
        sent_at=datetime.fromtimestamp(int(system.get("SentTimestamp", "0")) / 1000, UTC),
        receives=int(system.get("ApproximateReceiveCount", "1")),
        handle=told["ReceiptHandle"],
        attributes={name: value.get("StringValue", "") for name, value in own.items()},
    )
