"""What API Gateway answers by itself, before a function or in place of one: in a form of its own in every dialect.

Source: AWS's guide to HTTP APIs (throttling, quotas); a function that is late, or has no room, is 503.
"""

from stillmotion.dialects.openapi.schemas import TEXT, Json, closed

MESSAGE = "GatewayMessage"
ALWAYS = (429, 500, 503)
OF_BODIES = (413,)


def components() -> dict[str, Json]:
    """What other schemas name."""
    return {MESSAGE: closed({"message": TEXT}, description="What the gateway answers by itself.")}
