"""Deliver: tells a receiver of webhooks of one event, and hides the message until the next try where there is one."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes messages of the delivery queue. One that was hidden is reported as failed, so that it comes back."""
    waiting = []
    for record in event["Records"]:
        tried = composition.deliver()(record["body"])
        told = {"delivery_id": record["body"], "wait_seconds": tried.wait_seconds}
        if tried.delivery is not None:
            told |= {"job_id": tried.delivery.job_id, "tenant": tried.delivery.tenant, "state": tried.delivery.state}
            told |= {"status": tried.delivery.last_status, "tries": tried.delivery.tries}
        logger.info("delivery", **told)
        if tried.wait_seconds:
            composition.delivery_queue().hide(record["receiptHandle"], tried.wait_seconds)
            waiting.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": waiting}
