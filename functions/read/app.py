"""Read: the API's GETs. Writes nothing."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from stillmotion import composition

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: object) -> dict[str, object]:
    """Takes the HTTP API's calls (payload format 2.0)."""
    return composition.read_api()(event)
