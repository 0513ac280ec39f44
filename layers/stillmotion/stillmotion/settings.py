"""The functions' settings: a frozen model for each group, read from the environment once; a bad value names itself.

Structs of the domain and the services are groups too, where they are settings: `load(PriceTable, environment)`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec

from stillmotion.errors import Misconfigured
from stillmotion.ports.records import Budget

SettingsType = TypeVar("SettingsType", bound=msgspec.Struct)


class TableSettings(msgspec.Struct, frozen=True, kw_only=True):
    jobs_table: str


class WorkflowSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`state_machine_arn` may be that of an alias."""

    state_machine_arn: str


class SubmitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`local_origins` is comma-separated: where pictures may come from though it is not the public internet."""

    input_bucket: str
    local_origins: str = ""
    inbox_tenant: str = "default"
    default_prompt: str = ""


class VendorSettings(msgspec.Struct, frozen=True, kw_only=True):
    vendor_secret_id: str
    apiframe_base_url: str = "https://api.apiframe.ai"
    wavespeed_base_url: str = "https://api.wavespeed.ai"


class FinalizeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Lists are comma-separated. No download hosts means any public https address."""

    output_bucket: str
    download_hosts: str = ""
    local_origins: str = ""


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers reach the API: a URL without a slash at its end."""

    api_base_url: str


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent on one day (UTC), in US dollars; 0 for as much as is wanted."""

    tenant_daily_dollars: Decimal = Decimal(0)
    stack_daily_dollars: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        for field in ("tenant_daily_dollars", "stack_daily_dollars"):
            dollars: Decimal = getattr(self, field)
            if not dollars.is_finite() or dollars < 0:
                raise Misconfigured(f"{field.upper()}: {dollars} is no amount of US dollars")

    @property
    def budget(self) -> Budget:
        return Budget(
            tenant_dollars=self.tenant_daily_dollars or None,
            stack_dollars=self.stack_daily_dollars or None,
        )


class AnnounceSettings(msgspec.Struct, frozen=True, kw_only=True):
    event_bus_name: str


class OutboundSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where deliveries of webhooks are queued."""

    delivery_queue_url: str


class SigningSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The secret that outbound webhooks are signed from."""

    webhook_secret_id: str


class DeliverSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`local_origins` is comma-separated: where webhooks may go though it is not the public internet.

    The inbox's tenant is the stack's owner.
    """

    local_origins: str = ""
    inbox_tenant: str = "default"


def load(kind: type[SettingsType], environment: Mapping[str, str]) -> SettingsType:
    """The settings of one group: field `jobs_table` is variable `JOBS_TABLE`. Raises Misconfigured."""
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        variable = field.name.upper()
        if variable not in environment:
            if field.required:
                raise Misconfigured(f"{variable} is not set")
            continue
        try:
            values[field.name] = msgspec.convert(environment[variable], field.type, strict=False)
        except msgspec.ValidationError as error:
            raise Misconfigured(f"{variable}: {error}") from error
    return kind(**values)


def listed(text: str) -> tuple[str, ...]:
    """The items of a comma-separated setting."""
    return tuple(item.strip() for item in text.split(",") if item.strip())
