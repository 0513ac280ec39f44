"""What the present code makes of the recorded inputs: all that the vectors need of the product is imported here.

Each function takes what an entry of its file gives as `given`. When a module of the product is renamed, its import
here is renamed, and nothing else of the vectors.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

import httpx
import msgspec
from tests.vectors import files
from tests.world import BUCKET, PRICES, World

from stillmotion.aws.allowances import taken
from stillmotion.aws.attributes import from_item
from stillmotion.aws.books import _tally, bookings
from stillmotion.aws.deliveries import DynamoSubscriptions, delivery_item, delivery_of
from stillmotion.aws.events import EventBridgeBus
from stillmotion.aws.governor import DynamoGovernorStore
from stillmotion.aws.items import (
    api_key_item,
    api_key_of,
    event_item,
    event_of,
    job_item,
    job_of,
    pointer_item,
    pointer_of,
)
from stillmotion.aws.parking import DynamoParking
from stillmotion.aws.rates import DynamoRateStore
from stillmotion.aws.table import Put, Update
from stillmotion.dialects.apiframe import views as apiframe_views
from stillmotion.dialects.callbacks import Body, Composer
from stillmotion.dialects.wavespeed import views as wavespeed_views
from stillmotion.domain import identity
from stillmotion.domain.deliveries import Delivery, Subscription
from stillmotion.domain.governing import GovernorState
from stillmotion.domain.job.records import Job, Still
from stillmotion.domain.keys import ApiKey
from stillmotion.domain.reconciling import disputed_periods
from stillmotion.domain.request import CallbackDialect, InvalidRequest, Request, VendorName
from stillmotion.domain.routing import ratio_to_send, routes, shape
from stillmotion.domain.spend import NOTHING, book
from stillmotion.edge.request import parse_request
from stillmotion.keyspace import doubt_keys, generation_key, inbound_delivery_key, job_key, recent_key, source_key
from stillmotion.ports.keys import Taking
from stillmotion.ports.records import Event, Pointer
from stillmotion.ports.vendor import Envelope, VendorOrder
from stillmotion.services.delivery.finalize import video_key
from stillmotion.services.delivery.provenance import provenance
from stillmotion.services.keys.minting import key_hash
from stillmotion.services.webhooks import announcements
from stillmotion.services.webhooks.signing_secrets import SigningSecrets, derived
from stillmotion.vendors.apiframe import ApiframeVendor
from stillmotion.vendors.signatures import Forged, apiframe_delivery, wavespeed_delivery
from stillmotion.vendors.wavespeed import WaveSpeedVendor

Given = Mapping[str, Any]
NO_CLIENT = cast("Any", None)


def value(made: object) -> Any:
    """A value of the product as JSON has it, without the fields that are not set."""
    return _set(msgspec.to_builtins(made, order="deterministic"))


def _set(built: Any) -> Any:
    match built:
        case dict():
            # Of an event's detail, null is a part: receivers of it find each field in every event.
            return {
                name: member if name == "detail" else _set(member)
                for name, member in built.items()
                if member is not None
            }
        case list() | tuple():
            return [_set(member) for member in built]
        case _:
            return built


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- requests and the ids that are made of them


def fingerprint(given: Given) -> Any:
    """Of a request as records keep it."""
    return identity.fingerprint(msgspec.convert(given, Request))


def upload(given: Given) -> Any:
    """What an uploaded image, and what is asked of it, are known by."""
    source = identity.source_id(given["bucket"], given["key"], given["checksum"])
    request = None if given["request"] is None else parse_request(given["request"])
    return {
        "source": source_key(source),
        "fingerprint": identity.fingerprint(request) if request else None,
        "job": job_key(identity.upload_job_id(source, request)),
    }


def drop(given: Given) -> Any:
    """What becomes of objects that are put into the inbox one after the other."""
    world = World(default_prompt=given.get("default_prompt", ""))
    results = []
    for put in given["objects"]:
        body = base64.b64decode(put["base64"]) if "base64" in put else put["text"].encode()
        head = world.objects.put(BUCKET, put["key"], body, metadata=put.get("metadata"))
        world.clock.advance(1)
        results += [done.result for done in world.submit_upload(BUCKET, put["key"], head.version_id)]
    jobs = [
        {
            "job": job_key(job.id),
            "source": job.source,
            "fingerprint": job.fingerprint,
            "status": job.status,
            "aspect_ratio": job.aspect_ratio,
            "execution": job.execution_name,
            "request": value(job.request),
        }
        for job in world.jobs.all()
    ]
    return {"results": results, "jobs": jobs, "pointers": sorted(world.jobs.pointers)}


def call(given: Given) -> Any:
    """What an order by the API, and its repetition, are known by."""
    tenant, key = given["tenant"], given.get("idempotency_key")
    unpacked = World().receiving.unpacked(tenant, parse_request(given["request"]))
    return {
        "request": value(unpacked.request),
        "fingerprint": unpacked.fingerprint,
        "job": job_key(identity.keyed_job_id(tenant, key)) if key is not None else "a new id",
        "repetition": None if key is not None else recent_key(tenant, unpacked.fingerprint),
    }


def name(given: Given) -> Any:
    """A name that is made of other names, and by which something is found again."""
    made: Any
    match given:
        case {"execution of": job}:
            made = _job(job).execution_name
        case {"video of": job, "generation": generation}:
            made = video_key(_job(job), generation)
        case {"idempotency key of": job, "attempt": number}:
            made = identity.idempotency_key(job, number)
        case {"hash of key": key}:
            made = key_hash(key)
        case {"signing secret of": tenant, "root": root}:
            made = derived(root, tenant)
        case {"content id of": parts}:
            made = identity.content_id(*parts)
        case {"doubts of": job}:
            attempt = _job(job).attempts[-1]
            made = list(doubt_keys(attempt.vendor, disputed_periods(attempt)))
        case {"generation": generation, "at": vendor}:
            made = generation_key(VendorName(vendor), generation)
        case {"delivery": delivery, "of": job, "from": vendor}:
            made = inbound_delivery_key(VendorName(vendor), f"{job}#{delivery}")
        case _:
            raise ValueError(given)
    return made


# --- what vendors are sent


def vendors(transport: httpx.BaseTransport | None = None) -> Mapping[str, ApiframeVendor | WaveSpeedVendor]:
    return {
        "apiframe": ApiframeVendor("https://api.apiframe.ai", lambda: "apiframe-key", transport=transport),
        "wavespeed": WaveSpeedVendor("https://api.wavespeed.ai", lambda: "wavespeed-key", transport=transport),
    }


def submission(given: Given) -> Any:
    """The frozen POST for each vendor that can serve a request, in order of preference."""
    request = parse_request(given["request"])
    pixels = given.get("pixels", (None, None))
    try:
        able = routes(request, PRICES, *pixels)
    except InvalidRequest as invalid:
        return {"refused": [str(error) for error in invalid.errors]}
    sellers, frozen = vendors(), shape(request, *pixels)
    made = []
    for route in able:
        order = VendorOrder(
            request=route.request,
            aspect_ratio=ratio_to_send(route, frozen),
            image_url=given.get("image_url"),
            end_image_url=given.get("end_image_url"),
            webhook_url=given.get("webhook_url"),
        )
        envelope = sellers[route.vendor].compose(order)
        made.append({
            "vendor": route.vendor,
            "quote": str(route.quote),
            "substitutions": value(route.substitutions),
            "path": envelope.path,
            "body": envelope.body,
        })  # fmt: skip
    return made


def attempt(given: Given) -> Any:
    """The attempt that is written down before a job is sent, without the random word in its webhook's URL."""
    world = compose_as_vendors_do(World(**given.get("settings", {})))
    job = world.dispatching(**given["request"])
    stills = {field: msgspec.convert(still, Still) for field, still in given["stills"].items()}
    for still in stills.values():
        world.objects.put(still.bucket or "", still.key or "", b"the bytes of a picture")
    world.jobs.put(msgspec.structs.replace(job, **stills))
    world.dispatch(job.id)
    begun = world.jobs.only().attempts[0]
    told = {field: getattr(begun, field) for field in ("vendor", "path", "body", "idempotency_key")}
    if begun.webhook_token is None:
        return told
    return {field: text.replace(begun.webhook_token, "a-random-word") for field, text in told.items()}


def compose_as_vendors_do(world: World) -> World:
    """A world whose scripted vendors are sent what the real ones are."""
    for vendor, real in ((world.apiframe, vendors()["apiframe"]), (world.wavespeed, vendors()["wavespeed"])):
        vendor.compose = real.compose  # type: ignore[method-assign]
    return world


def post(given: Given) -> Any:
    """A frozen POST as it goes over the wire."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    vendor = vendors(httpx.MockTransport(answer))[given["vendor"]]
    vendor.submit(Envelope(given["path"], given["body"]), given["idempotency_key"])
    (request,) = sent
    told = ("authorization", "content-type", "idempotency-key", "x-api-key")
    return {
        "method": request.method,
        "url": str(request.url),
        "headers": {header: request.headers[header] for header in told if header in request.headers},
        "body": request.content.decode(),
    }


# --- stored items


class Shelf:
    """A table with one item, in place of `aws.table.Table`."""

    def __init__(self, item: Any = None) -> None:
        self.item = item

    def get(self, _pk: str) -> Any:
        return self.item

    def write(self, writes: list[Put | Update], token: str) -> None:  # noqa: ARG002 - there is no second try
        for write in writes:
            self.item = write.item if isinstance(write, Put) else changed(self.item, write)

    def write_or_find(self, writes: list[Put | Update], token: str, is_there: Callable[[], bool]) -> None:  # noqa: ARG002 - no answer is lost
        self.write(writes, token)

    def update(self, pk: str, expression: str, names: tuple[str, ...], values: Mapping[str, object]) -> Any:
        self.item = changed(self.item, Update(pk, expression, names, values))
        return self.item


def changed(item: Any, update: Update) -> Any:
    """An item, or none, after an update of `SET` and `ADD`."""
    members = cast("dict[str, Any]", update.members())
    names, values = members["ExpressionAttributeNames"], members["ExpressionAttributeValues"]
    found = dict(item or members["Key"])
    for setter in re.finditer(r"(#\w+) = (:\w+)", members["UpdateExpression"]):
        found[names[setter[1]]] = values[setter[2]]
    for adder in re.finditer(r"(#\w+) (:\w+)", members["UpdateExpression"]):
        found[names[adder[1]]] = _sum(found.get(names[adder[1]]), values[adder[2]])
    return found


def _sum(before: Mapping[str, Any] | None, added: Mapping[str, Any]) -> Any:
    match added:
        case {"N": number}:
            return {"N": f"{Decimal((before or {}).get('N', 0)) + Decimal(number):f}"}
        case {"SS": words}:
            return {"SS": sorted({*(before or {}).get("SS", ()), *words})}
    raise ValueError(added)


@dataclass(frozen=True)
class Kind:
    """How items of a kind are written and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _on_shelf(store: Any, item: Any = None) -> tuple[Any, Shelf]:
    """A store over a shelf: of these stores nothing smaller writes or reads an item."""
    shelf = Shelf(item)
    made = store(NO_CLIENT, "table")
    made._table = shelf
    return made, shelf


def _subscription_item(given: Given) -> Any:
    store, shelf = _on_shelf(DynamoSubscriptions)
    # Of a tenant that is not told anywhere, a subscription has no address.
    store.put(msgspec.convert({"url": None, **given}, Subscription))
    return shelf.item


def _subscription_of(item: Any) -> Any:
    store, _ = _on_shelf(DynamoSubscriptions, item)
    return store.find(item["pk"]["S"].removeprefix("subscription#"))


class Governing(msgspec.Struct):
    """A state of the governor, and whose it is."""

    vendor: VendorName
    state: GovernorState


def _governor_item(given: Governing) -> Any:
    store, shelf = _on_shelf(DynamoGovernorStore)
    # What is written is the next version.
    store.write(given.vendor, msgspec.structs.replace(given.state, version=given.state.version - 1))
    return shelf.item


def _governor_of(item: Any) -> Any:
    store, _ = _on_shelf(DynamoGovernorStore, item)
    vendor = VendorName(item["pk"]["S"].removeprefix("governor#"))
    return Governing(vendor, store.read(vendor))


def _of(kind: Any, write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda built: write(msgspec.convert(built, kind))


KINDS: Mapping[str, Kind] = {
    "job": Kind(_of(Job, lambda job: job_item(job, "random")), job_of),
    "pointer": Kind(_of(Pointer, pointer_item), pointer_of),
    "event": Kind(_of(Event, event_item), event_of),
    "key": Kind(_of(ApiKey, api_key_item), api_key_of),
    "delivery": Kind(_of(Delivery, delivery_item), delivery_of),
    "subscription": Kind(_subscription_item, _subscription_of),
    "governor": Kind(_of(Governing, _governor_item), _governor_of),
}


def _settled(item: Any) -> Any:
    """An item with its sets in order, and without the random word of its writer."""
    settled = {name: {"SS": sorted(typed["SS"])} if "SS" in typed else typed for name, typed in item.items()}
    return settled | ({"writer": {"S": "a random word"}} if "writer" in item else {})


def item(given: Given) -> Any:
    """A value as it is stored; and what that reads as, where it reads as anything else."""
    kind = KINDS[given["kind"]]
    written = _settled(kind.write(given["value"]))
    read = value(kind.read(written))
    return {"item": written} | ({} if read == given["value"] else {"reads_as": read})


def old_item(given: Given) -> Any:
    """What an item reads as that this code does not write any more, or does not write yet."""
    return value(KINDS[given["kind"]].read(given["item"]))


def counter(given: Given) -> Any:
    """The items after something was counted, and what they read as."""
    match given:
        case {"rate of": whom, "minute": minute, "calls": calls}:
            store, shelf = _on_shelf(DynamoRateStore)
            counts = [store.count(whom, minute) for _ in range(calls)]
            return {"items": [shelf.item], "reads_as": counts[-1]}
        case {"nudges of": job, "at": moments, "parked": parked}:
            store, shelf = _on_shelf(DynamoParking, parked)
            tokens = [store.nudge(job, _moment(moment)) for moment in moments]
            return {"items": [shelf.item], "reads_as": {"nudges": store.nudges(job), "token": tokens[-1]}}
        case {"takings": takings}:
            _, shelf = _on_shelf(DynamoRateStore)
            shelf.write([taken(msgspec.convert(taking, Taking)) for taking in takings], "")
            return {"items": [shelf.item], "reads_as": str(from_item(shelf.item)["ordered"])}
        case {"spent on": steps}:
            return _spent([_job(job) if isinstance(job, str) else msgspec.convert(job, Job) for job in steps])
    raise ValueError(given)


def _spent(steps: list[Job]) -> Any:
    """The books after each of these jobs was stored, none of whose attempts was booked before."""
    books: dict[str, Any] = {}
    for job in steps:
        _, changes = book(unbooked(job))
        for update in bookings(changes, None):
            books[update.key] = changed(books.get(update.key), update)
    return {
        "items": [_settled(book) for book in books.values()],
        "reads_as": [read_book(book) for book in books.values()],
    }


def unbooked(job: Job) -> Job:
    """A job of whose attempts the books know nothing."""
    attempts = [msgspec.structs.replace(attempt, booked=NOTHING, counted=False) for attempt in job.attempts]
    return msgspec.structs.replace(job, attempts=tuple(attempts))


def read_book(item: Any) -> Any:
    """What a day's book says."""
    _, day, whose = item["pk"]["S"].split("#", 2)
    tenant = None if whose == "stack" else whose.removeprefix("tenant#")
    return value(_tally(date.fromisoformat(day), tenant, item))


# --- what leaves the stack


def _job(name: str) -> Job:
    """The job of an entry of the stored items."""
    return msgspec.convert(_items()[name]["given"]["value"], Job)


@cache
def _items() -> files.Vectors:
    return files.read(files.FOLDER / "items.json")


def _event(given: Given) -> Event:
    made: Event = getattr(announcements, given["event"])(_job(given["job"]), _moment(given["at"]))
    return made


def event(given: Given) -> Any:
    """An event as the event bus is given it: botocore sends a moment as seconds since 1970."""
    entry = EventBridgeBus(NO_CLIENT, "bus")._entry(_event(given))
    time: Any = entry["Time"]
    return {**entry, "Time": time.timestamp()}


def webhook(given: Given) -> Any:
    """A webhook as a tenant is sent it."""
    told, job = _event(given), _job(given["job"])
    delivery = Delivery(
        id=told.id,
        job_id=job.id,
        tenant=job.tenant,
        detail_type=told.detail_type,
        detail=told.detail,
        created_at=told.created_at,
        url="https://hooks.example/1",
        dialect=given["dialect"],
    )
    bodies: Mapping[CallbackDialect, Callable[[], Body]] = {
        "apiframe": lambda: lambda job, word: apiframe_views.webhook_body(job, word, PRICES, given.get("video_url")),
        "wavespeed": lambda: (
            lambda job, _word: wavespeed_views.webhook_body(job, given["api_base_url"], given.get("video_url"))
        ),
    }
    message = Composer(SigningSecrets(lambda: given["roots"]), bodies, "default")(
        delivery, job, _moment(given["tried_at"])
    )
    return None if message is None else {"headers": dict(message.headers), "body": message.body.decode()}


def notice(given: Given) -> Any:
    """What a vendor's webhook is known by."""
    headers, body, keys = given["headers"], given["body"].encode(), given["keys"]
    try:
        match given["vendor"]:
            case "apiframe":
                return value(apiframe_delivery(headers, body, keys))
            case _:
                return value(wavespeed_delivery(headers, body, keys, _moment(given["at"])))
    except Forged as forged:
        return f"forged: {forged}"


def origin(given: Given) -> Any:
    """The document that lies beside a video, line by line."""
    job = _job(given["job"])
    assert job.video is not None
    return provenance(job, job.video, _moment(given["at"])).decode().split("\n")


COMPUTED: Mapping[str, Callable[[Given], Any]] = {
    "attempts": attempt,
    "calls": call,
    "counters": counter,
    "drops": drop,
    "events": event,
    "fingerprints": fingerprint,
    "items": item,
    "names": name,
    "notices": notice,
    "old_items": old_item,
    "posts": post,
    "provenance": origin,
    "submissions": submission,
    "uploads": upload,
    "webhooks": webhook,
}
"""By file."""
