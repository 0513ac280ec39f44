"""Submit: an image dropped in the inbox, or a call of the API, becomes a job. Pays nothing."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], context: Any) -> Mapping[str, Any] | None:  # noqa: ANN401 - Lambda's own
    """Takes the inbox queue's batches of EventBridge's `Object Created`, one such event alone, and the API's calls."""
    if "Records" in event:
        return _take_in_batch(event, context)
    if event.get("detail-type") != "Object Created":
        return composition.submit_api()(event)
    _take_in(event)
    return None


def _take_in_batch(event: Mapping[str, Any], context: Any) -> Mapping[str, Any]:  # noqa: ANN401
    """Each message by itself: one that fails is delivered again, and ends in the dead letters."""
    from aws_lambda_powertools.utilities.batch import (  # noqa: PLC0415 - calls of the API need none of it
        BatchProcessor,
        EventType,
        process_partial_response,
    )

    def take_in(record: Mapping[str, Any]) -> None:
        _take_in(msgspec.json.decode(record["body"]))

    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(dict(event), take_in, processor, context)


def _take_in(event: Mapping[str, Any]) -> None:
    bucket, created = event["detail"]["bucket"]["name"], event["detail"]["object"]
    for submitted in composition.submit_upload()(bucket, created["key"], created.get("version-id")):
        told = {"result": submitted.result, "job_id": submitted.job_id, "object_key": created["key"]}
        if submitted.result == "failed":
            logger.warning("object taken in", metric="JobsFailed", **told)
        else:
            logger.info("object taken in", **told)
