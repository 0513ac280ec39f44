"""Webhook: what the vendors call when a generation has ended. It is a nudge to read the vendor again, never more."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from stillmotion import composition
from stillmotion.services.tracking.wake_up import WakeUpResult, WebhookAddress

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, object]:
    """Takes the HTTP API's calls (payload format 2.0)."""
    answer = composition.webhooks(tell)(event)
    logger.info("webhook answered", status=answer["statusCode"])
    return answer


def tell(address: WebhookAddress, nudged: WakeUpResult) -> None:
    """Logs what came of a webhook that was its vendor's; a forged one's words are not repeated."""
    logger.append_keys(job_id=address.job_id, vendor=address.vendor, attempt=address.attempt)
    logger.info("nudged", result=nudged.result)
