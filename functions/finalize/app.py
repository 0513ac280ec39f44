"""Finalize: copies the video into the user's bucket, verifies it and completes the record."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes `{"job_id", "run"}`; answers `services.delivery.finalize.FinalizeResult`."""
    logger.append_keys(job_id=event["job_id"], run=event["run"])
    finalized = composition.finalize()(event["job_id"])
    logger.info("finalized", outcome=finalized.outcome, wait_seconds=finalized.wait_seconds)
    if finalized.outcome == "attention":
        logger.warning("a job needs attention", metric="NeedsAttention")
    return msgspec.structs.asdict(finalized)
