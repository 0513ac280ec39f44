"""Secrets, from Secrets Manager through Powertools, which keeps each one for five minutes."""

from functools import cached_property
from typing import Generic, TypeVar

import msgspec
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from stillmotion.aws.clients import AwsClients, aws_errors
from stillmotion.errors import Misconfigured

MAX_AGE_SECONDS = 300
"""How long a read secret is used: a rotated key takes effect within this time."""

Fields = TypeVar("Fields", bound=msgspec.Struct)


class VendorKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendors' secret holds, as a JSON object. A vendor without a key is not used.

    The previous ones are what webhooks may still be signed with while a key is being changed.
    """

    apiframe_api_key: str | None = None
    apiframe_api_key_previous: str | None = None
    wavespeed_api_key: str | None = None
    wavespeed_webhook_secret: str | None = None
    wavespeed_webhook_secret_previous: str | None = None

    def __repr__(self) -> str:
        return "VendorKeys(…)"


class JsonSecret(Generic[Fields]):
    """One secret that holds a JSON object, read when it is first needed. `wanted` names what it must hold."""

    def __init__(self, clients: AwsClients, secret_id: str, kind: type[Fields], wanted: str) -> None:
        self.id = secret_id
        self._clients = clients
        self._kind = kind
        self._wanted = wanted

    def read(self) -> Fields:
        """What the secret holds. Raises Misconfigured, AwsError."""
        try:
            return msgspec.json.decode(self._text(), type=self._kind)
        except msgspec.DecodeError:
            # The decoder's own words could quote the secret.
            raise Misconfigured(f"the secret {self.id} is not JSON with {self._wanted}") from None

    def _text(self) -> str | bytes:
        try:
            text = self._provider.get(self.id, max_age=MAX_AGE_SECONDS)
        except GetParameterError as failed:
            # Powertools keeps what AWS said in the context alone.
            reason = failed.__context__ or failed
        else:
            return text if isinstance(text, str | bytes) else ""
        with aws_errors():
            raise reason

    @cached_property
    def _provider(self) -> SecretsProvider:
        return SecretsProvider(boto3_client=self._clients.secretsmanager)


class VendorSecret:
    """The vendors' keys in one secret."""

    def __init__(self, clients: AwsClients, secret_id: str) -> None:
        self._secret = JsonSecret(clients, secret_id, VendorKeys, "apiframe_api_key and wavespeed_api_key")

    def keys(self) -> VendorKeys:
        """Raises Misconfigured, AwsError."""
        return self._secret.read()
