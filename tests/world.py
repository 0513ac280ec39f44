"""The services over the in-memory ports: what a test of them starts from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.fakes import (
    FakeClock,
    InMemoryAllowanceStore,
    InMemoryGovernorStore,
    InMemoryJobStore,
    InMemoryObjectStore,
    InMemoryParking,
    RecordingWorkflow,
    ScriptedPictures,
    ScriptedVendor,
)
from tests.stills import image

from stillmotion.aws.object_urls import place_of
from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.lifecycle import started
from stillmotion.domain.job.records import Job, Status
from stillmotion.domain.request import Request, VendorName
from stillmotion.domain.routing import PriceTable
from stillmotion.domain.waiting import WaitPolicy
from stillmotion.edge.request import parse_request
from stillmotion.ports.records import Budget
from stillmotion.services.dispatch.dispatch import Dispatch, DispatchSettings
from stillmotion.services.dispatch.governor import Governor, GovernorSettings
from stillmotion.services.dispatch.vendor_choice import Patience
from stillmotion.services.dispatch.vendor_orders import VendorOrders, VendorOrderSettings
from stillmotion.services.intake.api_orders import SubmitApiOrder
from stillmotion.services.intake.estimate import Estimate
from stillmotion.services.intake.inbox import SubmitInboxUpload, Submitted
from stillmotion.services.intake.input_images import InputImages
from stillmotion.services.keys.limits import Allowance
from stillmotion.services.operations.close import Close
from stillmotion.services.tracking.check import Check
from stillmotion.services.tracking.reconcile import Reconcile, ReconcileSettings
from stillmotion.services.tracking.sweep import Sweep, SweepSettings
from stillmotion.services.tracking.wake_up import WakeUp
from stillmotion.services.vendors import Vendors

BUCKET = "input"
PRICES = PriceTable()
WAITS = WaitPolicy(usual_seconds=60, short_wait_seconds=10, longest_wait_seconds=100, deadline_seconds=1000)
QUIET_SECONDS = 600
NO_LIMITS = GovernorSettings(
    wavespeed_concurrency=0, wavespeed_per_minute=0, apiframe_concurrency=0, apiframe_per_minute=0
)
WORKFLOW_FAULT = Failure(FailureKind.UNAVAILABLE, "The workflow failed.")


@dataclass
class World:
    """Everything around the services, in memory."""

    jobs: InMemoryJobStore = field(default_factory=InMemoryJobStore)
    objects: InMemoryObjectStore = field(default_factory=InMemoryObjectStore)
    parking: InMemoryParking = field(default_factory=InMemoryParking)
    workflow: RecordingWorkflow = field(default_factory=RecordingWorkflow)
    clock: FakeClock = field(default_factory=FakeClock)
    pictures: ScriptedPictures = field(default_factory=ScriptedPictures)
    apiframe: ScriptedVendor = field(default_factory=lambda: ScriptedVendor(VendorName.APIFRAME))
    wavespeed: ScriptedVendor = field(default_factory=lambda: ScriptedVendor(VendorName.WAVESPEED))
    governor_store: InMemoryGovernorStore = field(default_factory=InMemoryGovernorStore)
    limits: GovernorSettings = NO_LIMITS
    default_prompt: str = ""
    keyless: set[VendorName] = field(default_factory=set)
    image_transfer: Any = "signed_url"
    webhook_base_url: str = ""
    account_is_ours: bool = False
    tenant_dollars: Decimal | None = None
    patience: Patience = Patience()  # noqa: RUF009 - a frozen value
    knows_signature: Callable[[VendorName], bool] = lambda _vendor: True

    @property
    def vendors(self) -> Vendors:
        makers = {VendorName.APIFRAME: lambda: self.apiframe, VendorName.WAVESPEED: lambda: self.wavespeed}
        return Vendors(makers, has_key=lambda name: name not in self.keyless)

    @property
    def submit_upload(self) -> SubmitInboxUpload:
        return SubmitInboxUpload(
            jobs=self.jobs,
            objects=self.objects,
            workflow=self.workflow,
            clock=self.clock,
            prices=PRICES,
            tenant="default",
            default_prompt=self.default_prompt,
            find_still=self.receiving.sketched,
        )

    @property
    def allowance(self) -> Allowance:
        return Allowance(InMemoryAllowanceStore(self.jobs), self.clock)

    @property
    def submit_call(self) -> SubmitApiOrder:
        return SubmitApiOrder(
            jobs=self.jobs,
            objects=self.objects,
            workflow=self.workflow,
            clock=self.clock,
            prices=PRICES,
            receiving=self.receiving,
            input_bucket=BUCKET,
            allowance=self.allowance,
        )

    @property
    def receiving(self) -> InputImages:
        return InputImages(
            objects=self.objects,
            pictures=lambda: self.pictures,
            place_of=lambda url: place_of(url, BUCKET),
            clock=self.clock,
            input_bucket=BUCKET,
            inbox_tenant="default",
        )

    @property
    def governor(self) -> Governor:
        """Without limits unless `limits` says otherwise; it never sleeps."""
        return Governor(
            store=self.governor_store,
            jobs=self.jobs,
            parking=self.parking,
            wake=self.workflow.wake,
            clock=self.clock,
            settings=self.limits,
            sleep=lambda _seconds: None,
            draw=lambda: 0.0,
        )

    @property
    def orders(self) -> VendorOrders:
        return VendorOrders(self.objects, VendorOrderSettings(image_transfer=self.image_transfer))

    @property
    def estimate(self) -> Estimate:
        return Estimate(vendors=self.vendors, orders=self.orders, prices=PRICES, find_still=self.submit_call.still)

    @property
    def dispatch(self) -> Dispatch:
        return Dispatch(
            jobs=self.jobs,
            orders=self.orders,
            vendors=self.vendors,
            governor=self.governor,
            parking=self.parking,
            clock=self.clock,
            prices=PRICES,
            waits=WAITS,
            settings=DispatchSettings(webhook_base_url=self.webhook_base_url),
            patience=self.patience,
            budget=Budget(tenant_dollars=self.tenant_dollars),
            knows_signature=self.knows_signature,
        )

    @property
    def check(self) -> Check:
        return Check(
            jobs=self.jobs,
            vendors=self.vendors,
            governor=self.governor,
            parking=self.parking,
            clock=self.clock,
            prices=PRICES,
            waits=WAITS,
        )

    @property
    def nudge(self) -> WakeUp:
        return WakeUp(
            jobs=self.jobs, parking=self.parking, vendors=self.vendors, workflow=self.workflow, clock=self.clock
        )

    @property
    def sweep(self) -> Sweep:
        settings = SweepSettings(sweep_quiet_seconds=QUIET_SECONDS)
        return Sweep(
            jobs=self.jobs, workflow=self.workflow, clock=self.clock, settings=settings, reconcile=self.reconcile
        )

    @property
    def reconcile(self) -> Reconcile:
        return Reconcile(
            jobs=self.jobs,
            vendors=self.vendors,
            workflow=self.workflow,
            clock=self.clock,
            settings=ReconcileSettings(wavespeed_account_exclusive=self.account_is_ours),
        )

    @property
    def close(self) -> Close:
        return Close(jobs=self.jobs, clock=self.clock)

    def drop(self, key: str, body: bytes | None = None, metadata: Mapping[str, str] | None = None) -> Submitted:
        """Puts an object into the bucket and delivers its event."""
        head = self.objects.put(BUCKET, key, image() if body is None else body, metadata=metadata)
        return self.deliver(key, head.version_id)

    def deliver(self, key: str, version_id: str | None) -> Submitted:
        """Delivers the event of an object version, for the first time or again; the last result."""
        self.clock.advance(1)
        return self.submit_upload(BUCKET, key, version_id)[-1]

    def dispatching(self, **fields: object) -> Job:
        """A stored job that waits for its first dispatch; image-to-video at WaveSpeed unless told otherwise."""
        wanted = parse_request({"prompt": "a lake", "image": "https://a.example/1.jpg", **fields})
        return self.jobs.put(new_job(self.clock, wanted))


def new_job(clock: FakeClock, request: Request) -> Job:
    now = clock.now()
    empty = Job(id="job-1", tenant="default", status=Status.WAITING, created_at=now, updated_at=now)
    return started(empty, request, request.aspect_ratio or "16:9", now)
