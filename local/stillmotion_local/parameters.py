"""The template's parameters for a local deployment: what differs from one to AWS."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from stillmotion_local.vendor_access import VendorSettings

# Each of the emulator's workers is a process, and without a limit there is one for every call at once.
RESERVED_CONCURRENCY = 10
# The tenant of the inbox and of the commands' key, so that both see the same jobs.
TENANT = "default"
# A vendor on this machine answers in seconds.
LOCAL_WAITS: Mapping[str, str] = {
    "UsualSeconds": "3",
    "ShortWaitSeconds": "2",
    "LongestWaitSeconds": "10",
    "FirstFetchWaitSeconds": "2",
    "SlowPollSeconds": "10",
    "SweepQuietSeconds": "12",
    "SweepMinutes": "2",
    "PauseSeconds": "2",
    "LoweredSeconds": "10",
    "BreakerRestSeconds": "5",
    # The same clock, and indexes that are never late.
    "ReconcileAfterSeconds": "20",
    "ReconcileMarginSeconds": "2",
}
# The parameters of the accounts' limits, by the variable that sets each.
LIMITS: Mapping[str, str] = {
    "WAVESPEED_CONCURRENCY": "WavespeedConcurrency",
    "WAVESPEED_PER_MINUTE": "WavespeedPerMinute",
    "APIFRAME_CONCURRENCY": "ApiframeConcurrency",
    "APIFRAME_PER_MINUTE": "ApiframePerMinute",
}


def template_parameters(
    settings: VendorSettings, vendors_url: str | None, api_url: str, environment: Mapping[str, str] = os.environ
) -> Mapping[str, str]:
    """`vendors_url` is where the offline vendors are; None when real ones replace both. `api_url` has no `/v1`.

    `LOCAL_ORIGINS` in the environment has more origins on this machine, comma-separated: receivers of webhooks.
    """
    addresses = {
        "ApiframeBaseUrl": settings.apiframe.base_url or vendors_url or "",
        "WavespeedBaseUrl": settings.wavespeed.base_url or vendors_url or "",
    }
    accesses = (settings.apiframe, settings.wavespeed)
    local_origins = {
        _origin(address) for address, access in zip(addresses.values(), accesses, strict=True) if access.is_local
    }
    return {
        **addresses,
        **(LOCAL_WAITS if settings.are_all_local else {}),
        **_limits(settings),
        "LocalOrigins": ",".join(sorted(local_origins | _listed(environment.get("LOCAL_ORIGINS", "")))),
        # Nobody outside this machine can read its buckets, or call its API.
        "ImageTransfer": "signed_url" if settings.are_all_local else "upload",
        "Webhooks": "on" if settings.are_all_local else "off",
        "WebhookBaseUrl": api_url,
        "WavespeedAccountExclusive": "true" if settings.wavespeed.is_offline else "false",
        "InboxTenant": TENANT,
        "ReservedConcurrency": str(RESERVED_CONCURRENCY),
        # The emulator knows no versions of state machines.
        "PublishVersions": "false",
        "DeletionProtection": "false",
    }


def _limits(settings: VendorSettings) -> Mapping[str, str]:
    """A vendor on this machine takes any number in a minute; whatever the environment says goes before it."""
    local = {
        "WavespeedPerMinute": "0" if settings.wavespeed.is_local else None,
        "ApiframePerMinute": "0" if settings.apiframe.is_local else None,
    }
    told = {LIMITS[variable]: value for variable, value in settings.limits.items()}
    return {name: value for name, value in (local | told).items() if value is not None}


def _listed(text: str) -> set[str]:
    return {item.strip() for item in text.split(",") if item.strip()}


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
