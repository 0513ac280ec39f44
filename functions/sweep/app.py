"""Sweep: sets jobs going again that have gone quiet. Called by a schedule."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(_event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Takes anything; answers `services.tracking.sweep.Swept`."""
    swept = composition.sweep()()
    logger.info("swept", resumed=swept.resumed, expired=swept.expired, running=swept.running)
    if swept.adopted or swept.unread:
        logger.info("reconciled", adopted=swept.adopted, unread=swept.unread)
    if swept.slots_freed or swept.slots_granted:
        logger.info("slots granted", freed=swept.slots_freed, granted=swept.slots_granted)
    if swept.slots_told or swept.slots_started:
        logger.info("slots told of", told=swept.slots_told, started=swept.slots_started)
    if swept.expired:
        logger.warning("jobs expired", metric="JobsFailed")
    return msgspec.structs.asdict(swept)
