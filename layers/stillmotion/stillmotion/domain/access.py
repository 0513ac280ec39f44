"""What a caller may do: the scopes of API keys, and what tenants may be called."""

import re
from collections.abc import Collection
from enum import StrEnum

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TENANT_RULE = "must be 1 to 63 lower-case letters, digits and hyphens, and start with no hyphen"


class Scope(StrEnum):
    """One kind of thing that a key may do."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    """Manages keys, and does whatever the other two allow."""


def permits(held: Collection[Scope], needed: Scope) -> bool:
    """Whether somebody with these scopes may do what needs that one."""
    return needed in held or Scope.ADMIN in held


def is_tenant(name: str) -> bool:
    """Whether a tenant may be called so: names are parts of object keys, and the template's InboxTenant keeps to it."""
    return _TENANT.fullmatch(name) is not None
