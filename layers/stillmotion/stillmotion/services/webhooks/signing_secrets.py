"""The secrets that outbound webhooks are signed with, one for each tenant.

None is stored: each is derived from the stack's one random root, by HMAC-SHA256 over the tenant's name, so that it is
there from the first use on, costs nothing, and tells nothing of another's. While a root is being changed there are
two, and both are signed with.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

PREFIX = "whsec_"
_PURPOSE = "stillmotion outbound webhooks"


class SigningSecrets:
    """`roots` gives the stack's roots, the current one first."""

    def __init__(self, roots: Callable[[], Sequence[str]]) -> None:
        self._roots = roots

    def __call__(self, tenant: str) -> tuple[str, ...]:
        """A tenant's secrets in the form of Standard Webhooks, the current one first."""
        return tuple(derived(root, tenant) for root in self._roots())


def derived(root: str, tenant: str) -> str:
    """`whsec_` and 32 bytes in base64."""
    secret = hmac.new(root.encode(), f"{_PURPOSE}\0{tenant}".encode(), hashlib.sha256).digest()
    return PREFIX + base64.b64encode(secret).decode()
