"""Announce: tells the event bus, and receivers of webhooks, what the jobs table's stream says was decided.

At least once; event ids are stable.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from stillmotion import composition
from stillmotion.aws.items import event_of

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes a DynamoDB stream's batch of new event items; one that is not taken is tried again from there."""
    events = [event_of(record["dynamodb"]["NewImage"]) for record in event["Records"]]
    composition.announcing().send(events)
    for announced in events:
        logger.info("announced", job_id=announced.job_id, detail_type=announced.detail_type)
    return {"batchItemFailures": []}
