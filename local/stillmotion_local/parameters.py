"""The template's parameters for a local deployment: what differs from one to AWS."""

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
}


def template_parameters(settings: VendorSettings, vendors_url: str | None, api_url: str) -> Mapping[str, str]:
    """`vendors_url` is where the offline vendors are; None when real ones replace both. `api_url` has no `/v1`."""
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
        "LocalOrigins": ",".join(sorted(local_origins)),
        # Nobody outside this machine can read its buckets, or call its API.
        "ImageTransfer": "signed_url" if settings.are_all_local else "upload",
        "Webhooks": "on" if settings.are_all_local else "off",
        "WebhookBaseUrl": api_url,
        "InboxTenant": TENANT,
        "ReservedConcurrency": str(RESERVED_CONCURRENCY),
        # The emulator knows no versions of state machines.
        "PublishVersions": "false",
        "DeletionProtection": "false",
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
