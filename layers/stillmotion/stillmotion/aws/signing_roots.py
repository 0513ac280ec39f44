"""What the secrets of outbound webhooks are derived from, out of Secrets Manager: {"root": …, "previous_root": …}."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from stillmotion.aws.client import AwsClient
from stillmotion.aws.secrets import FRESH
from stillmotion.errors import Misconfigured
from stillmotion.ports import Clock

LEAST_LENGTH = 32
"""A shorter root, or an empty one, is anybody's."""


class Roots(msgspec.Struct, frozen=True, kw_only=True):
    """The previous one is there while the root is being changed: both sign."""

    root: str = ""
    previous_root: str | None = None

    def __repr__(self) -> str:
        return "Roots(…)"


class SigningRoots:
    """One secret, read when it is first needed and then every five minutes at most."""

    def __init__(self, client: AwsClient, secret_id: str, clock: Clock) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._read: tuple[datetime, tuple[str, ...]] | None = None

    def __call__(self) -> Sequence[str]:
        """The current one first. Raises Misconfigured, AwsError."""
        now = self._clock.now()
        if self._read is None or now - self._read[0] >= FRESH:
            self._read = (now, self._fetch())
        return self._read[1]

    def _fetch(self) -> tuple[str, ...]:
        wanted = {"SecretId": self._secret_id}
        answer = self._client.call("secretsmanager", "secretsmanager.GetSecretValue", wanted, json_version="1.1")
        try:
            roots = msgspec.json.decode(answer.get("SecretString", ""), type=Roots)
        except msgspec.DecodeError:
            # The decoder's own words could quote the secret.
            raise Misconfigured(f"the secret {self._secret_id} is not JSON with a root") from None
        found = (roots.root, roots.previous_root) if roots.previous_root else (roots.root,)
        if any(len(root) < LEAST_LENGTH for root in found):
            raise Misconfigured(f"the secret {self._secret_id} has a root of less than {LEAST_LENGTH} characters")
        return found
