"""Fail: ends a job whose execution can go no further, as its ledger says."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from stillmotion import composition
from stillmotion.services.operations.close import workflow_failure

logger = Logger()

METRICS = {"failed": "JobsFailed", "needs_attention": "NeedsAttention"}


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes `{"job_id", "run", "cause": {"error", "message"}}`; answers `services.operations.close.Closed`."""
    logger.append_keys(job_id=event["job_id"], run=event["run"])
    cause = event["cause"]
    failure = workflow_failure(cause["error"], cause["message"])
    closed = composition.close()(
        event["job_id"],
        failure,
        run=event["run"],
        overdue=cause["error"] == "overdue",
        unknown=cause["error"] == "attention",
    )
    logger.warning("closed", outcome=closed.outcome, cause=cause["error"], metric=METRICS.get(closed.outcome))
    return msgspec.structs.asdict(closed)
