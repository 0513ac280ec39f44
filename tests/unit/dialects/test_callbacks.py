"""What a webhook carries, and that its receiver can tell whom it is from: by the verifiers that receivers have."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook, WebhookVerificationError
from tests.deliveries import KEY_HASH, ROOT, URL, Telling

from stillmotion.domain.failures import Failure, FailureKind
from stillmotion.domain.job.records import Status
from stillmotion.domain.request import Callback, CallbackDialect
from stillmotion.ports.egress import WebhookMessage
from stillmotion.services.keys.minting import key_hash
from stillmotion.services.webhooks import announcements
from stillmotion.services.webhooks.signing_secrets import derived
from stillmotion.vendors.signatures import Forged, apiframe_delivery, wavespeed_delivery

OTHER_ROOT = "another root of thirty-three chars"


def composed(
    dialect: CallbackDialect = "standard",
    *,
    roots: tuple[str, ...] = (ROOT,),
    now: datetime | None = None,
    **job: object,
) -> WebhookMessage:
    telling = Telling(roots=roots)
    delivery = telling.queued(Callback(url=URL, dialect=dialect), **job)
    message = telling.composer(delivery, telling.world.jobs.only(), now or telling.world.clock.now())
    assert message is not None
    return message


def lower(message: WebhookMessage) -> dict[str, str]:
    return {name.lower(): value for name, value in message.headers.items()}


# --- standard


def test_the_body_is_the_event_with_its_detail() -> None:
    body = json.loads(composed().body)

    assert body.keys() == {"type", "timestamp", "data"}
    assert body["type"] == "video.completed"
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() == timedelta(0)
    assert (body["data"]["job_id"], body["data"]["status"], body["data"]["event_id"]) == ("job-1", "completed", "e-1")


@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_what_a_vendor_says_of_the_operators_account_is_told_to_the_stacks_owner_alone(tenant: str) -> None:
    telling = Telling()
    failure = Failure(FailureKind.OUT_OF_CREDITS, "HTTP 402: needs 51 credits, has 7")
    job = telling.job(Callback(url=URL), status=Status.FAILED, failure=failure, tenant=tenant)
    delivery = telling.outbound.tell(announcements.video_failed(job, job.updated_at))
    assert delivery is not None
    message = telling.composer(delivery, job, telling.world.clock.now())
    assert message is not None
    told = json.loads(message.body)["data"]["failure"]
    assert (told["kind"], "has 7" in told["message"]) == ("out_of_credits", tenant == "default")


def test_the_standard_library_takes_it() -> None:
    # Its verifier knows no other clock than the machine's.
    message = composed(now=datetime.now(UTC))

    assert Webhook(derived(ROOT, "default")).verify(message.body, dict(message.headers)) == json.loads(message.body)


@pytest.mark.parametrize("secret", [derived(ROOT, "acme"), derived(OTHER_ROOT, "default")])
def test_with_another_secret_it_is_refused(secret: str) -> None:
    message = composed(now=datetime.now(UTC))

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(message.body, dict(message.headers))


def test_while_the_root_is_changed_both_secrets_are_good() -> None:
    message = composed(roots=(OTHER_ROOT, ROOT), now=datetime.now(UTC))

    for root in (OTHER_ROOT, ROOT):
        assert Webhook(derived(root, "default")).verify(message.body, dict(message.headers))


def test_it_is_signed_for_the_time_of_this_try() -> None:
    message = composed(now=datetime.now(UTC) - timedelta(minutes=6))

    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(derived(ROOT, "default")).verify(message.body, dict(message.headers))


# --- apiframe


def test_apiframes_body_is_signed_with_the_hash_of_the_key_that_ordered() -> None:
    key = "sm_a-key-of-the-callers"
    message = composed("apiframe", ordered_with=key_hash(key))

    digest = hashlib.sha256(key.encode()).digest()
    assert message.headers["X-Webhook-Signature"] == "sha256=" + hmac.new(digest, message.body, "sha256").hexdigest()
    assert apiframe_delivery(lower(message), message.body, [key]).generation_id == "job-1"
    with pytest.raises(Forged):
        apiframe_delivery(lower(message), message.body, ["sm_another-key"])


def test_apiframes_headers_name_the_event_and_the_delivery() -> None:
    message = composed("apiframe")

    assert message.headers["X-Webhook-Event"] == "completed"
    assert message.headers["webhook-id"] == "e-1"
    assert json.loads(message.body)["event"] == "completed"
    assert KEY_HASH not in str(message)


# --- wavespeed


def test_wavespeeds_body_is_signed_with_the_text_of_the_tenants_secret() -> None:
    telling = Telling()
    now = telling.world.clock.now()
    message = composed("wavespeed")

    taken = wavespeed_delivery(lower(message), message.body, [derived(ROOT, "default")], now)
    assert (taken.id, taken.generation_id) == ("e-1", "job-1")
    with pytest.raises(Forged):
        wavespeed_delivery(lower(message), message.body, [derived(ROOT, "acme")], now)


def test_wavespeeds_scheme_has_one_signature_also_while_the_root_is_changed() -> None:
    message = composed("wavespeed", roots=(OTHER_ROOT, ROOT))

    now = Telling().world.clock.now()
    assert wavespeed_delivery(lower(message), message.body, [derived(OTHER_ROOT, "default")], now)


# --- both


@pytest.mark.parametrize("dialect", ["apiframe", "wavespeed"])
def test_a_job_that_has_moved_on_is_not_shown_as_what_the_event_told_of(dialect: CallbackDialect) -> None:
    telling = Telling()
    delivery = telling.queued(Callback(url=URL, dialect=dialect))
    moved = replace(telling.world.jobs.only(), status=Status.GENERATING)

    assert telling.composer(delivery, moved, telling.world.clock.now()) is None
    assert telling.composer(delivery, None, telling.world.clock.now()) is None


def test_the_standard_event_is_told_whatever_the_job_is_by_now() -> None:
    telling = Telling()
    delivery = telling.queued()

    assert telling.composer(delivery, None, telling.world.clock.now()) is not None
