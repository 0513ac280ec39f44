"""Wires the offline vendors together: the one place where everything is made."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette

from stillmotion_local.vendors.apiframe import Apiframe
from stillmotion_local.vendors.apiframe_account import ApiframeAccount
from stillmotion_local.vendors.cdn import Cdn
from stillmotion_local.vendors.clock import Clock
from stillmotion_local.vendors.control import Control
from stillmotion_local.vendors.fault_plan import FaultPlan
from stillmotion_local.vendors.ledger import Ledger
from stillmotion_local.vendors.picture_fetching import PictureFetcher
from stillmotion_local.vendors.rendering import Renderer
from stillmotion_local.vendors.settings import VendorsSettings
from stillmotion_local.vendors.studio import Studio
from stillmotion_local.vendors.submissions import SubmissionDesk
from stillmotion_local.vendors.uploads import Uploads
from stillmotion_local.vendors.wavespeed import WaveSpeed
from stillmotion_local.vendors.webhooks import WebhookSender

LEDGER_FILE = "ledger.jsonl"
PLAN_FILE = "faults.json"


def create_app(
    settings: VendorsSettings, *, client: httpx.AsyncClient | None = None, clock: Clock = time.time
) -> Starlette:
    """Makes the application. `client` fetches pictures and sends webhooks; `clock` gives seconds since 1970."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    # Nothing may go through a proxy: pictures and webhook receivers are on this machine.
    outbound = client or httpx.AsyncClient(trust_env=False, headers={"User-Agent": "stillmotion-offline-vendors"})
    ledger = Ledger(settings.state_dir / LEDGER_FILE)
    plan = FaultPlan(settings.state_dir / PLAN_FILE)
    renderer = Renderer(videos=settings.videos, pictures=settings.pictures, at_once=settings.renders_at_once)
    webhooks = WebhookSender(client=outbound, ledger=ledger, settings=settings, clock=clock)
    studio = Studio(
        ledger=ledger,
        fetcher=PictureFetcher(outbound, settings.pictures),
        renderer=renderer,
        webhooks=webhooks,
        settings=settings,
        clock=clock,
    )
    desk = SubmissionDesk(ledger=ledger, plan=plan, studio=studio, webhooks=webhooks, settings=settings, clock=clock)
    account = ApiframeAccount(ledger=ledger, settings=settings, clock=clock)
    apiframe = Apiframe(desk=desk, ledger=ledger, account=account, settings=settings, clock=clock)
    wavespeed = WaveSpeed(desk=desk, ledger=ledger, settings=settings, clock=clock)
    uploads = Uploads(desk=desk, apiframe=account, wavespeed=wavespeed, settings=settings, clock=clock)
    cdn = Cdn(ledger=ledger, settings=settings, clock=clock)
    control = Control(ledger=ledger, plan=plan, studio=studio, renderer=renderer)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        studio.resume()
        yield
        await studio.stop()
        renderer.close()
        ledger.close()
        await outbound.aclose()

    routes = [
        *apiframe.routes(),
        *account.routes(),
        *wavespeed.routes(),
        *uploads.routes(),
        *cdn.routes(),
        *control.routes(),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
