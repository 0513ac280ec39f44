"""The vendors' keys, from Secrets Manager."""

from datetime import datetime, timedelta

import msgspec

from stillmotion.aws.client import AwsClient
from stillmotion.errors import Misconfigured
from stillmotion.ports import Clock

FRESH = timedelta(minutes=5)
"""How long a read secret is used: a rotated key takes effect within this time."""


class VendorKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What the secret holds, as a JSON object. A vendor without a key is not used.

    The previous ones are what webhooks may still be signed with while a key is being changed.
    """

    apiframe_api_key: str | None = None
    apiframe_api_key_previous: str | None = None
    wavespeed_api_key: str | None = None
    wavespeed_webhook_secret: str | None = None
    wavespeed_webhook_secret_previous: str | None = None

    def __repr__(self) -> str:
        return "VendorKeys(…)"


class VendorSecret:
    """One secret, read when it is first needed and then every five minutes at most."""

    def __init__(self, client: AwsClient, secret_id: str, clock: Clock) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._read: tuple[datetime, VendorKeys] | None = None

    def keys(self) -> VendorKeys:
        """The keys. Raises Misconfigured, AwsError."""
        now = self._clock.now()
        if self._read is None or now - self._read[0] >= FRESH:
            self._read = (now, self._fetch())
        return self._read[1]

    def _fetch(self) -> VendorKeys:
        wanted = {"SecretId": self._secret_id}
        answer = self._client.call("secretsmanager", "secretsmanager.GetSecretValue", wanted, json_version="1.1")
        try:
            return msgspec.json.decode(answer.get("SecretString", ""), type=VendorKeys)
        except msgspec.DecodeError:
            # The decoder's own words could quote the secret.
            raise Misconfigured(
                f"the secret {self._secret_id} is not JSON with apiframe_api_key and wavespeed_api_key"
            ) from None
