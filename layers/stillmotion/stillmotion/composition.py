"""The composition root: where adapters meet services, once for each function.

Everything here is made when it is first asked for and kept for the invocations that follow.
"""

import logging
import os
import random
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from stillmotion import settings
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.records import DynamoJobStore
from stillmotion.domain.request import VendorName
from stillmotion.domain.routing import PriceTable
from stillmotion.domain.waiting import WaitPolicy
from stillmotion.egress.tls import trust, trust_for
from stillmotion.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from stillmotion.aws.books import DynamoBooks
    from stillmotion.aws.deliveries import DynamoDeliveryStore, DynamoSubscriptions
    from stillmotion.aws.delivery_queue import SqsDeliveryQueue
    from stillmotion.aws.keys import DynamoKeyStore
    from stillmotion.aws.objects import S3ObjectStore
    from stillmotion.aws.parking import DynamoParking
    from stillmotion.aws.secrets import VendorSecret
    from stillmotion.aws.workflow import StepFunctionsWorkflow
    from stillmotion.dialects.balance import Balance
    from stillmotion.dialects.by_path import Answers, Dialects
    from stillmotion.dialects.callbacks import Body
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.native.vendor_webhooks import VendorWebhooks
    from stillmotion.dialects.openapi.serving import Contract
    from stillmotion.domain.job.records import Job
    from stillmotion.ports.egress import Pictures
    from stillmotion.ports.objects import ObjectPlace
    from stillmotion.ports.vendor import Vendor
    from stillmotion.ports.webhooks import EventBus
    from stillmotion.services.delivery.finalize import Finalize
    from stillmotion.services.dispatch.dispatch import Dispatch
    from stillmotion.services.dispatch.governor import Governor
    from stillmotion.services.dispatch.vendor_orders import VendorOrders
    from stillmotion.services.intake.api_orders import SubmitApiOrder
    from stillmotion.services.intake.estimate import Estimate
    from stillmotion.services.intake.inbox import SubmitInboxUpload
    from stillmotion.services.intake.input_images import InputImages
    from stillmotion.services.keys.authentication import Authenticator
    from stillmotion.services.keys.limits import Allowance
    from stillmotion.services.operations.close import Close
    from stillmotion.services.operations.dead_letters import DeadLetters
    from stillmotion.services.tracking.check import Check
    from stillmotion.services.tracking.sweep import Sweep
    from stillmotion.services.tracking.wake_up import WakeUpResult, WebhookAddress
    from stillmotion.services.vendors import Vendors
    from stillmotion.services.webhooks.deliver import Deliver
    from stillmotion.services.webhooks.outbound import Outbound
    from stillmotion.services.webhooks.signing_secrets import SigningSecrets

# ruff: noqa: PLC0415 - a function imports what it is made of, and pays at its cold start for nothing else


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


CLOCK = SystemClock()
CALLBACK_VIDEO_SECONDS = 3600
"""How long the URL of a video in a webhook lives, at most."""

# At DEBUG, which a stage may ask for, botocore logs whole answers, secrets among them. httpx logs every URL at INFO,
# and signed URLs are secrets.
QUIET = ("boto3", "botocore", "httpcore", "httpx", "s3transfer", "urllib3")
for _library in QUIET:
    logging.getLogger(_library).setLevel(logging.WARNING)


# --- adapters


@cache
def aws() -> AwsClients:
    # Environments that are restored from one snapshot have one sequence of random numbers, and would pause before
    # each further try, theirs and botocore's, for the same time as the others that they collided with.
    random.seed()
    return AwsClients()


@cache
def jobs() -> DynamoJobStore:
    return DynamoJobStore(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def books() -> "DynamoBooks":
    from stillmotion.aws.books import DynamoBooks

    return DynamoBooks(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def objects() -> "S3ObjectStore":
    from stillmotion.aws.objects import S3ObjectStore

    return S3ObjectStore(aws())


@cache
def parking() -> "DynamoParking":
    from stillmotion.aws.parking import DynamoParking

    return DynamoParking(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def governor() -> "Governor":
    from stillmotion.aws.governor import DynamoGovernorStore
    from stillmotion.aws.workflow import wake
    from stillmotion.services.dispatch.governor import Governor, GovernorSettings

    return Governor(
        store=DynamoGovernorStore(aws(), load(settings.TableSettings, os.environ).jobs_table),
        jobs=jobs(),
        parking=parking(),
        wake=partial(wake, aws()),
        clock=CLOCK,
        settings=load(GovernorSettings, os.environ),
    )


@cache
def workflow() -> "StepFunctionsWorkflow":
    from stillmotion.aws.workflow import StepFunctionsWorkflow

    return StepFunctionsWorkflow(aws(), load(settings.WorkflowSettings, os.environ).state_machine_arn)


@cache
def authenticator() -> "Authenticator":
    from stillmotion.aws.rates import DynamoRateStore
    from stillmotion.services.keys.authentication import Authenticator
    from stillmotion.services.keys.limits import RateLimit

    rates = DynamoRateStore(aws(), load(settings.TableSettings, os.environ).jobs_table)
    return Authenticator(api_keys(), CLOCK, RateLimit(rates))


@cache
def allowance() -> "Allowance":
    from stillmotion.aws.allowances import DynamoAllowanceStore
    from stillmotion.services.keys.limits import Allowance

    return Allowance(DynamoAllowanceStore(aws(), load(settings.TableSettings, os.environ).jobs_table), CLOCK)


@cache
def api_keys() -> "DynamoKeyStore":
    from stillmotion.aws.keys import DynamoKeyStore

    return DynamoKeyStore(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def secret() -> "VendorSecret":
    from stillmotion.aws.secrets import VendorSecret

    return VendorSecret(aws(), load(settings.VendorSettings, os.environ).vendor_secret_id)


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


@cache
def orders() -> "VendorOrders":
    from stillmotion.services.dispatch.vendor_orders import VendorOrders, VendorOrderSettings

    return VendorOrders(objects(), load(VendorOrderSettings, os.environ))


@cache
def pictures() -> "Pictures":
    from stillmotion.egress.pictures import HttpPictures

    given = load(settings.SubmitSettings, os.environ)
    return HttpPictures(local_origins=settings.listed(given.local_origins), trust=trust)


@cache
def receiving() -> "InputImages":
    from stillmotion.services.intake.input_images import InputImages

    given = load(settings.SubmitSettings, os.environ)

    def place_of(url: str) -> "ObjectPlace | None":
        from stillmotion.aws.object_urls import place_of

        return place_of(url, given.input_bucket, aws().s3.meta.endpoint_url.rstrip("/"))

    return InputImages(
        objects=objects(),
        pictures=pictures,
        place_of=place_of,
        clock=CLOCK,
        input_bucket=given.input_bucket,
        inbox_tenant=given.inbox_tenant,
    )


# --- functions


@cache
def submit_upload() -> "SubmitInboxUpload":
    from stillmotion.services.intake.inbox import SubmitInboxUpload

    given = load(settings.SubmitSettings, os.environ)
    return SubmitInboxUpload(
        jobs=jobs(),
        objects=objects(),
        workflow=workflow(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        tenant=given.inbox_tenant,
        default_prompt=given.default_prompt,
        find_still=receiving().sketched,
    )


@cache
def submit_api() -> "Dialects":
    from stillmotion.dialects.by_path import Dialects

    return Dialects(native_submit_api, {"/api/v3/": wavespeed_submit_api, "/v2/": apiframe_submit_api})


@cache
def read_api() -> "Dialects":
    from stillmotion.dialects.by_path import Dialects

    # Browsers that ask first do so in no dialect.
    by_prefix: dict[str, Callable[[], Answers]] = dict.fromkeys(("OPTIONS /", "/openapi.json", "/docs"), contract)
    return Dialects(native_read_api, by_prefix | {"/api/v3/": wavespeed_read_api, "/v2/": apiframe_read_api})


@cache
def contract() -> "Contract":
    from stillmotion.dialects.openapi.serving import Contract

    return Contract(load(settings.ApiSettings, os.environ).api_base_url)


def _submit_call() -> "SubmitApiOrder":
    from stillmotion.services.intake.api_orders import SubmitApiOrder

    given = load(settings.SubmitSettings, os.environ)
    return SubmitApiOrder(
        jobs=jobs(),
        objects=objects(),
        workflow=workflow(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        receiving=receiving(),
        input_bucket=given.input_bucket,
        allowance=allowance(),
    )


@cache
def native_submit_api() -> "Endpoints":
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.native.orders import Orders
    from stillmotion.dialects.native.problems import show_problem
    from stillmotion.dialects.native.views import View

    submit = _submit_call()

    def estimate() -> "Estimate":
        from stillmotion.services.intake.estimate import Estimate

        prices = load(PriceTable, os.environ)
        return Estimate(vendors=vendors(), orders=orders(), prices=prices, find_still=submit.still)

    return Endpoints(authenticator(), Orders(submit, estimate, load(View, os.environ)).routes(), show_problem)


@cache
def wavespeed_submit_api() -> "Endpoints":
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.wavespeed.orders import WavespeedOrders
    from stillmotion.dialects.wavespeed.problems import show_problem
    from stillmotion.dialects.wavespeed.uploads import WavespeedUploads

    submit = _submit_call()
    base_url = load(settings.ApiSettings, os.environ).api_base_url
    orders = WavespeedOrders(submit, load(PriceTable, os.environ), base_url)
    uploads = WavespeedUploads(submit, objects())
    return Endpoints(authenticator(), {**orders.routes(), **uploads.routes()}, show_problem)


@cache
def wavespeed_read_api() -> "Endpoints":
    from stillmotion.dialects.fallback import fallback
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.wavespeed import WAVESPEED
    from stillmotion.dialects.wavespeed.account import WavespeedAccount
    from stillmotion.dialects.wavespeed.predictions import WavespeedPredictions
    from stillmotion.dialects.wavespeed.problems import show_problem

    base_url = load(settings.ApiSettings, os.environ).api_base_url
    predictions = WavespeedPredictions(jobs(), objects(), base_url)
    account = WavespeedAccount(_balance())
    routes = {**predictions.routes(), **account.routes(), **fallback(WAVESPEED)}
    return Endpoints(authenticator(), routes, show_problem)


def _balance() -> "Balance":
    from stillmotion.dialects.balance import Balance

    return Balance(books(), load(settings.BudgetSettings, os.environ).budget, allowance())


@cache
def apiframe_submit_api() -> "Endpoints":
    from stillmotion.dialects.apiframe.orders import ApiframeOrders
    from stillmotion.dialects.apiframe.problems import show_problem
    from stillmotion.dialects.http import Endpoints

    orders = ApiframeOrders(_submit_call(), jobs(), objects(), _balance(), load(PriceTable, os.environ))
    return Endpoints(authenticator(), orders.routes(), show_problem)


@cache
def apiframe_read_api() -> "Endpoints":
    from stillmotion.dialects.apiframe import APIFRAME
    from stillmotion.dialects.apiframe.account import ApiframeAccount
    from stillmotion.dialects.apiframe.jobs import ApiframeJobs
    from stillmotion.dialects.apiframe.problems import show_problem
    from stillmotion.dialects.fallback import fallback
    from stillmotion.dialects.http import Endpoints

    prices = load(PriceTable, os.environ)
    read, account = ApiframeJobs(jobs(), objects(), prices), ApiframeAccount(_balance(), prices)
    return Endpoints(authenticator(), {**read.routes(), **account.routes(), **fallback(APIFRAME)}, show_problem)


@cache
def native_read_api() -> "Endpoints":
    from stillmotion.dialects.fallback import fallback
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.native import NATIVE
    from stillmotion.dialects.native.problems import show_problem
    from stillmotion.dialects.native.spending import Spending
    from stillmotion.dialects.native.videos import Videos
    from stillmotion.dialects.native.views import View

    view = load(View, os.environ)
    videos = Videos(jobs(), objects(), view)
    spending = Spending(books(), load(settings.BudgetSettings, os.environ).budget, view.inbox_tenant)
    routes = {**videos.routes(), **spending.routes(), **fallback(NATIVE)}
    return Endpoints(authenticator(), routes, show_problem)


@cache
def dispatch() -> "Dispatch":
    from stillmotion.services.dispatch.dispatch import Dispatch, DispatchSettings
    from stillmotion.services.dispatch.vendor_choice import Patience

    return Dispatch(
        jobs=jobs(),
        orders=orders(),
        vendors=vendors(),
        governor=governor(),
        parking=parking(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        waits=load(WaitPolicy, os.environ),
        settings=load(DispatchSettings, os.environ),
        patience=load(Patience, os.environ),
        budget=load(settings.BudgetSettings, os.environ).budget,
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
def webhooks(tell: "Callable[[WebhookAddress, WakeUpResult], None]") -> "VendorWebhooks":
    from stillmotion.dialects.native.vendor_webhooks import VendorWebhooks
    from stillmotion.services.tracking.wake_up import WakeUp

    nudge = WakeUp(jobs=jobs(), parking=parking(), vendors=vendors(), workflow=workflow(), clock=CLOCK)
    return VendorWebhooks(nudge=nudge, keys=_signing_keys, clock=CLOCK, tell=tell)


@cache
def check() -> "Check":
    from stillmotion.services.tracking.check import Check

    return Check(
        jobs=jobs(),
        vendors=vendors(),
        governor=governor(),
        parking=parking(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        waits=load(WaitPolicy, os.environ),
    )


@cache
def finalize() -> "Finalize":
    from stillmotion.egress.downloads import HttpDownloader
    from stillmotion.services.delivery.finalize import FetchPolicy, Finalize

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
    from stillmotion.services.operations.close import Close

    return Close(jobs=jobs(), clock=CLOCK)


@cache
def sweep() -> "Sweep":
    from stillmotion.services.tracking.reconcile import Reconcile, ReconcileSettings
    from stillmotion.services.tracking.rounds import Rounds
    from stillmotion.services.tracking.sweep import Sweep, SweepSettings

    reconcile = Reconcile(
        jobs=jobs(),
        vendors=vendors(),
        workflow=workflow(),
        clock=CLOCK,
        settings=load(ReconcileSettings, os.environ),
    )
    return Sweep(
        jobs=jobs(),
        workflow=workflow(),
        clock=CLOCK,
        settings=load(SweepSettings, os.environ),
        reconcile=reconcile,
        rounds=Rounds(governor=governor(), jobs=jobs(), workflow=workflow(), clock=CLOCK),
    )


@cache
def operate_api() -> "Dialects":
    from stillmotion.dialects.by_path import Dialects

    return Dialects(native_operate_api, {"/api/v3/": wavespeed_operate_api})


@cache
def wavespeed_operate_api() -> "Endpoints":
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.wavespeed.account import WavespeedWebhooks
    from stillmotion.dialects.wavespeed.problems import show_problem

    return Endpoints(authenticator(), WavespeedWebhooks(signing_secrets).routes(), show_problem)


@cache
def native_operate_api() -> "Endpoints":
    from stillmotion.dialects.http import Endpoints
    from stillmotion.dialects.native.dead_letters import DeadLetterRoutes
    from stillmotion.dialects.native.keys import Keys
    from stillmotion.dialects.native.problems import show_problem
    from stillmotion.dialects.native.steps import Steps
    from stillmotion.dialects.native.videos import Deletion
    from stillmotion.dialects.native.views import View
    from stillmotion.dialects.native.webhooks import Webhooks
    from stillmotion.services.dispatch.governor import Ending
    from stillmotion.services.keys.key_ring import KeyRing
    from stillmotion.services.operations.delete import Delete
    from stillmotion.services.operations.interventions import Interventions, InterventionSettings

    interventions = Interventions(
        jobs=jobs(),
        objects=objects(),
        vendors=vendors(),
        parking=parking(),
        workflow=workflow(),
        clock=CLOCK,
        prices=load(PriceTable, os.environ),
        settings=load(InterventionSettings, os.environ),
        release=lambda vendor, job_id: governor().release(vendor, job_id, Ending.NEUTRAL),
    )
    view = load(View, os.environ)
    features = (
        Steps(interventions, view),
        Deletion(Delete(jobs=jobs(), objects=objects(), cancel=interventions.cancel, clock=CLOCK)),
        DeadLetterRoutes(dead_letters, view.inbox_tenant),
        Keys(KeyRing(api_keys(), CLOCK, view.inbox_tenant)),
        Webhooks(outbound, signing_secrets),
    )
    routes = {route: answer for feature in features for route, answer in feature.routes().items()}
    return Endpoints(authenticator(), routes, show_problem)


@cache
def dead_letters() -> "DeadLetters":
    from stillmotion.aws.items import EVENT_RETENTION
    from stillmotion.aws.outbox import DynamoOutbox
    from stillmotion.aws.queues import SqsQueue
    from stillmotion.domain.dead_letters import QueueName
    from stillmotion.services.operations.dead_letters import DeadLetters, DeadLetterSettings

    given = load(DeadLetterSettings, os.environ)
    return DeadLetters(
        dead={
            QueueName.INBOX: SqsQueue(aws(), given.inbox_dead_letters_url),
            QueueName.ANNOUNCEMENTS: SqsQueue(aws(), given.announcement_dead_letters_url),
        },
        inbox=SqsQueue(aws(), given.inbox_queue_url),
        outbox=DynamoOutbox(aws(), load(settings.TableSettings, os.environ).jobs_table),
        bus=announcing(),
        clock=CLOCK,
        events_kept=EVENT_RETENTION,
    )


@cache
def event_bus() -> "EventBus":
    from stillmotion.aws.events import EventBridgeBus

    return EventBridgeBus(aws(), load(settings.AnnounceSettings, os.environ).event_bus_name)


# --- telling people


@cache
def announcing() -> "EventBus":
    from stillmotion.services.webhooks.outbound import Announcing

    return Announcing(event_bus(), outbound())


@cache
def outbound() -> "Outbound":
    from stillmotion.services.webhooks.outbound import Outbound

    return Outbound(
        jobs=jobs(),
        deliveries=deliveries(),
        subscriptions=subscriptions(),
        queue=delivery_queue(),
        clock=CLOCK,
    )


@cache
def deliveries() -> "DynamoDeliveryStore":
    from stillmotion.aws.deliveries import DynamoDeliveryStore

    return DynamoDeliveryStore(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def subscriptions() -> "DynamoSubscriptions":
    from stillmotion.aws.deliveries import DynamoSubscriptions

    return DynamoSubscriptions(aws(), load(settings.TableSettings, os.environ).jobs_table)


@cache
def delivery_queue() -> "SqsDeliveryQueue":
    from stillmotion.aws.delivery_queue import SqsDeliveryQueue

    return SqsDeliveryQueue(aws(), load(settings.OutboundSettings, os.environ).delivery_queue_url)


@cache
def signing_secrets() -> "SigningSecrets":
    from stillmotion.aws.signing_roots import SigningRoots
    from stillmotion.services.webhooks.signing_secrets import SigningSecrets

    return SigningSecrets(SigningRoots(aws(), load(settings.SigningSettings, os.environ).webhook_secret_id))


@cache
def deliver() -> "Deliver":
    from stillmotion.dialects.callbacks import Composer
    from stillmotion.egress.posting import HttpPoster
    from stillmotion.services.webhooks.deliver import Deliver

    given = load(settings.DeliverSettings, os.environ)
    return Deliver(
        jobs=jobs(),
        deliveries=deliveries(),
        compose=Composer(
            signing_secrets(),
            {"apiframe": _apiframe_callback, "wavespeed": _wavespeed_callback},
            given.inbox_tenant,
        ),
        poster=HttpPoster(local_origins=settings.listed(given.local_origins), trust=trust),
        clock=CLOCK,
    )


def _apiframe_callback() -> "Body":
    from stillmotion.dialects.apiframe.views import webhook_body

    prices = load(PriceTable, os.environ)
    return lambda job, event: webhook_body(job, event, prices, _video_url(job))


def _wavespeed_callback() -> "Body":
    from stillmotion.dialects.wavespeed.views import webhook_body

    base_url = load(settings.ApiSettings, os.environ).api_base_url
    return lambda job, _event: webhook_body(job, base_url, _video_url(job))


def _video_url(job: "Job") -> str | None:
    """A URL of the copy in the user's bucket, made anew for each try."""
    if job.video is None:
        return None
    return objects().signed_get(
        job.video.bucket, job.video.key, seconds=CALLBACK_VIDEO_SECONDS, version_id=job.video.version_id
    )
