"""The keys of a local stack: the vendors', in its secret, and the caller's own."""

import json
from datetime import UTC, datetime

from stillmotion.aws.keys import DynamoKeyStore
from stillmotion.domain.keys import ApiKey
from stillmotion.services.keys.minting import PREFIX_SHOWN, key_hash, mint
from stillmotion_local.aws_clients import LocalAws
from stillmotion_local.failures import StackError
from stillmotion_local.parameters import TENANT
from stillmotion_local.vendor_access import VendorAccess, VendorSettings, read_webhook_secret
from stillmotion_local.workspace import Workspace, write_private


def put_vendor_keys(aws: LocalAws, secret_name: str, settings: VendorSettings, vendors_url: str | None) -> None:
    """Fills the stack's secret, WaveSpeed's webhook secret included where the server tells it."""
    keys = {
        "apiframe_api_key": settings.apiframe.api_key,
        "wavespeed_api_key": settings.wavespeed.api_key,
    }
    webhook_secret = read_webhook_secret(_address(settings.wavespeed, vendors_url), settings.wavespeed.api_key)
    if webhook_secret is not None:
        keys["wavespeed_webhook_secret"] = webhook_secret
    aws.secretsmanager.put_secret_value(SecretId=secret_name, SecretString=json.dumps(keys))


def ensure_api_key(workspace: Workspace, aws: LocalAws, table: str) -> str:
    """The key that this checkout's commands call the API with: the same one every time. The table gets its hash."""
    file = workspace.local / "api-key"
    now = datetime.now(UTC)
    api_key, record = mint(TENANT, now)
    if file.exists():
        api_key = file.read_text(encoding="ascii").strip()
        record = ApiKey(hash=key_hash(api_key), prefix=api_key[:PREFIX_SHOWN], tenant=TENANT, created_at=now)
    DynamoKeyStore(aws.of_the_functions, table).put(record)
    write_private(file, api_key + "\n")
    return api_key


def enable_expiry(aws: LocalAws, table: str) -> None:
    """Turns on the expiry that the template asks for: the emulator leaves it off."""
    described = aws.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if described["TimeToLiveStatus"] != "ENABLED":
        aws.dynamodb.update_time_to_live(
            TableName=table,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
        )


def _address(vendor: VendorAccess, vendors_url: str | None) -> str:
    address = vendor.base_url or vendors_url
    if address is None:
        raise StackError(f"Nobody answers for {vendor.name}.", next_step="Run `stillmotion local down`, then up.")
    return address
