"""What is read of a tenant in WaveSpeed's dialect: its balance, and what its webhooks are signed with.

Sources: wavespeed.ai/docs (balance, verify-webhooks).
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Literal

from stillmotion.dialects.balance import Balance
from stillmotion.dialects.declared import Feature, operation
from stillmotion.dialects.http import HttpRequest
from stillmotion.dialects.models import ResponseModel
from stillmotion.dialects.wavespeed import TAG, WAVESPEED
from stillmotion.dialects.wavespeed.views import Envelope
from stillmotion.domain.access import Scope

UNLIMITED_DOLLARS = Decimal(1_000_000)
"""The balance of a tenant without a limit."""


class WavespeedBalanceData(ResponseModel):
    """What is left to spend, in US dollars."""

    balance: float
    currency: Literal["USD"] = "USD"


class WavespeedBalance(Envelope[WavespeedBalanceData]):
    """A balance in the envelope."""


class WavespeedSecretData(ResponseModel):
    """What a tenant's webhooks are signed with."""

    secret: str


class WavespeedSecret(Envelope[WavespeedSecretData]):
    """A secret in the envelope."""


class WavespeedAccount(Feature):
    """What a caller may spend."""

    TAG = TAG
    DIALECT = WAVESPEED
    FUNCTION = "read"

    def __init__(self, balance: Balance) -> None:
        self._balance = balance

    @operation(
        "GET",
        "/api/v3/balance",
        operation_id="wavespeedBalance",
        summary="See what may still be spent",
        scope=Scope.READ,
        examples=("WavespeedBalance",),
    )
    def balance(self, request: HttpRequest) -> WavespeedBalance:
        left = self._balance.left(request.good_key, request.arrived_at)
        return WavespeedBalance(data=WavespeedBalanceData(balance=float(UNLIMITED_DOLLARS if left is None else left)))


class WavespeedWebhooks(Feature):
    """`secrets` gives what gives a tenant's secrets, the current one first. WaveSpeed's signature has room for one."""

    TAG = TAG
    DIALECT = WAVESPEED
    FUNCTION = "operate"

    def __init__(self, secrets: Callable[[], Callable[[str], Sequence[str]]]) -> None:
        self._secrets = secrets

    # A reader of the secret can forge what the tenant's receivers believe.
    @operation(
        "GET",
        "/api/v3/webhook/secret",
        operation_id="wavespeedGetWebhookSecret",
        summary="See what this tenant's webhooks are signed with",
        scope=Scope.ADMIN,
        description="The key is the text after `whsec_`. The native dialect shows the same secret.",
        examples=("WavespeedSecret",),
    )
    def secret(self, request: HttpRequest) -> WavespeedSecret:
        return WavespeedSecret(data=WavespeedSecretData(secret=self._secrets()(request.tenant)[0]))
