"""Runs the offline vendors: `python -m stillmotion_local.vendors --port N --state-dir DIR`."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvicorn

from stillmotion_local.vendors.access import is_loopback
from stillmotion_local.vendors.app import create_app
from stillmotion_local.vendors.connections import SeverableProtocol
from stillmotion_local.vendors.settings import Limits, VendorsSettings, WebhookKeyForm

# Withheld answers and slow drips would keep a stopping server alive: it waits no longer than this.
_STOP_SECONDS = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit status."""
    options = _parser(os.environ).parse_args(arguments)
    settings = settings_of(options)
    config = uvicorn.Config(
        create_app(settings),
        host=options.host,
        port=options.port,
        http=SeverableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    # The server stops by itself on both signals and then raises them again: that must not end in a traceback.
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop_signal, lambda _number, _frame: None)
    _AnnouncingServer(config, state_dir=settings.state_dir).run()
    return 0


class _AnnouncingServer(uvicorn.Server):
    """Says one line when it listens."""

    def __init__(self, config: uvicorn.Config, *, state_dir: Path) -> None:
        super().__init__(config)
        self._state_dir = state_dir

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        for server in self.servers:
            (host, port) = server.sockets[0].getsockname()[:2]
            line = f"offline vendors listen on http://{host}:{port}, state in {self._state_dir}"
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - the one line that a person waits for


def settings_of(options: argparse.Namespace) -> VendorsSettings:
    """The settings that the command line and the environment give."""
    return VendorsSettings(
        state_dir=options.state_dir,
        public_url=options.public_url,
        apiframe_key=options.apiframe_key,
        wavespeed_key=options.wavespeed_key,
        wavespeed_webhook_secret=options.wavespeed_webhook_secret,
        apiframe_webhook_key=options.apiframe_webhook_key,
        seconds_per_video=options.seconds_per_video,
        renders_at_once=options.renders_at_once,
        apiframe_credits=options.apiframe_credits,
        wavespeed_dollars=options.wavespeed_dollars,
        webhook_retry_gaps_seconds=options.webhook_retry_gaps,
        apiframe_retention_seconds=options.apiframe_retention_seconds,
        wavespeed_retention_seconds=options.wavespeed_retention_seconds,
        apiframe_limits=Limits(concurrent=options.apiframe_concurrency, per_minute=options.apiframe_per_minute),
        wavespeed_limits=Limits(concurrent=options.wavespeed_concurrency, per_minute=options.wavespeed_per_minute),
    )


def _loopback(host: str) -> str:
    if not is_loopback(host):
        raise argparse.ArgumentTypeError(f"{host} is not a loopback address")
    return host


def _gaps(text: str) -> tuple[float, ...]:
    return tuple(float(gap) for gap in text.split(",") if gap)


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    default = VendorsSettings(state_dir=Path())
    parser = argparse.ArgumentParser(
        prog="python -m stillmotion_local.vendors",
        description="Apiframe and WaveSpeed, offline: renders previews, bills a ledger, misbehaves on demand.",
    )
    parser.add_argument("--host", type=_loopback, default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port")
    parser.add_argument("--state-dir", type=Path, required=True, help="where ledger, pictures and videos are kept")
    parser.add_argument("--public-url", help="base of the URLs that are handed out (default: as called)")
    keys = parser.add_argument_group("keys (also by environment)")
    for flag, variable, key in (
        ("--apiframe-key", "OFFLINE_APIFRAME_KEY", default.apiframe_key),
        ("--wavespeed-key", "OFFLINE_WAVESPEED_KEY", default.wavespeed_key),
        ("--wavespeed-webhook-secret", "OFFLINE_WAVESPEED_WEBHOOK_SECRET", default.wavespeed_webhook_secret),
    ):
        keys.add_argument(flag, default=environment.get(variable, key), help=f"environment: {variable}")
    keys.add_argument(
        "--apiframe-webhook-key",
        type=WebhookKeyForm,
        choices=list(WebhookKeyForm),
        default=default.apiframe_webhook_key,
        help="which reading of Apiframe's webhook key to sign with",
    )
    gaps = ",".join(f"{gap:g}" for gap in default.webhook_retry_gaps_seconds)
    parser.add_argument(
        "--webhook-retry-gaps",
        type=_gaps,
        default=environment.get("OFFLINE_WEBHOOK_RETRY_GAPS", gaps),
        help=f"seconds before each further try of a webhook; environment: OFFLINE_WEBHOOK_RETRY_GAPS (default: {gaps})",
    )
    numbers = parser.add_argument_group("pace and accounts")
    pace = float(environment.get("OFFLINE_SECONDS_PER_VIDEO", default.seconds_per_video))
    for flag, kind, value, text in (
        ("--seconds-per-video", float, pace, "no generation is done sooner; environment: OFFLINE_SECONDS_PER_VIDEO"),
        ("--renders-at-once", int, default.renders_at_once, "threads that render"),
        ("--apiframe-credits", int, default.apiframe_credits, "credits at the start"),
        ("--wavespeed-dollars", float, default.wavespeed_dollars, "balance at the start"),
        ("--apiframe-retention-seconds", float, default.apiframe_retention_seconds, "life of a video"),
        ("--wavespeed-retention-seconds", float, default.wavespeed_retention_seconds, "life of a video"),
        ("--apiframe-concurrency", int, 0, "429 beyond so many running; 0 = no limit"),
        ("--apiframe-per-minute", int, 0, "429 beyond so many a minute; 0 = no limit"),
        ("--wavespeed-concurrency", int, 0, "429 beyond so many running; 0 = no limit"),
        ("--wavespeed-per-minute", int, 0, "429 beyond so many a minute; 0 = no limit"),
    ):
        numbers.add_argument(flag, type=kind, default=value, help=f"{text} (default: {value})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
