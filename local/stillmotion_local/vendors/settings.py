"""Settings of the offline vendors, validated once at start."""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

DAY_SECONDS = 86_400.0


class WebhookKeyForm(StrEnum):
    """The two readings of the key that Apiframe signs webhooks with: SHA-256 of the API key, raw or in hex."""

    DIGEST = "digest"
    HEX_DIGEST = "hex_digest"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an account's tier allows at one vendor; 0 is no limit."""

    concurrent: int = 0
    per_minute: int = 0


@dataclass(frozen=True, kw_only=True)
class VendorsSettings:
    """Everything that can be chosen when the server starts."""

    state_dir: Path
    public_url: str | None = None
    apiframe_key: str = "afk_offline"
    wavespeed_key: str = "ws_offline"
    wavespeed_webhook_secret: str = "whsec_offline_wavespeed_webhook_secret"  # noqa: S105 - protects nothing real
    apiframe_webhook_key: WebhookKeyForm = WebhookKeyForm.DIGEST
    seconds_per_video: float = 2.0
    renders_at_once: int = field(default_factory=lambda: max(1, min(4, os.cpu_count() or 1)))
    apiframe_credits: int = 1_000_000
    wavespeed_dollars: float = 10_000.0
    # OpenAPI of Apiframe: purged after 24 h by default; WaveSpeed: outputs live 7 days.
    apiframe_retention_seconds: float = DAY_SECONDS
    wavespeed_retention_seconds: float = 7 * DAY_SECONDS
    apiframe_limits: Limits = field(default_factory=Limits)
    wavespeed_limits: Limits = field(default_factory=Limits)
    webhook_retry_gaps_seconds: tuple[float, ...] = (1.0, 3.0, 9.0)

    @property
    def pictures(self) -> Path:
        """Start and end pictures, each named by the SHA-256 of its bytes."""
        return self.state_dir / "pictures"

    @property
    def videos(self) -> Path:
        """Rendered videos, each named by the fingerprint of its scene."""
        return self.state_dir / "videos"

    @property
    def uploads(self) -> Path:
        """Files that callers uploaded, by vendor."""
        return self.state_dir / "uploads"
