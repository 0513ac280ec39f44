"""Dispatch: sends a job to a vendor. The only function that spends money."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes `{"job_id", "run"}`; answers `services.dispatch.dispatch.Dispatched`."""
    logger.append_keys(job_id=event["job_id"], run=event["run"])
    dispatched = composition.dispatch()(event["job_id"])
    logger.info("dispatched", outcome=dispatched.outcome, wait_seconds=dispatched.wait_seconds)
    return msgspec.structs.asdict(dispatched)
