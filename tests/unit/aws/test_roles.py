"""Each function plays what it does, over a table that holds it to its role: that is all the role is good for."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests import ledgers
from tests.deliveries import URL, ScriptedPoster
from tests.fakes import Served
from tests.movies import film
from tests.stills import image
from tests.unit.aws.roles import Roles, Stage, allowed
from tests.unit.aws.wire import Wire
from tests.unit.dialects.calling import call
from tests.unit.dialects.stack import environment
from tests.unit.dialects.test_webhooks import SECRET, event
from tests.unit.services.test_dead_letters import MemoryQueue, failed
from tests.unit.template.document import Template, read_template
from tests.world import BUCKET, WORKFLOW_FAULT

from stillmotion import composition, keyspace
from stillmotion.aws.clients import AwsClients
from stillmotion.aws.items import KEY_PARTITION
from stillmotion.domain.deliveries import Subscription
from stillmotion.domain.identity import content_id
from stillmotion.domain.job.records import Job
from stillmotion.domain.request import Callback, VendorName
from stillmotion.keyspace import KINDS
from stillmotion.ports.records import Event
from stillmotion.ports.vendor import Accepted, Listed, Succeeded

HELD = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:DeleteItem")
# So that there is something to be looked up: a budget, and lost answers that the history may settle.
SETTINGS = {"INPUT_BUCKET": BUCKET, "TENANT_DAILY_DOLLARS": "100", "WAVESPEED_ACCOUNT_EXCLUSIVE": "true"}
ONE_WORD: tuple[Callable[[str], str], ...] = (
    keyspace.job_key,
    keyspace.source_key,
    keyspace.unwanted_key,
    keyspace.event_key,
    keyspace.outbound_key,
    keyspace.deliveries_partition,
    keyspace.subscription_key,
    keyspace.parking_key,
    keyspace.api_key_key,
)
MINE, OTHER = content_id("mine"), content_id("other")


@pytest.fixture(scope="module")
def template() -> Template:
    return read_template()


@pytest.fixture
def stage(
    clients: AwsClients, wire: Wire, table: str, template: Template, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    stage = Stage(clients, Roles(template), webhook_secret=SECRET)
    wire.before = stage.roles
    for variable, value in environment().items():
        monkeypatch.setenv(variable, value)
    for variable, value in {**SETTINGS, "JOBS_TABLE": table}.items():
        monkeypatch.setenv(variable, value)
    for name, port in stage.ports.items():
        monkeypatch.setattr(composition, name, port)
    monkeypatch.setattr(composition, "CLOCK", stage.world.clock)
    monkeypatch.setattr("stillmotion.egress.downloads.HttpDownloader", lambda **_settings: stage.downloads)
    monkeypatch.setattr("stillmotion.egress.posting.HttpPoster", lambda **_settings: stage.poster)
    monkeypatch.setattr("stillmotion.aws.queues.SqsQueue", lambda *_settings: stage.dead_letters)
    _forget()
    yield stage
    _forget()


def _forget() -> None:
    """What the composition root has made so far is another stack's."""
    for made in vars(composition).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


# --- the scenes: for each function, something of everything that it does to the table


def submit(stage: Stage) -> None:
    key, drop = stage.key(rate_per_minute=60, daily_dollars=5), composition.submit_upload()
    picture = f"data:image/png;base64,{b64encode(image('PNG')).decode()}"
    objects = stage.world.objects

    def dropped(name: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        head = objects.put(BUCKET, f"inbox/{name}", body, metadata=metadata)
        drop(BUCKET, f"inbox/{name}", head.version_id)

    with stage.roles.acting("SubmitFunction"):
        dropped("lake.jpg", image(), {"prompt": "a lake"})
        dropped("sea.jpg", image(width=640))
        dropped("sea.json", b'{"prompt": "a sea"}')
        dropped("wood.jpg", image(width=800), {"prompt": "a wood", "duration": "7"})
        for repetition in ("0", "1"):
            order, headers = {"prompt": "waves", "image": picture}, {"x-stainless-retry-count": repetition}
            assert call(composition.native_submit_api(), "POST /v1/videos", key, body=order, headers=headers)[0] == 200
        # In this dialect a spent budget refuses the order at once.
        order = {"model": "luma-ray-flash-2", "prompt": "waves"}
        assert call(composition.apiframe_submit_api(), "POST /v2/videos/generate", key, body=order)[0] == 202


def read(stage: Stage) -> None:
    key, capped = stage.key(), stage.key(daily_dollars=5)
    stage.put(replace(ledgers.done(), id=MINE))
    with stage.roles.acting("ReadFunction"):
        api = composition.native_read_api()
        assert call(api, "GET /v1/videos", key)[0] == 200
        assert call(api, "GET /v1/videos/{id}", key, path={"id": MINE})[0] == 200
        assert call(api, "GET /v1/spend", key)[0] == 200
        # What is left, a key with an allowance is told of its own.
        assert call(composition.apiframe_read_api(), "GET /v2/me", capped)[0] == 200


def dispatch(stage: Stage) -> None:
    for job_id in (MINE, OTHER):
        stage.put(replace(ledgers.dispatching(), id=job_id))
    # The second is told what the first one has.
    stage.world.wavespeed.submissions = [Accepted(generation_id="generation-1"), Accepted(generation_id="generation-1")]
    with stage.roles.acting("DispatchFunction"):
        assert composition.dispatch()(MINE).outcome == "accepted"
        assert composition.dispatch()(OTHER).outcome == "attention"


def check(stage: Stage) -> None:
    job = _with_slot(stage.put(replace(ledgers.generating(), id=MINE)))
    stage.world.wavespeed.readings = [Succeeded(vendor_status="completed", video_url="https://cdn.example/v.mp4")]
    with stage.roles.acting("CheckFunction"):
        assert composition.check()(job.id).outcome == "succeeded"


def finalize(stage: Stage) -> None:
    job = stage.put(ledgers.finalizing())
    stage.downloads.answers = {"https://v.example": [Served(film())]}
    with stage.roles.acting("FinalizeFunction"):
        assert composition.finalize()(job.id).outcome == "completed"


def fail(stage: Stage) -> None:
    job = stage.put(ledgers.dispatching())
    with stage.roles.acting("FailFunction"):
        assert composition.close()(job.id, WORKFLOW_FAULT).outcome == "failed"


def webhook(stage: Stage) -> None:
    lost = stage.put(replace(ledgers.unknown(), id=MINE))
    # Its generation is another than the one that it is told of.
    generating = stage.put(replace(ledgers.generating(), id=OTHER))
    with stage.roles.acting("WebhookFunction"):
        answers = [composition.webhooks(_silent)(event(stage.world, job)) for job in (lost, generating)]
    assert [answer["statusCode"] for answer in answers] == [200, 200]


def _silent(*_told: object) -> None:
    """Logs nothing."""


def operate(stage: Stage) -> None:
    key, api = stage.key(), composition.native_operate_api()
    lost, lost_too, unsent = "lost", "lost too", "never sent"
    jobs = {name: content_id(name) for name in (lost, lost_too, unsent, "waiting", "done")}
    for name in (lost, lost_too, unsent):
        stage.put(replace(ledgers.unknown(), id=jobs[name]))
    _with_slot(stage.put(replace(ledgers.in_line(), id=jobs["waiting"])))
    done = stage.put(replace(ledgers.done(), id=jobs["done"]))
    delivery = _delivery(stage, done)
    stage.world.clock.advance(3600)

    def asks(route: str, path: str | None = None, *, answered: int = 200, **body: object) -> None:
        status, answer, _ = call(api, route, key, body=body, path={"id": path or ""})
        assert status == answered, answer

    with stage.roles.acting("OperateFunction"):
        asks("POST /v1/keys", answered=201, name="shop")
        asks("PUT /v1/webhooks", url=URL)
        asks("POST /v1/videos/{id}/resolve", jobs[lost], action="adopt", generation="generation-7")
        asks("POST /v1/videos/{id}/resolve", jobs[lost_too], answered=409, action="adopt", generation="generation-7")
        asks("POST /v1/videos/{id}/resolve", jobs[unsent], action="not_sent")
        asks("POST /v1/videos/{id}/cancel", jobs["waiting"])
        asks("DELETE /v1/videos/{id}", jobs["done"])
        asks("POST /v1/webhooks/deliveries/{id}/replay", delivery)
        stage.dead_letters = MemoryQueue(failed(stage.world.clock.now()))
        asks("POST /v1/dead-letters/replay", queue="announcements")
    assert stage.bus.sent


def sweep(stage: Stage) -> None:
    stage.put(replace(ledgers.unknown(), id=MINE))
    made = Listed(
        generation_id="generation-7",
        model="luma/ray-2-flash-i2v",
        created_at=ledgers.NOW + timedelta(seconds=1),
        vendor_status="completed",
    )
    stage.world.wavespeed.listed = (made,)
    # Somebody died before he gave the slot back.
    _with_slot(stage.put(replace(ledgers.done(), id=OTHER)))
    stage.world.clock.time = ledgers.LATER
    with stage.roles.acting("SweepFunction"):
        swept = composition.sweep()()
    assert (swept.adopted, swept.slots_freed) == (1, 1)

    late = ledgers.NOW + timedelta(days=8)
    stage.put(replace(ledgers.unreachable(), id=OTHER, updated_at=late))
    stage.world.clock.time = late + timedelta(days=1)
    with stage.roles.acting("SweepFunction"):
        assert composition.sweep()().expired == 1


def announce(stage: Stage) -> None:
    job = stage.put(replace(ledgers.done(), id=MINE))
    now = stage.world.clock.now()
    composition.subscriptions().put(Subscription(tenant=job.tenant, url=URL, changed_at=now))
    with stage.roles.acting("AnnounceFunction"):
        composition.announcing().send([_event(job)])
    assert len(stage.queue.sent) == 1


def deliver(stage: Stage) -> None:
    delivery = _delivery(stage, stage.put(replace(ledgers.done(), id=MINE)))
    stage.poster = ScriptedPoster(410)
    with stage.roles.acting("DeliverFunction"):
        assert composition.deliver()(delivery).delivery is not None
    assert stage.poster.posts


def _with_slot(job: Job) -> Job:
    composition.governor().admit(replace(job, line=VendorName.WAVESPEED), VendorName.WAVESPEED)
    return job


def _delivery(stage: Stage, job: Job) -> str:
    """Of a job that has completed, and that says itself who is to be told."""
    assert job.request is not None
    stage.put(replace(job, request=replace(job.request, callback=Callback(url=URL))))
    delivery = composition.outbound().tell(_event(job))
    assert delivery is not None
    return delivery.id


def _event(job: Job) -> Event:
    detail = {"job_id": job.id, "tenant": job.tenant, "status": job.status.value}
    return Event(
        id=content_id(job.id), job_id=job.id, detail_type="Video Completed", detail=detail, created_at=ledgers.NOW
    )


SCENES: Mapping[str, Callable[[Stage], None]] = {
    "SubmitFunction": submit,
    "ReadFunction": read,
    "DispatchFunction": dispatch,
    "CheckFunction": check,
    "FinalizeFunction": finalize,
    "FailFunction": fail,
    "WebhookFunction": webhook,
    "OperateFunction": operate,
    "SweepFunction": sweep,
    "AnnounceFunction": announce,
    "DeliverFunction": deliver,
}


@pytest.mark.parametrize("function", SCENES)
def test_a_role_allows_what_its_function_does_to_items_and_nothing_else(
    function: str, stage: Stage, template: Template
) -> None:
    SCENES[function](stage)

    assert stage.roles.refused == []
    done = {action: stage.roles.kinds(function, action) for action in HELD}
    assert done == {action: allowed(template, function, action) for action in HELD}


def test_every_function_has_its_scene(template: Template) -> None:
    assert SCENES.keys() == template.of_type("AWS::Serverless::Function").keys()


def test_the_roles_name_the_kinds_of_items_that_there_are_and_no_others(template: Template) -> None:
    conditions = [statement.body.get("Condition", {}).values() for statement in template.statements()]
    named = {key for each in conditions for values in each for key in values.get("dynamodb:LeadingKeys", [])}

    # "key" is where the index by activity lists the API keys.
    assert named - {KEY_PARTITION[1]} == {f"{kind}#*" for kind in KINDS}


def test_each_kind_of_item_is_the_beginning_of_a_key() -> None:
    day, moment, vendor = ledgers.NOW.date(), ledgers.NOW, VendorName.WAVESPEED
    keys = {
        *(one_word("x") for one_word in ONE_WORD),
        *keyspace.doubt_keys(vendor, [moment]),
        keyspace.generation_key(vendor, "x"),
        keyspace.recent_key("x", "y"),
        keyspace.inbound_delivery_key(vendor, "x"),
        keyspace.look_key("x", 1),
        keyspace.governor_key(vendor),
        keyspace.rate_key("x", 1),
        keyspace.allowance_key("x", day),
        keyspace.book_key(day, "x"),
    }

    assert {key.partition("#")[0] for key in keys} == KINDS
