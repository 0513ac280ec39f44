"""The functions' settings: a frozen model for each group, read from the environment once; a bad value names itself.

Structs of the domain and the services are groups too, where they are settings: `load(PriceTable, environment)`.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from stillmotion.errors import Misconfigured

SettingsType = TypeVar("SettingsType", bound=msgspec.Struct)


class TableSettings(msgspec.Struct, frozen=True, kw_only=True):
    jobs_table: str


class WorkflowSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`state_machine_arn` may be that of an alias."""

    state_machine_arn: str


class SubmitSettings(msgspec.Struct, frozen=True, kw_only=True):
    input_bucket: str
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


class AnnounceSettings(msgspec.Struct, frozen=True, kw_only=True):
    event_bus_name: str


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
