"""The composition root: where adapters meet services, once for each function.

Everything here is made when it is first asked for and kept for the invocations that follow.
"""

import logging
import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from stillmotion import settings
from stillmotion.aws.client import AwsClient
from stillmotion.aws.records import DynamoJobStore
from stillmotion.aws.settings import aws_settings
from stillmotion.aws.tls import trust, trust_for
from stillmotion.domain.request import VendorName
from stillmotion.domain.routing import PriceTable
from stillmotion.domain.waiting import WaitPolicy
from stillmotion.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillmotion.aws.objects import S3ObjectStore
    from stillmotion.aws.parking import DynamoParking
    from stillmotion.aws.secrets import VendorSecret
    from stillmotion.aws.workflow import StepFunctionsWorkflow
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.webhooks import Webhooks
    from stillmotion.ports import EventBus, Vendor
    from stillmotion.services.check import Check
    from stillmotion.services.close import Close
    from stillmotion.services.dispatch import Dispatch
    from stillmotion.services.finalize import Finalize
    from stillmotion.services.keys import Authenticator
    from stillmotion.services.nudge import Address, Nudged
    from stillmotion.services.sweep import Sweep
    from stillmotion.services.uploads import SubmitUpload
    from stillmotion.services.vendors import Vendors

# ruff: noqa: PLC0415 - a function imports what it is made of, and pays at its cold start for nothing else


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


CLOCK = SystemClock()

# httpx tells every URL at INFO, and signed URLs are secrets.
logging.getLogger("httpx").setLevel(logging.WARNING)


# --- adapters


@cache
def aws() -> AwsClient:
    return AwsClient(aws_settings())


@cache
def jobs() -> DynamoJobStore:
    return DynamoJobStore(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def objects() -> "S3ObjectStore":
    from stillmotion.aws.objects import S3ObjectStore

    return S3ObjectStore(aws())


@cache
def parking() -> "DynamoParking":
    from stillmotion.aws.parking import DynamoParking

    return DynamoParking(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def workflow() -> "StepFunctionsWorkflow":
    from stillmotion.aws.workflow import StepFunctionsWorkflow

    return StepFunctionsWorkflow(aws(), load(settings.WorkflowSettings, os.environ).state_machine_arn)


@cache
def authenticator() -> "Authenticator":
    from stillmotion.aws.records import DynamoKeyStore
    from stillmotion.services.keys import Authenticator

    return Authenticator(DynamoKeyStore(aws(), load(settings.TableSettings, os.environ).jobs_table), CLOCK)


@cache
def secret() -> "VendorSecret":
    from stillmotion.aws.secrets import VendorSecret

    return VendorSecret(aws(), load(settings.VendorSettings, os.environ).vendor_secret_id, CLOCK)


@cache
def vendors() -> "Vendors":
    from stillmotion.services.vendors import Vendors

    # The keys are read before an attempt begins: a secret that cannot be read must not look like a lost answer.
    makers = {VendorName.APIFRAME: _apiframe, VendorName.WAVESPEED: _wavespeed}
    return Vendors(makers, prepare=secret().keys, has_key=lambda name: bool(_vendor_key(name)))


def _vendor_key(name: VendorName) -> str:
    keys = secret().keys()
    match name:
        case VendorName.APIFRAME:
            return keys.apiframe_api_key or ""
        case VendorName.WAVESPEED:
            return keys.wavespeed_api_key or ""


def _apiframe() -> "Vendor":
    from stillmotion.vendors.apiframe import ApiframeVendor

    url = load(settings.VendorSettings, os.environ).apiframe_base_url
    return ApiframeVendor(url, lambda: _vendor_key(VendorName.APIFRAME), ssl_context=trust_for(url))


def _wavespeed() -> "Vendor":
    from stillmotion.vendors.wavespeed import WaveSpeedVendor

    url = load(settings.VendorSettings, os.environ).wavespeed_base_url
    return WaveSpeedVendor(url, lambda: _vendor_key(VendorName.WAVESPEED), ssl_context=trust_for(url))


# --- functions


@cache
def submit_upload() -> "SubmitUpload":
    from stillmotion.services.uploads import SubmitUpload

    given = load(settings.SubmitSettings, os.environ)
    return SubmitUpload(
        jobs=jobs(),
        objects=objects(),
        workflow=workflow(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        tenant=given.inbox_tenant,
        default_prompt=given.default_prompt,
    )


@cache
def submit_api() -> "Endpoints":
    from stillmotion.dialects import native
    from stillmotion.dialects.http import Endpoints
    from stillmotion.services.calls import SubmitCall

    given = load(settings.SubmitSettings, os.environ)
    submit = SubmitCall(
        jobs=jobs(),
        objects=objects(),
        workflow=workflow(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        input_bucket=given.input_bucket,
        inbox_tenant=given.inbox_tenant,
    )
    return Endpoints(authenticator(), native.submit_routes(submit), native.show_problem)


@cache
def read_api() -> "Endpoints":
    from stillmotion.dialects import native
    from stillmotion.dialects.http import Endpoints

    return Endpoints(authenticator(), native.read_routes(jobs(), objects()), native.show_problem)


@cache
def dispatch() -> "Dispatch":
    from stillmotion.services.dispatch import Dispatch, DispatchSettings

    return Dispatch(
        jobs=jobs(),
        objects=objects(),
        vendors=vendors(),
        parking=parking(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        waits=load(WaitPolicy, os.environ),
        settings=load(DispatchSettings, os.environ),
        knows_signature=lambda vendor: any(_signing_keys()[vendor]),
    )


def _signing_keys() -> "dict[VendorName, tuple[str | None, ...]]":
    """What each vendor may sign its webhooks with."""
    keys = secret().keys()
    return {
        VendorName.APIFRAME: (keys.apiframe_api_key, keys.apiframe_api_key_previous),
        VendorName.WAVESPEED: (keys.wavespeed_webhook_secret, keys.wavespeed_webhook_secret_previous),
    }


@cache
def webhooks(tell: "Callable[[Address, Nudged], None]") -> "Webhooks":
    from stillmotion.dialects.webhooks import Webhooks
    from stillmotion.services.nudge import Nudge

    nudge = Nudge(jobs=jobs(), parking=parking(), vendors=vendors(), workflow=workflow(), clock=CLOCK)
    return Webhooks(nudge=nudge, keys=_signing_keys, clock=CLOCK, tell=tell)


@cache
def check() -> "Check":
    from stillmotion.services.check import Check

    return Check(
        jobs=jobs(),
        vendors=vendors(),
        parking=parking(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        waits=load(WaitPolicy, os.environ),
    )


@cache
def finalize() -> "Finalize":
    from stillmotion.services.finalize import FetchPolicy, Finalize
    from stillmotion.vendors.downloads import HttpDownloader

    given = load(settings.FinalizeSettings, os.environ)
    downloads = HttpDownloader(
        allowed_hosts=settings.listed(given.download_hosts),
        local_origins=settings.listed(given.local_origins),
        trust=trust,
    )
    return Finalize(
        jobs=jobs(),
        downloads=downloads,
        objects=objects(),
        clock=CLOCK,
        output_bucket=given.output_bucket,
        policy=load(FetchPolicy, os.environ),
    )


@cache
def close() -> "Close":
    from stillmotion.services.close import Close

    return Close(jobs=jobs(), clock=CLOCK)


@cache
def sweep() -> "Sweep":
    from stillmotion.services.sweep import Sweep, SweepSettings

    return Sweep(jobs=jobs(), workflow=workflow(), clock=CLOCK, settings=load(SweepSettings, os.environ))


@cache
def event_bus() -> "EventBus":
    from stillmotion.aws.events import EventBridgeBus

    return EventBridgeBus(aws(), load(settings.AnnounceSettings, os.environ).event_bus_name)
