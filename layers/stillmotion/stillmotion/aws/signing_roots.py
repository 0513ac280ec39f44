"""What the secrets of outbound webhooks are derived from, out of Secrets Manager: {"root": …, "previous_root": …}."""

from collections.abc import Sequence

import msgspec

from stillmotion.aws.clients import AwsClients
from stillmotion.aws.secrets import JsonSecret
from stillmotion.errors import Misconfigured

MIN_LENGTH = 32
"""A shorter root, or an empty one, can be guessed."""


class Roots(msgspec.Struct, frozen=True, kw_only=True):
    """The previous one is there while the root is being changed: both sign."""

    root: str = ""
    previous_root: str | None = None

    def __repr__(self) -> str:
        return "Roots(…)"


class SigningRoots:
    """The roots in one secret."""

    def __init__(self, clients: AwsClients, secret_id: str) -> None:
        self._secret = JsonSecret(clients, secret_id, Roots, "a root")

    def __call__(self) -> Sequence[str]:
        """The current one first. Raises Misconfigured, AwsError."""
        roots = self._secret.read()
        found = (roots.root, roots.previous_root) if roots.previous_root else (roots.root,)
        if any(len(root) < MIN_LENGTH for root in found):
            raise Misconfigured(f"the secret {self._secret.id} has a root of less than {MIN_LENGTH} characters")
        return found
