"""The queue of deliveries: a FIFO queue of SQS, with a message group for each job.

Such a queue hands out a message only when those before it in its group are gone, and one that is hidden is not gone:
so a delivery that waits for its next try holds up the later ones of its job, and of no other.
"""

from stillmotion.aws.client import AwsClient
from stillmotion.domain.deliveries import Delivery

LONGEST_HIDDEN_SECONDS = 43_200
"""Of SQS, counted from when the message was received."""


class SqsDeliveryQueue:
    """As an `outbound.DeliveryQueue`; a message holds no more than the delivery's id."""

    def __init__(self, client: AwsClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, delivery: Delivery) -> None:
        """Puts it behind the others of its job. Twice within five minutes is once, unless it is replayed."""
        self._call(
            "SendMessage",
            MessageBody=delivery.id,
            MessageGroupId=delivery.job_id,
            MessageDeduplicationId=f"{delivery.id}-{delivery.replays}",
        )

    def hide(self, handle: str, seconds: int) -> None:
        """Lets nobody see a received message for so long."""
        self._call(
            "ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=min(seconds, LONGEST_HIDDEN_SECONDS)
        )

    def _call(self, operation: str, **members: object) -> None:
        self._client.call("sqs", f"AmazonSQS.{operation}", {"QueueUrl": self._url, **members})
