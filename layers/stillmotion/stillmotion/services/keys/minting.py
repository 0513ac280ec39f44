"""Keys in clear: how they look, and what is stored in their place.

A module of its own, as the command that makes the first key of a stack needs nothing else.
"""

import hashlib
import re
import secrets
from datetime import datetime
from typing import Any

from stillmotion.domain.keys import ApiKey

PREFIX = "sm_"
PREFIX_SHOWN = 8
# Ours have 43 letters after the prefix; those that were made by hand before had 64.
_WELL_FORMED = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{32,197}}")


def key_hash(key: str) -> str:
    """SHA-256 in hex. The keys are 256 random bits: a slow hash would protect nothing more."""
    return hashlib.sha256(key.encode()).hexdigest()


def is_well_formed(key: str) -> bool:
    """Whether it is worth a look into the table."""
    return _WELL_FORMED.fullmatch(key) is not None


def mint(tenant: str, now: datetime, **fields: Any) -> tuple[str, ApiKey]:  # noqa: ANN401 - ApiKey knows their types
    """A new key in clear, to be shown once, and what is stored of it; it may do everything unless `fields` say less."""
    key = PREFIX + secrets.token_urlsafe(32)
    return key, ApiKey(hash=key_hash(key), prefix=key[:PREFIX_SHOWN], tenant=tenant, created_at=now, **fields)
