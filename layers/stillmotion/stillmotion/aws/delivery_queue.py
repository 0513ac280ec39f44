"""The queue of deliveries: a FIFO queue of SQS, with a message group for each job.

Such a queue hands out a message only when those before it in its group are gone, and one that is hidden is not gone:
so a delivery that waits for its next try holds up the later ones of its job, and of no other.
"""

from stillmotion.aws.clients import AwsClients, aws_errors
from stillmotion.domain.deliveries import Delivery

MAX_HIDDEN_SECONDS = 43_200
"""Of SQS, counted from when the message was received."""


class SqsDeliveryQueue:
    """As an `ports.webhooks.DeliveryQueue`; a message holds no more than the delivery's id."""

    def __init__(self, clients: AwsClients, url: str) -> None:
        self._clients = clients
        self._url = url

    def send(self, delivery: Delivery) -> None:
        """Puts it behind the others of its job. Twice within five minutes is once, unless it is replayed."""
        with aws_errors():
            self._clients.sqs.send_message(
                QueueUrl=self._url,
                MessageBody=delivery.id,
                MessageGroupId=delivery.job_id,
                MessageDeduplicationId=f"{delivery.id}-{delivery.replays}",
            )

    def hide(self, handle: str, seconds: int) -> None:
        """Hides a received message for so long."""
        with aws_errors():
            self._clients.sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=min(seconds, MAX_HIDDEN_SECONDS)
            )
