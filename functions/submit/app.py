"""Submit: an image dropped in the inbox, or a call of the API, becomes a job. Pays nothing."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, object] | None:
    """Takes EventBridge's `Object Created` and the HTTP API's calls; only a call is answered."""
    if event.get("detail-type") != "Object Created":
        return composition.submit_api()(event)
    bucket, created = event["detail"]["bucket"]["name"], event["detail"]["object"]
    for submitted in composition.submit_upload()(bucket, created["key"], created.get("version-id")):
        told = {"result": submitted.result, "job_id": submitted.job_id, "object_key": created["key"]}
        if submitted.result == "failed":
            logger.warning("object taken in", metric="JobsFailed", **told)
        else:
            logger.info("object taken in", **told)
    return None
