"""Operate: what a person does to a job, and the dead letters. Pays nothing: a retry is sent by dispatch."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, object]:
    """Takes the HTTP API's calls (payload format 2.0)."""
    answer = composition.operate_api()(event)
    job_id = (event.get("pathParameters") or {}).get("id")
    logger.info("operated", route=event["routeKey"], job_id=job_id, status=answer["statusCode"])
    return answer
