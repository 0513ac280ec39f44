"""Examples of what is answered and told, made by the views that make the answers.

What no view makes is written down here, and held against its schema by tests/contract/openapi/test_examples.py.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from stillmotion.dialects.apiframe import problems as apiframe_problems
from stillmotion.dialects.apiframe import views as apiframe_views
from stillmotion.dialects.callbacks import Composer
from stillmotion.dialects.http import FieldProblem, HttpRequest, Problem, encoded, refused
from stillmotion.dialects.native import views
from stillmotion.dialects.native.dead_letters import DeadLetterList, LetterView, ReplayedView
from stillmotion.dialects.native.keys import KeyListView, KeyView, NewKeyView
from stillmotion.dialects.native.orders import UploadPlace, UploadTicket
from stillmotion.dialects.native.paths import JOB_ID
from stillmotion.dialects.native.problems import show_problem
from stillmotion.dialects.native.spending import Spending, SpendQuery
from stillmotion.dialects.native.steps import RetryEstimateView
from stillmotion.dialects.native.webhooks import (
    WebhookDeliveryListView,
    WebhookDeliveryView,
    WebhookSecret,
    WebhookView,
)
from stillmotion.dialects.openapi import example_jobs as jobs
from stillmotion.dialects.openapi.schemas import Json
from stillmotion.dialects.wavespeed import problems as wavespeed_problems
from stillmotion.dialects.wavespeed import views as wavespeed_views
from stillmotion.dialects.wavespeed.account import (
    WavespeedBalance,
    WavespeedBalanceData,
    WavespeedSecret,
    WavespeedSecretData,
)
from stillmotion.dialects.wavespeed.history import DEFAULT_PAGE_SIZE
from stillmotion.dialects.wavespeed.orders import WavespeedPrice, WavespeedPriceData
from stillmotion.dialects.wavespeed.predictions import WavespeedHistory, WavespeedHistoryData
from stillmotion.dialects.wavespeed.uploads import (
    WavespeedBinaryUpload,
    WavespeedBinaryUploadData,
    WavespeedUpload,
    WavespeedUploadData,
    WavespeedUploadPlace,
)
from stillmotion.domain.access import Scope
from stillmotion.domain.dead_letters import Letter, QueueName
from stillmotion.domain.deliveries import Delivery, answered
from stillmotion.domain.identity import content_id
from stillmotion.domain.job.records import Booking, Job
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.request import FieldError, VendorName
from stillmotion.domain.routing import PriceTable, routes
from stillmotion.domain.spend import Tally
from stillmotion.edge.request import parse_request
from stillmotion.ports.egress import WebhookMessage
from stillmotion.ports.records import Books, Budget, Event
from stillmotion.ports.vendor import Envelope
from stillmotion.services.intake.estimate import Estimated
from stillmotion.services.operations.dead_letters import Replayed
from stillmotion.services.webhooks import announcements
from stillmotion.services.webhooks.signing_secrets import derived

_VIEW = views.View(output_expiration_days=30)
_PRICES = PriceTable()
_BUDGET = Decimal(25)
_SECRET = derived("an example", "default")
_URL = "https://shop.example/videos"
_UPLOADED = f"s3://{jobs.INPUT_BUCKET}/uploads/default/f4cf473f-e8e5-4274-8045-ba1f1b9d2305"
_UPLOAD_URL = f"https://{_UPLOADED.removeprefix('s3://').replace('/', '.s3.amazonaws.com/', 1)}?X-Amz-Signature=…"
_VIDEO_URL = f"https://{jobs.OUTPUT_BUCKET}.s3.amazonaws.com/{jobs.VIDEO_KEY}?X-Amz-Signature=…"
_KEY = ApiKey(
    hash=jobs.KEY_HASH,
    prefix="sm_4kQz1",
    tenant="default",
    created_at=datetime(2026, 1, 2, 8, tzinfo=UTC),
    name="shop",
    scopes=(Scope.READ, Scope.WRITE),
)

ANNOUNCED: Mapping[str, tuple[Callable[[Job, datetime], Event], Callable[[], Job]]] = {
    "Video Completed": (announcements.video_completed, jobs.done),
    "Video Failed": (announcements.video_failed, jobs.declined),
    "Video Cancelled": (announcements.video_cancelled, jobs.called_off),
    "Video Needs Attention": (announcements.video_needs_attention, jobs.doubtful),
}
"""What makes each event, and of which job."""


def components(base_url: str) -> dict[str, Json]:
    """All of them, by name."""
    values = {**_videos(), **_operations(), **_account(), **_apiframe(), **_wavespeed(base_url), **_webhook_messages()}
    return {name: {"value": _as_sent(value)} for name, value in values.items()}


def named(*names: str) -> Json:
    """The `examples` of a body."""
    return {name: {"$ref": f"#/components/examples/{name}"} for name in names}


def _as_sent(value: object) -> object:
    return msgspec.json.decode(encoded(value))


def errors() -> Mapping[str, object]:
    """An error of each dialect, by the component that it is an example of."""
    detail, field = "duration: must be one of 5, 9, 10", FieldProblem("duration", "must be one of 5, 9, 10")
    problem = Problem(HTTPStatus.BAD_REQUEST, "invalid_request", detail, (field,))
    shown = {
        "Problem": show_problem(problem),
        "ApiframeError": apiframe_problems.show_problem(refused(FieldError("lumaParams.duration", "Invalid input"))),
        "WavespeedError": wavespeed_problems.show_problem(problem),
    }
    return {name: _as_sent(answer.body) for name, answer in shown.items()}


def message(detail_type: str) -> WebhookMessage:
    """What is sent of an event."""
    announce, make = ANNOUNCED[detail_type]
    job = make()
    compose = Composer(lambda _tenant: [_SECRET], {}, _KEY.tenant)
    sent = compose(_delivery(announce(job, job.updated_at)), None, job.updated_at)
    assert sent is not None  # noqa: S101 - the standard dialect tells of every event
    return sent


def estimated() -> Estimated:
    """What the order that asks for its price only would come to."""
    wanted = parse_request({"prompt": "A quiet street", "duration": 9})
    first, *others = routes(wanted, _PRICES)
    luma = {"duration": wanted.duration, "aspect_ratio": "16:9"}
    body = {"model": "luma-ray-flash-2", "prompt": wanted.prompt, "lumaParams": luma}
    return Estimated(
        route=first,
        aspect_ratio="16:9",
        envelope=Envelope("/v2/videos/generate", msgspec.json.encode(body).decode()),
        alternatives=tuple(others),
        notes=(),
    )


def _videos() -> dict[str, object]:
    return {
        "VideoQueued": _VIEW.video(jobs.queued()),
        "VideoUnderWay": _VIEW.video(jobs.generating()),
        "VideoCompleted": _VIEW.video(jobs.done()),
        "VideoFailed": _VIEW.video(jobs.declined()),
        "VideoList": _VIEW.page([jobs.done()], None),
        "VideoDeleted": views.VideoDeletedView(id=JOB_ID),
        "VideoEstimate": views.estimate(estimated()),
        "UploadTicket": UploadTicket(
            image=_UPLOADED,
            upload=UploadPlace(
                url=_UPLOAD_URL,
                headers={"content-type": "image/jpeg", "content-length": "2500000"},
                expires_in=900,
            ),
        ),
    }


def _operations() -> dict[str, object]:
    letter = Letter(
        queue=QueueName.INBOX,
        id="m1",
        sent_at=jobs.ORDERED_AT,
        receives=4,
        reason="The submit function could not handle it.",
        subject="inbox/default/lake.jpg",
    )
    replayed = Replayed(queue=QueueName.INBOX, replayed=(letter.id,))
    first, *others = routes(jobs.REQUEST, _PRICES)
    return {
        "VideoCancelled": _VIEW.video(jobs.called_off()),
        "RetryEstimate": RetryEstimateView(
            id=JOB_ID, run=1, vendor=first.vendor, price_dollars=first.quote, alternatives=views.offers(others)
        ),
        "DeadLetterList": DeadLetterList(data=[LetterView.model_validate(letter)]),
        "Replayed": ReplayedView.model_validate(replayed),
    }


def _account() -> dict[str, object]:
    revoked = replace(_KEY, revoked=True, revoked_at=jobs.ENDED_AT)
    ended = answered(_delivery(announcements.video_completed(jobs.done(), jobs.ENDED_AT)), 204, jobs.ENDED_AT)
    key, delivery = KeyView.model_validate(_KEY), WebhookDeliveryView.model_validate(ended)
    return {
        "KeyList": KeyListView(data=[key], has_more=False, next=None),
        "NewKey": NewKeyView(**dict(key), key=f"{_KEY.prefix}…"),
        "KeyRevoked": KeyView.model_validate(revoked),
        "Spend": _spend(),
        "Webhook": WebhookView(url=_URL, changed_at=jobs.ORDERED_AT),
        "WebhookSecret": WebhookSecret(secret=_SECRET, previous_secret=None),
        "WebhookDelivery": delivery,
        "WebhookDeliveryList": WebhookDeliveryListView(data=[delivery], has_more=False, next=None),
    }


class _OneDay(Books):
    """The books of a tenant that had one video made."""

    def read(self, wanted: Sequence[tuple[date, str | None]]) -> Sequence[Tally]:
        (_, tenant), vendors = wanted[0], {VendorName.WAVESPEED: Booking(charged=jobs.PRICE)}
        return [Tally(day=jobs.ORDERED_AT.date(), tenant=tenant, vendors=vendors, attempts=1)]


def _spend() -> object:
    """Of a week, as its route answers."""
    asked = HttpRequest(
        route="GET /v1/spend",
        method="GET",
        path={},
        query={},
        headers={},
        body=b"",
        arrived_at=jobs.ENDED_AT,
        caller=_KEY,
    )
    return Spending(_OneDay(), Budget(tenant_dollars=_BUDGET), _KEY.tenant).spend(asked, SpendQuery.read(asked))


def _apiframe() -> dict[str, object]:
    shown = apiframe_views.listed(jobs.done(), _PRICES, _VIDEO_URL)
    return {
        "ApiframeAccepted": apiframe_views.accepted(jobs.queued()),
        "ApiframeJob": apiframe_views.job_view(jobs.done(), _PRICES, _VIDEO_URL),
        "ApiframeJobList": apiframe_views.page([shown], None, with_models=False),
        "ApiframeMe": apiframe_views.me(_KEY, apiframe_views.available(_BUDGET, _PRICES)),
        "ApiframeModels": apiframe_views.catalogue(_PRICES, None),
        "ApiframeUpload": apiframe_views.ApiframeUploadView(
            id=content_id("upload", _UPLOADED),
            url=_UPLOAD_URL,
            content_type="image/jpeg",
            byte_size=2_500_000,
            expires_at=jobs.ENDED_AT,
        ),
    }


def _wavespeed(base_url: str) -> dict[str, object]:
    item = wavespeed_views.listed(jobs.done(), base_url, _VIDEO_URL)
    place = WavespeedUploadPlace(url=_UPLOAD_URL, headers={"Content-Type": "image/jpeg"})
    kept = WavespeedBinaryUploadData(download_url=_UPLOAD_URL, filename="lake.jpg", size=2_500_000)
    return {
        "WavespeedOrdered": wavespeed_views.WavespeedAnswer(data=wavespeed_views.ordered(jobs.queued(), base_url)),
        "WavespeedCompleted": wavespeed_views.WavespeedAnswer(
            data=wavespeed_views.prediction(jobs.done(), base_url, _VIDEO_URL)
        ),
        "WavespeedHistory": WavespeedHistory(
            data=WavespeedHistoryData(items=[item], page=1, page_size=DEFAULT_PAGE_SIZE)
        ),
        "WavespeedBinaryUpload": WavespeedBinaryUpload(data=kept),
        "WavespeedPrice": WavespeedPrice(data=WavespeedPriceData.of(float(_PRICES.wavespeed_dollars_10_seconds))),
        "WavespeedBalance": WavespeedBalance(data=WavespeedBalanceData(balance=float(_BUDGET))),
        "WavespeedSecret": WavespeedSecret(data=WavespeedSecretData(secret=_SECRET)),
        "WavespeedUpload": WavespeedUpload(data=WavespeedUploadData(upload=place, download_url=_UPLOAD_URL)),
    }


def _webhook_messages() -> dict[str, object]:
    """What webhooks carry."""
    return {
        f"{detail_type.replace(' ', '')}Told": msgspec.json.decode(message(detail_type).body)
        for detail_type in ANNOUNCED
    }


def _delivery(event: Event) -> Delivery:
    return Delivery(
        id=event.id,
        job_id=event.job_id,
        tenant=_KEY.tenant,
        detail_type=event.detail_type,
        detail=event.detail,
        created_at=event.created_at,
        url=_URL,
    )
