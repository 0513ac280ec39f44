"""Check: one read of the vendor's job."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes `{"job_id", "run"}`; answers `services.tracking.check.Checked`."""
    logger.append_keys(job_id=event["job_id"], run=event["run"])
    checked = composition.check()(event["job_id"])
    logger.info("checked", outcome=checked.outcome, wait_seconds=checked.wait_seconds)
    return msgspec.structs.asdict(checked)
